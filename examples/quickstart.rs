//! The six documented forms of one call, against the embedded WeChat Pay: three ways to write the
//! chain, each blocking and async. Run it with
//!
//! ```text
//! cargo run --example quickstart --features sandbox
//! ```
//!
//! The call syncs a pay-score service order that was paid elsewhere; each form gets an order of its
//! own, brought as far as that by the calls before it.

use serde_json::{Value, json};
use wechatpay_chain::{Client, Response, Result, sandbox::Sandbox};

#[tokio::main]
async fn main() -> Result<()> {
    let sandbox = Sandbox::start()?;
    // Against the real one: Client::builder().mchid(..).serial(..).private_key(..) and so on.
    let client = sandbox.client_builder().build()?;
    println!("sandbox at {}\n", sandbox.base_uri());
    println!("form   mode      status  order state  verified");

    let opts = completed_order(&sandbox, &client, "QUICKSTART0001")?;
    let answer = client
        .seg("v3")
        .seg("payscore")
        .seg("serviceorder")
        .seg("_out_order_no_")
        .seg("sync")
        .post(&opts)?;
    print_row("seg", "blocking", &answer)?;

    let opts = completed_order(&sandbox, &client, "QUICKSTART0002")?;
    let answer = client
        .chain("v3/payscore/serviceorder/{out_order_no}/sync")
        .post(&opts)?;
    print_row("chain", "blocking", &answer)?;

    let opts = completed_order(&sandbox, &client, "QUICKSTART0003")?;
    let answer = client["v3/payscore/serviceorder/{out_order_no}/sync"].post(&opts)?;
    print_row("index", "blocking", &answer)?;

    let opts = completed_order(&sandbox, &client, "QUICKSTART0004")?;
    let answer = client
        .seg("v3")
        .seg("payscore")
        .seg("serviceorder")
        .seg("_out_order_no_")
        .seg("sync")
        .post_async(&opts)
        .await?;
    print_row("seg", "async", &answer)?;

    let opts = completed_order(&sandbox, &client, "QUICKSTART0005")?;
    let answer = client
        .chain("v3/payscore/serviceorder/{out_order_no}/sync")
        .post_async(&opts)
        .await?;
    print_row("chain", "async", &answer)?;

    let opts = completed_order(&sandbox, &client, "QUICKSTART0006")?;
    let answer = client["v3/payscore/serviceorder/{out_order_no}/sync"]
        .post_async(&opts)
        .await?;
    print_row("index", "async", &answer)?;
    Ok(())
}

/// Creates an order, lets the user confirm it and completes it; returns the options of its sync.
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
        .chain("v3/payscore/serviceorder/{out_order_no}/complete")
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

fn print_row(form: &str, mode: &str, answer: &Response) -> Result<()> {
    let order: Value = answer.json()?;
    let state = order["state"].as_str().unwrap_or_default();
    let status = answer.status().as_u16();
    let verified = answer.verification().is_verified();
    println!("{form:<5}  {mode:<8}  {status:<6}  {state:<11}  {verified}");
    Ok(())
}
