//! Who may use the endpoints.

use std::net::Ipv4Addr;

use serde_json::{Value, json};
use wechatpay_chain::sandbox::Sandbox;

use super::{call, call_with, ok, prepay, started};

const TOKEN: &str = "a-token-that-nobody-guesses";

#[test]
fn other_machines_need_a_token() {
    let everywhere = Sandbox::builder().bind((Ipv4Addr::UNSPECIFIED, 0).into());
    let refused = everywhere.clone().start().unwrap_err();
    assert!(refused.is_config());
    let message = refused.to_string();
    assert!(
        message.contains("0.0.0.0:0") && message.contains("control_token"),
        "{message}"
    );

    let sandbox = everywhere.control_token(TOKEN).start().unwrap();
    let status = |headers: &str| call_with(&sandbox, "GET", "orders", headers, "").status;
    assert_eq!(status(&format!("Authorization: Bearer {TOKEN}\r\n")), 200);
    assert_eq!(status(&format!("Authorization: bearer {TOKEN}\r\n")), 200);
    for wrong in [
        String::new(),
        format!("Authorization: Basic {TOKEN}\r\n"),
        format!("Authorization: {TOKEN}\r\n"),
        format!("Authorization: Bearer {}\r\n", &TOKEN[1..]),
        format!("Authorization: Bearer {TOKEN}x\r\n"),
        format!("Authorization: Bearer {TOKEN}\r\nAuthorization: Bearer {TOKEN}\r\n"),
    ] {
        assert_eq!(status(&wrong), 401, "{wrong}");
    }
    let headers = format!("Authorization: Bearer {TOKEN}\r\n");
    let config = call_with(&sandbox, "GET", "config", &headers, "").body;
    for config in [&config, &config["merchants"][0]] {
        for (name, begin) in [("base_uri", "http:"), ("https_base_uri", "https:")] {
            let uri = config[name].as_str().unwrap();
            assert!(uri.starts_with(&format!("{begin}//127.0.0.1:")), "{uri}");
        }
    }
    let refused = call_with(&sandbox, "GET", "no-such", "", "");
    assert_eq!(refused.status, 401, "no endpoint is told apart");
    assert!(refused.head.contains("www-authenticate: bearer"));
    assert!(!refused.body.to_string().contains(TOKEN));
}

#[test]
fn token_is_required_on_this_machine_too_if_there_is_one() {
    let builder = Sandbox::builder().control_token(TOKEN);
    assert!(!format!("{builder:?}").contains(TOKEN));
    let sandbox = builder.start().unwrap();
    assert_eq!(call(&sandbox, "GET", "orders", &Value::Null).0, 401);
    // What the phone sends is signed by the merchant, or known from the order alone.
    let (status, refused) = call(&sandbox, "POST", "phone/pay", &json!({ "code_url": "x" }));
    assert_eq!((status, &refused["code"]), (400, &json!("FAIL")));
    for short in [
        "",
        "fifteen-letters",
        "with spaces in between",
        "统一下单统一下单统一下单",
    ] {
        let err = Sandbox::builder().control_token(short).start().unwrap_err();
        assert!(err.is_config(), "{err}");
        assert!(short.is_empty() || !err.to_string().contains(short));
    }
}

#[test]
fn web_page_of_another_origin_cannot_drive_the_sandbox() {
    let (sandbox, client) = started();
    prepay(&sandbox, &client, "tea-0001");
    let own = sandbox.base_uri();
    let own = own.trim_end_matches('/');
    let pay =
        |headers: &str| call_with(&sandbox, "POST", "orders/tea-0001/pay", headers, "").status;
    for header in [
        "Origin: https://evil.example",
        "Origin: null",
        "Origin: http://127.0.0.1",
        &format!("Origin: {}", own.replace("http://", "https://")),
        &format!("Origin: {own}.evil.example"),
        &format!("Origin: {own}\r\nOrigin: https://evil.example"),
        "Sec-Fetch-Site: cross-site",
        "Sec-Fetch-Site: same-site",
    ] {
        assert_eq!(pay(&format!("{header}\r\n")), 403, "{header}");
        let read = call_with(&sandbox, "GET", "config", &format!("{header}\r\n"), "");
        assert_eq!(read.status, 403, "{header}");
    }
    assert_eq!(sandbox.order_state("tea-0001").as_deref(), Some("NOTPAY"));
    // What a form of a page can send without asking.
    for content_type in ["text/plain", "application/x-www-form-urlencoded", ""] {
        let header = match content_type {
            "" => String::new(),
            other => format!("Content-Type: {other}\r\n"),
        };
        let refused = call_with(&sandbox, "POST", "clock", &header, r#"{"advance_s":1}"#);
        assert_eq!(refused.status, 400, "{content_type}");
    }
    assert_eq!(
        pay(&format!("Origin: {own}\r\nSec-Fetch-Site: same-origin\r\n")),
        200
    );
    assert_eq!(sandbox.order_state("tea-0001").as_deref(), Some("SUCCESS"));
    // No endpoint permits the requests about which browsers ask first.
    let preflight = call_with(&sandbox, "OPTIONS", "orders", "", "");
    assert_eq!(preflight.status, 405);
    assert!(
        !preflight.head.contains("access-control"),
        "{}",
        preflight.head
    );
}

#[test]
fn body_has_a_limit_and_known_fields() {
    let (sandbox, _) = started();
    let long = json!({ "event_type": "REFUND.SUCCESS", "resource": { "a": "x".repeat(3 << 20) } });
    assert_eq!(call(&sandbox, "POST", "notifications", &long).0, 413);
    for (target, body, expected) in [
        ("clock", json!({}), "advance_s is missing"),
        ("clock", json!({ "advance_s": "1" }), "invalid advance_s"),
        ("clock", json!({ "advance_s": -1 }), "invalid advance_s"),
        (
            "clock",
            json!({ "advance_s": u64::MAX }),
            "invalid advance_s",
        ),
        (
            "clock",
            json!({ "advance_s": 1, "by": 1 }),
            "the endpoint takes advance_s",
        ),
        ("reset", json!({ "all": true }), "the endpoint takes none"),
        (
            "reset?all=true",
            Value::Null,
            "unknown field all in the query",
        ),
        ("orders/a/pay?mchid=", Value::Null, "no value"),
    ] {
        let (status, refused) = call(&sandbox, "POST", target, &body);
        assert_eq!(
            (status, &refused["code"]),
            (400, &json!("PARAM_ERROR")),
            "{target}"
        );
        let message = refused["message"].as_str().unwrap();
        assert!(message.contains(expected), "{message}");
    }
    let (status, refused) = call(&sandbox, "GET", "orders?mchid=1900000999", &Value::Null);
    assert_eq!(status, 404, "{refused}");
    assert_eq!(
        ok(&sandbox, "GET", "orders", &Value::Null),
        json!({ "data": [], "has_more": false, "has_earlier": false })
    );
}
