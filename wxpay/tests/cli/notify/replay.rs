use serde_json::json;
use wechatpay_chain::sandbox::{DeliveryFault, Sandbox};

use super::{Listening, notify, paid, receiver::Receiver};
use crate::program::Program;

const EVENT: &str = "TRANSACTION.SUCCESS";

#[test]
fn stored_notification_is_sent_again_unchanged() {
    let sandbox = Sandbox::start().unwrap();
    let program = Program::with(&sandbox);
    let shop = Receiver::start("200 OK", "", "OK");
    let mut listening = Listening::start(&program, &["--forward-to", &shop.url]);
    let delivery = notify(&sandbox, EVENT, paid(), &format!("{}notify", listening.url));
    listening.next();

    let run = program.run(&["replay", "last"]);
    assert!(run.stdout.contains("→ 200 "), "{}", run.stdout);
    assert_eq!(run.stderr, "");
    run.ok();
    let by_id = program.run(&["--json", "replay", delivery.id(), "--forward-to", &shop.url]);
    assert_eq!(by_id.json()["reply"]["acknowledged"], true);
    let arrived = shop.arrived();
    assert_eq!(arrived.len(), 3);
    for again in &arrived[1..] {
        assert_eq!(again.first, "POST /notify HTTP/1.1");
        assert_eq!(again.body, arrived[0].body);
        for (name, value) in delivery.attempts()[0].sent_headers() {
            assert_eq!(again.header(name.as_str()), value.to_str().ok(), "{name}");
        }
        // As WeChat Pay writes them.
        let names = || again.headers.iter().map(|(name, _)| name);
        assert!(names().any(|name| name == "Wechatpay-Signature"));
    }
}

#[test]
fn reply_decides_the_exit_code() {
    let sandbox = Sandbox::start().unwrap();
    let program = Program::with(&sandbox);
    let mut listening = Listening::start(&program, &[]);
    notify(&sandbox, EVENT, paid(), &listening.url);
    listening.next();
    let err = program.run(&["replay", "last"]).failed(2);
    assert!(err.contains("--forward-to"), "{err}");
    let shop = Receiver::start("500 Oops", "", "");
    let to = |url: &str| program.run(&["replay", "last", "--forward-to", url]);
    to(&shop.url).failed(5);
    let err = to("http://127.0.0.1:1/").failed(4);
    assert!(err.contains("cannot reach http://127.0.0.1:1/"), "{err}");
    to("ftp://shop").failed(2);

    // Over HTTPS, if the authority is trusted: the sandbox takes it for a request of APIv2.
    let url = format!("{}x", sandbox.https_base_uri().unwrap());
    let err = to(&url).failed(4);
    assert!(err.contains("certificate"), "{err}");
    let ca = program.home().join("ca.pem");
    std::fs::write(&ca, sandbox.ca_certificate().unwrap().to_pem()).unwrap();
    let https = ["replay", "last", "--forward-to", &url, "--ca", "ca.pem"];
    let run = program.run(&https);
    assert!(run.stdout.contains("→ 200 "), "{}", run.stdout);
    run.ok();
    std::fs::write(&ca, "no PEM").unwrap();
    program.run(&https).failed(3);
    program.run(&["replay", "EV-1"]).failed(2);
}

#[test]
fn old_timestamp_is_pointed_out() {
    let sandbox = Sandbox::start().unwrap();
    let program = Program::with(&sandbox);
    let shop = Receiver::start("200 OK", "", "");
    let options = ["--forward-to", &shop.url, "--forward-unverified"];
    let mut listening = Listening::start(&program, &options);
    sandbox.inject_delivery(DeliveryFault::StaleTimestamp);
    notify(&sandbox, EVENT, paid(), &listening.url);
    let line = listening.next();
    assert_eq!(line["verdict"], json!("stale"));
    let id = line["stored"].as_str().unwrap();
    let run = program.run(&["replay", id]);
    assert!(
        run.stderr.contains("older than 5 minutes"),
        "{}",
        run.stderr
    );
    run.ok();
    let run = program.in_chinese().run(&["replay", id]);
    assert!(run.stderr.contains("5分钟"), "{}", run.stderr);
}
