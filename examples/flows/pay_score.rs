//! Rents a bike with pay-score (微信支付分) at the embedded WeChat Pay: use first, pay later. Run it with
//!
//! ```text
//! cargo run --example pay_score --features sandbox
//! ```
//!
//! The customer confirms a service order on the phone; when the ride ends, the merchant says what it costs
//! and WeChat Pay collects it. A second order is cancelled. `examples/quickstart.rs` reports an order that
//! was paid elsewhere (`sync`).
//!
//! In a crate of your own the example needs
//!
//! ```toml
//! [dependencies]
//! wechatpay-chain = { version = "0.1", features = ["sandbox"] }
//! ```

use wechatpay_chain::{Client, Result, Value, json, model::event, sandbox::Sandbox};

/// WeChat Pay gives a merchant one for each service.
const SERVICE: &str = "500001";

fn main() -> Result<()> {
    let sandbox = Sandbox::start()?;
    // For the real WeChat Pay: Client::builder().mchid(..).serial(..).private_key(..) and so on.
    let client = sandbox.client_builder().build()?;

    let order = create(&sandbox, &client, "bike-0001")?;
    // `wx.openBusinessView` takes it and asks the customer.
    println!(
        "package    {}…",
        order["package"]
            .as_str()
            .unwrap_or_default()
            .get(..60)
            .unwrap_or_default()
    );
    print_state(&sandbox, &client, "bike-0001")?;
    sandbox.user_confirms("bike-0001")?;
    print_state(&sandbox, &client, "bike-0001")?;

    // The total is the payments less the discounts, and at most the risk fund.
    client
        .chain("v3/payscore/serviceorder/{out_order_no}/complete")
        .post(json!({ "out_order_no": "bike-0001", "json": {
            "appid": sandbox.appid(),
            "service_id": SERVICE,
            "post_payments": [{ "name": "骑行费用", "amount": 350 }],
            "post_discounts": [{ "name": "会员优惠", "amount": 50 }],
            "total_amount": 300, // fen
        }}))?;
    print_state(&sandbox, &client, "bike-0001")?;

    // Before it is paid, the amount can be lowered. It is never raised.
    client
        .chain("v3/payscore/serviceorder/{out_order_no}/modify")
        .post(json!({ "out_order_no": "bike-0001", "json": {
            "appid": sandbox.appid(),
            "service_id": SERVICE,
            "post_payments": [{ "name": "骑行费用", "amount": 350 }],
            "post_discounts": [{ "name": "会员优惠", "amount": 150 }],
            "total_amount": 200,
            "reason": "车辆故障",
        }}))?;
    sandbox.user_pays("bike-0001")?;
    let order = print_state(&sandbox, &client, "bike-0001")?;
    assert_eq!(
        (&order["state"], &order["total_amount"]),
        (&json!("DONE"), &json!(200))
    );

    create(&sandbox, &client, "bike-0002")?;
    client
        .chain("v3/payscore/serviceorder/{out_order_no}/cancel")
        .post(json!({ "out_order_no": "bike-0002", "json": {
            "appid": sandbox.appid(),
            "service_id": SERVICE,
            "reason": "车辆故障",
        }}))?;
    let order = print_state(&sandbox, &client, "bike-0002")?;
    assert_eq!(order["state"], "REVOKED");

    // What WeChat Pay posted meanwhile. Nobody listens at that URL, but the sandbox keeps what it sent.
    println!("\nnotifications");
    sandbox.settle()?;
    for delivery in sandbox.deliveries() {
        let headers = delivery.attempts()[0].sent_headers();
        let notification = client.notification(headers, delivery.body())?;
        let number = &notification.resource_json()["out_order_no"];
        let number = number.as_str().unwrap_or_default();
        match notification.event_type() {
            event::PAYSCORE_USER_CONFIRM => println!("{number} starts"),
            event::PAYSCORE_USER_PAID => println!("{number} is paid"),
            other => println!("{number} not handled: {other}"),
        }
    }
    Ok(())
}

fn create(sandbox: &Sandbox, client: &Client, out_order_no: &str) -> Result<Value> {
    client
        .chain("v3/payscore/serviceorder")
        .post(json!({ "json": {
            "appid": sandbox.appid(),
            "service_id": SERVICE,
            "out_order_no": out_order_no,
            "service_introduction": "共享单车",
            "time_range": { "start_time": "OnAccept" },
            "risk_fund": { "name": "DEPOSIT", "amount": 10_000 }, // the most that it can cost
            "notify_url": "http://127.0.0.1:9/notify",
        }}))?
        .json()
}

/// Queries an order, and prints its state.
fn print_state(sandbox: &Sandbox, client: &Client, out_order_no: &str) -> Result<Value> {
    let order: Value = client
        .chain("v3/payscore/serviceorder")
        .get(json!({ "query": {
            "out_order_no": out_order_no,
            "service_id": SERVICE,
            "appid": sandbox.appid(),
        }}))?
        .json()?;
    let state = order["state"].as_str().unwrap_or_default();
    let description = order["state_description"].as_str().unwrap_or_default();
    println!("{out_order_no}  {state:<8} {description}");
    Ok(order)
}
