//! What goes wrong around the program: no space, no reader, odd arguments, endless files, text that steers the
//! terminal. It neither panics nor says what is not true.

use std::{
    ffi::OsStr,
    fs::{self, OpenOptions},
    io::Read,
    net::TcpListener,
    os::unix::ffi::OsStrExt,
    process::{Command, Stdio},
    thread,
};

use wechatpay_chain::{
    Method,
    sandbox::{Fault, Sandbox},
};

use crate::{
    crypto::{openssl, with_openssl_keys},
    program::{Program, Run},
};

const ECHO: [&str; 4] = ["post", "v3/security/echo", "-f", "echo_message=hello"];

/// Returns a run whose standard output has no space left.
#[cfg(target_os = "linux")]
fn run_without_space(program: &Program, arguments: &[&str]) -> Run {
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = program.command(arguments);
    let child = command.stdout(full).stderr(Stdio::piped()).spawn();
    child.unwrap().wait_with_output().unwrap().into()
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written_is_an_error() {
    let sandbox = Sandbox::start().unwrap();
    let program = Program::with(&sandbox);
    for arguments in [
        &["sign", "--url", "/v3/certificates"][..],
        &["api", "v3/certificates"],
        &["man"],
        &["--json", "profiles"],
    ] {
        let err = run_without_space(&program, arguments).failed(1);
        assert!(err.contains("cannot write the output"), "{err}");
    }
    run_without_space(&program, &["--help"]).failed(1);
    let err = run_without_space(&program, &ECHO).failed(8);
    assert!(
        err.contains("The request succeeded. Do not send it again."),
        "{err}"
    );
    let err = run_without_space(&program.in_chinese(), &ECHO).failed(8);
    assert!(
        err.contains("无法写入输出") && err.contains("请勿重复发送"),
        "{err}"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn exit_code_is_the_same_if_nobody_hears_the_error() {
    let sandbox = Sandbox::start().unwrap();
    let program = Program::with(&sandbox);
    sandbox.inject_at("v3/security/echo", Fault::Hangup);
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = program.command(&[&["--json"], &ECHO[..]].concat());
    let status = command.stderr(full).stdout(Stdio::null()).status().unwrap();
    assert_eq!(status.code(), Some(6));
}

#[test]
fn reader_that_is_gone_is_no_error() {
    let program = Program::new();
    let mut command = program.command(&["--json", "events", "--documented"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    // There is more than a pipe holds.
    child.stdout.take().unwrap().read_exact(&mut [0]).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn argument_that_is_not_utf8_is_no_panic() {
    let program = Program::new();
    let path = OsStr::from_bytes(b"keys/\xff.pem");
    for arguments in [
        &["upload"][..],
        &["certs", "-o"],
        &["get", "v3/certificates", "--private-key"],
    ] {
        let mut command = program.command(arguments);
        let run = Run::from(command.arg(path).output().unwrap());
        assert!([1, 3].contains(&run.code), "{arguments:?}: {}", run.stderr);
        assert!(run.stderr.starts_with("error: "), "{}", run.stderr);
    }
}

#[test]
fn endless_file_is_refused() {
    let sandbox = Sandbox::start().unwrap();
    let program = Program::with(&sandbox);
    for setting in [
        "PRIVATE_KEY",
        "CLIENT_CERTIFICATE",
        "PUB_KEY",
        "CA",
        "CONFIG",
    ] {
        let program = Program::with(&sandbox).env(&format!("WXPAY_{setting}"), "/dev/zero");
        let err = program.run(&["get", "v3/certificates"]).failed(3);
        assert!(
            err.contains("cannot read /dev/zero: larger than 16 MiB"),
            "{setting}: {err}"
        );
    }
    program
        .run(&["get", "v3/certificates", "-o", "@/dev/zero"])
        .failed(2);
}

#[test]
fn key_comes_from_a_pipe() {
    let sandbox = Sandbox::start().unwrap();
    let program = Program::with(&sandbox);
    let key = program.export(&sandbox).join("apiclient_key.pem");
    let key = fs::read_to_string(key).unwrap();
    let arguments = [&ECHO[..], &["--private-key", "/dev/stdin"]].concat();
    let answer = program.run_with_input(&arguments, &key).ok();
    assert!(answer.contains("hello"), "{answer}");
}

#[test]
fn password_of_a_proxy_is_not_shown() {
    let program = Program::new().env("WXPAY_PROXY", "http://shop:hunter2@127.0.0.1:9/");
    for arguments in [
        &["get", "--help"][..],
        &["doctor"],
        &["get", "v3/certificates"],
    ] {
        let run = program.run(arguments);
        assert!(
            !format!("{}{}", run.stdout, run.stderr).contains("hunter2"),
            "{arguments:?}"
        );
    }
}

#[test]
fn json_has_no_commands_to_a_terminal() {
    let sandbox = Sandbox::start().unwrap();
    let program = Program::with(&sandbox);
    let message = "a\u{1b}[2J\u{9b}31m\u{202e}\u{7f}茶";
    let field = format!("echo_message={message}");
    let run = program.run(&["--json", "post", "v3/security/echo", "-f", &field]);
    assert_eq!(run.json()["body"]["echo_message"], message);
    let is_command = |c: char| c != '\n' && c.is_control() || c == '\u{202e}';
    assert!(!run.stdout.contains(is_command), "{:?}", run.stdout);
    assert!(run.stdout.contains('茶'));
}

#[test]
fn decrypted_text_reaches_a_program_unchanged() {
    let program = with_openssl_keys();
    let home = program.home();
    let text = "a\u{1b}[31mred\u{9b}0m";
    fs::write(home.join("text"), text).unwrap();
    let arguments = "pkeyutl -encrypt -pubin -inkey merchant.pub.pem -in text -out field -pkeyopt rsa_padding_mode:oaep";
    openssl(home, arguments);
    let field = String::from_utf8(openssl(home, "base64 -in field")).unwrap();
    let decrypted = program.run_with_input(&["decrypt", "-"], &field).ok();
    assert_eq!(decrypted, format!("{text}\n"));
}

#[test]
fn write_whose_response_does_not_verify_is_not_to_be_repeated() {
    let sandbox = Sandbox::start().unwrap();
    let program = Program::with(&sandbox);
    sandbox.inject_at("v3/security/echo", Fault::BadSignature);
    let err = program.run(&ECHO).failed(7);
    assert!(
        err.contains("What the request did is not known. Query its number"),
        "{err}"
    );
}

#[test]
fn read_without_a_response_can_be_repeated() {
    let sandbox = Sandbox::start().unwrap();
    let program = Program::with(&sandbox).env("WXPAY_TIMEOUT", "0.4");
    sandbox.inject_at(
        "v3/certificates",
        Fault::Delay(std::time::Duration::from_secs(60)),
    );
    let err = program.run(&["get", "v3/certificates"]).failed(6);
    assert!(err.contains("Nothing was changed: send it again."), "{err}");
    sandbox.inject_at(
        "v3/certificates",
        Fault::Delay(std::time::Duration::from_secs(60)),
    );
    let err = program
        .in_chinese()
        .run(&["get", "v3/certificates"])
        .failed(6);
    assert!(err.contains("没有任何更改"), "{err}");
}

/// A pager that does not read, say.
#[test]
fn ctrl_c_ends_a_program_that_nobody_reads() {
    let sandbox = Sandbox::start().unwrap();
    let program = Program::with(&sandbox);
    let long = "x".repeat(1 << 20);
    let answer = serde_json::json!({ "echo_message": long });
    sandbox
        .respond(Method::POST, "v3/security/echo", answer)
        .unwrap();
    let mut command = program.command(&ECHO);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = child.stdout.take().unwrap();
    // The response is there, and more of it than a pipe holds.
    stdout.read_exact(&mut [0]).unwrap();
    let id = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &id])
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(child.wait().unwrap().code(), Some(8));
}

#[test]
fn request_is_what_was_written_or_none() {
    let sandbox = Sandbox::start().unwrap();
    let program = Program::with(&sandbox);
    let deep = format!("json.{}a=1", "0.".repeat(50_000));
    for (option, wrong) in [
        (
            "-o",
            r#"{"json": {"echo_message": "a", "echo_message": "b"}}"#,
        ),
        (
            "-o",
            r#"{"json": {"echo_message": "a", "total": 18446744073709551616}}"#,
        ),
        ("-f", "json.total:=18446744073709551616"),
        ("-f", &deep),
    ] {
        let arguments = ["post", "v3/security/echo", "--no-check", option, wrong];
        program.run(&arguments).failed(2);
    }
    assert!(sandbox.requests().is_empty());
}

#[test]
fn sandbox_that_does_not_answer_may_have_done_it() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let sandbox = format!("--sandbox=http://{}", listener.local_addr().unwrap());
    let hangs_up = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        let mut bytes = [0; 1024];
        while !request.ends_with(b"}") {
            let length = stream.read(&mut bytes).unwrap();
            request.extend(&bytes[..length]);
        }
    });
    let program = Program::new();
    let trigger = ["trigger", "REFUND.SUCCESS", &sandbox];
    let err = program.run(&trigger).failed(6);
    assert!(err.contains("no answer from the sandbox"), "{err}");
    hangs_up.join().unwrap();
    program.run(&trigger).failed(4);
    let err = program
        .env("WXPAY_SANDBOX_TOKEN", "two\nlines")
        .run(&trigger)
        .failed(3);
    assert!(!err.contains("lines"), "{err}");
}
