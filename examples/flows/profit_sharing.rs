//! Shares a payment of the embedded WeChat Pay with a shop, takes a part back and unfreezes the rest. Run it
//! with
//!
//! ```text
//! cargo run --example profit_sharing --features sandbox
//! ```
//!
//! The order says that it will be shared: its money is frozen until it is shared or unfrozen. The table
//! shows whose it is after each step.
//!
//! In a crate of your own the example needs
//!
//! ```toml
//! [dependencies]
//! wechatpay-chain = { version = "0.1", features = ["sandbox"] }
//! ```

use std::time::Duration;

use wechatpay_chain::{
    Client, Options, Result, Value, json,
    model::Transaction,
    sandbox::{MerchantOptions, Sandbox},
};

const SHOP: &str = "1900000109";

fn main() -> Result<()> {
    let sandbox = Sandbox::builder().opening_balance(0).start()?;
    sandbox.add_merchant(MerchantOptions::new(SHOP).opening_balance(0))?;
    // For the real WeChat Pay: Client::builder().mchid(..).serial(..).private_key(..) and so on.
    let client = sandbox.client_builder().build()?;
    println!("after                  available  frozen  the shop's");

    let transaction_id = payment(&sandbox, &client)?;
    print_money(&sandbox, "the payment");

    // Once for each receiver. Its name is encrypted with WeChat Pay's key.
    let receiver = json!({
        "appid": sandbox.appid(),
        "type": "MERCHANT_ID",
        "account": SHOP,
        "name": "某某门店",
        "relation_type": "STORE",
    });
    client
        .chain("v3/profitsharing/receivers/add")
        .post(Options::from(json!({ "json": receiver })).encrypt(["/name"]))?;

    client
        .chain("v3/profitsharing/orders")
        .post(json!({ "json": {
            "appid": sandbox.appid(),
            "transaction_id": &transaction_id,
            "out_order_no": "tea-0001-share",
            "receivers": [{
                "type": "MERCHANT_ID",
                "account": SHOP,
                "amount": 250, // fen: by default at most 30 % of a payment
                "description": "分给门店",
            }],
            "unfreeze_unsplit": false, // more can be shared later
        }}))?;
    sandbox.advance(Duration::from_secs(60));
    let shared = get(
        &client,
        "orders/tea-0001-share",
        json!({ "transaction_id": &transaction_id }),
    )?;
    // The order is finished as soon as each receiver has a result. Only that says who got the money.
    assert_eq!(shared["state"], "FINISHED");
    assert_eq!(shared["receivers"][0]["result"], "SUCCESS");
    print_money(&sandbox, "250 fen for the shop");

    // What was shared is taken back before it is refunded.
    client
        .chain("v3/profitsharing/return-orders")
        .post(json!({ "json": {
            "out_order_no": "tea-0001-share",
            "out_return_no": "tea-0001-return",
            "return_mchid": SHOP,
            "amount": 100,
            "description": "顾客退款",
        }}))?;
    sandbox.advance(Duration::from_secs(60));
    let returned = get(
        &client,
        "return-orders/tea-0001-return",
        json!({ "out_order_no": "tea-0001-share" }),
    )?;
    assert_eq!(returned["result"], "SUCCESS");
    print_money(&sandbox, "100 fen returned");

    client
        .chain("v3/profitsharing/orders/unfreeze")
        .post(json!({ "json": {
            "transaction_id": &transaction_id,
            "out_order_no": "tea-0001-rest",
            "description": "解冻剩余资金",
        }}))?;
    sandbox.advance(Duration::from_secs(60));
    print_money(&sandbox, "the rest unfrozen");
    Ok(())
}

/// Places an order that will be shared, and pays it. Returns WeChat Pay's number of the payment.
fn payment(sandbox: &Sandbox, client: &Client) -> Result<String> {
    client
        .chain("v3/pay/transactions/native")
        .post(json!({ "json": {
            "appid": sandbox.appid(),
            "mchid": sandbox.mchid(),
            "description": "茶, 一罐",
            "out_trade_no": "tea-0001",
            "notify_url": "https://example.com/notify",
            "amount": { "total": 1000, "currency": "CNY" },
            "settle_info": { "profit_sharing": true },
        }}))?;
    sandbox.user_pays("tea-0001")?;
    let order: Transaction = client
        .chain("v3/pay/transactions/out-trade-no/{out_trade_no}")
        .get(json!({ "out_trade_no": "tea-0001", "query": { "mchid": sandbox.mchid() } }))?
        .json()?;
    Ok(order.transaction_id.unwrap_or_default())
}

fn get(client: &Client, path: &str, query: Value) -> Result<Value> {
    let chain = client.chain("v3/profitsharing").chain(path);
    chain.get(json!({ "query": query }))?.json()
}

fn print_money(sandbox: &Sandbox, step: &str) {
    let own = sandbox.balance(sandbox.mchid()).expect("the merchant");
    let shop = sandbox.balance(SHOP).expect("the shop");
    println!(
        "{step:<21}  {:>9}  {:>6}  {:>10}",
        own.available, own.frozen, shop.available
    );
}
