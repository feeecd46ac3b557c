//! Transfers money to users from the embedded WeChat Pay: one user confirms, one transfer is cancelled. Run
//! it with
//!
//! ```text
//! cargo run --example transfer --features sandbox
//! ```
//!
//! From 2,000 yuan on, the user's name is required. It is encrypted with WeChat Pay's key: the example
//! prints what is sent. After an error the same number is queried, and never a new one chosen.
//!
//! In a crate of your own it needs
//!
//! ```toml
//! [dependencies]
//! wechatpay-chain = { version = "0.1", features = ["sandbox"] }
//! ```

use wechatpay_chain::{
    Client, Method, Options, Outcome, Result, Value, json,
    model::{TransferBill, event, transfer_state},
    sandbox::{Fault, Sandbox},
};

const PATH: &str = "v3/fund-app/mch-transfer/transfer-bills";
const QUERY: &str = "v3/fund-app/mch-transfer/transfer-bills/out-bill-no/{out_bill_no}";

fn main() -> Result<()> {
    let sandbox = Sandbox::start()?;
    // For the real WeChat Pay: Client::builder().mchid(..).serial(..).private_key(..) and so on.
    let client = sandbox.client_builder().build()?;

    let bill = transfer(
        &client,
        &order(&sandbox, "prize0001", 200_000, Some("张三")),
    )?;
    assert_eq!(bill.state, transfer_state::WAIT_USER_CONFIRM);
    println!("prize0001  {}", bill.state);
    println!("           sent: user_name {}…", sent_name(&sandbox));
    // `wx.requestMerchantTransfer` takes it and asks the user, who has 24 hours.
    println!(
        "           package {}",
        bill.package_info.unwrap_or_default()
    );

    sandbox.user_confirms_transfer("prize0001")?;
    println!("prize0001  {}", query(&client, "prize0001")?.state);
    sandbox.transfer_succeeds("prize0001")?;
    let bill = query(&client, "prize0001")?;
    assert_eq!(bill.state, transfer_state::SUCCESS);
    println!("prize0001  {}", bill.state);

    // The response is lost, and the query says what became of the transfer.
    sandbox.inject_at(PATH, Fault::LostResponse);
    let bill = transfer(&client, &order(&sandbox, "prize0002", 500, None))?;
    println!("prize0002  {}", bill.state);

    // Until the user confirms, it can be taken back.
    client
        .chain(QUERY)
        .seg("cancel")
        .post(json!({ "out_bill_no": "prize0002" }))?;
    println!("prize0002  {}", query(&client, "prize0002")?.state);
    sandbox.transfer_is_cancelled("prize0002")?;
    let bill = query(&client, "prize0002")?;
    assert_eq!(bill.state, transfer_state::CANCELLED);
    println!("prize0002  {}", bill.state);

    // What WeChat Pay posted meanwhile. Nobody listens at that URL, but the sandbox keeps what it sent.
    println!("\nnotifications");
    sandbox.settle()?;
    for delivery in sandbox.deliveries() {
        let headers = delivery.attempts()[0].sent_headers();
        let notification = client.notification(headers, delivery.body())?;
        assert_eq!(notification.event_type(), event::TRANSFER_FINISHED);
        let bill: TransferBill = notification.resource()?;
        println!("{}  {}", bill.out_bill_no, bill.state);
    }
    Ok(())
}

/// Places a transfer, or finds out what became of it.
fn transfer(client: &Client, order: &Value) -> Result<TransferBill> {
    let options = Options::from(json!({ "json": order })).encrypt_documented();
    match client.chain(PATH).post(options) {
        Ok(response) => response.json(),
        Err(err) if err.outcome() == Outcome::Unknown => {
            let number = order["out_bill_no"].as_str().unwrap_or_default();
            println!("{number}  {err}");
            query(client, number) // a 404 here: place it again with the same number
        }
        Err(err) => Err(err),
    }
}

fn query(client: &Client, out_bill_no: &str) -> Result<TransferBill> {
    let query = json!({ "out_bill_no": out_bill_no });
    client.chain(QUERY).get(query)?.json()
}

/// The scene and its report are those that the merchant platform lists.
fn order(sandbox: &Sandbox, out_bill_no: &str, fen: i64, name: Option<&str>) -> Value {
    let mut order = json!({
        "appid": sandbox.appid(),
        "out_bill_no": out_bill_no,
        "transfer_scene_id": "1000",
        "openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o",
        "transfer_amount": fen,
        "transfer_remark": "茶艺周奖品",
        "notify_url": "http://127.0.0.1:9/transfers",
        "transfer_scene_report_infos": [
            { "info_type": "活动名称", "info_content": "茶艺周" },
            { "info_type": "奖励说明", "info_content": "一等奖" },
        ],
    });
    if let Some(name) = name {
        order["user_name"] = name.into();
    }
    order
}

/// The beginning of the name as it was sent.
fn sent_name(sandbox: &Sandbox) -> String {
    let requests = sandbox.requests_to(Method::POST, PATH);
    let body = requests.last().map(|request| request.body().as_ref());
    let body = String::from_utf8_lossy(body.unwrap_or_default());
    let body: Value = body.parse().unwrap_or_default();
    let name = body["user_name"].as_str().unwrap_or_default();
    name.chars().take(40).collect()
}
