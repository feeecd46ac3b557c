//! Takes and refunds a payment with APIv2 at the embedded WeChat Pay, over HTTPS with the merchant's API
//! certificate. Run it with
//!
//! ```text
//! cargo run --example apiv2 --features sandbox
//! ```
//!
//! A path that begins with `v2/` is a call of APIv2: `xml` has its fields, and the nonce and the sign are
//! added. Money only moves out if TLS shows the merchant's certificate.
//!
//! In a crate of your own the example needs
//!
//! ```toml
//! [dependencies]
//! wechatpay-chain = { version = "0.1", features = ["sandbox"] }
//! ```

use wechatpay_chain::{Client, Result, Value, json, sandbox::Sandbox};

fn main() -> Result<()> {
    let sandbox = Sandbox::start()?;
    // For the real WeChat Pay: Client::builder().mchid(..).apiv2_key(..).client_identity(..).
    let client = sandbox.merchant().https_client_builder()?.build()?;

    let placed = call(
        &sandbox,
        &client,
        "v2/pay/unifiedorder",
        json!({
            "body": "茶, 一杯",
            "out_trade_no": "tea-0001",
            "total_fee": 100, // fen
            "spbill_create_ip": "203.0.113.7",
            "notify_url": "http://127.0.0.1:9/notify",
            "trade_type": "NATIVE",
            "product_id": "tea",
            "sign_type": "HMAC-SHA256", // MD5 without it
        }),
    )?;
    println!("QR code       {}", text(&placed["code_url"]));
    sandbox.user_pays("tea-0001")?;

    // The notification is XML; it opens like those of APIv3. Nobody listens at that URL, but the sandbox
    // keeps what it sent.
    sandbox.settle()?;
    let delivery = &sandbox.deliveries()[0];
    let headers = delivery.attempts()[0].sent_headers();
    let notification = client.notification(headers, delivery.body())?;
    let paid = notification.resource_json();
    assert_eq!(paid["total_fee"], "100"); // in APIv2 each value is a text
    println!(
        "notification  {} {}",
        text(&paid["out_trade_no"]),
        text(&paid["result_code"])
    );
    println!(
        "              answered with {}",
        notification.ack().v2().body()
    );

    let order = json!({ "out_trade_no": "tea-0001" });
    let queried = call(&sandbox, &client, "v2/pay/orderquery", order.clone())?;
    assert_eq!(queried["trade_state"], "SUCCESS");
    println!("query         {}", text(&queried["trade_state"]));

    // Without the certificate, nothing moves.
    let plain = sandbox.client_builder().build()?;
    let err = refund(&sandbox, &plain, false).expect_err("no certificate");
    println!("refund        {err}");
    let refunded = refund(&sandbox, &client, true)?;
    println!(
        "refund        {} of {} fen",
        text(&refunded["refund_fee"]),
        text(&refunded["total_fee"])
    );
    let queried = call(&sandbox, &client, "v2/pay/refundquery", order)?;
    println!("query         {}", text(&queried["refund_status_0"]));

    // A signed response with a failure is an error, with its code.
    let err = call(
        &sandbox,
        &client,
        "v2/pay/closeorder",
        json!({ "out_trade_no": "tea-0001" }),
    )
    .expect_err("a paid order cannot be closed");
    let code = err.api().map_or("", |api| api.code());
    assert_eq!(code, "ORDERPAID");
    println!("close         {code}");
    Ok(())
}

/// Calls APIv2 as this merchant.
fn call(sandbox: &Sandbox, client: &Client, path: &str, mut fields: Value) -> Result<Value> {
    fields["appid"] = sandbox.appid().into();
    fields["mch_id"] = sandbox.mchid().into();
    let response = client.chain(path).post(json!({ "xml": fields }))?;
    Ok(response.xml()?.into())
}

/// Refunds a part of the order, with or without the certificate.
fn refund(sandbox: &Sandbox, client: &Client, security: bool) -> Result<Value> {
    let response = client.chain("v2/secapi/pay/refund").post(json!({
        "security": security, // show the client certificate
        "xml": {
            "appid": sandbox.appid(),
            "mch_id": sandbox.mchid(),
            "out_trade_no": "tea-0001",
            "out_refund_no": "tea-0001-1",
            "total_fee": 100,
            "refund_fee": 40,
        },
    }))?;
    Ok(response.xml()?.into())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
