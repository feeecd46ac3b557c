//! Takes a payment for a sub-merchant of the embedded WeChat Pay, and keeps a fee. Run it with
//!
//! ```text
//! cargo run --example service_provider --features sandbox
//! ```
//!
//! A service provider signs with its own key and names the sub-merchant in each request; nothing in the
//! client differs. The fee is profit sharing whose receiver is the provider.
//!
//! In a crate of your own the example needs
//!
//! ```toml
//! [dependencies]
//! wechatpay-chain = { version = "0.1", features = ["sandbox"] }
//! ```

use std::time::Duration;

use wechatpay_chain::{
    Client, Options, Result, json,
    model::{Transaction, order_number},
    sandbox::{MerchantOptions, Sandbox},
};

const APPID: &str = "wx8888888888888888";
const PROVIDER: &str = "1900000109";
const SHOP: &str = "1900000110";

fn main() -> Result<()> {
    let sandbox = Sandbox::start()?;
    let provider = MerchantOptions::new(PROVIDER)
        .appid(APPID)
        .partner_of([SHOP])
        .opening_balance(0);
    let provider = sandbox.add_merchant(provider)?;
    // For the real WeChat Pay: Client::builder().mchid(..).serial(..).private_key(..) and so on, with the
    // service provider's IDs and keys.
    let client = provider.client_builder().build()?;

    let out_trade_no = order_number("tea")?;
    let paid = payment(&sandbox, &client, &out_trade_no)?;
    println!(
        "order         {out_trade_no} of the shop {}",
        paid.sub_mchid.unwrap_or_default()
    );
    println!("query         {}", paid.trade_state);

    // The provider gets the notification: it names both.
    sandbox.settle()?;
    let delivery = &sandbox.deliveries()[0];
    let headers = delivery.attempts()[0].sent_headers();
    let notification = client.notification(headers, delivery.body())?;
    let of: Transaction = notification.resource()?;
    assert_eq!(notification.mchid(), Some(PROVIDER));
    assert_eq!(of.sub_mchid.as_deref(), Some(SHOP));
    println!(
        "notification  {} for {PROVIDER}, of {SHOP}",
        notification.event_type()
    );

    keep_fee(
        &client,
        &paid.transaction_id.unwrap_or_default(),
        &out_trade_no,
    )?;
    sandbox.advance(Duration::from_secs(60));
    println!(
        "fee           {} fen for the provider",
        available(&sandbox, PROVIDER)
    );
    assert_eq!(available(&sandbox, PROVIDER), 30);
    println!(
        "the rest      {} fen for the shop",
        available(&sandbox, SHOP)
    );
    Ok(())
}

/// Places an order of the shop that will be shared, and pays it.
fn payment(sandbox: &Sandbox, client: &Client, out_trade_no: &str) -> Result<Transaction> {
    client
        .chain("v3/pay/partner/transactions/native")
        .post(json!({ "json": {
            "sp_appid": APPID,
            "sp_mchid": PROVIDER,
            "sub_mchid": SHOP,
            "description": "茶, 一罐",
            "out_trade_no": out_trade_no,
            "notify_url": "http://127.0.0.1:9/notify",
            "amount": { "total": 1000, "currency": "CNY" }, // fen
            "settle_info": { "profit_sharing": true },
        }}))?;
    sandbox.user_pays(out_trade_no)?;
    client
        .chain("v3/pay/partner/transactions/out-trade-no/{out_trade_no}")
        .get(json!({
            "out_trade_no": out_trade_no,
            "query": { "sp_mchid": PROVIDER, "sub_mchid": SHOP },
        }))?
        .json()
}

/// Shares the payment with the provider, and unfreezes the rest for the shop.
fn keep_fee(client: &Client, transaction_id: &str, out_trade_no: &str) -> Result<()> {
    let receiver = json!({
        "sub_mchid": SHOP,
        "appid": APPID,
        "type": "MERCHANT_ID",
        "account": PROVIDER,
        "name": "某某服务商",
        "relation_type": "SERVICE_PROVIDER",
    });
    let options = Options::from(json!({ "json": receiver })).encrypt(["/name"]);
    client
        .chain("v3/profitsharing/receivers/add")
        .post(options)?;
    client
        .chain("v3/profitsharing/orders")
        .post(json!({ "json": {
            "sub_mchid": SHOP,
            "appid": APPID,
            "transaction_id": transaction_id,
            "out_order_no": format!("{out_trade_no}S"),
            "receivers": [{
                "type": "MERCHANT_ID", "account": PROVIDER, "amount": 30, "description": "服务费",
            }],
            "unfreeze_unsplit": true,
        }}))?;
    Ok(())
}

fn available(sandbox: &Sandbox, mchid: &str) -> u64 {
    sandbox
        .balance(mchid)
        .map_or(0, |balance| balance.available)
}
