//! Refunds, called by this library's client.

use std::time::Duration;

use serde_json::{Value, json};
use wechatpay_chain::{
    Client, Options, Result,
    sandbox::{RefundFailure, Sandbox},
};

use super::orders::{SP_MCHID, SUB_MCHID, code, get, order, post, provider, with_provider};

const REFUNDS: &str = "v3/refund/domestic/refunds";

fn paid(sandbox: &Sandbox, client: &Client, number: &str) {
    let path = "v3/pay/transactions/native";
    post(client, path, order(sandbox, number, 100)).unwrap();
    sandbox.user_pays(number).unwrap();
}

fn refund(client: &Client, order: &str, number: &str, fen: u64) -> Result<Value> {
    let body = json!({
        "out_trade_no": order, "out_refund_no": number, "reason": "冷了",
        "notify_url": "https://example.com/refunds",
        "amount": { "refund": fen, "total": 100, "currency": "CNY" },
    });
    post(client, REFUNDS, body)
}

fn query(client: &Client, number: &str) -> Result<Value> {
    get(client, &format!("{REFUNDS}/{number}"), json!({}))
}

/// Returns event and status of the refunds' notifications, in their order.
fn notified(sandbox: &Sandbox) -> Vec<(String, String)> {
    let deliveries = sandbox.deliveries();
    let refunds = deliveries
        .iter()
        .filter(|d| d.event_type().starts_with("REFUND"));
    refunds
        .map(|delivery| {
            let status = delivery.resource()["refund_status"].as_str().unwrap();
            (delivery.event_type().to_owned(), status.to_owned())
        })
        .collect()
}

#[test]
fn order_is_refunded_in_parts_to_the_fen() {
    let sandbox = Sandbox::start().unwrap();
    let client = sandbox.client_builder().build().unwrap();
    paid(&sandbox, &client, "tea-0001");
    let first = refund(&client, "tea-0001", "back-1", 33).unwrap();
    assert_eq!(first["status"], "PROCESSING");
    assert_eq!(first["amount"]["refund"], 33);
    assert_eq!(refund(&client, "tea-0001", "back-1", 33).unwrap(), first);
    let expected = |status, code: &str| (status, code.to_owned());
    let other = refund(&client, "tea-0001", "back-1", 34);
    assert_eq!(code(other), expected(400, "INVALID_REQUEST"));
    let too_much = refund(&client, "tea-0001", "back-2", 68);
    assert_eq!(code(too_much), expected(400, "INVALID_REQUEST"));
    refund(&client, "tea-0001", "back-2", 67).unwrap();
    let unknown = refund(&client, "no-such", "back-3", 1);
    assert_eq!(code(unknown), expected(404, "RESOURCE_NOT_EXISTS"));
    assert_eq!(
        code(query(&client, "back-3")),
        expected(404, "RESOURCE_NOT_EXISTS")
    );

    sandbox.refund_succeeds("back-1").unwrap();
    assert!(sandbox.refund_succeeds("back-1").is_err());
    let done = query(&client, "back-1").unwrap();
    assert_eq!(done["status"], "SUCCESS");
    assert!(done["success_time"].is_string());
    assert_eq!(sandbox.order_state("tea-0001").as_deref(), Some("REFUND"));
    // The other one succeeds on its own.
    sandbox.advance(Duration::from_secs(60));
    assert_eq!(query(&client, "back-2").unwrap()["status"], "SUCCESS");
    let succeeded = ("REFUND.SUCCESS".to_owned(), "SUCCESS".to_owned());
    assert_eq!(notified(&sandbox), [succeeded.clone(), succeeded]);
}

#[test]
fn fifty_first_refund_is_refused() {
    let sandbox = Sandbox::start().unwrap();
    let client = sandbox.client_builder().build().unwrap();
    paid(&sandbox, &client, "tea-0001");
    for n in 1..=50 {
        refund(&client, "tea-0001", &format!("back-{n}"), 1).unwrap();
    }
    let err = refund(&client, "tea-0001", "back-51", 1).unwrap_err();
    assert!(err.api().unwrap().message().contains("50"), "{err}");
}

#[test]
fn abnormal_refund_goes_to_a_bank_account() {
    let sandbox = Sandbox::builder().settle_after(None).start().unwrap();
    let client = sandbox.client_builder().build().unwrap();
    paid(&sandbox, &client, "tea-0001");
    let id = refund(&client, "tea-0001", "back-1", 100).unwrap()["refund_id"].clone();
    let path = format!("{REFUNDS}/{}/apply-abnormal-refund", id.as_str().unwrap());
    let apply = |account: &str| {
        let body = json!({
            "out_refund_no": "back-1", "type": "USER_BANK_CARD", "bank_type": "ICBC_DEBIT",
            "bank_account": account, "real_name": "张三",
        });
        let options = Options::from(json!({ "json": body }));
        client
            .chain(path.as_str())
            .post(options.encrypt(["/bank_account", "/real_name"]))
    };
    let expected = |status, code: &str| (status, code.to_owned());
    assert_eq!(
        code(apply("6222020200020000403")),
        expected(400, "INVALID_REQUEST")
    );
    sandbox
        .refund_fails("back-1", RefundFailure::Abnormal)
        .unwrap();
    assert_eq!(query(&client, "back-1").unwrap()["status"], "ABNORMAL");
    assert_eq!(code(apply("no account")), expected(400, "PARAM_ERROR"));
    let again: Value = apply("6222020200020000403").unwrap().json().unwrap();
    assert_eq!(again["status"], "PROCESSING");
    assert_eq!(again["user_received_account"], "银行卡0403");
    sandbox.refund_succeeds("back-1").unwrap();

    refund_closed(&sandbox, &client);
    let events = notified(&sandbox);
    let events: Vec<_> = events.iter().map(|(event, _)| event.as_str()).collect();
    assert_eq!(
        events,
        ["REFUND.ABNORMAL", "REFUND.SUCCESS", "REFUND.CLOSED"]
    );
}

fn refund_closed(sandbox: &Sandbox, client: &Client) {
    paid(sandbox, client, "tea-0002");
    refund(client, "tea-0002", "back-2", 100).unwrap();
    sandbox
        .refund_fails("back-2", RefundFailure::Closed)
        .unwrap();
    assert_eq!(query(client, "back-2").unwrap()["status"], "CLOSED");
    assert_eq!(sandbox.order_state("tea-0002").as_deref(), Some("SUCCESS"));
}

#[test]
fn service_provider_and_platform_refund_for_a_sub_merchant() {
    let sandbox = with_provider();
    let client = provider(&sandbox);
    let body = json!({
        "sp_appid": "wx1", "sp_mchid": SP_MCHID, "sub_mchid": SUB_MCHID, "description": "茶",
        "out_trade_no": "tea-0001", "notify_url": "https://example.com/notify",
        "amount": { "total": 100 },
    });
    post(&client, "v3/pay/partner/transactions/native", body).unwrap();
    sandbox.user_pays("tea-0001").unwrap();
    let mut body = json!({
        "sub_mchid": SUB_MCHID, "out_trade_no": "tea-0001", "out_refund_no": "back-1",
        "notify_url": "https://example.com/refunds",
        "amount": { "refund": 40, "total": 100, "currency": "CNY" },
    });
    post(&client, REFUNDS, body.clone()).unwrap();
    let expected = |status, code: &str| (status, code.to_owned());
    let alone = query(&client, "back-1");
    assert_eq!(code(alone), expected(404, "RESOURCE_NOT_EXISTS"));
    let path = format!("{REFUNDS}/back-1");
    let of_sub = json!({ "sub_mchid": SUB_MCHID });
    get(&client, &path, of_sub.clone()).unwrap();

    body["sp_appid"] = "wx1".into();
    body["out_refund_no"] = "back-2".into();
    body["amount"]["refund"] = 60.into();
    let mut alone = body.clone();
    for sub_mchid in [Some(""), None] {
        match sub_mchid {
            Some(sub_mchid) => alone["sub_mchid"] = sub_mchid.into(),
            None => drop(alone.as_object_mut().unwrap().remove("sub_mchid")),
        }
        let refused = post(&client, "v3/ecommerce/refunds/apply", alone.clone());
        assert_eq!(code(refused), expected(400, "PARAM_ERROR"));
    }
    let applied = post(&client, "v3/ecommerce/refunds/apply", body).unwrap();
    assert_eq!(applied["amount"]["payer_refund"], 60);
    sandbox.refund_succeeds("back-2").unwrap();
    let id = applied["refund_id"].as_str().unwrap();
    let by_id = get(
        &client,
        &format!("v3/ecommerce/refunds/id/{id}"),
        of_sub.clone(),
    )
    .unwrap();
    assert_eq!(by_id["status"], "SUCCESS");
    let path = "v3/ecommerce/refunds/out-refund-no/back-2";
    assert_eq!(get(&client, path, of_sub).unwrap(), by_id);

    let deliveries = sandbox.deliveries();
    let delivery = deliveries
        .iter()
        .find(|d| d.event_type() == "REFUND.SUCCESS")
        .unwrap();
    assert_eq!(delivery.mchid(), SP_MCHID);
    assert_eq!(delivery.resource()["sub_mchid"], SUB_MCHID);
}

#[test]
fn concurrent_requests_move_the_money_once() {
    let sandbox = Sandbox::builder().opening_balance(0).start().unwrap();
    let client = sandbox.client_builder().build().unwrap();
    let path = "v3/pay/transactions/native";
    post(&client, path, order(&sandbox, "tea-0001", 100)).unwrap();
    let balance = || sandbox.balance(sandbox.mchid()).unwrap().available;
    let count = |succeeds: &(dyn Fn(usize) -> bool + Sync)| {
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|n| scope.spawn(move || succeeds(n))).collect();
            let done = threads.into_iter().map(|thread| thread.join().unwrap());
            done.filter(|done| *done).count()
        })
    };
    assert_eq!(count(&|_| sandbox.user_pays("tea-0001").is_ok()), 1);
    assert_eq!(balance(), 100);
    assert_eq!(sandbox.deliveries().len(), 1);
    // Eight of the same are one.
    let same = |_| refund(&client, "tea-0001", "back", 40).is_ok();
    assert_eq!(count(&same), 8);
    assert_eq!(balance(), 60);
    // Of eight times 20, three fit.
    let parts = |n| refund(&client, "tea-0001", &format!("back-{n}"), 20).is_ok();
    assert_eq!(count(&parts), 3);
    assert_eq!(balance(), 0);
}
