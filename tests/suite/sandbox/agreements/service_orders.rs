//! Service orders, from their creation to their payment.

use serde_json::json;
use wechatpay_chain::sandbox::Sandbox;

use crate::sandbox::payments::orders::{get, post};

const ORDERS: &str = "v3/payscore/serviceorder";

#[test]
fn paid_order_moves_its_money_and_both_steps_of_the_user_are_notified() {
    let sandbox = Sandbox::builder().opening_balance(7).start().unwrap();
    let client = sandbox.client_builder().build().unwrap();
    let created = json!({
        "out_order_no": "bike-0001", "appid": sandbox.appid(), "service_id": "500001",
        "service_introduction": "单车", "time_range": { "start_time": "OnAccept" },
        "risk_fund": { "name": "DEPOSIT", "amount": 10_000 },
        "notify_url": "https://example.com/payscore",
    });
    post(&client, ORDERS, created).unwrap();
    sandbox.user_confirms("bike-0001").unwrap();
    assert!(sandbox.user_confirms("bike-0001").is_err());
    let completed = json!({
        "appid": sandbox.appid(), "service_id": "500001", "total_amount": 350,
        "post_payments": [{ "name": "骑行", "amount": 350 }],
    });
    post(&client, &format!("{ORDERS}/bike-0001/complete"), completed).unwrap();
    assert_eq!(sandbox.balance(sandbox.mchid()).unwrap().available, 7);
    sandbox.user_pays("bike-0001").unwrap();
    assert!(sandbox.user_pays("bike-0001").is_err());
    assert_eq!(sandbox.balance(sandbox.mchid()).unwrap().available, 357);

    let query = json!({
        "out_order_no": "bike-0001", "appid": sandbox.appid(), "service_id": "500001",
    });
    let seen = get(&client, ORDERS, query).unwrap();
    let [confirmed, paid] = &sandbox.deliveries()[..] else {
        panic!("two notifications");
    };
    for (delivery, event) in [
        (confirmed, "PAYSCORE.USER_CONFIRM"),
        (paid, "PAYSCORE.USER_PAID"),
    ] {
        assert_eq!(delivery.event_type(), event);
        assert_eq!(delivery.url(), "https://example.com/payscore");
    }
    assert_eq!(confirmed.resource()["state_description"], "USER_CONFIRM");
    assert_eq!(*paid.resource(), seen);
    assert_eq!(seen["collection"]["paid_amount"], 350);
}
