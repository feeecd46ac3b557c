//! Several merchants, service providers, and what is a sandbox's own.

use serde_json::{Value, json};
use wechatpay_chain::{
    Client, Result,
    sandbox::{MerchantOptions, Sandbox},
};

fn prepay(client: &Client, mchid: &str, appid: &str, number: &str) -> Result<()> {
    let order = json!({
        "appid": appid, "mchid": mchid, "description": "茶", "out_trade_no": number,
        "notify_url": "https://example.com/notify", "amount": { "total": 100 },
    });
    let chain = client.chain("v3/pay/transactions/native");
    chain.post(json!({ "json": order })).map(|_| ())
}

fn code(result: Result<impl Sized>) -> (u16, String) {
    let err = result.err().expect("refused");
    let api = err.api().unwrap_or_else(|| panic!("{err}"));
    (api.status().as_u16(), api.code().to_owned())
}

#[test]
fn merchants_have_orders_of_their_own() {
    let sandbox = Sandbox::start().unwrap();
    let shop = sandbox
        .add_merchant(MerchantOptions::new("1900000109").appid("wx1").appid("wx2"))
        .unwrap();
    let first = sandbox.client_builder().build().unwrap();
    let second = shop.client_builder().build().unwrap();
    prepay(&first, sandbox.mchid(), sandbox.appid(), "tea-0001").unwrap();
    prepay(&second, "1900000109", "wx2", "tea-0002").unwrap();

    // An order is its merchant's, and so is an app.
    let query = |client: &Client, mchid: &str, number: &str| {
        let chain = client.chain("v3/pay/transactions/out-trade-no/{number}");
        chain.get(json!({ "number": number, "query": { "mchid": mchid } }))
    };
    query(&second, "1900000109", "tea-0002").unwrap();
    let refused = query(&second, "1900000109", "tea-0001");
    assert_eq!(code(refused), (404, "ORDER_NOT_EXIST".to_owned()));
    let refused = query(&second, sandbox.mchid(), "tea-0001");
    assert_eq!(code(refused), (400, "PARAM_ERROR".to_owned()));
    let refused = prepay(&second, "1900000109", sandbox.appid(), "tea-0003");
    assert_eq!(code(refused), (400, "APPID_MCHID_NOT_MATCH".to_owned()));

    // The handle finds an order by its number, as long as one merchant has it.
    sandbox.user_pays("tea-0002").unwrap();
    assert_eq!(sandbox.order_state("tea-0002").as_deref(), Some("SUCCESS"));
    prepay(&second, "1900000109", "wx1", "tea-0001").unwrap();
    let err = sandbox.user_pays("tea-0001").unwrap_err().to_string();
    assert!(
        err.contains("1900000109") && err.contains(sandbox.mchid()),
        "{err}"
    );
    assert_eq!(sandbox.order_state("tea-0001"), None);

    let ids: Vec<_> = sandbox
        .merchants()
        .iter()
        .map(|m| m.mchid().to_owned())
        .collect();
    assert!(ids.contains(&"1900000109".to_owned()) && ids.len() == 2);
    let again = sandbox.add_merchant(MerchantOptions::new("1900000109"));
    assert!(again.unwrap_err().is_config());
    let invalid = sandbox.add_merchant(MerchantOptions::new("shop"));
    assert!(invalid.unwrap_err().is_config());
    let twice = Sandbox::builder()
        .mchid("1")
        .merchant(MerchantOptions::new("1"));
    assert!(twice.start().unwrap_err().is_config());
}

#[test]
fn merchant_cannot_sign_for_another() {
    let sandbox = Sandbox::start().unwrap();
    let shop = sandbox
        .add_merchant(MerchantOptions::new("1900000109"))
        .unwrap();
    let forged = shop.client_builder().private_key(sandbox.private_key());
    let result = prepay(
        &forged.build().unwrap(),
        "1900000109",
        shop.appid(),
        "tea-0001",
    );
    assert_eq!(code(result), (401, "SIGN_ERROR".to_owned()));
    let forged = shop.client_builder().serial(sandbox.serial());
    let result = prepay(
        &forged.build().unwrap(),
        "1900000109",
        shop.appid(),
        "tea-0001",
    );
    assert_eq!(code(result), (401, "SIGN_ERROR".to_owned()));
}

#[test]
fn second_sandbox_shares_rsa_keys_and_nothing_else() {
    let [one, other] = [(); 2].map(|()| Sandbox::start().unwrap());
    // Equal keys were not drawn again, which is what makes the second start fast.
    assert_eq!(one.platform_key_pem(), other.platform_key_pem());
    assert_eq!(
        one.private_key_pem().unwrap(),
        other.private_key_pem().unwrap()
    );
    assert_ne!(
        one.platform_key_pem(),
        one.private_key().public_key().to_pem()
    );
    for (one, other) in [
        (one.mchid(), other.mchid()),
        (one.serial(), other.serial()),
        (one.platform_key_id(), other.platform_key_id()),
        (one.apiv3_key(), other.apiv3_key()),
        (one.apiv2_key(), other.apiv2_key()),
    ] {
        assert_ne!(one, other);
    }
    assert_eq!(one.mchid().len(), 10);

    // A client of one is refused by the other, and refuses its responses.
    let client = one
        .client_builder()
        .base_uri(other.base_uri())
        .build()
        .unwrap();
    let err = prepay(&client, one.mchid(), one.appid(), "tea-0001").unwrap_err();
    assert!(err.is_verification(), "{err}");
    let fresh = Sandbox::builder().fresh_keys().start().unwrap();
    assert_ne!(fresh.platform_key_pem(), one.platform_key_pem());
}

#[test]
fn equal_seeds_give_equal_orders() {
    let order = |seed| {
        let sandbox = Sandbox::builder().seed(seed).start().unwrap();
        let client = sandbox.client_builder().build().unwrap();
        prepay(&client, sandbox.mchid(), sandbox.appid(), "tea-0001").unwrap();
        sandbox.user_pays("tea-0001").unwrap();
        let chain = client.chain("v3/pay/transactions/out-trade-no/tea-0001");
        let response = chain.get(json!({ "query": { "mchid": sandbox.mchid() } }));
        let order: Value = response.unwrap().json().unwrap();
        let id = order["transaction_id"].as_str().unwrap().to_owned();
        let openid = order["payer"]["openid"].as_str().unwrap().to_owned();
        (sandbox.mchid().to_owned(), id, openid)
    };
    assert_eq!(order(7), order(7));
    assert_ne!(order(7), order(8));
}

#[tokio::test]
async fn sandbox_starts_in_a_runtime() {
    let sandbox = Sandbox::start_async().await.unwrap();
    let client = sandbox.client_builder().build().unwrap();
    let echo = client.chain("v3/security/echo");
    let options = json!({ "json": { "echo_message": "回声" } });
    let response = echo.post_async(options).await.unwrap();
    assert_eq!(response.headers()["sandbox-answer"], "stateful");
    let taken: std::net::SocketAddr = {
        let uri = sandbox.base_uri();
        let address = uri.trim_start_matches("http://").trim_end_matches('/');
        address.parse().unwrap()
    };
    let second = Sandbox::builder().bind(taken).start_async().await;
    assert!(second.unwrap_err().to_string().contains("cannot listen"));
}
