//! Brand-direct calls: paths that begin with `/brand/` are signed on behalf of the brand.

use serde_json::json;
use wechatpay_chain::{ClientBuilder, Method, Outcome, RetryPolicy};

use crate::fixtures::{
    keys,
    mode::{BOTH, runtime},
    server::{MockResponse, Server},
};

const SCHEME: &str = "WECHATPAY-BRAND-SHA256-RSA2048";
const BRAND: &str = "120344";

fn builder(base: &str) -> ClientBuilder {
    keys::builder()
        .brand_id(BRAND)
        .base_uri(base)
        .retry(RetryPolicy::none())
}

#[test]
fn brand_path_is_signed_as_the_brand_and_verified() {
    let server = Server::always_ok();
    for (base, prefix) in [
        (server.url(), ""),
        (server.url() + "gate/way/", "/gate/way"),
    ] {
        let client = builder(&base).build().unwrap();
        for mode in BOTH {
            let forms = [
                client.chain("brand/marketing/product-coupons/{id}"),
                client.chain("/brand/marketing/product-coupons/{id}"),
                client["brand/marketing/product-coupons/{id}"].clone(),
                client
                    .seg("brand")
                    .seg("marketing")
                    .seg("productCoupons")
                    .seg("_id_"),
            ];
            for chain in forms {
                let options = json!({ "id": "200000001", "json": { "name": "茶" } });
                let response = mode.post(&chain, options).unwrap();
                assert!(response.verification().is_verified());
                let request = server.requests().pop().unwrap();
                assert_eq!(
                    request.target,
                    format!("{prefix}/brand/marketing/product-coupons/200000001")
                );
                let fields = request.authorization_by(SCHEME, keys::merchant());
                assert_eq!(fields["brand_id"], BRAND);
                assert_eq!(fields["serial_no"], keys::SERIAL);
                assert!(!fields.contains_key("mchid"));
            }
        }
    }
}

#[test]
fn other_paths_are_signed_as_the_merchant() {
    let server = Server::always_ok();
    let client = builder(&server.url()).build().unwrap();
    for path in [
        "v3/brand/card/card-links",
        "v3/a/brand/b",
        "brands/x",
        "v3/x",
    ] {
        client.chain(path).get(()).unwrap();
        let fields = server
            .requests()
            .pop()
            .unwrap()
            .authorization(keys::merchant());
        assert_eq!(fields["mchid"], keys::MCHID, "{path}");
        assert!(!fields.contains_key("brand_id"), "{path}");
    }
    // A base URI that ends in `brand/` does not make a path a brand path.
    let client = builder(&(server.url() + "brand/")).build().unwrap();
    client.chain("v3/x").get(()).unwrap();
    let request = server.requests().pop().unwrap();
    assert_eq!(request.target, "/brand/v3/x");
    assert_eq!(
        request.authorization(keys::merchant())["mchid"],
        keys::MCHID
    );
    // An absolute URL below that base URI is recognized as a brand path.
    let url = server.url() + "brand/brand/x";
    client.chain("{+url}").get(json!({ "url": url })).unwrap();
    let request = server.requests().pop().unwrap();
    request.authorization_by(SCHEME, keys::merchant());
}

#[test]
fn brand_needs_no_mchid_and_merchant_no_brand_id() {
    let server = Server::always_ok();
    let brand = || {
        wechatpay_chain::Client::builder()
            .serial(keys::SERIAL)
            .private_key(keys::merchant().private())
            .platform_key(keys::PLATFORM_ID, keys::platform().public())
            .base_uri(server.url())
            .no_proxy()
    };
    let client = brand().brand_id(BRAND).build().unwrap();
    client.chain("brand/x").get(()).unwrap();
    assert_eq!(server.requests().len(), 1);

    let without = keys::builder().base_uri(server.url()).build().unwrap();
    for (client, path, field) in [
        (without, "brand/stores/{id}", "brand_id"),
        (client, "v3/stores/{id}", "mchid"),
    ] {
        let options = json!({ "id": "4477" });
        for mode in BOTH {
            let err = mode.get(&client.chain(path), &options).unwrap_err();
            let text = err.to_string();
            assert!(
                err.is_config() && err.outcome() == Outcome::NotSent,
                "{err:?}"
            );
            assert!(
                text.contains(&format!("missing `{field}`, which signs requests")),
                "{text}"
            );
            assert!(text.contains(path) && !text.contains("4477"), "{text}");
        }
        let err = runtime().block_on(client.chain(path).prepare_async(Method::GET, &options));
        assert!(err.unwrap_err().is_config());
    }
    assert_eq!(server.requests().len(), 1, "nothing was sent");
    let err = brand().brand_id("a\"b").build().unwrap_err();
    assert!(err.to_string().contains("brand_id"), "{err}");
}

#[test]
fn unverified_brand_response_is_refused() {
    let server = Server::start(|_| MockResponse::plain(200, "{}"));
    let client = builder(&server.url()).build().unwrap();
    let err = client.chain("brand/x").post(()).unwrap_err();
    assert!(
        err.is_verification() && err.outcome() == Outcome::Unknown,
        "{err:?}"
    );
}
