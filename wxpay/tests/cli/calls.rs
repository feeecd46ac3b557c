//! `wxpay get|post|…`

use wechatpay_chain::sandbox::Sandbox;

use crate::program::Program;

#[test]
fn call_uses_the_keys_of_the_environment() {
    let sandbox = Sandbox::start().unwrap();
    let program = Program::with(&sandbox);
    let run = program.run(&["post", "v3/security/echo", "-f", "echo_message=hello"]);
    assert_eq!(run.ok(), r#"{"echo_message":"hello"}"#);

    let err = program
        .run(&["get", "v3/pay/transactions/out-trade-no/{out_trade_no}"])
        .failed(2);
    assert!(err.starts_with("error: "), "{err}");
    let err = program
        .in_chinese()
        .run(&["post", "v3/certificates"])
        .failed(2);
    assert_eq!(err, "错误: v3/certificates 的方法是 GET, 不是 POST\n");
}

#[test]
fn options_come_from_a_file_or_standard_input() {
    let sandbox = Sandbox::start().unwrap();
    let program = Program::with(&sandbox);
    let options = r#"{"json": {"echo_message": "hello"}}"#;
    let run = program.run_with_input(&["--json", "post", "v3.security.echo", "-o", "-"], options);
    assert_eq!(run.json()["body"]["echo_message"], "hello");
    assert_eq!(run.json()["verified"], true);

    std::fs::write(program.home().join("echo.json"), options).unwrap();
    let run = program.run(&["post", "v3/security/echo", "-o", "@echo.json"]);
    assert_eq!(run.ok(), r#"{"echo_message":"hello"}"#);

    let program = program
        .without("WXPAY_SERIAL")
        .without("WXPAY_CLIENT_CERTIFICATE");
    let err = program
        .run(&["post", "v3/security/echo", "-o", "@echo.json"])
        .failed(3);
    assert!(err.contains("serial"), "{err}");
}

#[test]
fn text_instead_of_an_object_is_a_mistake_with_what_to_do() {
    let sandbox = Sandbox::start().unwrap();
    let program = Program::with(&sandbox);
    let words = [
        "post",
        "v3/pay/transactions/native",
        "-o",
        r#"{"json": "tea"}"#,
    ];
    let err = program.run(&words).failed(2);
    assert!(
        err.contains("`/json` is a string: expected an object\n"),
        "{err}"
    );
    assert!(err.ends_with("  --no-check sends it anyway.\n"), "{err}");
    let words = [&words[..], &["--no-check"]].concat();
    let err = program.run(&words).failed(5);
    assert!(err.contains("body must be a JSON object"), "{err}");
    let err = program.run(&["post", "v3/x", "-o", "[1]"]).failed(2);
    assert!(err.contains("-o is not a JSON object"), "{err}");
}

#[test]
fn reasons_of_the_system_are_in_the_language_of_the_user() {
    let missing = ["verify", "nothing.http", "--sandbox=http://127.0.0.1:1"];
    let program = Program::new().env("WXPAY_APIV3_KEY", &"k".repeat(32));
    let err = program.run(&missing[..2]).failed(2);
    assert!(
        err.contains("cannot read nothing.http: No such file"),
        "{err}"
    );
    let err = program.run(&["verify", "a", "--sandbox=tea"]).failed(2);
    assert!(err.contains("expected http://HOST:PORT"), "{err}");
    let program = program.in_chinese();
    let err = program.run(&missing[..2]).failed(2);
    assert_eq!(err, "错误: 无法读取 nothing.http: 文件或目录不存在\n");
    // Nobody listens at port 1.
    let err = program.run(&missing).failed(4);
    assert!(err.contains("没有沙箱: 连接被拒绝"), "{err}");
}
