//! Snapshots, restored.

use std::time::Duration;

use serde_json::json;
use wechatpay_chain::sandbox::{Fault, Sandbox};

#[test]
fn restored_snapshot_has_the_orders_the_clock_and_the_faults() {
    let sandbox = Sandbox::start().unwrap();
    let client = sandbox.client_builder().build().unwrap();
    let prepay = |number: &str| {
        let order = json!({
            "appid": sandbox.appid(), "mchid": sandbox.mchid(), "description": "茶",
            "out_trade_no": number, "notify_url": "https://example.com/notify",
            "amount": { "total": 100 },
        });
        client
            .chain("v3/pay/transactions/native")
            .post(json!({ "json": order }))
    };
    prepay("tea-0001").unwrap();
    sandbox.inject(Fault::Hangup);
    let snapshot = sandbox.snapshot();

    sandbox.user_pays("tea-0001").unwrap();
    sandbox.clear_faults();
    prepay("tea-0002").unwrap();
    // The code of tea-0001 would have expired.
    sandbox.advance(Duration::from_secs(2 * 3600));

    sandbox.restore(&snapshot).unwrap();
    assert_eq!(sandbox.order_state("tea-0001").as_deref(), Some("NOTPAY"));
    assert_eq!(sandbox.order_state("tea-0002"), None);
    prepay("tea-0003").unwrap_err();
    sandbox.user_pays("tea-0001").unwrap();
    // The snapshot itself has not changed.
    sandbox.restore(&snapshot).unwrap();
    assert_eq!(sandbox.order_state("tea-0001").as_deref(), Some("NOTPAY"));

    sandbox.reset();
    assert_eq!(sandbox.order_state("tea-0001"), None);
    prepay("tea-0001").unwrap();
    assert_eq!(sandbox.requests().len(), 1);

    let other = Sandbox::start().unwrap();
    assert!(other.restore(&snapshot).unwrap_err().is_config());
}
