//! Deducts a membership fee under a contract (委托代扣) at the embedded WeChat Pay, until the merchant ends
//! the contract. Run it with
//!
//! ```text
//! cargo run --example papay --features sandbox
//! ```
//!
//! Soon after the signature a deduction needs nothing else. Before a later one, the customer is told what
//! it will cost: a pre-notice. A deduction that fails is tried again with the same number.
//!
//! In a crate of your own the example needs
//!
//! ```toml
//! [dependencies]
//! wechatpay-chain = { version = "0.1", features = ["sandbox"] }
//! ```

use std::time::Duration;

use wechatpay_chain::{
    Client, Result, Value, json,
    model::{Transaction, trade_state},
    sandbox::Sandbox,
};

const CONTRACT: &str =
    "v3/papay/sign/contracts/plan-id/{plan_id}/out-contract-code/{out_contract_code}";
const DAY: Duration = Duration::from_secs(86_400);

fn main() -> Result<()> {
    let sandbox = Sandbox::start()?;
    // For the real WeChat Pay: Client::builder().mchid(..).serial(..).private_key(..) and so on.
    let client = sandbox.client_builder().build()?;

    let contract = sign(&sandbox, &client)?;
    let id = contract["contract_id"].as_str().unwrap_or_default();
    println!("contract   {id} {}", text(&contract["contract_state"]));

    deduct(&sandbox, &client, id, "club-01")?;
    sandbox.advance(Duration::from_secs(60)); // accepted first, then paid
    print_order(&sandbox, &client, "club-01")?;

    // Next month. Without a pre-notice, the deduction is refused.
    sandbox.advance(DAY * 28);
    let err = deduct(&sandbox, &client, id, "club-02").expect_err("no pre-notice");
    println!("club-02    {}", err.api().map_or("", |api| api.code()));
    client
        .chain("v3/papay/contracts/{contract_id}/notify")
        .post(json!({ "contract_id": id, "json": {
            "mchid": sandbox.mchid(),
            "appid": sandbox.appid(),
            "deduct_duration": { "count": 1, "unit": "DAY" },
            "estimated_amount": { "amount": 1900, "currency": "CNY" }, // at most this, in fen
        }}))?;
    println!("club-02    the customer is told");

    sandbox.advance(DAY * 2);
    deduct(&sandbox, &client, id, "club-02")?;
    sandbox.user_fails("club-02")?; // too little money
    print_order(&sandbox, &client, "club-02")?;
    deduct(&sandbox, &client, id, "club-02")?;
    sandbox.advance(Duration::from_secs(60));
    let order = print_order(&sandbox, &client, "club-02")?;
    assert_eq!(order.trade_state, trade_state::SUCCESS);

    // The customer can end the contract at any time, too: a notification says so.
    let mut terminate = numbers();
    terminate["json"] = json!({ "contract_termination_remark": "会员退出" });
    client.chain(CONTRACT).seg("terminate").post(terminate)?;
    let contract: Value = client.chain(CONTRACT).get(numbers())?.json()?;
    assert_eq!(contract["contract_state"], "TERMINATED");
    println!("contract   {id} {}", text(&contract["contract_state"]));
    let err = deduct(&sandbox, &client, id, "club-03").expect_err("no contract");
    println!("club-03    {}", err.api().map_or("", |api| api.code()));

    println!("\nnotifications");
    for delivery in sandbox.deliveries() {
        println!("{} to {}", delivery.event_type(), delivery.url());
    }
    Ok(())
}

/// Lets the customer sign a contract. Returns what the query says of it.
fn sign(sandbox: &Sandbox, client: &Client) -> Result<Value> {
    let page: Value = client
        .chain("v3/papay/scheduled-deduct-sign/contracts/pre-entrust-sign/h5")
        .post(json!({ "json": {
            "appid": sandbox.appid(),
            "plan_id": 12535, // WeChat Pay agrees it with the merchant
            "out_contract_code": "tea-club-0001",
            "contract_display_account": "张三",
            "contract_notify_url": "https://example.com/contracts",
        }}))?
        .json()?;
    println!("signed at  {}", text(&page["redirect_url"]));
    sandbox.user_signs("tea-club-0001")?;
    client.chain(CONTRACT).get(numbers())?.json()
}

fn numbers() -> Value {
    json!({ "plan_id": "12535", "out_contract_code": "tea-club-0001" })
}

fn deduct(sandbox: &Sandbox, client: &Client, id: &str, out_trade_no: &str) -> Result<()> {
    client
        .chain("v3/papay/pay/transactions/apply")
        .post(json!({ "json": {
            "appid": sandbox.appid(),
            "out_trade_no": out_trade_no,
            "description": "茶友会会费",
            "transaction_notify_url": "https://example.com/deductions",
            "contract_id": id,
            "amount": { "total": 1900, "currency": "CNY" },
        }}))?;
    Ok(())
}

/// A deduction is an order like any other.
fn print_order(sandbox: &Sandbox, client: &Client, out_trade_no: &str) -> Result<Transaction> {
    let order: Transaction = client
        .chain("v3/pay/transactions/out-trade-no/{out_trade_no}")
        .get(json!({ "out_trade_no": out_trade_no, "query": { "mchid": sandbox.mchid() } }))?
        .json()?;
    println!("{out_trade_no}    {}", order.trade_state);
    Ok(order)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
