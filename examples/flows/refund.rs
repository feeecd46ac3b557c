//! Refunds a payment of the embedded WeChat Pay in parts. The response to one part is lost on its way. Run
//! it with
//!
//! ```text
//! cargo run --example refund --features sandbox
//! ```
//!
//! A refund is accepted first and arrives later: a notification or a query says how it ended. The same
//! `out_refund_no` never refunds twice, so it is stored before the call and repeated until the end is known.
//!
//! In a crate of your own the example needs
//!
//! ```toml
//! [dependencies]
//! wechatpay-chain = { version = "0.1", features = ["sandbox"] }
//! ```

use wechatpay_chain::{
    Ack, Client, Outcome, Result,
    http::HeaderMap,
    json,
    model::{Refund, event, refund_status},
    sandbox::{Delivery, Fault, Sandbox},
};

const PATH: &str = "v3/refund/domestic/refunds";

fn main() -> Result<()> {
    let sandbox = Sandbox::start()?;
    // For the real WeChat Pay: Client::builder().mchid(..).serial(..).private_key(..) and so on.
    let client = sandbox.client_builder().build()?;
    paid_order(&sandbox, &client, "tea-0001")?;

    let refund = refund_part(&client, "tea-0001-1", 100)?;
    assert_eq!(refund.status, refund_status::PROCESSING);
    println!("tea-0001-1  {} {} fen", refund.status, refund.amount.refund);

    sandbox.refund_succeeds("tea-0001-1")?;
    let refund: Refund = client
        .chain("v3/refund/domestic/refunds/{out_refund_no}")
        .get(json!({ "out_refund_no": "tea-0001-1" }))?
        .json()?;
    assert_eq!(refund.status, refund_status::SUCCESS);
    println!("tea-0001-1  {}, says the query", refund.status);

    // An unknown outcome: the refund may have been accepted. A new number would refund twice if it was;
    // the same number does not.
    sandbox.inject(Fault::LostResponse);
    let err = refund_part(&client, "tea-0001-2", 150).expect_err("the response is lost");
    assert_eq!(err.outcome(), Outcome::Unknown);
    println!("tea-0001-2  {:?}: {err}", err.outcome());
    let refund = refund_part(&client, "tea-0001-2", 150)?;
    println!("tea-0001-2  {}, says the repetition", refund.status);
    sandbox.refund_succeeds("tea-0001-2")?;

    // The parts are at most the price, and 250 of 300 fen are gone: so it was accepted once.
    let err = refund_part(&client, "tea-0001-3", 51).expect_err("51 of 50 fen");
    assert_eq!(err.outcome(), Outcome::Rejected);
    let api = err.api().expect("WeChat Pay refused it");
    println!(
        "tea-0001-3  {:?}: {} {}",
        err.outcome(),
        api.code(),
        api.message()
    );

    // What WeChat Pay posted meanwhile. Nobody listens at that URL, but the sandbox keeps what it sent.
    println!("\nnotifications");
    sandbox.settle()?;
    let deliveries = sandbox.deliveries();
    let refunds = |delivery: &&Delivery| delivery.event_type().starts_with("REFUND.");
    for delivery in deliveries.iter().filter(refunds) {
        let headers = delivery.attempts()[0].sent_headers();
        assert!(hook(&client, headers, delivery.body()).is_success());
    }
    Ok(())
}

/// Refunds a part of the order of 300 fen.
fn refund_part(client: &Client, out_refund_no: &str, fen: i64) -> Result<Refund> {
    let refund = json!({
        "out_trade_no": "tea-0001",
        "out_refund_no": out_refund_no,
        "reason": "茶凉了",
        "notify_url": "http://127.0.0.1:9/refunds",
        "amount": { "refund": fen, "total": 300, "currency": "CNY" },
    });
    client.chain(PATH).post(json!({ "json": refund }))?.json()
}

/// Handles a notification, as a server does.
fn hook(client: &Client, headers: &HeaderMap, body: &[u8]) -> Ack {
    let notification = match client.notification(headers, body) {
        Ok(notification) => notification,
        Err(err) => return Ack::refusal(&err),
    };
    let refund: Refund = match notification.resource() {
        Ok(refund) => refund,
        Err(err) => return notification.fail(err.to_string()),
    };
    let (number, fen) = (&refund.out_refund_no, refund.amount.refund);
    match notification.event_type() {
        event::REFUND_SUCCESS => println!("{number}  {fen} fen arrived"),
        event::REFUND_ABNORMAL => println!("{number}  needs another account"),
        event::REFUND_CLOSED => println!("{number}  was closed: no money moved"),
        other => println!("{number}  not handled: {other}"),
    }
    notification.ack()
}

/// Places an order of 300 fen and pays it.
fn paid_order(sandbox: &Sandbox, client: &Client, out_trade_no: &str) -> Result<()> {
    client
        .chain("v3/pay/transactions/native")
        .post(json!({ "json": {
            "appid": sandbox.appid(),
            "mchid": sandbox.mchid(),
            "description": "茶, 三杯",
            "out_trade_no": out_trade_no,
            "notify_url": "https://example.com/notify",
            "amount": { "total": 300, "currency": "CNY" },
        }}))?;
    sandbox.user_pays(out_trade_no)
}
