//! Changes of states, as subscribers see them.

use std::time::Duration;

use serde_json::{Value, json};
use wechatpay_chain::{
    Client, Options,
    sandbox::{MerchantOptions, Sandbox, SandboxEvent, StateKind, Subscription},
};

use super::payments::orders::post;

const NOTIFY: &str = "http://127.0.0.1:9/notify";

fn native(sandbox: &Sandbox, number: &str) -> Value {
    json!({
        "appid": sandbox.appid(), "mchid": sandbox.mchid(), "description": "茶",
        "out_trade_no": number, "notify_url": NOTIFY, "amount": { "total": 1000 },
        "settle_info": { "profit_sharing": true },
    })
}

/// Returns the changes so far: kind, number, the state before and the one now.
fn changes(events: &Subscription) -> Vec<(StateKind, String, String)> {
    let mut changes = Vec::new();
    while let Some(event) = events.try_next() {
        if let SandboxEvent::State(change) = event {
            assert_eq!(change.mchid(), "1900000109");
            let states = format!("{} {}", change.from().unwrap_or("-"), change.to());
            changes.push((change.kind(), change.number().to_owned(), states));
        }
    }
    changes
}

#[track_caller]
fn assert_changes(events: &Subscription, expected: &[(StateKind, &str, &str)]) {
    let seen = changes(events);
    let seen: Vec<_> = seen
        .iter()
        .map(|(kind, n, s)| (*kind, &**n, &**s))
        .collect();
    assert_eq!(seen, expected);
}

fn share(sandbox: &Sandbox, client: &Client) {
    let receiver = json!({
        "appid": sandbox.appid(), "type": "MERCHANT_ID", "account": "1900000110", "name": "门店",
        "relation_type": "STORE",
    });
    let options = Options::from(json!({ "json": receiver })).encrypt(["/name"]);
    let chain = client.chain("v3/profitsharing/receivers/add");
    chain.post(options).unwrap();
    let path = "v3/pay/transactions/out-trade-no/tea-0001?mchid=1900000109";
    let order: Value = client.chain(path).get(json!({})).unwrap().json().unwrap();
    let sharing = json!({
        "appid": sandbox.appid(), "transaction_id": order["transaction_id"], "out_order_no": "s1",
        "unfreeze_unsplit": true, "receivers": [
            { "type": "MERCHANT_ID", "account": "1900000110", "amount": 100, "description": "门店" },
        ],
    });
    post(client, "v3/profitsharing/orders", sharing).unwrap();
}

#[test]
fn subscriber_sees_each_change_of_a_state_once_and_in_order() {
    let shop = MerchantOptions::new("1900000110");
    let builder = Sandbox::builder().mchid("1900000109").merchant(shop);
    let sandbox = builder.start().unwrap();
    let client = sandbox.client_builder().build().unwrap();
    let events = sandbox.subscribe();
    use StateKind::*;

    post(
        &client,
        "v3/pay/transactions/native",
        native(&sandbox, "tea-0001"),
    )
    .unwrap();
    assert_changes(&events, &[(Payment, "tea-0001", "- NOTPAY")]);
    // Refused, and the same again: nothing changes.
    let _ = sandbox.user_pays("tea-0002");
    post(
        &client,
        "v3/pay/transactions/native",
        native(&sandbox, "tea-0001"),
    )
    .unwrap();
    assert_changes(&events, &[]);
    sandbox.user_pays("tea-0001").unwrap();
    assert_changes(&events, &[(Payment, "tea-0001", "NOTPAY SUCCESS")]);

    share(&sandbox, &client);
    sandbox.sharing_finishes("s1").unwrap();
    assert_changes(
        &events,
        &[
            (Sharing, "s1", "- PROCESSING"),
            (Sharing, "s1", "PROCESSING FINISHED"),
        ],
    );

    let refund = json!({
        "out_trade_no": "tea-0001", "out_refund_no": "r1",
        "amount": { "refund": 30, "total": 1000, "currency": "CNY" },
    });
    post(&client, "v3/refund/domestic/refunds", refund).unwrap();
    let transfer = json!({
        "appid": sandbox.appid(), "out_bill_no": "t1", "openid": "o1", "transfer_amount": 300,
        "transfer_remark": "奖金", "transfer_scene_id": "1000",
        "transfer_scene_report_infos": [{ "info_type": "活动名称", "info_content": "新会员" }],
    });
    post(&client, "v3/fund-app/mch-transfer/transfer-bills", transfer).unwrap();
    assert_changes(
        &events,
        &[
            (Refund, "r1", "- PROCESSING"),
            (Transfer, "t1", "- WAIT_USER_CONFIRM"),
        ],
    );
    // What WeChat Pay does on its own, within one call.
    sandbox.user_confirms_transfer("t1").unwrap();
    sandbox.advance(Duration::from_secs(60));
    let mut seen = changes(&events);
    seen.sort_by(|a, b| a.1.cmp(&b.1));
    let text = |(kind, number, states): &(StateKind, String, String)| {
        format!("{kind:?} {number} {states}")
    };
    assert_eq!(
        seen.iter().map(text).collect::<Vec<_>>(),
        [
            "Refund r1 PROCESSING SUCCESS",
            "Transfer t1 WAIT_USER_CONFIRM TRANSFERING",
            "Transfer t1 TRANSFERING SUCCESS",
            "Payment tea-0001 SUCCESS REFUND",
        ]
    );

    // A restored state is not a change, and later changes start from it.
    post(
        &client,
        "v3/pay/transactions/native",
        native(&sandbox, "tea-0003"),
    )
    .unwrap();
    let snapshot = sandbox.snapshot();
    sandbox.user_pays("tea-0003").unwrap();
    changes(&events);
    sandbox.restore(&snapshot).unwrap();
    assert_changes(&events, &[]);
    sandbox.user_pays("tea-0003").unwrap();
    assert_changes(&events, &[(Payment, "tea-0003", "NOTPAY SUCCESS")]);
}

#[test]
fn service_order_reports_its_states_with_their_description() {
    let sandbox = Sandbox::builder().mchid("1900000109").start().unwrap();
    let client = sandbox.client_builder().build().unwrap();
    let events = sandbox.subscribe();
    let order = json!({
        "out_order_no": "bike-0001", "appid": sandbox.appid(), "service_id": "500001",
        "service_introduction": "单车", "time_range": { "start_time": "OnAccept" },
        "risk_fund": { "name": "DEPOSIT", "amount": 10_000 }, "notify_url": NOTIFY,
    });
    post(&client, "v3/payscore/serviceorder", order).unwrap();
    sandbox.user_confirms("bike-0001").unwrap();
    assert_changes(
        &events,
        &[
            (StateKind::ServiceOrder, "bike-0001", "- CREATED"),
            (
                StateKind::ServiceOrder,
                "bike-0001",
                "CREATED DOING/USER_CONFIRM",
            ),
        ],
    );
}
