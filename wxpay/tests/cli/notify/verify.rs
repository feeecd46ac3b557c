use std::fs;

use serde_json::{Value, json};
use wechatpay_chain::sandbox::{Delivery, DeliveryFault, Sandbox};

use super::{Listening, notify, paid, raw};
use crate::program::Program;

/// A URL where nobody is: what was sent is kept all the same.
const NOWHERE: &str = "http://127.0.0.1:1/";

fn sent(sandbox: &Sandbox, event: &str) -> Delivery {
    notify(sandbox, event, paid(), NOWHERE)
}

#[test]
fn raw_request_is_verified_and_decrypted() {
    let sandbox = Sandbox::start().unwrap();
    let program = Program::with(&sandbox);
    let delivery = sent(&sandbox, "TRANSACTION.SUCCESS");
    let file = program.home().join("request.http");
    fs::write(&file, raw(&delivery)).unwrap();
    let run = program.run(&["verify", "request.http"]);
    assert!(
        run.stderr.starts_with("verified with PUB_KEY_ID_SANDBOX"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("tea-0001  ¥19.99"), "{}", run.stderr);
    let resource: Value = serde_json::from_str(&run.ok()).unwrap();
    assert_eq!(resource, *delivery.resource());

    let run = program.run(&["--json", "verify", "request.http"]);
    assert_eq!(
        (
            &run.json()["verdict"],
            &run.json()["resource"]["out_trade_no"]
        ),
        (&json!("verified"), &json!("tea-0001"))
    );
    let raw = String::from_utf8(raw(&delivery)).unwrap();
    program.run_with_input(&["verify", "-"], &raw).ok();
}

#[test]
fn body_and_headers_may_be_apart() {
    let sandbox = Sandbox::start().unwrap();
    let program = Program::with(&sandbox);
    let delivery = sent(&sandbox, "TRANSACTION.SUCCESS");
    let headers = delivery.attempts()[0].sent_headers();
    let headers = headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().into()));
    let headers = Value::Object(headers.collect());
    fs::write(program.home().join("headers.json"), headers.to_string()).unwrap();
    fs::write(program.home().join("body.json"), delivery.body()).unwrap();
    let err = program.run(&["verify", "body.json"]).failed(2);
    assert!(err.contains("--headers"), "{err}");
    let arguments = ["verify", "body.json", "--headers", "headers.json"];
    program.run(&arguments).ok();

    // An editor's line break is found out; another change is not forgiven.
    let body = String::from_utf8(delivery.body().to_vec()).unwrap();
    fs::write(program.home().join("body.json"), format!("{body}\n")).unwrap();
    let run = program.run(&arguments);
    assert!(run.stderr.contains("line break"), "{}", run.stderr);
    run.ok();
    fs::write(program.home().join("body.json"), format!(" {body}")).unwrap();
    let run = program.run(&arguments);
    assert_eq!(run.stdout, "");
    let err = run.failed(7);
    assert!(err.contains("byte for byte"), "{err}");
    let err = program.in_chinese().run(&arguments).failed(7);
    assert!(err.contains("原始报文主体"), "{err}");
}

#[test]
fn notifications_of_apiv2_need_no_headers() {
    let sandbox = Sandbox::start().unwrap();
    let program = Program::with(&sandbox);
    for (event, said) in [
        ("transaction-success", "verified with"),
        ("refund-processed", "decrypted with the APIv2 key"),
    ] {
        let delivery = notify(&sandbox, event, json!({}), NOWHERE);
        fs::write(program.home().join("body.xml"), delivery.body()).unwrap();
        let run = program.run(&["verify", "body.xml"]);
        assert!(run.stderr.starts_with(said), "{}", run.stderr);
        run.ok();
        let other = program.run(&["verify", "body.xml", "--apiv2-key", &"0".repeat(32)]);
        other.failed(7);
    }
}

#[test]
fn refusals_exit_with_7_and_say_what_to_do() {
    let sandbox = Sandbox::start().unwrap();
    let program = Program::with(&sandbox);
    let mut listening = Listening::start(&program, &[]);
    let mut id = String::new();
    for (fault, said) in [
        (DeliveryFault::Probe, "4xx or 5xx"),
        (DeliveryFault::BadSignature, "byte for byte"),
        (DeliveryFault::UnknownSerial, "Wechatpay-Serial"),
        (DeliveryFault::StaleTimestamp, "--any-age"),
        (DeliveryFault::WrongApiv3Key, "APIv3 key"),
    ] {
        sandbox.inject_delivery(fault);
        let delivery = notify(&sandbox, "TRANSACTION.SUCCESS", paid(), &listening.url);
        id = listening.next()["stored"].as_str().unwrap().to_owned();
        for _ in &delivery.attempts()[1..] {
            listening.next();
        }
        let run = program.run(&["verify", &id]);
        assert_eq!(run.stdout, "", "{fault:?}");
        let err = run.failed(7);
        assert!(err.contains(said), "{fault:?}: {err}");
        let any_age = program.run(&["verify", &id, "--any-age"]);
        let is_stale = fault == DeliveryFault::StaleTimestamp;
        assert_eq!(any_age.code, if is_stale { 0 } else { 7 }, "{fault:?}");
    }
    let err = program.run(&["--json", "verify", &id]).failed(7);
    let err: Value = serde_json::from_str(&err).unwrap();
    assert_eq!(err["error"]["name"], "unverified");
}

#[test]
fn stored_notification_is_judged_by_the_time_when_it_arrived() {
    let sandbox = Sandbox::start().unwrap();
    let program = Program::with(&sandbox);
    let mut listening = Listening::start(&program, &[]);
    notify(&sandbox, "TRANSACTION.SUCCESS", paid(), &listening.url);
    let id = listening.next()["stored"].as_str().unwrap().to_owned();
    for name in [&*id, "last"] {
        program.run(&["verify", name]).ok();
    }
    let file = program.home().join(".local/state/wxpay/notifications");
    let file = file.join(format!("{id}.json"));
    program.run(&["verify", file.to_str().unwrap()]).ok();
    // As if it had arrived an hour later.
    let mut record: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    record["received"] = (record["received"].as_u64().unwrap() + 3600).into();
    fs::write(&file, record.to_string()).unwrap();
    program.run(&["verify", &id]).failed(7);

    let err = program.run(&["verify", "1999"]).failed(2);
    assert!(err.contains("wxpay events"), "{err}");
    let err = program.run(&["verify", "nothing.http"]).failed(2);
    assert!(err.contains("cannot read nothing.http"), "{err}");
}
