//! Takes a Native payment at the embedded WeChat Pay, from the order to its notification, and closes an
//! order that nobody pays. Run it with
//!
//! ```text
//! cargo run --example payment --features sandbox
//! ```
//!
//! A server in the same process receives the notification; with the feature `axum` its handler is shorter:
//! see `examples/axum_notification.rs`. In a crate of your own the example needs
//!
//! ```toml
//! [dependencies]
//! axum = { version = "0.8", default-features = false, features = ["http1", "tokio"] }
//! tokio = { version = "1", features = ["macros", "net", "rt-multi-thread", "sync"] }
//! wechatpay-chain = { version = "0.1", features = ["sandbox"] }
//! ```

use std::{error::Error, io};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    routing::post,
};
use tokio::{net::TcpListener, sync::mpsc};
use wechatpay_chain::{
    Ack, Client, Result, Value,
    http::{HeaderMap, Response},
    json,
    model::{Transaction, event, order_number, trade_state},
    sandbox::Sandbox,
};

const PRICE: i64 = 100; // fen

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let sandbox = Sandbox::start()?;
    // For the real WeChat Pay: Client::builder().mchid(..).serial(..).private_key(..) and so on.
    let client = sandbox.client_builder().build()?;
    let (notify_url, mut payments) = receive(client.clone()).await?;

    // Store the number first: whatever becomes of the call, it finds the order again.
    let out_trade_no = order_number("tea")?;
    let code_url = place(&sandbox, &client, &out_trade_no, &notify_url).await?;
    println!("order         {out_trade_no}");
    println!("QR code       {code_url}");

    sandbox.user_pays(&out_trade_no)?;
    let paid = payments.recv().await.ok_or("the receiver has ended")?;
    // A payment counts if it is the one of your record.
    assert_eq!(paid.out_trade_no, out_trade_no);
    assert_eq!(paid.mchid.as_deref(), Some(sandbox.mchid()));
    assert_eq!(paid.total(), Some(PRICE));
    let transaction_id = paid.transaction_id.unwrap_or_default();
    println!("notification  {}, {transaction_id}", paid.trade_state);

    // If no notification arrives, the query says the same.
    let queried = query(&sandbox, &client, &out_trade_no).await?;
    assert_eq!(queried.trade_state, trade_state::SUCCESS);
    println!("query         {}", queried.trade_state);

    // An order that will not be paid is closed before another one is placed for the same goods.
    let unpaid = order_number("tea")?;
    place(&sandbox, &client, &unpaid, &notify_url).await?;
    client["v3/pay/transactions/out-trade-no/{out_trade_no}/close"]
        .post_async(json!({ "out_trade_no": unpaid, "json": { "mchid": sandbox.mchid() } }))
        .await?;
    let closed = query(&sandbox, &client, &unpaid).await?;
    assert_eq!(closed.trade_state, trade_state::CLOSED);
    println!("\norder         {unpaid}");
    println!("query         {}", closed.trade_state);
    Ok(())
}

/// Places an order and returns the text of its QR code, which can be paid for two hours.
async fn place(
    sandbox: &Sandbox,
    client: &Client,
    out_trade_no: &str,
    notify_url: &str,
) -> Result<String> {
    let placed: Value = client["v3/pay/transactions/native"]
        .post_async(json!({ "json": {
            "appid": sandbox.appid(),
            "mchid": sandbox.mchid(),
            "description": "茶, 一杯",
            "out_trade_no": out_trade_no,
            "notify_url": notify_url,
            "amount": { "total": PRICE, "currency": "CNY" },
        }}))
        .await?
        .json()?;
    Ok(placed["code_url"].as_str().unwrap_or_default().to_owned())
}

async fn query(sandbox: &Sandbox, client: &Client, out_trade_no: &str) -> Result<Transaction> {
    let query = json!({ "out_trade_no": out_trade_no, "query": { "mchid": sandbox.mchid() } });
    let chain = &client["v3/pay/transactions/out-trade-no/{out_trade_no}"];
    chain.get_async(query).await?.json()
}

type Payments = mpsc::UnboundedSender<Transaction>;

/// Starts a server for notifications. Returns its URL and the payments that it is told of.
async fn receive(client: Client) -> io::Result<(String, mpsc::UnboundedReceiver<Transaction>)> {
    let (payments, received) = mpsc::unbounded_channel();
    let router = Router::new()
        .route("/notify", post(hook))
        .with_state((client, payments));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/notify", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok((url, received))
}

/// Takes the headers and the body as they arrived: the signature covers them.
async fn hook(
    State((client, payments)): State<(Client, Payments)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let ack = client
        .notification(&headers, &body)
        .and_then(|notification| {
            if notification.event_type() == event::TRANSACTION_SUCCESS {
                let _ = payments.send(notification.resource()?);
            }
            Ok(notification.ack())
        });
    ack.unwrap_or_else(|err| Ack::refusal(&err)).into()
}
