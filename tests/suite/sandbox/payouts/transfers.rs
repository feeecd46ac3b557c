//! Merchant transfers, by a merchant and by its service provider.

use std::time::Duration;

use serde_json::{Value, json};
use wechatpay_chain::{
    Client, Options, Result,
    sandbox::{MerchantOptions, Sandbox},
};

const BILLS: &str = "v3/fund-app/mch-transfer/transfer-bills";

/// A client, and a sandbox whose notifications nobody receives.
fn started() -> (Sandbox, Client) {
    let sandbox = Sandbox::builder()
        .opening_balance(1_000_000)
        .start()
        .unwrap();
    let client = sandbox.client_builder().build().unwrap();
    (sandbox, client)
}

fn bill(sandbox: &Sandbox, number: &str, fen: u64) -> Value {
    json!({
        "appid": sandbox.appid(), "out_bill_no": number, "openid": "o1", "transfer_amount": fen,
        "transfer_remark": "奖金", "transfer_scene_id": "1000",
        "notify_url": "http://127.0.0.1:9/notify",
        "transfer_scene_report_infos": [{ "info_type": "活动名称", "info_content": "新会员" }],
    })
}

fn create(client: &Client, bill: &Value) -> Result<Value> {
    client.chain(BILLS).post(json!({ "json": bill }))?.json()
}

fn query(client: &Client, number: &str) -> Value {
    let chain = client.chain(format!("{BILLS}/out-bill-no/{{number}}"));
    let response = chain.get(json!({ "number": number })).unwrap();
    assert_eq!(response.headers()["sandbox-answer"], "stateful");
    response.json().unwrap()
}

fn cancel(client: &Client, number: &str) -> Result<Value> {
    let chain = client.chain(format!("{BILLS}/out-bill-no/{{number}}/cancel"));
    chain.post(json!({ "number": number }))?.json()
}

fn refusal(result: Result<Value>) -> (u16, String, String) {
    let err = result.expect_err("refused");
    let api = err.api().unwrap_or_else(|| panic!("{err}"));
    let text = |text: &str| text.to_owned();
    (api.status().as_u16(), text(api.code()), text(api.message()))
}

fn money(sandbox: &Sandbox) -> (u64, u64) {
    let balance = sandbox.balance(sandbox.mchid()).unwrap();
    (balance.available, balance.frozen)
}

#[test]
fn user_confirms_a_transfer_and_gets_the_money() {
    let (sandbox, client) = started();
    let created = create(&client, &bill(&sandbox, "a1", 5000)).unwrap();
    assert_eq!(created["state"], "WAIT_USER_CONFIRM");
    assert!(created["package_info"].is_string());
    assert_eq!(money(&sandbox), (995_000, 5000));
    let again = create(&client, &bill(&sandbox, "a1", 5000)).unwrap();
    assert_eq!(again, created);
    let other = refusal(create(&client, &bill(&sandbox, "a1", 5001)));
    assert_eq!((other.0, other.1.as_str()), (400, "INVALID_REQUEST"));
    assert!(other.2.contains("不一致"), "{}", other.2);

    sandbox.user_confirms_transfer("a1").unwrap();
    assert_eq!(query(&client, "a1")["state"], "TRANSFERING");
    assert!(sandbox.deliveries().is_empty());
    sandbox.advance(Duration::from_secs(60));
    let seen = query(&client, "a1");
    assert_eq!(seen["state"], "SUCCESS");
    assert_eq!(seen["transfer_bill_no"], created["transfer_bill_no"]);
    assert_eq!(seen["mch_id"], sandbox.mchid());
    let chain = client.chain(format!("{BILLS}/transfer-bill-no/{{number}}"));
    let by_id = chain.get(json!({ "number": created["transfer_bill_no"] }));
    assert_eq!(by_id.unwrap().json::<Value>().unwrap(), seen);
    assert_eq!(money(&sandbox), (995_000, 0));

    let [notice] = &sandbox.deliveries()[..] else {
        panic!("one notification");
    };
    assert_eq!(notice.event_type(), "MCHTRANSFER.BILL.FINISHED");
    assert_eq!(notice.resource()["state"], "SUCCESS");
    assert_eq!(notice.resource()["transfer_amount"], 5000);
    assert!(sandbox.transfer_fails("a1", "NAME_NOT_CORRECT").is_err());
    assert_eq!(refusal(cancel(&client, "a1")).1, "INVALID_REQUEST");
}

#[test]
fn transfer_that_ends_without_payment_gives_the_money_back() {
    let (sandbox, client) = started();
    for number in ["a1", "a2", "a3"] {
        create(&client, &bill(&sandbox, number, 5000)).unwrap();
    }
    assert_eq!(cancel(&client, "a1").unwrap()["state"], "CANCELING");
    assert!(sandbox.user_confirms_transfer("a1").is_err());
    sandbox.transfer_is_cancelled("a1").unwrap();
    assert_eq!(cancel(&client, "a1").unwrap()["state"], "CANCELLED");
    let unknown = sandbox.transfer_fails("a2", "NAME_NOT_CORECT").unwrap_err();
    assert!(
        unknown.to_string().contains("NAME_NOT_CORRECT"),
        "{unknown}"
    );
    sandbox.transfer_fails("a2", "NAME_NOT_CORRECT").unwrap();
    assert_eq!(query(&client, "a2")["fail_reason"], "NAME_NOT_CORRECT");
    assert_eq!(money(&sandbox), (995_000, 5000));
    sandbox.advance(Duration::from_secs(24 * 3600));
    assert_eq!(query(&client, "a3")["fail_reason"], "OVERDUE_CLOSE");
    assert_eq!(money(&sandbox), (1_000_000, 0));
    let states: Vec<_> = sandbox.deliveries();
    let states: Vec<_> = states
        .iter()
        .map(|notice| &notice.resource()["state"])
        .collect();
    assert_eq!(states, ["CANCELLED", "FAIL", "FAIL"]);
    assert_eq!(refusal(cancel(&client, "a9")).0, 404);
}

#[test]
fn user_name_arrives_sealed_and_returns_sealed() {
    let (sandbox, client) = started();
    let sealed = |number: &str, fen: u64, name: &str| {
        let mut bill = bill(&sandbox, number, fen);
        bill["user_name"] = name.into();
        Options::from(json!({ "json": bill })).encrypt(["/user_name"])
    };
    let created: Value = client
        .chain(BILLS)
        .post(sealed("a1", 200_000, "张三"))
        .unwrap()
        .json()
        .unwrap();
    // The ciphertext is another one each time, and the request the same.
    let again: Value = client
        .chain(BILLS)
        .post(sealed("a1", 200_000, "张三"))
        .unwrap()
        .json()
        .unwrap();
    assert_eq!(created, again);
    let other = client.chain(BILLS).post(sealed("a1", 200_000, "李四"));
    assert_eq!(refusal(other.map(|_| Value::Null)).1, "INVALID_REQUEST");
    let name = query(&client, "a1")["user_name"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(client.decrypt(&name).unwrap(), "张三");

    let missing = refusal(create(&client, &bill(&sandbox, "a2", 200_000)));
    assert_eq!((missing.0, missing.1.as_str()), (400, "PARAM_ERROR"));
    assert!(missing.2.contains("必填项"), "{}", missing.2);
    let tiny = client.chain(BILLS).post(sealed("a3", 29, "张三"));
    assert_eq!(refusal(tiny.map(|_| Value::Null)).1, "PARAM_ERROR");
    let mut clear = bill(&sandbox, "a4", 200_000);
    clear["user_name"] = "张三".into();
    let clear = refusal(create(&client, &clear));
    assert_eq!((clear.0, clear.1.as_str()), (400, "PARAM_ERROR"));
    assert_eq!(clear.2, "请确认待处理的消息是否为加密后的密文");
    assert_eq!(money(&sandbox).1, 200_000);
}

#[test]
fn transfer_of_more_than_the_balance_is_refused() {
    let (sandbox, client) = started();
    create(&client, &bill(&sandbox, "a1", 150_000)).unwrap();
    let sandbox_poor = Sandbox::builder().opening_balance(100).start().unwrap();
    let poor = sandbox_poor.client_builder().build().unwrap();
    let (status, code, message) = refusal(create(&poor, &bill(&sandbox_poor, "a1", 101)));
    assert_eq!((status, code.as_str()), (403, "NOT_ENOUGH"));
    assert!(message.contains("请勿更换商户单号"), "{message}");
    // The refused number is free: the documents ask to repeat it.
    create(&poor, &bill(&sandbox_poor, "a1", 100)).unwrap();
}

#[test]
fn service_provider_transfers_for_its_sub_merchant() {
    let sandbox = Sandbox::start().unwrap();
    let provider = MerchantOptions::new("1900000100")
        .appid("wx1")
        .partner_of(["1900000101"]);
    let provider = sandbox
        .add_merchant(provider.opening_balance(1000))
        .unwrap();
    let client = provider.client_builder().build().unwrap();
    let partner = "v3/fund-app/mch-transfer/partner/transfer-bills";
    let mut bill = bill(&sandbox, "a1", 600);
    bill["appid"] = "wx1".into();
    bill["sub_mchid"] = "1900000101".into();
    let created: Value = client
        .chain(partner)
        .post(json!({ "json": bill }))
        .unwrap()
        .json()
        .unwrap();
    assert_eq!(created["sub_mchid"], "1900000101");
    // The sub-merchant pays.
    assert_eq!(sandbox.balance("1900000101").unwrap().frozen, 600);
    assert_eq!(sandbox.balance("1900000100").unwrap().frozen, 0);
    let chain = client.chain(format!("{partner}/out-bill-no/a1"));
    let seen: Value = chain
        .get(json!({ "query": { "sub_mchid": "1900000101" } }))
        .unwrap()
        .json()
        .unwrap();
    assert_eq!(
        (&seen["mchid"], &seen["state"]),
        (&json!("1900000100"), &json!("WAIT_USER_CONFIRM"))
    );
    // Each path is about its own: not the other's money, nor its transfers.
    for (path, sub_mchid) in [(BILLS, "1900000101"), (partner, "")] {
        let mut other = bill.clone();
        other["out_bill_no"] = "a2".into();
        other["sub_mchid"] = sub_mchid.into();
        let _ = client.chain(path).post(json!({ "json": other }));
        let query = json!({ "query": { "sub_mchid": sub_mchid } });
        let seen = client.chain(format!("{path}/out-bill-no/a1")).get(query);
        assert!(seen.is_err(), "{path}");
        assert_eq!(sandbox.balance("1900000101").unwrap().frozen, 600);
        let own = sandbox.balance("1900000100").unwrap().frozen;
        assert_eq!(own, 600, "{path}");
    }
    // The sub-merchant itself sees neither the transfer nor its receipt.
    let sub = sandbox.add_merchant(MerchantOptions::new("1900000101"));
    let sub = sub.unwrap().client_builder().build().unwrap();
    for path in [
        BILLS.to_owned() + "/out-bill-no/a1",
        "v3/fund-app/mch-transfer/elecsign/out-bill-no/a1".to_owned(),
    ] {
        let seen = sub.chain(path).get(());
        assert_eq!(refusal(seen.map(|_| Value::Null)).1, "NOT_FOUND");
    }
    let receipt = sub.chain("v3/fund-app/mch-transfer/elecsign/out-bill-no");
    let receipt = receipt.post(json!({ "json": { "out_bill_no": "a1" } }));
    assert_eq!(refusal(receipt.map(|_| Value::Null)).1, "NOT_FOUND");
    bill["sub_mchid"] = "1900000102".into();
    let stranger = client.chain(partner).post(json!({ "json": bill }));
    assert_eq!(refusal(stranger.map(|_| Value::Null)).1, "NO_AUTH");
    let chain = client.chain(format!("{partner}/out-bill-no/a1/cancel"));
    let cancelled = chain.post(json!({ "json": { "sub_mchid": "1900000101" } }));
    assert_eq!(
        cancelled.unwrap().json::<Value>().unwrap()["state"],
        "CANCELING"
    );
}
