//! `wxpay doctor`.

use std::fs;

use serde_json::{Value, json};
use wechatpay_chain::sandbox::Sandbox;

use crate::program::{Program, Run};

/// Returns the levels by check.
fn levels(run: &Run) -> Value {
    let findings = run.json()["findings"].as_array().unwrap().clone();
    findings
        .iter()
        .map(|finding| {
            (
                finding["check"].as_str().unwrap().to_owned(),
                finding["level"].clone(),
            )
        })
        .collect::<serde_json::Map<_, _>>()
        .into()
}

#[test]
fn doctor_finds_nothing_wrong_with_a_sandbox() {
    let sandbox = Sandbox::start().unwrap();
    let program = Program::with(&sandbox);
    let run = program.run(&["--json", "doctor"]);
    let levels = levels(&run);
    assert_eq!(run.code, 0, "{levels}");
    for check in [
        "mchid",
        "private_key",
        "certificate",
        "key_pair",
        "serial",
        "platform_key",
        "apiv3_key",
        "apiv2_key",
        "proxy",
        "dns",
        "tcp",
        "tls",
        "clock",
        "call",
        "encryption",
    ] {
        assert_eq!(levels[check], "ok", "{check}: {levels}");
    }
    assert_eq!(run.json()["ok"], true);
    let paths: Vec<_> = sandbox
        .requests()
        .iter()
        .map(|request| request.path().to_owned())
        .collect();
    assert_eq!(paths, ["/v3/certificates", "/v3/security/echo"]);
    assert!(
        program
            .in_chinese()
            .run(&["doctor"])
            .ok()
            .contains("签名通过")
    );
}

#[test]
fn doctor_says_which_key_is_wrong() {
    let (sandbox, other) = (
        Sandbox::start().unwrap(),
        Sandbox::builder().fresh_keys().start().unwrap(),
    );
    let program = Program::with(&sandbox);
    let others = Program::new();
    let of_other = |file: &str| {
        others
            .export(&other)
            .join(file)
            .to_str()
            .unwrap()
            .to_owned()
    };
    let own = |file: &str| {
        program
            .home()
            .join("sandbox")
            .join(sandbox.mchid())
            .join(file)
            .to_str()
            .unwrap()
            .to_owned()
    };
    let (key, cert) = (of_other("apiclient_key.pem"), own("apiclient_cert.pem"));
    for (arguments, check, part) in [
        (
            ["--private-key", key.as_str()],
            "key_pair",
            "does not belong",
        ),
        (
            ["--private-key", "nowhere.pem"],
            "private_key",
            "nowhere.pem",
        ),
        (["--mchid", "19000001O9"], "mchid", "digits"),
        (["--serial", "477211985401927"], "serial", "40 hexadecimal"),
        (
            ["--serial", "3775B6A45ACD588826D15E583A95F5DD00000000"],
            "serial",
            "not that of the certificate",
        ),
        (
            ["--pub-key", cert.as_str()],
            "platform_key",
            "merchant's own",
        ),
        (["--apiv3-key", "too short"], "apiv3_key", "9 characters"),
        (
            ["--apiv2-key", " 23456789012345678901234567890 "],
            "apiv2_key",
            "white space",
        ),
    ] {
        let run = program.run(&[&["--json", "doctor"], &arguments[..]].concat());
        let findings = run.json()["findings"].as_array().unwrap().clone();
        let finding = findings
            .iter()
            .find(|finding| finding["check"] == check && finding["level"] == "error")
            .unwrap_or_else(|| panic!("{arguments:?}: {findings:?}"));
        assert!(
            finding["message"].as_str().unwrap().contains(part),
            "{finding}"
        );
        assert_eq!(run.json()["exit_code"], 3);
        assert!(!run.stdout.contains("too short"), "{}", run.stdout);
        run.failed(3);
    }
}

#[test]
fn doctor_finds_where_the_network_ends() {
    let sandbox = Sandbox::start().unwrap();
    let program = Program::with(&sandbox);
    // This port is held here, so that nobody listens on it at another loopback address.
    let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = format!("127.0.0.2:{}", held.local_addr().unwrap().port());
    let run = program.run(&[
        "--json",
        "doctor",
        "--base-uri",
        &format!("http://{closed}/"),
    ]);
    assert_eq!(levels(&run)["tcp"], "error");
    run.failed(4);
    let run = program.run(&["--json", "doctor", "--base-uri", "https://wxpay.invalid/"]);
    assert_eq!(levels(&run)["dns"], "error");

    // The sandbox's certificate is trusted with its CA only.
    let config = fs::read_to_string(
        program
            .home()
            .join("sandbox")
            .join(sandbox.mchid())
            .join("config.json"),
    )
    .unwrap();
    let config: Value = serde_json::from_str(&config).unwrap();
    let https = config["https_base_uri"].as_str().unwrap();
    let run = program.run(&["--json", "doctor", "--base-uri", https]);
    assert_eq!(levels(&run)["tls"], "error");
    assert!(run.stdout.contains("--ca"), "{}", run.stdout);
    let ca = program
        .home()
        .join("sandbox")
        .join(sandbox.mchid())
        .join("ca.pem");
    let run = program.run(&[
        "--json",
        "doctor",
        "--base-uri",
        https,
        "--ca",
        ca.to_str().unwrap(),
    ]);
    assert_eq!(
        (&levels(&run)["tls"], &levels(&run)["call"]),
        (&json!("ok"), &json!("ok"))
    );

    let proxied = program.env("HTTP_PROXY", &format!("http://user:secret@{closed}"));
    let run = proxied.run(&["--json", "doctor"]);
    assert!(
        run.stdout.contains(&format!("proxy: http://{closed}")),
        "{}",
        run.stdout
    );
    assert!(!run.stdout.contains("secret") && !run.stderr.contains("secret"));
    run.failed(4);
}

#[test]
fn doctor_reports_a_refused_signature() {
    let sandbox = Sandbox::start().unwrap();
    let program = Program::with(&sandbox)
        .without("WXPAY_CLIENT_CERTIFICATE")
        .env("WXPAY_SERIAL", "3775B6A45ACD588826D15E583A95F5DD00000000");
    let run = program.run(&["doctor"]);
    assert!(
        run.stdout.contains("SIGN_ERROR") && run.stdout.contains("belong together"),
        "{}",
        run.stdout
    );
    run.failed(5);
}

#[cfg(unix)]
#[test]
fn doctor_warns_of_files_that_others_can_read() {
    use std::os::unix::fs::PermissionsExt;

    let sandbox = Sandbox::start().unwrap();
    let program = Program::with(&sandbox);
    let key = program
        .home()
        .join("sandbox")
        .join(sandbox.mchid())
        .join("apiclient_key.pem");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let stdout = program.run(&["doctor"]).ok();
    assert!(
        stdout.contains("(mode 644)") && stdout.contains("chmod 600"),
        "{stdout}"
    );
}

/// A response as WeChat Pay really gives it.
const RESPONSE: &str = r#"{"code":"SIGN_ERROR","message":"错误的签名，验签失败","detail":{"detail":{"issue":"sign not match"},"field":"signature","location":"authorization","sign_information":{"method":"GET","sign_message_length":47,"truncated_sign_message":"GET\n/v3/certificates?a=1\n1554208460\nNONCE0\n\n","url":"/v3/certificates?a=1"}}}"#;

#[test]
fn sign_error_is_compared_line_by_line() {
    let program = Program::new();
    let response = RESPONSE.replace(
        "47",
        &"GET\n/v3/certificates?a=1\n1554208460\nNONCE0\n\n"
            .len()
            .to_string(),
    );
    fs::write(program.home().join("response.json"), &response).unwrap();
    let stdout = program.run(&["doctor", "--error", "response.json"]).ok();
    assert!(
        stdout.contains("/v3/certificates?a=1") && stdout.contains("--message"),
        "{stdout}"
    );

    let message = "GET\n/v3/certificates\n1554208460\nNONCE0\n\n";
    fs::write(program.home().join("message.txt"), message).unwrap();
    let arguments = ["doctor", "--error", "-", "--message", "message.txt"];
    let stdout = program.run_with_input(&arguments, &response).ok();
    assert!(
        stdout.contains("the URL differs") && stdout.contains("query"),
        "{stdout}"
    );
    // The errors of this program have the response's parts.
    let wrapped = format!("{{\"error\":{response}}}");
    let run = program.run_with_input(&[&["--json"], &arguments[..]].concat(), &wrapped);
    assert_eq!(run.json()["differences"][0]["line"], "url");
    let chinese = program
        .in_chinese()
        .run_with_input(&arguments, &response)
        .ok();
    assert!(chinese.contains("URL不一致"), "{chinese}");
}

#[test]
fn other_errors_are_not_taken_for_sign_errors() {
    let program = Program::new();
    let arguments = ["doctor", "--error", "-"];
    let err = program
        .run_with_input(&arguments, r#"{"code":"PARAM_ERROR"}"#)
        .failed(2);
    assert!(err.contains("PARAM_ERROR"), "{err}");
    program.run_with_input(&arguments, "<html>").failed(2);
    let serial =
        r#"{"code":"SIGN_ERROR","message":"商户证书序列号有误。请使用签名私钥匹配的证书序列号"}"#;
    let stdout = program.run_with_input(&arguments, serial).ok();
    assert!(stdout.contains("apiclient_cert.pem"), "{stdout}");
}
