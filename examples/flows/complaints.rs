//! Answers the complaints of customers at the embedded WeChat Pay: one with words, one with a refund. Run it
//! with
//!
//! ```text
//! cargo run --example complaints --features sandbox
//! ```
//!
//! The merchant sets the URL of the notifications once. It answers a complaint, and completes it when the
//! matter is settled; a refund that the customer asks for completes it on its own.
//!
//! In a crate of your own the example needs
//!
//! ```toml
//! [dependencies]
//! wechatpay-chain = { version = "0.1", features = ["sandbox"] }
//! ```

use wechatpay_chain::{Client, Result, Value, json, sandbox::Sandbox};

const COMPLAINT: &str = "v3/merchant-service/complaints-v2/{complaint_id}";

fn main() -> Result<()> {
    let sandbox = Sandbox::start()?;
    // For the real WeChat Pay: Client::builder().mchid(..).serial(..).private_key(..) and so on.
    let client = sandbox.client_builder().build()?;
    client
        .chain("v3/merchant-service/complaint-notifications")
        .post(json!({ "json": { "url": "https://example.com/complaints" } }))?;
    pay(&sandbox, &client, "tea-0001")?;
    pay(&sandbox, &client, "tea-0002")?;

    let cold = sandbox.user_complains("tea-0001", "茶是凉的")?;
    print(&client, &cold)?;
    act(
        &client,
        &cold,
        "response",
        json!({
            "complainted_mchid": sandbox.mchid(),
            "response_content": "抱歉, 已换一杯",
        }),
    )?;
    print(&client, &cold)?;
    act(
        &client,
        &cold,
        "complete",
        json!({ "complainted_mchid": sandbox.mchid() }),
    )?;
    let complaint = print(&client, &cold)?;
    assert_eq!(complaint["complaint_state"], "PROCESSED");

    // What was said and done, the newest first.
    let history: Value = client
        .chain(COMPLAINT)
        .seg("negotiation-historys")
        .get(json!({ "complaint_id": &cold }))?
        .json()?;
    for step in history["data"].as_array().into_iter().flatten() {
        println!(
            "  {} {}",
            text(&step["operate_time"]),
            text(&step["operate_type"])
        );
    }

    // The customer asks for the money back: say what becomes of it, and refund the order as usual.
    let refund = sandbox.user_asks_for_refund("tea-0002", 100, "没有收到茶")?;
    print(&client, &refund)?;
    act(
        &client,
        &refund,
        "update-refund-progress",
        json!({
            "action": "APPROVE", "launch_refund_day": 0,
        }),
    )?;
    client
        .chain("v3/refund/domestic/refunds")
        .post(json!({ "json": {
            "out_trade_no": "tea-0002",
            "out_refund_no": "tea-0002-1",
            "amount": { "refund": 100, "total": 100, "currency": "CNY" },
        }}))?;
    sandbox.refund_succeeds("tea-0002-1")?;
    let complaint = print(&client, &refund)?;
    assert_eq!(complaint["complaint_full_refunded"], true);

    println!("\nnotifications");
    for delivery in sandbox.deliveries() {
        let action = &delivery.resource()["action_type"];
        if action.is_string() {
            println!("{} {}", delivery.event_type(), text(action));
        }
    }
    Ok(())
}

/// Queries a complaint, and prints it with the customer's phone number, which only the merchant can read.
fn print(client: &Client, complaint_id: &str) -> Result<Value> {
    let query = json!({ "complaint_id": complaint_id });
    let complaint: Value = client.chain(COMPLAINT).get(query)?.json()?;
    let phone = client.decrypt(text(&complaint["payer_phone"]))?;
    println!(
        "{} {:<10} {} ({phone})",
        text(&complaint["complaint_order_info"][0]["out_trade_no"]),
        text(&complaint["complaint_state"]),
        text(&complaint["complaint_detail"])
    );
    Ok(complaint)
}

fn act(client: &Client, complaint_id: &str, action: &str, body: Value) -> Result<()> {
    let chain = client.chain(COMPLAINT).seg(action);
    chain.post(json!({ "complaint_id": complaint_id, "json": body }))?;
    Ok(())
}

/// Places an order of 100 fen, and pays it.
fn pay(sandbox: &Sandbox, client: &Client, out_trade_no: &str) -> Result<()> {
    client
        .chain("v3/pay/transactions/native")
        .post(json!({ "json": {
            "appid": sandbox.appid(),
            "mchid": sandbox.mchid(),
            "description": "茶, 一杯",
            "out_trade_no": out_trade_no,
            "notify_url": "https://example.com/notify",
            "amount": { "total": 100, "currency": "CNY" },
        }}))?;
    sandbox.user_pays(out_trade_no)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
