//! Scripted answers, and faults by path, count and method.

use serde_json::json;
use wechatpay_chain::{
    Client, Method, Outcome, RetryPolicy,
    sandbox::{Fault, Injection, Sandbox, Scripted},
};

const BY_NUMBER: &str = "v3/pay/transactions/out-trade-no/{out_trade_no}";

fn start() -> (Sandbox, Client) {
    let sandbox = Sandbox::start().unwrap();
    let client = sandbox
        .client_builder()
        .retry(RetryPolicy::none())
        .build()
        .unwrap();
    (sandbox, client)
}

fn query(
    sandbox: &Sandbox,
    client: &Client,
    number: &str,
) -> wechatpay_chain::Result<wechatpay_chain::Response> {
    let options = json!({ "out_trade_no": number, "query": { "mchid": sandbox.mchid() } });
    client.chain(BY_NUMBER).get(options)
}

#[test]
fn scripted_answer_takes_the_place_of_the_operation() {
    let (sandbox, client) = start();
    let one = "v3/pay/transactions/out-trade-no/tea-1";
    sandbox
        .respond(Method::GET, BY_NUMBER, json!({ "trade_state": "SUCCESS" }))
        .unwrap();
    sandbox
        .respond(Method::GET, one, json!({ "trade_state": "PAYERROR" }))
        .unwrap();
    let busy = json!({ "code": "SYSTEM_ERROR", "message": "系统错误" });
    let busy = Scripted::new(500, busy).header("retry-after", "3").times(1);
    sandbox.respond(Method::GET, BY_NUMBER, busy).unwrap();

    let err = query(&sandbox, &client, "tea-2").unwrap_err();
    assert_eq!(
        (err.api().map(|api| api.code()), err.outcome()),
        (Some("SYSTEM_ERROR"), Outcome::Unknown)
    );
    assert_eq!(err.api().unwrap().retry_after().unwrap().as_secs(), 3);
    let state = |number| {
        let order = query(&sandbox, &client, number).unwrap();
        order.json::<serde_json::Value>().unwrap()["trade_state"].to_string()
    };
    assert_eq!(
        (state("tea-2"), state("tea-1")),
        ("\"SUCCESS\"".into(), "\"PAYERROR\"".into())
    );
    assert_eq!(sandbox.order_state("tea-2"), None);

    sandbox.clear_responses();
    assert_eq!(
        query(&sandbox, &client, "tea-2")
            .unwrap_err()
            .api()
            .map(|api| api.code()),
        Some("ORDER_NOT_EXIST")
    );
    let requests = sandbox.requests_to(Method::GET, BY_NUMBER);
    assert_eq!(
        (requests.len(), sandbox.requests_to(Method::GET, one).len()),
        (4, 1)
    );
}

#[test]
fn scripted_answer_comes_after_the_signature() {
    let (sandbox, _) = start();
    sandbox.respond(Method::GET, BY_NUMBER, json!({})).unwrap();
    let other = Sandbox::start().unwrap();
    // The keys of another sandbox: it has another merchant.
    let stranger = other
        .client_builder()
        .base_uri(sandbox.base_uri())
        .build()
        .unwrap();
    let err = query(&other, &stranger, "tea-1").unwrap_err();
    assert_eq!(
        err.status().map(|status| status.as_u16()),
        Some(401),
        "{err}"
    );
}

#[test]
fn raw_answer_is_not_signed() {
    let (sandbox, client) = start();
    let page = Scripted::raw(200, "text/html", "<html>");
    sandbox.respond(Method::GET, BY_NUMBER, page).unwrap();
    assert!(
        query(&sandbox, &client, "tea-1")
            .unwrap_err()
            .is_verification()
    );
}

#[test]
fn scripts_of_apiv2_and_of_undocumented_paths() {
    let (sandbox, client) = start();
    let xml = "<xml><return_code>FAIL</return_code><return_msg>x</return_msg></xml>";
    let answer = Scripted::raw(200, "text/xml", xml);
    sandbox
        .respond(Method::POST, "v2/pay/orderquery", answer)
        .unwrap();
    let order = json!({ "xml": {
        "appid": sandbox.appid(), "mch_id": sandbox.mchid(), "out_trade_no": "tea-1",
    }});
    let err = client.chain("v2/pay/orderquery").post(order).unwrap_err();
    assert!(err.to_string().contains('x'), "{err}");

    let unknown = sandbox
        .respond(Method::GET, "v3/certificate", json!({}))
        .unwrap_err();
    assert!(unknown.to_string().contains("v3/certificates"), "{unknown}");
    let invalid = sandbox.respond(Method::GET, BY_NUMBER, Scripted::new(99, json!({})));
    assert!(invalid.unwrap_err().is_config());
}

#[test]
fn snapshot_brings_scripts_and_faults_back() {
    let (sandbox, client) = start();
    sandbox
        .respond(Method::GET, BY_NUMBER, json!({ "trade_state": "SUCCESS" }))
        .unwrap();
    let snapshot = sandbox.snapshot();
    sandbox.reset();
    assert!(query(&sandbox, &client, "tea-1").is_err());
    sandbox.restore(&snapshot).unwrap();
    assert!(query(&sandbox, &client, "tea-1").is_ok());
}

#[test]
fn injected_fault_is_for_a_template_a_method_and_a_count() {
    let (sandbox, client) = start();
    sandbox.respond(Method::GET, BY_NUMBER, json!({})).unwrap();
    let injection = Injection::new(Fault::BadSignature).path(BY_NUMBER).times(2);
    sandbox
        .inject_with(injection.clone().method(Method::POST))
        .unwrap();
    assert!(query(&sandbox, &client, "tea-1").is_ok());
    sandbox.inject_with(injection.method(Method::GET)).unwrap();
    for _ in 0..2 {
        assert!(
            query(&sandbox, &client, "tea-1")
                .unwrap_err()
                .is_verification()
        );
    }
    assert!(query(&sandbox, &client, "tea-1").is_ok());
    let impossible = Injection::new(Fault::Probe).probability(2.0);
    assert!(sandbox.inject_with(impossible).unwrap_err().is_config());
}

#[test]
fn seed_decides_which_calls_a_probable_fault_meets() {
    let hits = |seed| -> Vec<bool> {
        let sandbox = Sandbox::builder().seed(seed).start().unwrap();
        let client = sandbox
            .client_builder()
            .retry(RetryPolicy::none())
            .build()
            .unwrap();
        sandbox.respond(Method::GET, BY_NUMBER, json!({})).unwrap();
        let injection = Injection::new(Fault::BadSignature).probability(0.5);
        sandbox.inject_with(injection).unwrap();
        (0..40)
            .map(|_| query(&sandbox, &client, "tea-1").is_err())
            .collect()
    };
    let seven = hits(7);
    assert_eq!(seven, hits(7));
    assert_ne!(seven, hits(8));
    assert!(seven.contains(&true) && seven.contains(&false));
}
