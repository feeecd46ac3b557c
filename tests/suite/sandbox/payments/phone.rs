//! The customer's phone: it accepts what this library builds, and nothing else.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use serde_json::{Value, json};
use wechatpay_chain::{Client, sandbox::Sandbox};

use super::orders::{SP_MCHID, SUB_MCHID, code, order, post, provider, with_provider};

/// Prepays an order and returns what opens it.
fn prepaid(sandbox: &Sandbox, client: &Client, product: &str, number: &str) -> String {
    let path = format!("v3/pay/transactions/{product}");
    let body = post(client, &path, order(sandbox, number, 100)).unwrap();
    let (_, value) = body.as_object().unwrap().iter().next().unwrap();
    value.as_str().unwrap().to_owned()
}

fn prepaid_v2(
    sandbox: &Sandbox,
    client: &Client,
    trade_type: &str,
    number: &str,
    hmac: bool,
) -> String {
    let sign_type = if hmac { "HMAC-SHA256" } else { "MD5" };
    let chain = client.chain("v2/pay/unifiedorder");
    let response = chain.post(json!({ "xml": {
        "appid": sandbox.appid(), "mch_id": sandbox.mchid(), "body": "茶", "out_trade_no": number,
        "total_fee": 100, "spbill_create_ip": "14.23.150.211", "trade_type": trade_type,
        "notify_url": "https://example.com/notify", "openid": "o1", "sign_type": sign_type,
    } }));
    let response = response.unwrap().xml().unwrap();
    response["prepay_id"].as_str().unwrap().to_owned()
}

/// Checks that each letter of each value matters, and each name; then that the parameters pay.
fn check_each_letter(sandbox: &Sandbox, params: &Value, number: &str) {
    let refused = |changed: &Value, what: &str| {
        let err = sandbox.phone_pays(changed).expect_err(what);
        assert!(err.to_string().contains("FAIL"), "{what}: {err}");
        assert_eq!(
            sandbox.order_state(number).as_deref(),
            Some("NOTPAY"),
            "{what}"
        );
    };
    for (name, value) in params.as_object().unwrap() {
        let value = value.as_str().unwrap();
        for (at, letter) in value.char_indices() {
            let other = if letter == 'B' { 'C' } else { 'B' };
            let mut text = value.to_owned();
            text.replace_range(at..=at, other.encode_utf8(&mut [0; 4]));
            let mut changed = params.clone();
            changed[name] = text.into();
            refused(&changed, &format!("{name} at {at}"));
        }
        let mut changed = params.clone();
        changed.as_object_mut().unwrap().remove(name);
        refused(&changed, &format!("without {name}"));
        changed[name.to_uppercase()] = value.into();
        refused(&changed, &format!("{name} in capitals"));
    }
    let mut more = params.clone();
    more["more"] = "1".into();
    refused(&more, "one more");
    sandbox.phone_pays(params).unwrap();
    assert_eq!(sandbox.order_state(number).as_deref(), Some("SUCCESS"));
    let again = sandbox.phone_pays(params).unwrap_err().to_string();
    assert!(again.contains("ORDERPAID"), "{again}");
}

#[test]
fn page_mini_program_and_app_open_what_the_library_signs() {
    let sandbox = Sandbox::start().unwrap();
    let client = sandbox.client_builder().build().unwrap();
    let appid = sandbox.appid();
    let id = prepaid(&sandbox, &client, "jsapi", "tea-0001");
    let params = client.jsapi_params(appid, id).build().unwrap();
    check_each_letter(&sandbox, &params.to_json(), "tea-0001");
    let id = prepaid(&sandbox, &client, "jsapi", "tea-0002");
    let params = client.mini_program_params(appid, id).build().unwrap();
    check_each_letter(&sandbox, &params.to_json(), "tea-0002");
    let id = prepaid(&sandbox, &client, "app", "tea-0003");
    let params = client.app_params(appid, id).build().unwrap();
    check_each_letter(&sandbox, &params.to_json(), "tea-0003");
    assert_eq!(sandbox.deliveries().len(), 3);
}

#[test]
fn apiv2_orders_open_with_digests() {
    let sandbox = Sandbox::start().unwrap();
    let client = sandbox.client_builder().build().unwrap();
    let appid = sandbox.appid();
    let id = prepaid_v2(&sandbox, &client, "JSAPI", "tea-0001", false);
    let params = client.jsapi_params(appid, &id).v2().build().unwrap();
    // The digest must be the order's. A signature of APIv3 is not accepted in its place.
    let other = client
        .jsapi_params(appid, &id)
        .v2_hmac_sha256()
        .build()
        .unwrap();
    assert!(sandbox.phone_pays(&other.to_json()).is_err());
    let other = client.jsapi_params(appid, &id).build().unwrap();
    assert!(sandbox.phone_pays(&other.to_json()).is_err());
    check_each_letter(&sandbox, &params.to_json(), "tea-0001");
    let id = prepaid_v2(&sandbox, &client, "JSAPI", "tea-0002", true);
    let params = client.mini_program_params(appid, id).v2_hmac_sha256();
    check_each_letter(&sandbox, &params.build().unwrap().to_json(), "tea-0002");
    let id = prepaid_v2(&sandbox, &client, "APP", "tea-0003", false);
    let params = client.app_params(appid, id).v2().build().unwrap();
    check_each_letter(&sandbox, &params.to_json(), "tea-0003");
}

#[test]
fn codes_and_links_open_their_order_until_they_expire() {
    let sandbox = Sandbox::start().unwrap();
    let client = sandbox.client_builder().build().unwrap();
    let url = prepaid(&sandbox, &client, "native", "tea-0001");
    check_each_letter(&sandbox, &json!({ "code_url": url }), "tea-0001");

    let url = prepaid(&sandbox, &client, "h5", "tea-0002");
    assert!(sandbox.phone_pays(&json!({ "h5_url": &url[1..] })).is_err());
    let back = format!("{url}&redirect_url=https%3A%2F%2Fexample.com");
    sandbox.phone_pays(&json!({ "h5_url": back })).unwrap();
    let url = prepaid(&sandbox, &client, "h5", "tea-0003");
    sandbox.advance(Duration::from_secs(5 * 60));
    let late = sandbox.phone_pays(&json!({ "h5_url": url })).unwrap_err();
    assert!(late.to_string().contains("5 minutes"), "{late}");

    let id = prepaid(&sandbox, &client, "jsapi", "tea-0004");
    let params = client.jsapi_params(sandbox.appid(), id).build().unwrap();
    sandbox.advance(Duration::from_secs(2 * 3600));
    let late = sandbox.phone_pays(&params.to_json()).unwrap_err();
    assert!(late.to_string().contains("2 hours"), "{late}");
    for nothing in [
        json!({}),
        json!([]),
        json!({ "code_url": "" }),
        json!({ "h5_url": 1 }),
    ] {
        assert!(sandbox.phone_pays(&nothing).is_err());
    }
}

#[test]
fn parameters_of_another_merchant_app_or_product_are_refused() {
    let sandbox = with_provider();
    let client = sandbox.client_builder().build().unwrap();
    let stranger = provider(&sandbox);
    let id = prepaid(&sandbox, &client, "jsapi", "tea-0001");
    let signed_by_another = stranger.jsapi_params(sandbox.appid(), &id).build().unwrap();
    let err = sandbox
        .phone_pays(&signed_by_another.to_json())
        .unwrap_err();
    assert!(err.to_string().contains("支付验证签名失败"), "{err}");
    let other_app = client.jsapi_params("wx1", &id).build().unwrap();
    let err = sandbox.phone_pays(&other_app.to_json()).unwrap_err();
    assert!(err.to_string().contains("another app"), "{err}");
    let other_product = client.app_params(sandbox.appid(), &id).build().unwrap();
    let err = sandbox.phone_pays(&other_product.to_json()).unwrap_err();
    assert!(err.to_string().contains("another product"), "{err}");
    let id = prepaid(&sandbox, &client, "app", "tea-0002");
    let other_merchant = client
        .app_params(sandbox.appid(), &id)
        .partnerid("1900000999");
    let err = sandbox
        .phone_pays(&other_merchant.build().unwrap().to_json())
        .unwrap_err();
    assert!(err.to_string().contains("partnerid"), "{err}");
    assert_eq!(sandbox.order_state("tea-0001").as_deref(), Some("NOTPAY"));

    // A sub-merchant's order is opened with its app or the provider's, signed by the provider.
    let body = json!({
        "sp_appid": "wx1", "sp_mchid": SP_MCHID, "sub_appid": "wx2", "sub_mchid": SUB_MCHID,
        "description": "茶", "out_trade_no": "tea-0003", "amount": { "total": 100 },
        "notify_url": "https://example.com/notify", "payer": { "sub_openid": "o1" },
    });
    let path = "v3/pay/partner/transactions/jsapi";
    let prepaid = post(&stranger, path, body).unwrap();
    let id = prepaid["prepay_id"].as_str().unwrap();
    let params = stranger.jsapi_params("wx2", id).build().unwrap();
    sandbox.phone_pays(&params.to_json()).unwrap();
}

#[test]
fn combined_order_is_opened_by_the_merchant_that_made_it() {
    let sandbox = with_provider();
    let client = provider(&sandbox);
    let body = json!({
        "combine_appid": "wx1", "combine_mchid": SP_MCHID, "combine_out_trade_no": "all-0001",
        "notify_url": "https://example.com/combined",
        "sub_orders": [{
            "mchid": SP_MCHID, "sub_mchid": SUB_MCHID, "attach": "一", "description": "茶",
            "out_trade_no": "tea-0001", "amount": { "total_amount": 1, "currency": "CNY" },
        }, {
            "mchid": SUB_MCHID, "attach": "二", "description": "茶",
            "out_trade_no": "tea-0002", "amount": { "total_amount": 2, "currency": "CNY" },
        }],
    });
    let prepaid = post(&client, "v3/combine-transactions/app", body).unwrap();
    let id = prepaid["prepay_id"].as_str().unwrap();
    let own = sandbox.client_builder().build().unwrap();
    let params = own
        .app_params("wx1", id)
        .partnerid(SP_MCHID)
        .build()
        .unwrap();
    assert!(sandbox.phone_pays(&params.to_json()).is_err());
    let params = client.app_params("wx1", id).build().unwrap();
    sandbox.phone_pays(&params.to_json()).unwrap();
    assert_eq!(sandbox.order_state("tea-0002").as_deref(), Some("SUCCESS"));
    assert_eq!(sandbox.deliveries().len(), 1);
}

/// Sends a request to the phone's endpoint as any program would, and returns status and body.
fn over_http(sandbox: &Sandbox, body: &str) -> (u16, Value) {
    let uri = sandbox.base_uri();
    let address = uri.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    write!(
        stream,
        "POST /_sandbox/v1/phone/pay HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
    .unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap())
}

#[test]
fn phone_is_an_endpoint_for_other_programs() {
    let sandbox = Sandbox::start().unwrap();
    let client = sandbox.client_builder().build().unwrap();
    let id = prepaid(&sandbox, &client, "jsapi", "tea-0001");
    let params = client.jsapi_params(sandbox.appid(), id).build().unwrap();
    let forged = params.to_string().replace("\"RSA\"", "\"MD5\"");
    let (status, body) = over_http(&sandbox, &forged);
    assert_eq!((status, &body["code"]), (400, &json!("FAIL")));
    let (status, body) = over_http(&sandbox, &params.to_string());
    assert_eq!((status, &body["trade_state"]), (200, &json!("SUCCESS")));
    let (status, body) = over_http(&sandbox, &params.to_string());
    assert_eq!((status, &body["code"]), (400, &json!("ORDERPAID")));
    assert_eq!(over_http(&sandbox, "[]").0, 400);
    let order = order(&sandbox, "tea-0001", 100);
    let refused = post(&client, "v3/pay/transactions/jsapi", order);
    assert_eq!(code(refused), (400, "ORDERPAID".to_owned()));
}
