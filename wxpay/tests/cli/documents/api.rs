//! `wxpay api`.

use std::process::Command;

use serde_json::Value;
use wechatpay_chain::sandbox::Sandbox;

use crate::program::Program;

#[test]
fn one_hit_is_a_page_in_either_language() {
    let program = Program::new();
    let page = program.run(&["api", "v3/pay/transactions/native"]).ok();
    for line in [
        "POST v3/pay/transactions/native\nNative下单\n",
        "\n      total                 integer   required  fen\n",
        "\n      currency              string\n",
        "encrypted: RSA-OAEP",
        "\nNotifications\n  v3 TRANSACTION.SUCCESS\n",
        "\nwxpay post v3/pay/transactions/native \\\n  -f appid=",
        "\"amount\": {\n      \"total\": 1\n    }",
    ] {
        assert!(page.contains(line), "{line}\n{}", page);
    }
    for form in [
        "v3.pay.transactions.native",
        "/v3/pay/transactions/native",
        "native下单 POST v3/pay/transactions/native",
    ] {
        assert_eq!(program.run(&["api", form]).ok(), page, "{form}");
    }
    let chinese = Program::new().in_chinese();
    let page = chinese
        .run(&["api", "POST", "v3/pay/transactions/native"])
        .ok();
    for text in ["\n请求\n", "必填", "单位", "加密: RSA-OAEP", "\n示例\n"] {
        let text = if text == "单位" { "  分\n" } else { text };
        assert!(page.contains(text), "{text}\n{}", page);
    }
    assert!(!page.contains("required"));
}

#[test]
fn several_hits_are_a_list() {
    let program = Program::new();
    let list = program.run(&["api", "退款", "查询"]).ok();
    let first = list.lines().next().unwrap();
    assert_eq!(
        first.split_whitespace().collect::<Vec<_>>()[0],
        "POST",
        "{first}"
    );
    assert!(list.lines().count() > 10);
    assert!(
        list.lines()
            .all(|line| line.contains("退款") || line.contains("refund"))
    );

    let hits = program
        .run(&["--json", "api", "settle_info.profit_sharing"])
        .json();
    let native = hits
        .as_array()
        .unwrap()
        .iter()
        .find(|hit| hit["template"] == "v3/pay/transactions/native");
    assert_eq!(
        native.unwrap()["fields"][0],
        "json.settle_info.profit_sharing"
    );

    let hits = program
        .run(&[
            "--json",
            "api",
            "v3/merchant-service/complaint-notifications",
        ])
        .json();
    assert_eq!(hits.as_array().unwrap().len(), 4);
}

#[test]
fn events_are_listed_and_shown() {
    let program = Program::new();
    let all = program.run(&["api", "--events", "--json"]).json();
    assert_eq!(all.as_array().unwrap().len(), 115);
    let page = program.run(&["api", "REFUND.SUCCESS"]).ok();
    assert!(page.contains("out_refund_no"), "{page}");
    assert!(page.contains("POST v3/refund/domestic/refunds  "), "{page}");
    let some = program.run(&["api", "--events", "payscore"]).ok();
    assert!(
        some.lines().all(|line| line.starts_with("v3  PAYSCORE.")),
        "{some}"
    );
    let none = program.run(&["api", "--events", "PAYSCORE.USER_PAYED"]);
    assert_eq!(none.code, 1);
    assert!(
        none.stderr.contains("PAYSCORE.USER_PAID"),
        "{}",
        none.stderr
    );
}

#[test]
fn nothing_found_names_what_is_near() {
    let run = Program::new().run(&["api", "profit_sharng"]);
    assert_eq!((run.code, &*run.stdout), (1, ""));
    assert!(run.stderr.contains("profit_sharing"), "{}", run.stderr);
    let run = Program::new()
        .in_chinese()
        .run(&["api", "v3/pay/transactions/natve"]);
    assert_eq!(run.code, 1);
    assert!(
        run.stderr.contains("文档中没有符合") && run.stderr.contains("v3/pay/transactions/native"),
        "{}",
        run.stderr
    );
    let json = Program::new().run(&["--json", "api", "申清退款"]);
    let error: Value = serde_json::from_str(&json.stderr).unwrap();
    assert_eq!(error["error"]["exit_code"], 1);
    assert!(
        error["error"]["advice"]
            .as_str()
            .unwrap()
            .contains("申请退款")
    );
}

#[test]
fn sample_command_is_the_sample_request() {
    let sandbox = Sandbox::start().unwrap();
    let program = Program::with(&sandbox);
    for operation in [
        "POST v3/pay/transactions/native",
        "GET v3/pay/transactions/out-trade-no/{out_trade_no}",
        // A list of objects and sealed fields.
        "POST v3/ecommerce/applyments/",
        // `security`, which is an option, and JSON text in XML.
        "POST v2/secapi/pay/refund",
        "POST v2/transit/pay/payapply",
        // A header that only the caller can set.
        "POST v3/marketing/partnerships/build",
    ] {
        let page = program.run(&["--json", "api", operation]).json();
        let sample = &page["sample"];
        // The shell finds the program under test by its name.
        let command =
            sample["command"]
                .as_str()
                .unwrap()
                .replacen("wxpay", env!("CARGO_BIN_EXE_wxpay"), 1);
        let output = Command::new("sh")
            .args([
                "-c",
                &format!("{command} --dry-run --json --mchid 1900000109"),
            ])
            .env_clear()
            .envs(
                program
                    .command(&[])
                    .get_envs()
                    .filter_map(|(name, value)| Some((name, value?))),
            )
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{operation}\n{command}\n{error}");
        let sent: Value = serde_json::from_slice(&output.stdout).unwrap();
        if operation.ends_with("native") {
            let body: Value = serde_json::from_str(sent["body"].as_str().unwrap()).unwrap();
            assert_eq!(body, sample["options"]["json"]);
        }
    }
}

#[test]
fn sample_of_an_upload_names_the_fields_that_the_command_does_not_fill() {
    let page = |path| {
        let page = Program::new().run(&["--json", "api", path]).json();
        page["sample"]["command"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        page("v3/merchant/media/upload"),
        "wxpay upload FILE --as v3/merchant/media/upload"
    );
    assert_eq!(
        page("POST v3/marketing/bank/packages/{package_id}/tasks"),
        "wxpay upload FILE --as 'v3/marketing/bank/packages/{package_id}/tasks' \\\n  \
         -f package_id=1000001 \\\n  -f bank_type=1"
    );
}
