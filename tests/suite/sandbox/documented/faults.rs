//! Faults on the wire.

use std::time::{Duration, Instant};

use http::{HeaderMap, StatusCode};
use wechatpay_chain::sandbox::Fault;

use crate::sandbox::openssl_client::{NATIVE, OpensslClient, now, prepayment};

#[test]
fn each_fault_damages_one_response() {
    let Some(client) = OpensslClient::start() else {
        return;
    };
    let sandbox = &client.sandbox;
    let target = format!(
        "/v3/pay/transactions/out-trade-no/wire-0003?mchid={}",
        sandbox.mchid()
    );
    let query = || client.request("GET", &target, "");
    assert_eq!(
        client
            .send(&client.post(NATIVE, &prepayment(&client, "wire-0003")))
            .status,
        200
    );
    let queried_with = |fault: Fault| {
        sandbox.inject(fault);
        let response = client.send(&query());
        assert_eq!(response.json()["trade_state"], "NOTPAY");
        assert!(
            client.verifies(&client.send(&query())),
            "a fault is for one response"
        );
        response
    };

    assert!(!client.verifies(&queried_with(Fault::BadSignature)));
    assert!(
        queried_with(Fault::NoSignature)
            .headers
            .iter()
            .all(|(name, _)| !name.starts_with("wechatpay-"))
    );
    let probe = queried_with(Fault::Probe);
    assert!(
        probe
            .header("wechatpay-signature")
            .unwrap()
            .starts_with("WECHATPAY/SIGNTEST/")
    );
    let unknown = queried_with(Fault::UnknownSerial);
    assert_ne!(
        unknown.header("wechatpay-serial"),
        Some(sandbox.platform_key_id())
    );
    let old = queried_with(Fault::Timestamp(-310));
    assert!(client.verifies(&old));
    let timestamp: i64 = old.header("wechatpay-timestamp").unwrap().parse().unwrap();
    assert!((now() - 310).abs_diff(timestamp) < 60);
    let before = Instant::now();
    queried_with(Fault::Delay(Duration::from_millis(300)));
    assert!(before.elapsed() >= Duration::from_millis(300));

    sandbox.inject(Fault::Error {
        status: StatusCode::TOO_MANY_REQUESTS,
        code: "FREQUENCY_LIMITED".to_owned(),
        message: "频率超限".to_owned(),
        retry_after: Some(7),
    });
    let limited = client.send(&query());
    assert_eq!(
        (limited.status, limited.header("retry-after")),
        (429, Some("7"))
    );
    assert!(client.verifies(&limited));
    sandbox.inject(Fault::Raw {
        status: StatusCode::BAD_GATEWAY,
        headers: HeaderMap::new(),
        body: "<html>".into(),
    });
    let html = client.send(&query());
    assert_eq!(
        (html.status, html.body.as_slice()),
        (502, b"<html>".as_slice())
    );

    sandbox.inject(Fault::Cut(5));
    assert!(client.try_send(&query()).is_none());
    sandbox.inject(Fault::Flood(3_000_000));
    assert!(client.send(&query()).body.len() > 3_000_000);

    // Both lose the response; only `LostResponse` carries out the operation.
    for (fault, number, state) in [
        (Fault::Hangup, "wire-0004", None),
        (Fault::LostResponse, "wire-0005", Some("NOTPAY")),
    ] {
        sandbox.inject_at(NATIVE, fault);
        assert!(
            client
                .try_send(&client.post(NATIVE, &prepayment(&client, number)))
                .is_none()
        );
        assert_eq!(sandbox.order_state(number).as_deref(), state);
        assert_eq!(sandbox.requests().last().unwrap().status(), None);
    }
}
