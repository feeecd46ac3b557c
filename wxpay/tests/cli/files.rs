//! `wxpay certs`, `wxpay bill` and `wxpay upload`.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use serde_json::{Value, json};
use wechatpay_chain::{
    Method, http,
    model::BeijingTime,
    sandbox::{Fault, PlatformMode, Sandbox},
};

use crate::program::{Program, Run};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn with_certificates() -> Sandbox {
    Sandbox::builder()
        .platform_mode(PlatformMode::Certificate)
        .start()
        .unwrap()
}

fn certs(program: &Program, sandbox: &Sandbox, more: &[&str]) -> Run {
    let key = program.export(sandbox).join("apiclient_key.pem");
    let uri = sandbox.base_uri();
    let arguments = [
        "certs",
        "-k",
        sandbox.apiv3_key(),
        "--mchid",
        sandbox.mchid(),
        "--privatekey",
        key.to_str().unwrap(),
        "-s",
        sandbox.serial(),
        "-u",
        &uri,
    ];
    program.run(&[&arguments, more].concat())
}

#[test]
fn certificates_are_downloaded_with_the_options_of_the_php_tool() {
    let sandbox = with_certificates();
    let program = Program::new();
    let run = certs(&program, &sandbox, &["-o", "certificates"]);
    assert!(
        run.stderr
            .starts_with("warning: the key on the command line")
    );
    let stdout = run.ok();
    let certificates = sandbox.merchant().platform_certificates();
    assert_eq!(stdout.lines().count(), certificates.len());
    for certificate in certificates {
        let name = format!("certificates/wechatpay_{}.pem", certificate.serial());
        let line = stdout.lines().find(|line| line.contains(&name)).unwrap();
        let cells: Vec<_> = line.split('\t').collect();
        let until = BeijingTime::from(certificate.not_after()).to_string();
        assert_eq!((cells[0], cells[2]), (certificate.serial(), until.as_str()));
        let path = program.home().join(name);
        assert_eq!(fs::read_to_string(&path).unwrap(), certificate.to_pem());
        assert_private(&path);
    }
}

#[test]
fn certificates_go_to_a_new_folder_by_default() {
    let sandbox = with_certificates();
    let program = Program::new();
    let program = program.env("TMPDIR", ".").in_chinese();
    let run = certs(&program, &sandbox, &["--json"]);
    let first = &run.json()[0];
    let path = program.home().join(first["path"].as_str().unwrap());
    let folder = path.parent().unwrap();
    assert!(
        folder
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .starts_with("wechatpay-")
    );
    assert_private(folder);
    assert!(path.exists());
    let again = certs(&program, &sandbox, &["--json"]).json();
    assert_ne!(first["path"], again[0]["path"]);
    assert_eq!(first["serial"], again[0]["serial"]);
}

#[test]
fn merchant_with_a_public_key_is_told_so() {
    let sandbox = Sandbox::start().unwrap();
    let program = Program::new();
    let err = certs(&program, &sandbox, &["-o", "none"]).failed(5);
    assert!(
        err.contains("has a public key instead; nothing was saved"),
        "{err}"
    );
    assert!(!program.home().join("none").exists());
    let err = certs(&program.in_chinese(), &sandbox, &[]).failed(5);
    assert!(err.contains("该商户使用微信支付公钥"), "{err}");
    let err = Program::with(&sandbox)
        .without("WXPAY_APIV3_KEY")
        .run(&["certs"])
        .failed(3);
    assert!(err.contains("no `apiv3_key`"), "{err}");
}

/// Two orders were paid on the first of these days, or on the second if it is midnight now.
fn shop() -> (Sandbox, [String; 2]) {
    let sandbox = Sandbox::start().unwrap();
    let client = sandbox.client_builder().build().unwrap();
    let today = BeijingTime::now();
    let days = [today.date(), (today + DAY).date()];
    for (number, description) in [("tea-0001", "茶, 一杯"), ("tea-0002", "a \"cup\"")] {
        let order = json!({ "json": {
            "appid": sandbox.appid(), "mchid": sandbox.mchid(), "description": description,
            "out_trade_no": number, "notify_url": "https://example.com/notify",
            "amount": { "total": 129 },
        }});
        client
            .chain("v3/pay/transactions/native")
            .post(order)
            .unwrap();
        sandbox.user_pays(number).unwrap();
    }
    sandbox.advance(2 * DAY);
    (sandbox, days)
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| line.parse().unwrap()).collect()
}

#[test]
fn bill_of_several_days_is_printed_with_its_totals() {
    let (sandbox, [first, last]) = shop();
    let program = Program::with(&sandbox).env("TMPDIR", ".");
    let printed = lines(
        &program
            .run(&["bill", "trade", &first, &last, "--json"])
            .ok(),
    );
    let rows: Vec<_> = printed.iter().filter_map(|line| line.get("row")).collect();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0]["商户订单号"], "tea-0001");
    assert_eq!(rows[0]["商品名称"], "茶, 一杯");
    let days = printed.iter().filter(|line| line.get("summary").is_some());
    let mut counts: Vec<_> = days.map(|day| day["rows"].as_u64()).collect();
    counts.sort();
    assert_eq!(counts, [Some(0), Some(2)]);
    let totals = printed.last().unwrap();
    assert_eq!((&totals["days"], &totals["rows"]), (&json!(2), &json!(2)));
    assert_eq!(
        totals["totals"]["订单总金额"],
        json!({ "fen": 258, "yuan": "2.58" })
    );
    assert_eq!(totals["totals"]["总交易单数"], 2);

    // A file between the steps is gone.
    let left = fs::read_dir(program.home()).unwrap().flatten();
    let left: Vec<_> = left.map(|entry| entry.file_name()).collect();
    assert_eq!(left, ["sandbox"]);

    let run = program.run(&["bill", "trade", &first, &last]);
    assert!(run.stdout.contains(",\"茶, 一杯\","), "{}", run.stdout);
    assert_eq!(run.stdout.lines().count(), 3);
    assert!(run.stderr.contains("no bill, nothing happened on that day"));
    assert!(
        run.stderr.contains("订单总金额: 2.58 yuan, 258 fen"),
        "{}",
        run.stderr
    );
    let run = program
        .in_chinese()
        .run(&["bill", "fundflow", &first, &last, "--csv"]);
    assert!(
        run.stderr.contains("没有账单, 当天没有发生业务"),
        "{}",
        run.stderr
    );
    assert!(
        run.stderr.contains("收入金额: 2.58 元, 258 分"),
        "{}",
        run.stderr
    );
    assert_eq!(run.ok().lines().count(), 3);
}

#[test]
fn bills_are_kept_and_not_replaced() {
    let (sandbox, [first, last]) = shop();
    let program = Program::with(&sandbox);
    let keep = ["bill", "trade", &first, &last, "--out", "bills"];
    let stdout = program.run(&keep).ok();
    let path = stdout.trim_end().split('\t').next_back().unwrap();
    let path = program.home().join(path);
    let bill = fs::read_to_string(&path).unwrap();
    assert!(
        bill.contains(",`tea-0001,"),
        "the file is as WeChat Pay wrote it"
    );
    assert_private(&path);

    // Nothing is sent for a file that would be replaced.
    fs::write(&path, "mine").unwrap();
    sandbox.clear_requests();
    let err = program.run(&keep).failed(1);
    assert!(err.contains("exists; --force replaces it"), "{err}");
    assert!(sandbox.requests().is_empty());
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    program.run(&[&keep[..], &["--force"]].concat()).ok();
    assert_eq!(fs::read_to_string(&path).unwrap(), bill);

    program
        .run(&[&keep[..], &["-f", "bill_type=SUCCESS"]].concat())
        .ok();
    assert_eq!(
        fs::read_dir(program.home().join("bills")).unwrap().count(),
        2
    );
}

#[test]
fn mistakes_are_named_before_anything_is_sent() {
    let sandbox = Sandbox::start().unwrap();
    let program = Program::with(&sandbox);
    let bill = |more: &[&str]| program.run(&[&["bill", "trade"], more].concat()).failed(2);
    assert!(bill(&["2025-13-01"]).contains("invalid date `2025-13-01`"));
    assert!(bill(&["2025-11-20", "2025-11-19"]).contains("is before"));
    assert!(bill(&["2025-11-20", "-f", "bill_tpe=ALL"]).contains("bill_type"));
    assert!(bill(&["2025-11-20", "-f", "json.x=1"]).contains("query parameters only"));
    assert!(sandbox.requests().is_empty());
}

#[test]
fn failed_hash_keeps_no_file() {
    let (sandbox, [first, last]) = shop();
    let altered = Fault::Raw {
        status: http::StatusCode::OK,
        headers: http::HeaderMap::new(),
        body: "交易时间\n`1\n".into(),
    };
    sandbox.inject_at("v3/billdownload/file", altered);
    let program = Program::with(&sandbox);
    let run = program.run(&["bill", "trade", &first, &last, "--out", "bills"]);
    let err = run.failed(7);
    assert!(err.contains("SHA-1"), "{err}");
    assert_eq!(
        fs::read_dir(program.home().join("bills")).unwrap().count(),
        0
    );
}

#[cfg(unix)]
#[test]
fn interrupted_bill_leaves_no_file() {
    let (sandbox, [first, last]) = shop();
    let program = Program::with(&sandbox).env("TMPDIR", ".");
    for out in [&["--out", "bills"][..], &[]] {
        sandbox.clear_requests();
        sandbox.inject_at(
            "v3/billdownload/file",
            Fault::Delay(Duration::from_secs(600)),
        );
        let mut command = program.command(&[&["bill", "trade", &first, &last], out].concat());
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        while sandbox
            .requests_to(Method::GET, "v3/billdownload/file")
            .is_empty()
        {
            assert!(child.try_wait().unwrap().is_none(), "the program has ended");
            thread::yield_now();
        }
        let sent = Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
        let run = Run::from(child.wait_with_output().unwrap());
        assert!(run.failed(130).contains("interrupted; nothing was changed"));
        sandbox.clear_faults();
    }
    assert_eq!(
        fs::read_dir(program.home().join("bills")).unwrap().count(),
        0
    );
    let left = fs::read_dir(program.home()).unwrap().flatten();
    let mut left: Vec<_> = left.map(|entry| entry.file_name()).collect();
    left.sort();
    assert_eq!(left, ["bills", "sandbox"]);
}

#[test]
fn uploads_print_the_media_id() {
    let sandbox = Sandbox::start().unwrap();
    let program = Program::with(&sandbox);
    for name in ["license.jpg", "shop.mp4"] {
        fs::write(program.home().join(name), "not really a picture").unwrap();
    }
    let id = program.run(&["upload", "license.jpg"]).ok();
    assert!(id.trim_end().len() > 20 && !id.contains('{'), "{id}");
    assert!(program.run(&["upload", "license.jpg", "--json"]).json()["media_id"].is_string());
    program.run(&["upload", "shop.mp4"]).ok();
    program.run(&["upload", "shop.mp4", "--video"]).ok();
    let images = sandbox.requests_to(Method::POST, "v3/merchant/media/upload");
    let videos = sandbox.requests_to(Method::POST, "v3/merchant/media/video_upload");
    assert_eq!((images.len(), videos.len()), (2, 2));

    let url = program
        .run(&[
            "upload",
            "license.jpg",
            "--as",
            "v3/marketing/favor/media/image-upload",
        ])
        .ok();
    assert!(url.starts_with("https://"), "{url}");
    let err = program
        .run(&["upload", "license.jpg", "--as", "v3/certificates"])
        .failed(2);
    assert!(err.contains("is not a documented upload"), "{err}");
    program.run(&["upload", "absent.jpg"]).failed(1);
    let due = "v3/mch-operation-manage/enhanced-due-diligence/{due_diligence_id}/upload";
    let err = program
        .run(&["upload", "license.jpg", "--as", due])
        .failed(2);
    assert!(err.contains("due_diligence_id"), "{err}");
}

#[track_caller]
fn assert_private(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}", path.display());
    }
}
