//! Profit sharing: receivers, orders, returns, and the receiver's notification.

use std::time::Duration;

use serde_json::{Value, json};
use wechatpay_chain::{
    Client, Options, Result,
    sandbox::{MerchantOptions, Sandbox},
};

use crate::fixtures::server::{MockResponse, Server};

const SHOP: &str = "1900000109";

/// Pays a Native order of 1,000 fen and returns its `transaction_id`.
fn paid(sandbox: &Sandbox, client: &Client, number: &str, profit_sharing: bool) -> String {
    let chain = client.chain("v3/pay/transactions/native");
    let order = json!({
        "appid": sandbox.appid(), "mchid": sandbox.mchid(), "description": "茶",
        "out_trade_no": number, "notify_url": "http://127.0.0.1:9/notify",
        "amount": { "total": 1000 }, "settle_info": { "profit_sharing": profit_sharing },
    });
    chain.post(json!({ "json": order })).unwrap();
    sandbox.user_pays(number).unwrap();
    let chain = client.chain("v3/pay/transactions/out-trade-no/{number}");
    let options = json!({ "number": number, "query": { "mchid": sandbox.mchid() } });
    let order: Value = chain.get(options).unwrap().json().unwrap();
    order["transaction_id"].as_str().unwrap().to_owned()
}

fn post(client: &Client, path: &str, body: Value) -> Result<Value> {
    let chain = client.chain(format!("v3/profitsharing/{path}"));
    chain.post(json!({ "json": body }))?.json()
}

fn get(client: &Client, path: &str, query: Value) -> Value {
    let chain = client.chain(format!("v3/profitsharing/{path}"));
    chain
        .get(json!({ "query": query }))
        .unwrap()
        .json()
        .unwrap()
}

fn add(sandbox: &Sandbox, client: &Client, kind: &str, account: &str, name: &str) -> Result<Value> {
    let chain = client.chain("v3/profitsharing/receivers/add");
    let receiver = json!({
        "appid": sandbox.appid(), "type": kind, "account": account, "name": name,
        "relation_type": "STORE",
    });
    let options = Options::from(json!({ "json": receiver })).encrypt(["/name"]);
    chain.post(options)?.json()
}

fn order(sandbox: &Sandbox, id: &str, number: &str, receivers: Value, unfreeze: bool) -> Value {
    json!({
        "appid": sandbox.appid(), "transaction_id": id, "out_order_no": number,
        "receivers": receivers, "unfreeze_unsplit": unfreeze,
    })
}

fn to_shop(fen: u64) -> Value {
    json!([{ "type": "MERCHANT_ID", "account": SHOP, "amount": fen, "description": "分给门店" }])
}

fn refusal(result: Result<Value>) -> (u16, String, String) {
    let err = result.expect_err("refused");
    let api = err.api().unwrap_or_else(|| panic!("{err}"));
    let text = |text: &str| text.to_owned();
    (api.status().as_u16(), text(api.code()), text(api.message()))
}

#[test]
fn receiver_gets_its_share_and_a_notification_of_its_own() {
    let receiver = Server::start(|_| MockResponse::plain(204, ""));
    let sandbox = Sandbox::builder().opening_balance(0).start().unwrap();
    let url = format!("{}shares", receiver.url());
    let shop = MerchantOptions::new(SHOP).opening_balance(0);
    let shop = shop
        .notify_url("PROFITSHARING.SUCCESS", &url)
        .notify_url("PROFITSHARING.RETURN", &url);
    let shop = sandbox.add_merchant(shop).unwrap();
    let client = sandbox.client_builder().build().unwrap();
    let id = paid(&sandbox, &client, "tea-0001", true);
    let money = || {
        let balance = sandbox.balance(sandbox.mchid()).unwrap();
        let shop = sandbox.balance(SHOP).unwrap();
        (balance.available, balance.frozen, shop.available)
    };
    assert_eq!(money(), (0, 1000, 0));

    let sharing = order(&sandbox, &id, "s1", to_shop(200), false);
    let (status, code, message) = refusal(post(&client, "orders", sharing.clone()));
    assert_eq!(
        (status, code.as_str(), message.as_str()),
        (400, "PARAM_ERROR", "分账接收方关系不存在")
    );
    let added = add(&sandbox, &client, "MERCHANT_ID", SHOP, "某某门店").unwrap();
    assert_eq!(
        client.decrypt(added["name"].as_str().unwrap()).unwrap(),
        "某某门店"
    );

    let shared = post(&client, "orders", sharing.clone()).unwrap();
    assert_eq!(shared["state"], "PROCESSING");
    assert_eq!(shared["receivers"][0]["result"], "PENDING");
    assert_eq!(post(&client, "orders", sharing).unwrap(), shared);
    let amounts = get(&client, &format!("transactions/{id}/amounts"), json!({}));
    assert_eq!(amounts["unsplit_amount"], 800);
    sandbox.sharing_finishes("s1").unwrap();
    let seen = get(&client, "orders/s1", json!({ "transaction_id": id }));
    assert_eq!(
        (&seen["state"], &seen["receivers"][0]["result"]),
        (&json!("FINISHED"), &json!("SUCCESS"))
    );
    assert_eq!(money(), (0, 800, 200));

    let rest = json!({ "transaction_id": id, "out_order_no": "u1", "description": "完结" });
    post(&client, "orders/unfreeze", rest).unwrap();
    let back = json!({
        "out_order_no": "s1", "out_return_no": "b1", "return_mchid": SHOP, "amount": 50,
        "description": "退",
    });
    post(&client, "return-orders", back.clone()).unwrap();
    sandbox.advance(Duration::from_secs(60));
    let seen = get(&client, "return-orders/b1", json!({ "out_order_no": "s1" }));
    assert_eq!(seen["result"], "SUCCESS");
    assert_eq!(money(), (850, 0, 150));
    let mut more = back;
    more["amount"] = 151.into();
    more["out_return_no"] = "b2".into();
    assert_eq!(
        refusal(post(&client, "return-orders", more)).1,
        "NOT_ENOUGH"
    );

    // The receiver opens both, and the merchant that shares can open neither.
    receiver.wait_until("two notifications", |seen| seen.requests.len() >= 2);
    let amounts: Vec<_> = receiver
        .requests()
        .iter()
        .map(|request| {
            let headers = || request.headers.iter().map(|(name, value)| (name, value));
            let own = shop.notifications_builder().build().unwrap();
            let notice = own.receive(headers(), &request.body).unwrap();
            assert_eq!(
                (notice.event_type(), notice.original_type()),
                ("TRANSACTION.SUCCESS", "profitsharing")
            );
            let resource = notice.resource_json();
            assert_eq!(resource["mchid"], sandbox.mchid());
            assert_eq!(resource["receiver"]["account"], SHOP);
            let other = sandbox.notifications_builder().build().unwrap();
            assert!(other.receive(headers(), &request.body).is_err());
            resource["receiver"]["amount"].as_u64().unwrap()
        })
        .collect();
    assert_eq!(amounts, [200, 50]);
}

#[test]
fn sharing_against_the_rules_is_refused_in_the_words_of_the_wire() {
    let sandbox = Sandbox::builder().opening_balance(0).start().unwrap();
    let client = sandbox.client_builder().build().unwrap();
    let (shared, plain) = (
        paid(&sandbox, &client, "tea-0001", true),
        paid(&sandbox, &client, "tea-0002", false),
    );
    add(&sandbox, &client, "MERCHANT_ID", SHOP, "某某门店").unwrap();
    let refused = |id: &str, fen: u64| {
        let body = order(&sandbox, id, "s1", to_shop(fen), false);
        let (status, code, message) = refusal(post(&client, "orders", body));
        (status, code, message.chars().take(10).collect::<String>())
    };
    let expected =
        |status: u16, code: &str, message: &str| (status, code.to_owned(), message.to_owned());
    assert_eq!(
        refused(&plain, 1),
        expected(400, "INVALID_REQUEST", "非分账订单不支持分账")
    );
    assert_eq!(
        refused(&shared, 301),
        expected(400, "INVALID_REQUEST", "分账金额超出最大分账")
    );
    assert_eq!(
        refused(&shared, 1001),
        expected(403, "NOT_ENOUGH", "分账金额不足")
    );
    assert_eq!(refused("4200", 1).0, 404);

    let nameless = json!({
        "appid": sandbox.appid(), "type": "MERCHANT_ID", "account": "1900000110",
        "relation_type": "STORE",
    });
    assert_eq!(
        refusal(post(&client, "receivers/add", nameless)).1,
        "PARAM_ERROR"
    );
    let gone = json!({ "appid": sandbox.appid(), "type": "MERCHANT_ID", "account": SHOP });
    post(&client, "receivers/delete", gone).unwrap();
    assert_eq!(
        refused(&shared, 1),
        expected(400, "PARAM_ERROR", "分账接收方关系不存在")
    );
    let amounts = client
        .chain(format!("v3/profitsharing/transactions/{plain}/amounts"))
        .get(());
    assert_eq!(
        refusal(amounts.map(|_| Value::Null)).2,
        "非分账订单不支持此查询"
    );
    assert_eq!(sandbox.balance(sandbox.mchid()).unwrap().frozen, 1000);
}

#[test]
fn service_provider_shares_for_its_sub_merchant() {
    let sandbox = Sandbox::start().unwrap();
    let provider = MerchantOptions::new("1900000100")
        .appid("wx1")
        .partner_of(["1900000101"]);
    let provider = sandbox.add_merchant(provider.opening_balance(0)).unwrap();
    let client = provider.client_builder().build().unwrap();
    let config = get(&client, "merchant-configs/1900000101", json!({}));
    assert_eq!(config["max_ratio"], 3000);
    let chain = client.chain("v3/pay/partner/transactions/native");
    chain
        .post(json!({ "json": {
        "sp_appid": "wx1", "sp_mchid": "1900000100", "sub_mchid": "1900000101", "description": "茶",
        "out_trade_no": "tea-0001", "notify_url": "http://127.0.0.1:9/notify",
        "amount": { "total": 1000 }, "settle_info": { "profit_sharing": true },
    } }))
        .unwrap();
    sandbox.user_pays("tea-0001").unwrap();
    let chain = client.chain("v3/pay/partner/transactions/out-trade-no/tea-0001");
    let options = json!({ "query": { "sp_mchid": "1900000100", "sub_mchid": "1900000101" } });
    let id = chain.get(options).unwrap().json::<Value>().unwrap()["transaction_id"].clone();
    let receiver = json!({
        "sub_mchid": "1900000101", "appid": "wx1", "type": "PERSONAL_OPENID", "account": "o1",
        "relation_type": "USER",
    });
    post(&client, "receivers/add", receiver).unwrap();
    let shared = post(&client, "orders", json!({
        "sub_mchid": "1900000101", "appid": "wx1", "transaction_id": id, "out_order_no": "s1",
        "receivers": [{ "type": "PERSONAL_OPENID", "account": "o1", "amount": 300, "description": "佣金" }],
        "unfreeze_unsplit": true,
    })).unwrap();
    assert_eq!(shared["sub_mchid"], "1900000101");
    sandbox
        .share_fails("s1", "o1", "RECEIVER_HIGH_RISK")
        .unwrap();
    sandbox.sharing_finishes("s1").unwrap();
    let query = json!({ "sub_mchid": "1900000101", "transaction_id": id });
    let seen = get(&client, "orders/s1", query);
    assert_eq!(seen["receivers"][0]["fail_reason"], "RECEIVER_HIGH_RISK");
    let balance = sandbox.balance("1900000101").unwrap();
    assert_eq!((balance.available, balance.frozen), (1000, 0));
}
