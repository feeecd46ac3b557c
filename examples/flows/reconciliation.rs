//! Compares a day's orders and refunds with the trade bill of the embedded WeChat Pay, and finds what only
//! one of the two has. Run it with
//!
//! ```text
//! cargo run --example reconciliation --features sandbox
//! ```
//!
//! It finds what notifications and queries cannot: a payment that the merchant never stored, an order that
//! only the merchant counts as paid, a refund made by hand on the merchant platform.
//! `examples/download.rs` keeps a bill as a file.
//!
//! In a crate of your own the example needs
//!
//! ```toml
//! [dependencies]
//! wechatpay-chain = { version = "0.1", features = ["sandbox"] }
//! ```

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use wechatpay_chain::{
    BillRow, BillRows, Client, Result, json,
    model::{BeijingTime, Transaction},
    sandbox::Sandbox,
};

/// What your own database has of a day: fen by the number of the order or of the refund.
type Book = BTreeMap<String, i64>;

fn main() -> Result<()> {
    let sandbox = Sandbox::start()?;
    // For the real WeChat Pay: Client::builder().mchid(..).serial(..).private_key(..) and so on.
    let client = sandbox.client_builder().build()?;
    to_noon(&sandbox); // so that all of it happens on one day

    pay(&sandbox, &client, "tea-0001", 100)?;
    pay(&sandbox, &client, "tea-0002", 250)?;
    pay(&sandbox, &client, "tea-0003", 80)?;
    let day = pay(&sandbox, &client, "tea-0004", 120)?;
    refund(&client, "tea-0001", "tea-0001-1", 30, 100)?;
    refund(&client, "tea-0002", "by-hand", 250, 250)?;
    sandbox.advance(Duration::from_secs(86_400)); // the bill is ready in the morning

    let ours = Book::from([
        ("tea-0001".into(), 100),
        ("tea-0001-1".into(), -30),
        ("tea-0002".into(), 250),
        ("tea-0003".into(), 800), // a wrong amount
        ("tea-0005".into(), 60),  // its payment was never finished
    ]);
    let theirs = bill(&client, &day)?;
    let sums = (ours.values().sum::<i64>(), theirs.values().sum::<i64>());
    println!("{day}: {} fen here, {} fen in the bill\n", sums.0, sums.1);

    let found = differences(&ours, &theirs);
    for line in &found {
        println!("{line}");
    }
    assert_eq!(found.len(), 4);
    Ok(())
}

/// Returns the lines in which two books differ.
fn differences(ours: &Book, theirs: &Book) -> Vec<String> {
    let numbers: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
    let mut found = Vec::new();
    for number in numbers {
        let line = match (ours.get(number), theirs.get(number)) {
            (Some(own), Some(fen)) if own != fen => format!("{own} fen here, {fen} in the bill"),
            (Some(own), None) => format!("{own} fen here, not in the bill"),
            (None, Some(fen)) => format!("{fen} fen in the bill, unknown here"),
            _ => continue,
        };
        found.push(format!("{number:<11} {line}"));
    }
    found
}

/// Downloads the bill of a day, and books its payments and its refunds.
fn bill(client: &Client, day: &str) -> Result<Book> {
    let bill = client.chain("v3/bill/tradebill").download(json!({
        "query": { "bill_date": day, "bill_type": "ALL", "tar_type": "GZIP" },
    }))?;
    let mut book = Book::new();
    for row in BillRows::new(&bill.bytes()[..])? {
        let (number, fen) = booked(&row?)?;
        book.insert(number, fen);
    }
    Ok(book)
}

/// The number and the amount of one row. A refund has a number of its own, and takes money away.
fn booked(row: &BillRow) -> Result<(String, i64)> {
    let (number, fen) = match row.get("交易状态") {
        Some("REFUND") => ("商户退款单号", -row.fen("申请退款金额")?),
        _ => ("商户订单号", row.fen("订单金额")?),
    };
    Ok((row.get(number).unwrap_or_default().to_owned(), fen))
}

/// Places an order and pays it. Returns the day.
fn pay(sandbox: &Sandbox, client: &Client, out_trade_no: &str, fen: i64) -> Result<String> {
    client
        .chain("v3/pay/transactions/native")
        .post(json!({ "json": {
            "appid": sandbox.appid(),
            "mchid": sandbox.mchid(),
            "description": "茶",
            "out_trade_no": out_trade_no,
            "notify_url": "https://example.com/notify",
            "amount": { "total": fen, "currency": "CNY" },
        }}))?;
    sandbox.user_pays(out_trade_no)?;
    let order: Transaction = client
        .chain("v3/pay/transactions/out-trade-no/{out_trade_no}")
        .get(json!({ "out_trade_no": out_trade_no, "query": { "mchid": sandbox.mchid() } }))?
        .json()?;
    Ok(order.success_time.unwrap_or_default()[..10].to_owned())
}

fn refund(client: &Client, order: &str, out_refund_no: &str, fen: i64, total: i64) -> Result<()> {
    client
        .chain("v3/refund/domestic/refunds")
        .post(json!({ "json": {
            "out_trade_no": order,
            "out_refund_no": out_refund_no,
            "amount": { "refund": fen, "total": total, "currency": "CNY" },
        }}))?;
    Ok(())
}

/// Moves the sandbox's clock to noon of the next day in Beijing.
fn to_noon(sandbox: &Sandbox) {
    let of_day = (BeijingTime::now().seconds() + 8 * 3600) % 86_400;
    sandbox.advance(Duration::from_secs(86_400 + 43_200 - of_day));
}
