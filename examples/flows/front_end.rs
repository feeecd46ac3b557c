//! Shows what each front end gets to open a payment: a page inside WeChat, a mini program, an app and a
//! phone's browser. The embedded WeChat Pay opens each of them as the customer's phone does. Run it with
//!
//! ```text
//! cargo run --example front_end --features sandbox
//! ```
//!
//! The server signs the parameters and the front end passes them on as they are. They open the payment;
//! whether it is paid, the notification or the query says, never the front end.
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
    // For the real WeChat Pay: Client::builder().mchid(..).serial(..).private_key(..) and so on.
    let client = sandbox.client_builder().build()?;
    let appid = sandbox.appid();
    // WeChat's login returns it: the customer's ID below your app ID.
    let payer = json!({ "openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o" });

    let prepay_id = place(
        &sandbox,
        &client,
        "jsapi",
        "tea-0001",
        json!({ "payer": payer }),
    )?;
    let params = client.jsapi_params(appid, prepay_id).build()?;
    show(
        "WeixinJSBridge.invoke('getBrandWCPayRequest', …)",
        &params.to_json(),
    );
    pay(&sandbox, &params.to_json(), "tea-0001")?;

    let prepay_id = place(
        &sandbox,
        &client,
        "jsapi",
        "tea-0002",
        json!({ "payer": payer }),
    )?;
    let params = client.mini_program_params(appid, prepay_id).build()?;
    show("wx.requestPayment(…)", &params.to_json());
    pay(&sandbox, &params.to_json(), "tea-0002")?;

    let prepay_id = place(&sandbox, &client, "app", "tea-0003", json!({}))?;
    let params = client.app_params(appid, prepay_id).build()?;
    show("PayReq of an app", &params.to_json());

    // What is changed on the way does not open the payment.
    let mut altered = params.to_json();
    altered["timestamp"] = "1".into();
    let refusal = sandbox.phone_pays(&altered).expect_err("another signature");
    println!("  altered: {refusal}");
    pay(&sandbox, &params.to_json(), "tea-0003")?;

    let h5_url = place(
        &sandbox,
        &client,
        "h5",
        "tea-0004",
        json!({
            "scene_info": { "payer_client_ip": "203.0.113.7", "h5_info": { "type": "Wap" } },
        }),
    )?;
    show(
        "a phone's browser, within five minutes",
        &json!({ "location": h5_url }),
    );
    pay(&sandbox, &json!({ "h5_url": h5_url }), "tea-0004")
}

/// Places an order with a product's own fields. Returns the `prepay_id` or the `h5_url`.
fn place(
    sandbox: &Sandbox,
    client: &Client,
    product: &str,
    out_trade_no: &str,
    fields: Value,
) -> Result<String> {
    let mut order = json!({
        "appid": sandbox.appid(),
        "mchid": sandbox.mchid(),
        "description": "茶, 一杯",
        "out_trade_no": out_trade_no,
        "notify_url": "https://example.com/notify",
        "amount": { "total": 100, "currency": "CNY" }, // fen
    });
    for (name, value) in fields.as_object().into_iter().flatten() {
        order[name] = value.clone();
    }
    let placed: Value = client
        .chain("v3/pay/transactions/{product}")
        .post(json!({ "product": product, "json": order }))?
        .json()?;
    let opens = placed.get("prepay_id").or(placed.get("h5_url"));
    Ok(opens.and_then(Value::as_str).unwrap_or_default().to_owned())
}

fn show(front_end: &str, params: &Value) {
    println!("{front_end}");
    for (name, value) in params.as_object().into_iter().flatten() {
        let value = value.as_str().unwrap_or_default();
        // A signature has 344 characters.
        let shown: String = value.chars().take(60).collect();
        let rest = if shown.len() < value.len() { "…" } else { "" };
        println!("  {name:<10} {shown}{rest}");
    }
}

/// What the customer's phone does with the parameters.
fn pay(sandbox: &Sandbox, params: &Value, out_trade_no: &str) -> Result<()> {
    sandbox.phone_pays(params)?;
    let state = sandbox.order_state(out_trade_no).unwrap_or_default();
    assert_eq!(state, "SUCCESS");
    println!("  {out_trade_no} {state}\n");
    Ok(())
}
