//! Requests on the wire: what the sandbox accepts, and the error for each failed check.

use http::StatusCode;
use serde_json::{Value, json};

use crate::sandbox::openssl_client::{NATIVE, OpensslClient, RawRequest, prepayment};

#[test]
fn signed_requests_get_signed_responses() {
    let Some(client) = OpensslClient::start() else {
        return;
    };
    let mchid = client.sandbox.mchid();
    let prepaid = client.send(&client.post(NATIVE, &prepayment(&client, "wire-0001")));
    assert_eq!(prepaid.status, 200, "{}", prepaid.json());
    assert!(client.verifies(&prepaid));
    let header = |name| prepaid.header(name);
    assert_eq!(
        header("wechatpay-serial"),
        Some(client.sandbox.platform_key_id())
    );
    assert_eq!(
        header("wechatpay-signature-type"),
        Some("WECHATPAY2-SHA256-RSA2048")
    );
    assert_eq!(header("keep-alive"), Some("timeout=8"));
    assert!(header("request-id").is_some());

    // The signature covers the target as it was sent, whatever its encoding.
    let target = format!("/v3/pay/transactions/out-trade-no/wire%2D0001?mchid={mchid}&x=%7e%20+");
    let queried = client.send(&client.request("GET", &target, ""));
    assert_eq!(queried.json()["trade_state"], "NOTPAY");
    assert!(client.verifies(&queried));

    let close = "/v3/pay/transactions/out-trade-no/wire-0001/close";
    let closed = client.send(&client.post(close, &json!({ "mchid": mchid })));
    assert_eq!((closed.status, closed.body.len()), (204, 0));
    assert!(client.verifies(&closed));

    let error = client.send(&client.request("GET", "/v3/no/such?x=1", ""));
    assert_eq!(
        (error.status, error.code().as_str()),
        (404, "RESOURCE_NOT_EXISTS")
    );
    assert!(client.verifies(&error));
    let error = client.send(&client.request("GET", NATIVE, ""));
    assert_eq!((error.status, error.header("allow")), (405, Some("POST")));
    assert!(client.verifies(&error));
    // Two operations, by `business_code` and by `applyment_id`.
    let path = "/v3/apply4subject/applyment/1900013511_10000/cancel";
    let error = client.send(&client.request("GET", path, ""));
    assert_eq!((error.status, error.header("allow")), (405, Some("POST")));

    let recorded = client.sandbox.requests();
    assert_eq!(recorded[1].target(), target);
    assert_eq!(recorded[2].status(), Some(StatusCode::NO_CONTENT));
    assert!(recorded[0].headers().contains_key("authorization"));
}

#[test]
fn each_failed_check_has_its_own_error() {
    let Some(client) = OpensslClient::start() else {
        return;
    };
    let valid = client.post(NATIVE, &prepayment(&client, "wire-0002"));
    let changed = |change: &dyn Fn(&mut RawRequest)| {
        let mut request = client.post(NATIVE, &prepayment(&client, "wire-0002"));
        change(&mut request);
        request
    };
    let without =
        |name: &'static str| changed(&|request| request.headers.retain(|(n, _)| *n != name));
    let with = |name: &'static str, value: &str| {
        let mut request = without(name);
        request.headers.push((name, value.to_owned()));
        request
    };
    let body = |body: &[u8]| client.request("POST", NATIVE, body);
    let json = |pointer: &str, value: Value| {
        let mut body = prepayment(&client, "wire-0002");
        *body.pointer_mut(pointer).unwrap() = value;
        client.post(NATIVE, &body)
    };
    let cases = [
        (
            "no Accept",
            without("Accept"),
            400,
            "INVALID_REQUEST",
            "Accept",
        ),
        (
            "no User-Agent",
            without("User-Agent"),
            400,
            "INVALID_REQUEST",
            "User-Agent",
        ),
        ("no Host", without("Host"), 421, "INVALID_REQUEST", "Host"),
        (
            "foreign Host",
            with("Host", "evil.example"),
            421,
            "INVALID_REQUEST",
            "Host",
        ),
        (
            "no scheme",
            changed(&|request| request.authorization = Some("x".to_owned())),
            401,
            "SIGN_ERROR",
            "格式错误",
        ),
        (
            "another scheme",
            changed(&|request| request.scheme = "Bearer"),
            401,
            "SIGN_ERROR",
            "认证类型",
        ),
        (
            "a quote in a value",
            changed(&|request| request.nonce = "a\"b".to_owned()),
            401,
            "SIGN_ERROR",
            "格式错误",
        ),
        (
            "old timestamp",
            changed(&|request| request.timestamp -= 310),
            401,
            "SIGN_ERROR",
            "5分钟",
        ),
        (
            "future timestamp",
            changed(&|request| request.timestamp += 310),
            401,
            "SIGN_ERROR",
            "5分钟",
        ),
        (
            "another merchant",
            changed(&|request| request.mchid = "1900000109".to_owned()),
            401,
            "SIGN_ERROR",
            "商户号",
        ),
        (
            "another serial",
            changed(&|request| request.serial = "0".repeat(40)),
            401,
            "SIGN_ERROR",
            "序列号",
        ),
        (
            "another body signed",
            changed(&|request| request.signed_body = Some(b"{}".to_vec())),
            401,
            "SIGN_ERROR",
            "验签失败",
        ),
        (
            "no Content-Type",
            without("Content-Type"),
            400,
            "PARAM_ERROR",
            "Content-Type",
        ),
        (
            "another Content-Type",
            with("Content-Type", "text/plain"),
            400,
            "PARAM_ERROR",
            "Content-Type",
        ),
        ("no body", body(b""), 400, "PARAM_ERROR", "JSON"),
        (
            "truncated body",
            body(b"{\"appid\":"),
            400,
            "PARAM_ERROR",
            "JSON",
        ),
        ("a list", body(b"[]"), 400, "PARAM_ERROR", "object"),
        (
            "not UTF-8",
            body(b"{\"a\":\"\xff\"}"),
            400,
            "PARAM_ERROR",
            "UTF-8",
        ),
        (
            "too deeply nested",
            body("[".repeat(100_000).as_bytes()),
            400,
            "PARAM_ERROR",
            "JSON",
        ),
        (
            "null",
            json("/amount", Value::Null),
            400,
            "PARAM_ERROR",
            "null",
        ),
        (
            "emoji",
            json("/description", "\u{1F600}".into()),
            400,
            "PARAM_ERROR",
            "emoji",
        ),
        (
            "another app",
            json("/appid", "wx1".into()),
            400,
            "APPID_MCHID_NOT_MATCH",
            "wx1",
        ),
        (
            "another mchid",
            json("/mchid", "1".into()),
            400,
            "PARAM_ERROR",
            "/mchid",
        ),
        (
            "no mchid in the query",
            client.request("GET", "/v3/pay/transactions/out-trade-no/x", ""),
            400,
            "PARAM_ERROR",
            "mchid",
        ),
        (
            "an unknown order",
            client.request(
                "GET",
                &format!(
                    "/v3/pay/transactions/out-trade-no/x?mchid={}",
                    client.sandbox.mchid()
                ),
                "",
            ),
            404,
            "ORDER_NOT_EXIST",
            "订单不存在",
        ),
        (
            "a path that is not UTF-8",
            client.request("GET", "/v3/pay/transactions/id/%ff?mchid=1", ""),
            400,
            "PARAM_ERROR",
            "UTF-8",
        ),
        (
            "17 MB",
            body(&vec![b' '; 17 << 20]),
            413,
            "INVALID_REQUEST",
            "过大",
        ),
    ];
    for (name, request, status, code, part) in cases {
        let response = client.send(&request);
        let message = response.json()["message"].to_string();
        assert_eq!(
            (response.status, response.code().as_str()),
            (status, code),
            "{name}: {message}"
        );
        assert!(message.contains(part), "{name}: {message}");
        // Only the response to a foreign Host is unsigned.
        assert_eq!(client.verifies(&response), status != 421, "{name}");
    }

    assert_eq!(client.send(&valid).status, 200);
    let replayed = client.send(&valid);
    assert_eq!(
        (replayed.status, replayed.code().as_str()),
        (401, "SIGN_ERROR")
    );
    assert!(
        replayed.json()["message"]
            .as_str()
            .unwrap()
            .contains("nonce_str")
    );
}

#[test]
fn signature_mismatch_shows_the_expected_message() {
    let Some(client) = OpensslClient::start() else {
        return;
    };
    let mut request = client.request(
        "POST",
        "/v3/pay/transactions/native?a=%41",
        br#"{"appid":"x"}"#,
    );
    request.signed_body = Some(Vec::new());
    let response = client.send(&request);
    let shown = format!(
        "POST\n{}\n{}\n{}\n{{\"appid\"\n",
        request.target, request.timestamp, request.nonce
    );
    let length = shown.len() - "{\"appid\"".len() + request.body.len();
    assert_eq!(
        response.json()["detail"],
        json!({
            "detail": { "issue": "sign not match" },
            "field": "signature",
            "location": "authorization",
            "sign_information": {
                "method": "POST",
                "url": request.target,
                "truncated_sign_message": shown,
                "sign_message_length": length,
            },
        })
    );
}

#[test]
fn signature_comes_before_anything_else() {
    let Some(client) = OpensslClient::start() else {
        return;
    };
    // Without a valid signature, a request does not learn whether its path, its method or its body is right.
    for (method, target) in [
        ("POST", NATIVE),
        ("GET", "/v3/no/such"),
        ("GET", NATIVE),
        ("POST", "/v3/merchant/media/upload"),
        ("GET", "/hk/v3/no/such"),
        ("GET", "/brand/no/such"),
    ] {
        let mut request = client.request(method, target, "");
        request.headers.retain(|(name, _)| *name == "Host");
        request.signed_body = Some(b"another".to_vec());
        let response = client.send(&request);
        assert_eq!(
            (response.status, response.code().as_str()),
            (401, "SIGN_ERROR"),
            "{target}"
        );
        assert!(client.verifies(&response));
        assert_eq!(response.header("sandbox-answer"), None);
    }

    let unknown = client.send(&client.request("GET", "/v3/pay/transaction/native", ""));
    assert_eq!(unknown.status, 404);
    let message = unknown.json()["message"].to_string();
    assert!(message.contains("/v3/pay/transactions/native"), "{message}");
    let wrong_case = client.send(&client.request("GET", "/V3/certificates", ""));
    assert_eq!(wrong_case.status, 404);
    let refused = client.send(&client.post(NATIVE, &json!({})));
    assert_eq!(
        (refused.status, refused.header("sandbox-answer")),
        (400, None)
    );
    // A flow refused it, and not a check before it.
    let target = format!(
        "/v3/pay/transactions/id/4200?mchid={}",
        client.sandbox.mchid()
    );
    let refused = client.send(&client.request("GET", &target, ""));
    assert_eq!(
        (refused.status, refused.header("sandbox-answer")),
        (404, Some("stateful"))
    );
}

#[test]
fn control_endpoints_are_unsigned_and_use_no_fault() {
    let Some(client) = OpensslClient::start() else {
        return;
    };
    client
        .sandbox
        .inject(wechatpay_chain::sandbox::Fault::Hangup);
    let response = client.send(&client.post("/_sandbox/v1/no-such", &json!({})));
    assert_eq!(response.status, 404);
    assert_eq!(response.header("wechatpay-signature"), None);
    assert!(
        client
            .try_send(&client.request("GET", NATIVE, ""))
            .is_none()
    );
}
