//! What happened to an order, in its order.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use serde_json::{Value, json};
use wechatpay_chain::sandbox::{MerchantOptions, Sandbox};

use super::{
    super::{ok, order, post},
    NONE, Shop,
};
use crate::{
    fixtures::server::{MockResponse, Request, Server},
    sandbox::payments::orders::get,
};

/// Returns the entries as words, after the check that their times do not decrease.
fn words(timeline: &Value) -> Vec<String> {
    let entries = timeline["timeline"].as_array().unwrap();
    let times: Vec<_> = entries
        .iter()
        .map(|one| one["at_ms"].as_u64().unwrap())
        .collect();
    assert!(times.is_sorted(), "{times:?}");
    let text = |value: &Value| match value {
        Value::Null => "-".to_owned(),
        value => value.as_str().map_or(value.to_string(), str::to_owned),
    };
    let word = |one: &Value| match one["kind"].as_str().unwrap() {
        "request" => format!(
            "{} {} {}",
            text(&one["method"]),
            text(&one["path"]),
            text(&one["status"])
        ),
        "delivery" => format!(
            "delivery {} {}",
            text(&one["event_type"]),
            text(&one["state"])
        ),
        "attempt" => format!("attempt {} {}", text(&one["attempt"]), text(&one["status"])),
        kind => format!(
            "{kind} {} {} {}",
            text(&one["number"]),
            text(&one["from"]),
            text(&one["to"])
        ),
    };
    entries.iter().map(word).collect()
}

#[test]
fn timeline_has_everything_in_the_order_in_which_it_happened() {
    let shop = Shop::open();
    // It acknowledges from the second time on: no later attempt is due, however slow the test is.
    let arrived = AtomicUsize::new(0);
    let receiver =
        Server::start(
            move |_: &Request| match arrived.fetch_add(1, Ordering::Relaxed) {
                0 => MockResponse::plain(500, ""),
                _ => MockResponse::plain(204, ""),
            },
        );
    let url = receiver.url();
    shop.sandbox.redirect_notifications(Some(&url)).unwrap();
    let query = "v3/pay/transactions/out-trade-no/tea-0001";
    let ask = || {
        get(
            &shop.client,
            query,
            json!({ "mchid": shop.sandbox.mchid() }),
        )
        .unwrap()
    };
    shop.prepay("native", "tea-0001");
    ask();
    shop.sandbox.user_pays("tea-0001").unwrap();
    shop.sandbox.settle().unwrap();
    shop.sandbox.advance(Duration::from_secs(15));
    shop.sandbox.settle().unwrap();
    let paid = ask();
    // What others have is not among it.
    shop.prepay("native", "tea-00011");
    shop.sandbox.user_pays("tea-00011").unwrap();
    shop.refund("tea-0001", "r1", 30);
    shop.sandbox.refund_succeeds("r1").unwrap();
    shop.sandbox.settle().unwrap();
    let id = paid["transaction_id"].as_str().unwrap();
    let by_id = format!("v3/pay/transactions/id/{id}");
    get(
        &shop.client,
        &by_id,
        json!({ "mchid": shop.sandbox.mchid() }),
    )
    .unwrap();

    let shown = shop.get("orders/tea-0001");
    assert_eq!(
        words(&shown),
        [
            "POST /v3/pay/transactions/native 200",
            "state tea-0001 - NOTPAY",
            &format!("GET /{query} 200"),
            "state tea-0001 NOTPAY SUCCESS",
            "delivery TRANSACTION.SUCCESS acknowledged",
            "attempt 0 500",
            "attempt 1 204",
            &format!("GET /{query} 200"),
            "POST /v3/refund/domestic/refunds 200",
            "refund r1 - PROCESSING",
            "state tea-0001 SUCCESS REFUND",
            "refund r1 PROCESSING SUCCESS",
            "delivery REFUND.SUCCESS acknowledged",
            "attempt 0 204",
            &format!("GET /{by_id} 200"),
        ]
    );
    let entries = shown["timeline"].as_array().unwrap();
    let at = |index: usize| entries[index]["at_ms"].as_u64().unwrap();
    // By the sandbox's clock, which went ahead by 15 seconds in between.
    assert!(at(7) - at(2) >= 15_000);
    let created_at = shown["created_at"].as_u64().unwrap();
    assert!(at(0) / 1_000 <= created_at && created_at <= at(1) / 1_000);
    // Each links to what it is about.
    let request = shop.get(&format!("requests/{}", entries[0]["id"]));
    assert_eq!(request["path"], "/v3/pay/transactions/native");
    let id = entries[4]["id"].as_str().unwrap();
    assert_eq!(entries[5]["id"], *id);
    let delivery = shop.get(&format!("notifications/{id}"));
    assert_eq!(delivery["attempts"][1]["at"], entries[6]["at"]);
}

#[test]
fn timeline_of_each_kind_has_its_states_and_notifications() {
    let shop = Shop::open();
    shop.fill();
    let states = |number: &str| {
        let mut words = words(&shop.get(&format!("orders/{number}")));
        words.retain(|word| !word.starts_with("GET") && !word.starts_with("POST"));
        words
    };
    let ride = states("ride-paid");
    assert_eq!(
        ride[..4],
        [
            "state ride-paid - CREATED",
            "state ride-paid CREATED DOING/USER_CONFIRM",
            "delivery PAYSCORE.USER_CONFIRM not_sent",
            "state ride-paid DOING/USER_CONFIRM DOING/MCH_COMPLETE",
        ]
    );
    assert_eq!(ride.last().unwrap(), "delivery PAYSCORE.USER_PAID not_sent");
    let all = states("all-paid");
    for part in ["all-paid-sub", "all-paid-own"] {
        assert!(
            all.contains(&format!("state {part} NOTPAY SUCCESS")),
            "{all:?}"
        );
    }
    assert_eq!(all.last().unwrap(), "delivery TRANSACTION.SUCCESS not_sent");
    // A part tells of the whole, which was notified.
    assert_eq!(states("all-paid-own").last().unwrap(), all.last().unwrap());
    assert_eq!(
        states("v2-paid"),
        [
            "state v2-paid - NOTPAY",
            "state v2-paid NOTPAY SUCCESS",
            "delivery  not_sent"
        ]
    );
    assert_eq!(
        states("scan-taken-back"),
        [
            "state scan-taken-back - USERPAYING",
            "state scan-taken-back USERPAYING REVOKED",
        ]
    );
    let requests = words(&shop.get("orders/v2-paid"));
    assert_eq!(requests[0], "POST /pay/unifiedorder 200");
    let partner = words(&shop.get("orders/sub-paid"));
    assert_eq!(partner[0], "POST /v3/pay/partner/transactions/jsapi 200");
}

#[test]
fn number_of_another_merchant_is_another_order() {
    let sandbox = Sandbox::builder()
        .merchant(MerchantOptions::new("1900000111"))
        .start()
        .unwrap();
    for merchant in sandbox.merchants() {
        let client = merchant.client_builder().build().unwrap();
        let mut order = order(&sandbox, "tea-0001", 100);
        order["mchid"] = merchant.mchid().into();
        post(&client, "v3/pay/transactions/native", order).unwrap();
    }
    let shown = ok(&sandbox, "GET", "orders/tea-0001?mchid=1900000111", NONE);
    assert_eq!(
        words(&shown),
        [
            "POST /v3/pay/transactions/native 200",
            "state tea-0001 - NOTPAY"
        ]
    );
    assert_eq!(shown["timeline"][0]["mchid"], "1900000111");
}

#[test]
fn timeline_survives_a_snapshot() {
    let shop = Shop::open();
    shop.prepay("native", "tea-0001");
    shop.sandbox.user_pays("tea-0001").unwrap();
    shop.sandbox.settle().unwrap();
    let before = words(&shop.get("orders/tea-0001"));
    let snapshot = shop.sandbox.snapshot();
    shop.refund("tea-0001", "r1", 30);
    shop.sandbox.restore(&snapshot).unwrap();
    let mut after = words(&shop.get("orders/tea-0001"));
    // The log of requests is not part of a snapshot, and has the refund's.
    assert_eq!(before.len(), 4);
    after.retain(|word| !word.contains("refund"));
    assert_eq!(after, before);
}

#[test]
fn merchant_that_queries_for_hours_leaves_room_for_the_payment() {
    let shop = Shop::open();
    shop.prepay("native", "tea-0001");
    let query = "v3/pay/transactions/out-trade-no/tea-0001";
    for _ in 0..520 {
        get(
            &shop.client,
            query,
            json!({ "mchid": shop.sandbox.mchid() }),
        )
        .unwrap();
    }
    shop.sandbox.user_pays("tea-0001").unwrap();
    let shown = shop.get("orders/tea-0001");
    // The prepayment is the 521st request from the end.
    assert_eq!(shown["timeline_left_out"], 21);
    let words = words(&shown);
    assert_eq!(words[0], "state tea-0001 - NOTPAY");
    assert_eq!(words[words.len() - 2], "state tea-0001 NOTPAY SUCCESS");
}
