//! Downloads a bill from the embedded WeChat Pay and adds it up. Run it with
//!
//! ```text
//! cargo run --example download --features sandbox
//! ```
//!
//! One call asks for the bill, fetches the file that the response names, unpacks it and checks its
//! SHA-1. The file appears when it is complete, and only its owner can read it. In a crate of your own
//! it needs
//!
//! ```toml
//! [dependencies]
//! tokio = { version = "1", features = ["macros", "rt-multi-thread"] }
//! wechatpay-chain = { version = "0.1", features = ["sandbox"] }
//! ```

use std::{fs::File, time::Duration};

use wechatpay_chain::{BillRows, Client, Result, Value, json, sandbox::Sandbox};

#[tokio::main]
async fn main() -> Result<()> {
    let sandbox = Sandbox::start()?;
    // For the real WeChat Pay: Client::builder().mchid(..).serial(..).private_key(..) and so on.
    let client = sandbox.client_builder().build()?;
    let day = a_days_trade(&sandbox, &client)?;

    let path = std::env::temp_dir().join(format!("tradebill-{day}.csv"));
    let bill = client.chain("v3/bill/tradebill").download(json!({
        "query": { "bill_date": day, "bill_type": "ALL", "tar_type": "GZIP" },
        "sink": path,
    }))?;
    let file = bill.file().expect("a sink makes a file");
    println!("{} bytes, sha1 {}", file.len(), file.sha1());

    let mut rows = BillRows::new(File::open(file.path()).expect("the file exists"))?;
    let mut total = 0;
    for row in &mut rows {
        let row = row?;
        let fen = row.fen("应结订单金额")?;
        println!(
            "{:<12} {fen:>6} fen",
            row.get("商户订单号").unwrap_or_default()
        );
        total += fen;
    }
    let summary = rows.summary().expect("a complete bill ends with a summary");
    assert_eq!(summary.fen("应结订单总金额")?, total);
    println!("{:<12} {total:>6} fen", "all");
    let _ = std::fs::remove_file(file.path());

    // The same into memory, async.
    let flow = client["v3/bill/fundflowbill"]
        .download_async(json!({ "query": { "bill_date": day, "tar_type": "GZIP" } }))
        .await?;
    println!(
        "{} movements of funds",
        BillRows::new(&flow.bytes()[..])?.count()
    );
    Ok(())
}

/// Places three orders, pays them and lets the day pass. Returns that day.
fn a_days_trade(sandbox: &Sandbox, client: &Client) -> Result<String> {
    let mut day = String::new();
    for (number, total) in [("tea-0001", 1200), ("tea-0002", 35), ("tea-0003", 100)] {
        client
            .chain("v3/pay/transactions/native")
            .post(json!({ "json": {
                "appid": sandbox.appid(),
                "mchid": sandbox.mchid(),
                "description": "茶, 一杯",
                "out_trade_no": number,
                "notify_url": "https://example.com/notify",
                "amount": { "total": total, "currency": "CNY" }, // fen
            }}))?;
        sandbox.user_pays(number)?;
        let order: Value = client
            .chain("v3/pay/transactions/out-trade-no/<out_trade_no>")
            .get(json!({ "out_trade_no": number, "query": { "mchid": sandbox.mchid() } }))?
            .json()?;
        day = order["success_time"].as_str().unwrap_or_default()[..10].to_owned();
    }
    sandbox.advance(Duration::from_secs(24 * 3600));
    Ok(day)
}
