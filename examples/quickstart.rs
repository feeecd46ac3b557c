//! Makes one documented call in its six forms against the embedded WeChat Pay: three ways to write the
//! chain, each blocking and async. The placeholder is spelled in its three ways. Run it with
//!
//! ```text
//! cargo run --example quickstart --features sandbox
//! ```
//!
//! The call syncs a pay-score service order that was paid elsewhere. Each form syncs another order, which
//! the calls before it create and complete.
//!
//! In a crate of your own it needs
//!
//! ```toml
//! [dependencies]
//! tokio = { version = "1", features = ["macros", "rt-multi-thread"] }
//! wechatpay-chain = { version = "0.1", features = ["sandbox"] }
//! ```

use wechatpay_chain::{Client, Response, Result, Value, json, sandbox::Sandbox};

#[tokio::main]
async fn main() -> Result<()> {
    let sandbox = Sandbox::start()?;
    // For the real WeChat Pay: Client::builder().mchid(..).serial(..).private_key(..) and so on.
    let client = sandbox.client_builder().build()?;
    println!("sandbox at {}\n", sandbox.base_uri());
    println!("form   mode      status  order state  verified");

    let opts = completed_order(&sandbox, &client, "QUICKSTART0001")?;
    let response = client
        .seg("v3")
        .seg("payscore")
        .seg("serviceorder")
        .seg("_out_order_no_")
        .seg("sync")
        .post(&opts)?;
    print_row("seg", "blocking", &response)?;

    let opts = completed_order(&sandbox, &client, "QUICKSTART0002")?;
    let response = client
        .chain("v3/payscore/serviceorder/<out_order_no>/sync")
        .post(&opts)?;
    print_row("chain", "blocking", &response)?;

    let opts = completed_order(&sandbox, &client, "QUICKSTART0003")?;
    let response = client["v3/payscore/serviceorder/{out_order_no}/sync"].post(&opts)?;
    print_row("index", "blocking", &response)?;

    let opts = completed_order(&sandbox, &client, "QUICKSTART0004")?;
    let response = client
        .seg("v3")
        .seg("payscore")
        .seg("serviceorder")
        .seg("_out_order_no_")
        .seg("sync")
        .post_async(&opts)
        .await?;
    print_row("seg", "async", &response)?;

    let opts = completed_order(&sandbox, &client, "QUICKSTART0005")?;
    let response = client
        .chain("v3/payscore/serviceorder/<out_order_no>/sync")
        .post_async(&opts)
        .await?;
    print_row("chain", "async", &response)?;

    let opts = completed_order(&sandbox, &client, "QUICKSTART0006")?;
    let response = client["v3/payscore/serviceorder/{out_order_no}/sync"]
        .post_async(&opts)
        .await?;
    print_row("index", "async", &response)?;
    Ok(())
}

/// Creates an order, lets the user confirm it and completes it. Returns the options of its sync.
fn completed_order(sandbox: &Sandbox, client: &Client, out_order_no: &str) -> Result<Value> {
    let appid = sandbox.appid();
    client
        .chain("v3/payscore/serviceorder")
        .post(json!({ "json": {
            "out_order_no": out_order_no,
            "appid": appid,
            "service_id": "500001",
            "service_introduction": "某某酒店",
            "time_range": { "start_time": "OnAccept" },
            "risk_fund": { "name": "ESTIMATE_ORDER_COST", "amount": 10000 },
            "notify_url": "https://example.com/notify",
        }}))?;

    // What the user does on a phone.
    sandbox.user_confirms(out_order_no)?;

    client
        .chain("v3/payscore/serviceorder/<out_order_no>/complete")
        .post(json!({
            "out_order_no": out_order_no,
            "json": {
                "appid": appid,
                "service_id": "500001",
                "post_payments": [{ "name": "就餐费用", "amount": 4000 }],
                "post_discounts": [{ "name": "满20减1元", "amount": 100 }],
                "total_amount": 3900, // fen
            },
        }))?;

    Ok(json!({
        "out_order_no": out_order_no, // fills the placeholder
        "json": {
            "appid": appid,
            "service_id": "500001",
            "type": "Order_Paid",
            "detail": { "paid_time": "20091225091210" },
        },
    }))
}

fn print_row(form: &str, mode: &str, response: &Response) -> Result<()> {
    let order: Value = response.json()?;
    let state = order["state"].as_str().unwrap_or_default();
    let status = response.status().as_u16();
    let verified = response.verification().is_verified();
    println!("{form:<5}  {mode:<8}  {status:<6}  {state:<11}  {verified}");
    Ok(())
}
