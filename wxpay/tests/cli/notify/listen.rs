use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    process::{Command, Stdio},
    thread,
};

use serde_json::{Value, json};
use wechatpay_chain::sandbox::{DeliveryFault, Sandbox};

use super::{
    Listening, notify, paid, raw,
    receiver::{Arrived, Receiver, send},
};
use crate::program::Program;

const EVENT: &str = "TRANSACTION.SUCCESS";

#[test]
fn notification_is_verified_shown_kept_and_acknowledged() {
    let sandbox = Sandbox::start().unwrap();
    let program = Program::with(&sandbox);
    let mut listening = Listening::start(&program, &["--count", "1"]);
    let delivery = notify(&sandbox, EVENT, paid(), &listening.url);
    assert!(delivery.is_acknowledged());

    let line = listening.next();
    assert_eq!(line["verdict"], "verified", "{line}");
    assert_eq!(line["event"], EVENT);
    assert_eq!(
        (&line["number"], &line["amount"]),
        (&json!("tea-0001"), &json!("¥19.99"))
    );
    assert_eq!(line["resource"], *delivery.resource());
    assert_eq!(line["forwarded"], Value::Null);
    let folder = program.home().join(".local/state/wxpay/notifications");
    let file = folder.join(format!("{}.json", line["stored"].as_str().unwrap()));
    let kept = std::fs::read_to_string(file).unwrap();
    assert!(kept.contains("wechatpay-signature") && !kept.contains("transaction_id"));

    let summary: Value = serde_json::from_str(&listening.end().ok()).unwrap();
    assert_eq!(summary["verified"], 1);
}

#[test]
fn notification_is_forwarded_unchanged_and_the_response_passed_back() {
    let sandbox = Sandbox::start().unwrap();
    let program = Program::with(&sandbox);
    let shop = Receiver::start("202 Accepted", "X-Shop: tea\r\n", "{\"code\":\"OK\"}");
    let options = ["--forward-to", &format!("{}/hook", shop.url)];
    let mut listening = Listening::start(&program, &options);
    let delivery = notify(&sandbox, EVENT, paid(), &listening.url);

    let attempt = &delivery.attempts()[0];
    assert_eq!(attempt.status().unwrap(), 202);
    assert_eq!(attempt.headers()["x-shop"], "tea");
    assert_eq!(&**attempt.body(), b"{\"code\":\"OK\"}");
    let arrived = &shop.arrived()[0];
    assert_eq!(arrived.first, "POST /hook HTTP/1.1");
    assert_eq!(arrived.body, **delivery.body());
    for (name, value) in attempt.sent_headers() {
        assert_eq!(arrived.header(name.as_str()), value.to_str().ok(), "{name}");
    }
    let forwarded = &listening.next()["forwarded"];
    assert_eq!(
        (&forwarded["status"], &forwarded["body"]),
        (&json!(202), &json!("{\"code\":\"OK\"}"))
    );
}

#[test]
fn names_of_headers_keep_their_capitals() {
    let sandbox = Sandbox::start().unwrap();
    let program = Program::with(&sandbox);
    let shop = Receiver::start("200 OK", "", "");
    let options = ["--forward-to", &shop.url, "--forward-unverified"];
    let listening = Listening::start(&program, &options);
    let request = "POST /a?b HTTP/1.1\r\nHost: x\r\nWechatpay-Serial: 1\r\nX-ODD-case: 2\r\n\
         Content-Length: 2\r\nConnection: close\r\n\r\n{}";
    assert_eq!(send(&listening.url, request.as_bytes()), 200);
    let arrived = &shop.arrived()[0];
    assert_eq!(arrived.first, "POST /a?b HTTP/1.1");
    for name in ["Wechatpay-Serial", "X-ODD-case"] {
        let names = || arrived.headers.iter().map(|(name, _)| name);
        assert!(names().any(|known| known == name), "{name}");
    }
}

#[test]
fn probe_is_refused_and_not_forwarded() {
    let sandbox = Sandbox::start().unwrap();
    let program = Program::with(&sandbox);
    let shop = Receiver::start("200 OK", "", "");
    let mut listening = Listening::start(&program, &["--forward-to", &shop.url]);
    for (fault, verdict, status) in [
        (DeliveryFault::Probe, "probe", 401),
        (DeliveryFault::WrongKey, "bad_signature", 401),
        (DeliveryFault::UnknownSerial, "unknown_key", 401),
        (DeliveryFault::StaleTimestamp, "stale", 401),
        (DeliveryFault::WrongApiv3Key, "not_decrypted", 400),
    ] {
        sandbox.inject_delivery(fault);
        let delivery = notify(&sandbox, EVENT, paid(), &listening.url);
        assert_eq!(delivery.attempts()[0].status().unwrap(), status);
        let line = listening.next();
        // The true one may follow.
        for _ in &delivery.attempts()[1..] {
            assert_eq!(listening.next()["verified"], true);
        }
        assert_eq!(
            (&line["verdict"], &line["verified"]),
            (&json!(verdict), &json!(false))
        );
        assert!(line["reason"].is_string() && line["advice"].is_string());
        assert_eq!(line["resource"], Value::Null);
    }
    let signature = |request: &Arrived| request.header("wechatpay-signature").map(str::to_owned);
    let forwarded: Vec<_> = shop.arrived().iter().filter_map(signature).collect();
    let sent = sandbox.deliveries();
    let faulty = sent.iter().map(|delivery| &delivery.attempts()[0]);
    for attempt in faulty {
        let signature = attempt.sent_headers()["wechatpay-signature"].to_str();
        assert!(!forwarded.contains(&signature.unwrap().to_owned()));
    }
}

#[test]
fn unverified_is_forwarded_on_request_only() {
    let sandbox = Sandbox::start().unwrap();
    let program = Program::with(&sandbox);
    let shop = Receiver::start("403 Forbidden", "", "no");
    let options = ["--forward-to", &shop.url, "--forward-unverified"];
    let mut listening = Listening::start(&program, &options);
    sandbox.inject_delivery(DeliveryFault::Probe);
    let delivery = notify(&sandbox, EVENT, paid(), &listening.url);
    assert_eq!(delivery.attempts()[0].status().unwrap(), 403);
    let line = listening.next();
    assert_eq!(line["verdict"], "probe");
    assert_eq!(line["forwarded"]["acknowledged"], false);
    let arrived = shop.arrived();
    let signature = arrived[0].header("wechatpay-signature").unwrap();
    assert!(signature.starts_with("WECHATPAY/SIGNTEST/"));
}

#[test]
fn receiver_that_is_not_there_is_reported_to_both_sides() {
    let sandbox = Sandbox::start().unwrap();
    let program = Program::with(&sandbox);
    let mut listening = Listening::start(&program, &["--forward-to", "http://127.0.0.1:1/"]);
    let delivery = notify(&sandbox, EVENT, paid(), &listening.url);
    assert_eq!(delivery.attempts()[0].status().unwrap(), 500);
    let line = listening.next();
    assert!(line["forwarded"]["error"].is_string(), "{line}");

    // APIv2 expects XML, with the failure in the body.
    let delivery = notify(&sandbox, "transaction-success", json!({}), &listening.url);
    assert_eq!(delivery.attempts()[0].status().unwrap(), 200);
    assert!(String::from_utf8_lossy(delivery.attempts()[0].body()).contains("FAIL"));
    assert!(!delivery.is_acknowledged());
}

#[test]
fn requests_are_bounded() {
    let sandbox = Sandbox::start().unwrap();
    let program = Program::with(&sandbox);
    let mut listening = Listening::start(&program, &[]);
    let url = listening.url.clone();
    let head = "Host: x\r\nConnection: close\r\n";
    let get = format!("GET / HTTP/1.1\r\n{head}\r\n");
    assert_eq!(send(&url, get.as_bytes()), 405);
    let large = (1 << 20) + 1;
    let large = format!(
        "POST / HTTP/1.1\r\n{head}Content-Length: {large}\r\n\r\n{}",
        " ".repeat(large)
    );
    assert_eq!(send(&url, large.as_bytes()), 413);
    let many = "A: 1\r\n".repeat(200);
    let many = format!("POST / HTTP/1.1\r\n{head}{many}\r\n");
    assert_eq!(send(&url, many.as_bytes()), 431);
    let long = format!(
        "POST / HTTP/1.1\r\n{head}A: {}\r\n\r\n",
        "a".repeat(1 << 20)
    );
    assert_eq!(send(&url, long.as_bytes()), 431);
    // Nothing at all is a notification that does not verify, and the first that is shown.
    let empty = format!("POST / HTTP/1.1\r\n{head}Content-Length: 0\r\n\r\n");
    assert_eq!(send(&url, empty.as_bytes()), 401);
    assert_eq!(listening.next()["verdict"], "bad_signature");
}

#[test]
fn sandbox_sends_all_notifications_here_until_the_end() {
    let sandbox = Sandbox::builder()
        .merchant(wechatpay_chain::sandbox::MerchantOptions::new("1900000111"))
        .start()
        .unwrap();
    let program = Program::new().env("WXPAY_SANDBOX", &sandbox.base_uri());
    let mut listening = Listening::start(&program, &["--count", "2"]);
    for mchid in [sandbox.mchid(), "1900000111"] {
        let elsewhere = "http://127.0.0.1:1/";
        let sent = sandbox.notify_to(mchid, EVENT, paid(), elsewhere);
        sent.unwrap();
        let line = listening.next();
        assert_eq!(
            (&line["verified"], &line["mchid"]),
            (&json!(true), &json!(mchid))
        );
    }
    listening.end().ok();
    let refused = sandbox.notify(EVENT, paid());
    assert!(refused.unwrap_err().to_string().contains("no URL"));
}

#[cfg(unix)]
#[test]
fn interruption_ends_it_with_a_summary() {
    let sandbox = Sandbox::start().unwrap();
    let program = Program::with(&sandbox);
    let mut listening = Listening::start(&program, &[]);
    let delivery = notify(&sandbox, EVENT, paid(), &listening.url);
    assert_eq!(listening.next()["verified"], true);
    assert_eq!(send(&listening.url, &closing(&raw(&delivery))), 204);
    assert_eq!(listening.next()["verified"], true);
    interrupt(listening.child.id());
    let summary: Value = serde_json::from_str(&listening.end().ok()).unwrap();
    assert_eq!(
        (&summary["type"], &summary["notifications"]),
        (&json!("summary"), &json!(2))
    );
}

/// Adds a length, and closes the connection after the response.
fn closing(raw: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(raw.to_vec()).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let length = body.len();
    format!("{head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}").into_bytes()
}

fn interrupt(id: u32) {
    let id = id.to_string();
    let sent = Command::new("kill").args(["-INT", &id]).status();
    assert!(sent.unwrap().success());
}

#[test]
fn notification_that_is_being_forwarded_at_the_end_is_shown() {
    let sandbox = Sandbox::start().unwrap();
    let program = Program::with(&sandbox);
    let shop = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", shop.local_addr().unwrap());
    let listening = Listening::start(&program, &["--forward-to", &url]);
    let id = listening.child.id();
    let replies = thread::spawn(move || {
        let (mut stream, _) = shop.accept().unwrap();
        stream.read_exact(&mut [0]).unwrap();
        interrupt(id);
        stream
            .write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
            .unwrap();
        // The request is longer than what was read of it, and closing would reset the connection.
        std::io::copy(&mut stream, &mut std::io::sink()).unwrap();
    });
    assert!(notify(&sandbox, EVENT, paid(), &listening.url).is_acknowledged());
    let printed = listening.end().ok();
    let lines: Vec<Value> = printed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[0]["forwarded"]["status"], 204);
    assert_eq!(lines[1]["notifications"], 1);
    replies.join().unwrap();
}

#[test]
fn second_listener_gets_the_sandboxs_notifications_and_says_so() {
    let sandbox = Sandbox::start().unwrap();
    let program = Program::new().env("WXPAY_SANDBOX", &sandbox.base_uri());
    let first = Listening::start(&program, &[]);
    let mut second = Listening::start(&program, &[]);
    interrupt(first.child.id());
    let first_url = first.url.clone();
    assert_eq!(first.end().stderr, "");
    sandbox.notify(EVENT, paid()).unwrap();
    assert_eq!(second.next()["verified"], true);
    interrupt(second.child.id());
    let warning = second.end().stderr;
    assert!(
        warning.contains(&format!("to {first_url} so far")),
        "{warning}"
    );
    sandbox.notify(EVENT, paid()).unwrap_err();
}

#[test]
fn listening_ends_when_nobody_reads() {
    let sandbox = Sandbox::start().unwrap();
    let program = Program::with(&sandbox);
    let mut command = program.command(&["--json", "listen", "--port", "0"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut first)
        .unwrap();
    let first: Value = serde_json::from_str(&first).unwrap();
    notify(&sandbox, EVENT, paid(), first["url"].as_str().unwrap());
    assert!(child.wait().unwrap().success());
}

#[test]
fn people_read_lines_in_their_language() {
    use std::io::BufRead;

    let sandbox = Sandbox::start().unwrap();
    for (language, greeting, verdict, sum) in [
        (
            "en",
            "Listening at ",
            "verified",
            "1 notifications: 1 verified",
        ),
        ("zh", "正在监听 ", "已验签", "共 1 条通知: 1 条验签通过"),
    ] {
        let program = Program::with(&sandbox).env("WXPAY_LANG", language);
        let mut command = program.command(&["listen", "--port", "0", "--count", "1", "-v"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut errors = std::io::BufReader::new(child.stderr.take().unwrap());
        let mut first = String::new();
        errors.read_line(&mut first).unwrap();
        let url = first.trim().strip_prefix(greeting).expect(greeting);
        notify(&sandbox, EVENT, paid(), url);
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        let stdout = String::from_utf8(output.stdout).unwrap();
        let line = stdout.lines().next().unwrap();
        assert!(
            line.ends_with(&format!("  {EVENT}  tea-0001  ¥19.99  {verdict}")),
            "{line}"
        );
        assert!(stdout.contains("\"trade_state\": \"SUCCESS\""), "{stdout}");
        let rest = std::io::read_to_string(errors).unwrap();
        assert!(rest.contains(sum), "{rest}");
    }
}

#[test]
fn listening_needs_a_key_and_a_free_port() {
    let sandbox = Sandbox::start().unwrap();
    let program = Program::with(&sandbox)
        .without("WXPAY_APIV3_KEY")
        .without("WXPAY_APIV2_KEY");
    let err = program.run(&["listen", "--port", "0"]).failed(3);
    assert!(err.contains("apiv3_key"), "{err}");

    let program = Program::with(&sandbox);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let err = program.run(&["listen", "--port", &port]).failed(1);
    assert!(err.contains("--port 0"), "{err}");
}
