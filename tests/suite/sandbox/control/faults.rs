//! Faults of responses and of notifications.

use serde_json::{Value, json};
use wechatpay_chain::{RetryPolicy, sandbox::DeliveryFault};

use super::{call, ok, started};

const NONE: &Value = &Value::Null;

#[test]
fn faults_are_added_listed_and_removed() {
    let (sandbox, _) = started();
    let client = sandbox.client_builder().retry(RetryPolicy::none());
    let client = client.build().unwrap();
    let error = json!({
        "fault": "error", "path": "v3/security", "method": "POST", "times": 2, "status": 503,
        "code": "SYSTEM_ERROR", "message": "系统错误", "retry_after_s": 7,
    });
    ok(&sandbox, "POST", "faults", &error);
    let echo = || {
        let chain = client.chain("v3/security/echo");
        chain.post(json!({ "json": { "echo_message": "hello" } }))
    };
    let err = echo().unwrap_err();
    let api = err.api().unwrap();
    assert_eq!((api.status().as_u16(), api.code()), (503, "SYSTEM_ERROR"));
    assert_eq!(api.retry_after().unwrap().as_secs(), 7);
    let mut left = error.clone();
    left["times"] = 1.into();
    left["probability"] = Value::Null;
    // What is listed adds the same fault again, but for the nulls.
    assert_eq!(
        ok(&sandbox, "GET", "faults", NONE),
        json!({ "data": [left] })
    );
    ok(&sandbox, "DELETE", "faults", NONE);
    assert_eq!(ok(&sandbox, "GET", "faults", NONE), json!({ "data": [] }));
    echo().unwrap();
}

#[test]
fn each_fault_is_listed_as_it_was_added() {
    let (sandbox, _) = started();
    let raw = json!({ "fault": "raw", "status": 502, "headers": { "x-a": "1" }, "body": "<html>" });
    for fault in [
        json!({ "fault": "bad_signature" }),
        json!({ "fault": "no_signature" }),
        json!({ "fault": "probe" }),
        json!({ "fault": "unknown_serial" }),
        json!({ "fault": "timestamp", "offset_s": -301 }),
        raw,
        json!({ "fault": "delay", "delay_ms": 5 }),
        json!({ "fault": "cut", "bytes": 3 }),
        json!({ "fault": "hangup" }),
        json!({ "fault": "lost_response" }),
        json!({ "fault": "flood", "bytes": 100 }),
        json!({ "fault": "probe", "probability": 0.25 }),
    ] {
        ok(&sandbox, "POST", "faults", &fault);
        let listed = ok(&sandbox, "GET", "faults", NONE);
        for (name, value) in fault.as_object().unwrap() {
            assert_eq!(&listed["data"][0][name], value, "{fault}");
        }
        ok(&sandbox, "DELETE", "faults", NONE);
    }
    for (wrong, expected) in [
        (json!({ "fault": "fire" }), "bad_signature, no_signature"),
        (json!({ "fault": "probe", "times": 0 }), "times(0)"),
        (
            json!({ "fault": "probe", "probability": 2 }),
            "invalid probability",
        ),
        (
            json!({ "fault": "probe", "method": "A B" }),
            "invalid method",
        ),
        (json!({ "fault": "error", "status": 100 }), "invalid status"),
        (
            json!({ "fault": "raw", "headers": { "a b": "1" } }),
            "invalid headers",
        ),
    ] {
        let (status, refused) = call(&sandbox, "POST", "faults", &wrong);
        assert_eq!(status, 400, "{wrong}");
        let message = refused["message"].as_str().unwrap();
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn faulty_notification_is_sent_first() {
    let (sandbox, _) = started();
    ok(
        &sandbox,
        "POST",
        "delivery-faults",
        &json!({ "fault": "wrong_key" }),
    );
    assert_eq!(
        call(
            &sandbox,
            "POST",
            "delivery-faults",
            &json!({ "fault": "x" })
        )
        .0,
        400
    );
    let waiting = || ok(&sandbox, "GET", "delivery-faults", NONE);
    assert_eq!(waiting(), json!({ "data": [{ "fault": "wrong_key" }] }));
    let notification = json!({ "event_type": "REFUND.SUCCESS", "url": "http://127.0.0.1:9/n" });
    ok(&sandbox, "POST", "notifications", &notification);
    sandbox.settle().unwrap();
    let attempts = sandbox.deliveries()[0].attempts().to_vec();
    assert_eq!(attempts[0].fault(), Some(DeliveryFault::WrongKey));
    let listed = ok(&sandbox, "GET", "notifications", NONE);
    assert_eq!(listed["data"][0]["attempts"][0]["fault"], "wrong_key");
    assert_eq!(listed["data"][0]["attempts"][1]["fault"], Value::Null);
    assert_eq!(waiting(), json!({ "data": [] }));
}

#[test]
fn faults_of_notifications_are_removed() {
    let (sandbox, _) = started();
    for name in ["probe", "stale_timestamp"] {
        ok(
            &sandbox,
            "POST",
            "delivery-faults",
            &json!({ "fault": name }),
        );
    }
    let waiting = || ok(&sandbox, "GET", "delivery-faults", NONE);
    assert_eq!(
        waiting(),
        json!({ "data": [{ "fault": "probe" }, { "fault": "stale_timestamp" }] })
    );
    // The faults of responses are others.
    ok(&sandbox, "DELETE", "faults", NONE);
    assert_eq!(waiting()["data"].as_array().unwrap().len(), 2);
    ok(&sandbox, "DELETE", "delivery-faults", NONE);
    assert_eq!(waiting(), json!({ "data": [] }));
}
