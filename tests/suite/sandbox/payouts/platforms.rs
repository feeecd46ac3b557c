//! Profit sharing of e-commerce platforms and of brands, and what their sub-merchants have.

use std::time::Duration;

use serde_json::{Value, json};
use wechatpay_chain::{
    Client, Options,
    sandbox::{Merchant, MerchantOptions, Sandbox},
};

use crate::sandbox::payments::orders::{code, get, post};

const PLATFORM: &str = "1900000109";
const SELLER: &str = "1900000110";
const SHOP: &str = "1900000111";

fn started() -> (Sandbox, Merchant, Client) {
    let platform = MerchantOptions::new(PLATFORM)
        .partner_of([SELLER])
        .opening_balance(0);
    let builder = Sandbox::builder().mchid("1900000108").merchant(platform);
    let sandbox = builder.start().unwrap();
    sandbox
        .add_merchant(MerchantOptions::new(SHOP).opening_balance(0))
        .unwrap();
    let mut merchants = sandbox.merchants().into_iter();
    let platform = merchants.find(|found| found.mchid() == PLATFORM).unwrap();
    let client = platform.client_builder().build().unwrap();
    (sandbox, platform, client)
}

/// Pays an order of the seller of 1,000 fen and returns its `transaction_id`.
fn paid(sandbox: &Sandbox, platform: &Merchant, client: &Client, number: &str) -> String {
    let order = json!({
        "sp_appid": platform.appid(), "sp_mchid": PLATFORM, "sub_mchid": SELLER, "description": "茶",
        "out_trade_no": number, "notify_url": "http://127.0.0.1:9/", "amount": { "total": 1000 },
        "settle_info": { "profit_sharing": true },
    });
    post(client, "v3/pay/partner/transactions/native", order).unwrap();
    sandbox.user_pays(number).unwrap();
    let path = format!("v3/pay/partner/transactions/out-trade-no/{number}");
    let query = json!({ "sp_mchid": PLATFORM, "sub_mchid": SELLER });
    let order = get(client, &path, query).unwrap();
    order["transaction_id"].as_str().unwrap().to_owned()
}

#[test]
fn platform_shares_the_payment_of_its_sub_merchant() {
    let (sandbox, platform, client) = started();
    let id = paid(&sandbox, &platform, &client, "tea-0001");
    let base = "v3/ecommerce/profitsharing";
    let order = |number: &str, finish: bool| {
        json!({
            "appid": platform.appid(), "sub_mchid": SELLER, "transaction_id": id,
            "out_order_no": number, "finish": finish,
            "receivers": [{
                "type": "MERCHANT_ID", "receiver_account": SHOP, "amount": 200, "description": "门店",
            }],
        })
    };
    let orders = format!("{base}/orders");
    let unknown = code(post(&client, &orders, order("s1", false)));
    assert_eq!(unknown, (400, "PARAM_ERROR".to_owned()));
    // A receiver of the seller itself is none of the platform's.
    let receiver = json!({
        "appid": platform.appid(), "type": "MERCHANT_ID", "account": SHOP, "relation_type": "STORE",
    });
    let mut sellers = receiver.clone();
    sellers["sub_mchid"] = SELLER.into();
    sellers["name"] = "门店".into();
    let options = Options::from(json!({ "json": sellers })).encrypt(["/name"]);
    client
        .chain("v3/profitsharing/receivers/add")
        .post(options)
        .unwrap();
    assert_eq!(code(post(&client, &orders, order("s1", false))), unknown);
    // Nor is one that the platform's merchant added for itself.
    let mut own = receiver.clone();
    own["name"] = "门店".into();
    let options = Options::from(json!({ "json": own })).encrypt(["/name"]);
    let add_own = client.chain("v3/profitsharing/receivers/add");
    add_own.post(options).unwrap();
    assert_eq!(code(post(&client, &orders, order("s1", false))), unknown);
    let mut platforms = receiver;
    platforms["encrypted_name"] = "门店".into();
    let options = Options::from(json!({ "json": platforms })).encrypt(["/encrypted_name"]);
    let add = client.chain(format!("{base}/receivers/add"));
    let added: Value = add.post(options).unwrap().json().unwrap();
    assert_eq!(added, json!({ "type": "MERCHANT_ID", "account": SHOP }));

    let shared = post(&client, &orders, order("s1", false)).unwrap();
    assert_eq!(shared["status"], "PROCESSING");
    assert_eq!(shared["receivers"][0]["receiver_account"], SHOP);
    assert_eq!(post(&client, &orders, order("s1", false)).unwrap(), shared);
    assert_eq!(
        code(post(&client, &orders, order("s1", true))).1,
        "INVALID_REQUEST"
    );
    sandbox.advance(Duration::from_secs(60));
    let numbers = json!({
        "sub_mchid": SELLER, "transaction_id": id, "out_order_no": "s1",
    });
    let seen = get(&client, &orders, numbers).unwrap();
    assert_eq!(
        (&seen["status"], &seen["receivers"][0]["result"]),
        (&json!("FINISHED"), &json!("SUCCESS"))
    );
    let left = get(&client, &format!("{orders}/{id}/amounts"), json!({})).unwrap();
    assert_eq!(left["unsplit_amount"], 800);

    let returned = json!({
        "sub_mchid": SELLER, "out_order_no": "s1", "out_return_no": "b1", "return_mchid": SHOP,
        "amount": 50, "description": "退货",
    });
    let returns = format!("{base}/returnorders");
    let made = post(&client, &returns, returned).unwrap();
    sandbox.advance(Duration::from_secs(60));
    let query = json!({ "sub_mchid": SELLER, "out_order_no": "s1", "out_return_no": "b1" });
    let seen = get(&client, &returns, query).unwrap();
    assert_eq!(seen["result"], "SUCCESS");
    assert_eq!(seen["return_no"], made["return_no"]);
    assert_eq!(sandbox.balance(SHOP).unwrap().available, 150);

    let finish = json!({
        "sub_mchid": SELLER, "transaction_id": id, "out_order_no": "f1", "description": "分账完结",
    });
    let finished = post(&client, &format!("{base}/finish-order"), finish).unwrap();
    assert_eq!(finished["out_order_no"], "f1");
    let numbers = json!({
        "sub_mchid": SELLER, "transaction_id": id, "out_order_no": "f1",
    });
    let seen = get(&client, &orders, numbers).unwrap();
    assert_eq!(
        (&seen["finish_amount"], &seen["finish_description"]),
        (&json!(800), &json!("分账完结"))
    );
    sandbox.advance(Duration::from_secs(60));
    let balance = get(
        &client,
        &format!("v3/ecommerce/fund/balance/{SELLER}"),
        json!({}),
    )
    .unwrap();
    assert_eq!(
        (&balance["available_amount"], &balance["pending_amount"]),
        (&json!(850), &json!(0))
    );
}

#[test]
fn brand_shares_with_its_own_receivers() {
    let (sandbox, platform, client) = started();
    let id = paid(&sandbox, &platform, &client, "tea-0001");
    let base = "v3/brand/profitsharing";
    let receiver = json!({
        "brand_mchid": "1900000112", "appid": platform.appid(), "type": "PERSONAL_OPENID",
        "account": "o1", "relation_type": "STAFF",
    });
    let added = post(&client, &format!("{base}/receivers/add"), receiver.clone()).unwrap();
    assert_eq!(added["brand_mchid"], "1900000112");
    let order = |brand_mchid: &str| {
        json!({
            "brand_mchid": brand_mchid, "sub_mchid": SELLER, "appid": platform.appid(),
            "transaction_id": id, "out_order_no": "s1", "finish": true,
            "receivers": [{
                "type": "PERSONAL_OPENID", "account": "o1", "amount": 300, "description": "店员",
            }],
        })
    };
    let orders = format!("{base}/orders");
    assert_eq!(
        code(post(&client, &orders, order("1900000113"))).1,
        "PARAM_ERROR"
    );
    let shared = post(&client, &orders, order("1900000112")).unwrap();
    assert_eq!(shared["brand_mchid"], "1900000112");
    assert_eq!(shared["receivers"][0]["account"], "o1");
    sandbox.advance(Duration::from_secs(60));
    // The rest is the seller's.
    assert_eq!(sandbox.balance(SELLER).unwrap().available, 700);
    let config = get(
        &client,
        &format!("{base}/brand-configs/1900000112"),
        json!({}),
    )
    .unwrap();
    assert_eq!(config["max_ratio"], 3000);
    let gone = post(&client, &format!("{base}/receivers/delete"), receiver).unwrap();
    assert_eq!(gone["account"], "o1");
}

#[test]
fn balance_is_that_of_the_account_now_and_at_the_end_of_a_day() {
    let (sandbox, platform, client) = started();
    paid(&sandbox, &platform, &client, "tea-0001");
    let own = |kind: &str| {
        get(
            &client,
            &format!("v3/merchant/fund/balance/{kind}"),
            json!({}),
        )
    };
    assert_eq!(own("BASIC").unwrap()["available_amount"], 0);
    let sellers = format!("v3/ecommerce/fund/balance/{SELLER}");
    let balance = get(&client, &sellers, json!({})).unwrap();
    assert_eq!(
        (&balance["available_amount"], &balance["pending_amount"]),
        (&json!(0), &json!(1000))
    );
    let fees = get(&client, &sellers, json!({ "account_type": "FEES" })).unwrap();
    assert_eq!(fees["pending_amount"], 0);
    assert_eq!(
        code(get(&client, &sellers, json!({ "account_type": "X" }))).1,
        "PARAM_ERROR"
    );
    let strangers = format!("v3/ecommerce/fund/balance/{SHOP}");
    assert_eq!(code(get(&client, &strangers, json!({}))).1, "NO_AUTH");

    let days = format!("v3/ecommerce/fund/enddaybalance/{SELLER}");
    let at = |date: &str| get(&client, &days, json!({ "date": date }));
    assert_eq!(at("2018-06-08").unwrap()["available_amount"], 0);
    assert_eq!(code(at("2999-06-08")).1, "PARAM_ERROR");
}
