use serde_json::json;
use wechatpay_chain::sandbox::{DeliveryFault, Sandbox};

use super::{Listening, notify, paid};
use crate::program::Program;

#[test]
fn stored_notifications_are_listed_and_found() {
    let sandbox = Sandbox::start().unwrap();
    let program = Program::with(&sandbox);
    let run = program.run(&["events"]);
    assert!(run.stderr.contains("wxpay listen"), "{}", run.stderr);
    assert_eq!(run.ok(), "");

    let mut listening = Listening::start(&program, &["--store", "kept"]);
    notify(&sandbox, "TRANSACTION.SUCCESS", paid(), &listening.url);
    listening.next();
    sandbox.inject_delivery(DeliveryFault::Probe);
    // The true one follows a probe.
    notify(
        &sandbox,
        "REFUND.SUCCESS",
        json!({ "out_refund_no": "r-1" }),
        &listening.url,
    );
    listening.next();
    listening.next();

    let events = |query: &[&str]| {
        let arguments = ["events", "--store", "kept"];
        program.run(&[&arguments[..], query].concat()).ok()
    };
    let all = events(&[]);
    let lines: Vec<_> = all.lines().collect();
    assert_eq!(lines.len(), 3, "{all}");
    assert!(lines[0].ends_with("\tTRANSACTION.SUCCESS\ttea-0001\t¥19.99\tverified"));
    assert!(lines[1].ends_with("\tREFUND.SUCCESS\t\t\tsignature probe"));
    assert_eq!(events(&["TEA-0001"]).lines().count(), 1);
    assert_eq!(events(&["probe"]).lines().count(), 1);
    assert_eq!(events(&["--limit", "1"]), format!("{}\n", lines[2]));
    let json = program.run(&["--json", "events", "--store", "kept"]).json();
    assert_eq!(json[0]["number"], "tea-0001");
    assert_eq!(json[1]["verdict"], "probe");
}

#[test]
fn documented_event_is_shown_with_its_fields() {
    let program = Program::new();
    let shown = program
        .run(&["events", "--documented", "refund.success"])
        .ok();
    assert!(
        shown.starts_with("v3 REFUND.SUCCESS\nevent_type: REFUND.SUCCESS\n"),
        "{shown}"
    );
    let page = program.run(&["api", "--events", "REFUND.SUCCESS"]).ok();
    assert_eq!(shown, page);
    let several = program.run(&["events", "--documented", "papay"]).ok();
    assert!(several.lines().count() > 1, "{several}");
    let err = program
        .run(&["events", "--documented", "nonsense"])
        .failed(1);
    assert!(err.contains("nearest"), "{err}");
}
