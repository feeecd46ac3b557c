use serde_json::{Value, json};
use wechatpay_chain::{catalog, sandbox::Sandbox};

use super::{Listening, receiver::Receiver};
use crate::program::Program;

fn program(sandbox: &Sandbox) -> Program {
    Program::new().env("WXPAY_SANDBOX", &sandbox.base_uri())
}

#[test]
fn every_documented_event_arrives_and_verifies() {
    let sandbox = Sandbox::start().unwrap();
    let program = program(&sandbox);
    let mut listening = Listening::start(&program, &[]);
    let events = catalog::events();
    assert_eq!(events.len(), 115);
    for event in events {
        let name = format!("{}/{}", event.version(), event.name());
        program.run(&["trigger", &name]).ok();
        let line = listening.next();
        assert_eq!(line["verdict"], "verified", "{name}: {line}");
        assert_eq!(line["version"], event.version());
    }
}

#[test]
fn fields_have_their_documented_types() {
    let sandbox = Sandbox::start().unwrap();
    let program = program(&sandbox);
    let shop = Receiver::start("200 OK", "", "");
    let to = ["--url", &shop.url];
    let paid = [
        "--json",
        "trigger",
        "TRANSACTION.SUCCESS",
        "-f",
        "amount.total=1999",
    ];
    let run = program.run(&[&paid[..], &to].concat());
    assert_eq!(run.json()["resource"]["amount"]["total"], 1999);
    let fields = ["-f", "out_refund_no=0001", "-f", "amount.refund=5"];
    let run = program.run(&[&["--json", "trigger", "refund.success"], &fields[..], &to].concat());
    let delivery = run.json();
    assert_eq!(delivery["resource"]["out_refund_no"], "0001");
    assert_eq!(delivery["resource"]["amount"]["refund"], 5);
    assert_eq!(delivery["state"], "acknowledged");
    run.ok();

    // Of APIv2: in the encrypted part.
    let refund = [
        "--json",
        "trigger",
        "refund-processed",
        "-f",
        "refund_fee=5",
    ];
    let shop = Receiver::start(
        "200 OK",
        "",
        "<xml><return_code>SUCCESS</return_code></xml>",
    );
    let run = program.run(&[&refund[..], &["--url", &shop.url]].concat());
    assert_eq!(run.json()["resource"]["refund_fee"], "5");
    run.ok();
}

#[test]
fn mistakes_are_named_before_anything_is_sent() {
    // No sandbox is there.
    let program = Program::new().env("WXPAY_SANDBOX", "http://127.0.0.1:1");
    let err = program.run(&["trigger", "TRANSACTION.SUCESS"]).failed(2);
    assert!(err.contains("the nearest is TRANSACTION.SUCCESS"), "{err}");
    let field = ["trigger", "REFUND.SUCCESS", "-f", "out_refnd_no=1"];
    let err = program.run(&field).failed(2);
    assert!(err.contains("the nearest is out_refund_no"), "{err}");
    let number = ["trigger", "TRANSACTION.SUCCESS", "-f", "amount.total=x"];
    let err = program.run(&number).failed(2);
    assert!(err.contains("amount.total: expected"), "{err}");
    let err = program.run(&["trigger", "REFUND.SUCCESS"]).failed(4);
    assert!(err.contains("wxpay sandbox"), "{err}");
    program.run(&["trigger"]).failed(2);
    let program = program.in_chinese();
    let err = program.run(&["trigger", "REFUND.SUCESS"]).failed(2);
    assert!(err.contains("最接近的是 REFUND.SUCCESS"), "{err}");
}

#[test]
fn delivery_is_shown_and_decides_the_exit_code() {
    let sandbox = Sandbox::start().unwrap();
    let program = program(&sandbox);
    let event = "REFUND.SUCCESS";
    let err = program.run(&["trigger", event]).failed(5);
    assert!(err.contains("no URL") && err.contains("--url"), "{err}");

    let shop = Receiver::start("500 Oops", "", "no\u{1b}[2J");
    let run = program.run(&["trigger", event, "--url", &shop.url]);
    assert!(run.stdout.contains("→ 500 "), "{}", run.stdout);
    assert!(run.stdout.contains("no [2J"), "{}", run.stdout);
    run.failed(5);

    let run = program.run(&["trigger", event, "--url", "http://127.0.0.1:1/"]);
    run.failed(4);
    let run = program.run(&["trigger", event, "--url", "http://shop.example.com/"]);
    assert_ne!(run.code, 0);
}

#[test]
fn all_events_are_listed() {
    let program = Program::new();
    let list = program.run(&["trigger", "--list"]).ok();
    assert_eq!(list.lines().count(), 115);
    assert!(list.contains("\nv3  TRANSACTION.SUCCESS\n"), "{list}");
    let list = program.run(&["--json", "trigger", "--list"]).json();
    let list: Vec<Value> = list.as_array().unwrap().clone();
    let named = |event: &&Value| event["event"] == "REFUND.SUCCESS";
    assert_eq!(
        list.iter().find(named).unwrap()["event_types"],
        json!(["REFUND.SUCCESS"])
    );
}
