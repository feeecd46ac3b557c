//! Brand-direct calls: paths below `/brand/`, which a brand signs.

use serde_json::{Value, json};
use wechatpay_chain::{
    Client, Method, Result, RetryPolicy,
    sandbox::{Merchant, MerchantOptions, Sandbox},
};

use super::openssl_client::OpensslClient;

const BRAND: &str = "120344";
const COUPON: &str = "brand/marketing/product-coupons/{id}";

fn started() -> (Sandbox, Merchant) {
    let shop = MerchantOptions::new("1900000109").brand(BRAND);
    let builder = Sandbox::builder().mchid("1900000108").merchant(shop);
    let sandbox = builder.start().unwrap();
    let shop = sandbox.merchants().pop().unwrap();
    (sandbox, shop)
}

fn call(client: &Client, path: &str) -> Result<Value> {
    let options = json!({ "id": "200000001", "json": { "name": "茶" } });
    client.chain(path).post(options)?.json()
}

fn refusal(result: Result<Value>) -> (u16, String) {
    let err = result.expect_err("refused");
    let api = err.api().unwrap_or_else(|| panic!("{err}"));
    (api.status().as_u16(), api.code().to_owned())
}

#[test]
fn brand_signs_with_its_own_key_and_gets_a_verified_answer() {
    let (sandbox, shop) = started();
    let client = shop.brand_client_builder().unwrap().build().unwrap();
    // Verified, but there are no documents.
    let unknown = refusal(call(&client, COUPON));
    assert_eq!(unknown, (404, "RESOURCE_NOT_EXISTS".to_owned()));
    let path = COUPON;
    sandbox
        .respond(Method::POST, path, json!({ "state": "AUDITING" }))
        .unwrap();
    let options = json!({ "id": "200000001", "json": { "name": "茶" } });
    let response = client.chain(COUPON).post(options).unwrap();
    assert!(response.verification().is_verified());
    assert_eq!(response.json::<Value>().unwrap()["state"], "AUDITING");
    // Only for this method and path.
    let other = client.chain(COUPON).get(json!({ "id": "200000001" }));
    assert_eq!(other.unwrap_err().api().unwrap().status().as_u16(), 404);
    assert_eq!(refusal(call(&client, "brand/x/{id}")).0, 404);
    sandbox.clear_responses();
    assert_eq!(refusal(call(&client, COUPON)), unknown);

    let request = sandbox.requests().pop().unwrap();
    let authorization = request.headers()["authorization"].to_str().unwrap();
    let scheme = "WECHATPAY-BRAND-SHA256-RSA2048 ";
    assert!(authorization.starts_with(scheme), "{authorization}");
    assert!(authorization.contains("brand_id=\"120344\""));
    assert!(!authorization.contains(shop.serial()));
}

#[test]
fn signature_of_another_signer_is_refused() {
    let (sandbox, shop) = started();
    let brand = |id: &str, serial: &str| {
        let key = shop.platform_key();
        Client::builder()
            .base_uri(sandbox.base_uri())
            .no_proxy()
            .retry(RetryPolicy::none())
            .brand_id(id)
            .serial(serial)
            .private_key(shop.private_key())
            .platform_key(shop.platform_key_id(), key)
            .build()
            .unwrap()
    };
    let sign_error = (401, "SIGN_ERROR".to_owned());
    // The merchant's serial and key are not the brand's; another brand is not known.
    for id in [BRAND, "120345"] {
        let client = brand(id, shop.serial());
        assert_eq!(refusal(call(&client, COUPON)), sign_error, "{id}");
    }
    let client = shop.brand_client_builder().unwrap().build().unwrap();
    let _ = call(&client, COUPON);
    let request = sandbox.requests().pop().unwrap();
    let authorization = request.headers()["authorization"].to_str().unwrap();
    let (_, rest) = authorization.split_once("serial_no=\"").unwrap();
    let (serial, _) = rest.split_once('"').unwrap();
    // The right serial, and the merchant's key.
    assert_eq!(refusal(call(&brand(BRAND, serial), COUPON)), sign_error);

    assert!(sandbox.merchant().brand_client_builder().is_err());
    for options in [
        MerchantOptions::new("1900000110").brand(BRAND),
        MerchantOptions::new("1900000110").brand("x"),
    ] {
        assert!(sandbox.add_merchant(options).unwrap_err().is_config());
    }
}

#[test]
fn scheme_belongs_to_its_paths() {
    let Some(client) = OpensslClient::start() else {
        return;
    };
    // The merchant's scheme is right elsewhere.
    let path = "/brand/marketing/product-coupons/1";
    let response = client.send(&client.request("GET", path, ""));
    assert_eq!(
        (response.status, response.code().as_str()),
        (401, "SIGN_ERROR")
    );
    assert!(client.verifies(&response));
    let mut request = client.request("GET", "/v3/certificates", "");
    request.scheme = "WECHATPAY-BRAND-SHA256-RSA2048";
    let response = client.send(&request);
    assert_eq!(
        (response.status, response.code().as_str()),
        (401, "SIGN_ERROR")
    );
}
