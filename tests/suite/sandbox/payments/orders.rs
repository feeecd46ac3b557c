//! Payments of all products, direct and through a service provider, called by this library's client.

use std::time::Duration;

use serde_json::{Value, json};
use wechatpay_chain::{
    Client, Result,
    sandbox::{MerchantOptions, Sandbox},
};

pub const SP_MCHID: &str = "1900000109";
pub const SUB_MCHID: &str = "1900000110";

/// Starts a sandbox with a service provider and its sub-merchant.
pub fn with_provider() -> Sandbox {
    let provider = MerchantOptions::new(SP_MCHID)
        .appid("wx1")
        .partner_of([SUB_MCHID]);
    Sandbox::builder().merchant(provider).start().unwrap()
}

/// Returns the client of the service provider.
pub fn provider(sandbox: &Sandbox) -> Client {
    let merchants = sandbox.merchants();
    let provider = merchants
        .iter()
        .find(|merchant| merchant.mchid() == SP_MCHID);
    provider.unwrap().client_builder().build().unwrap()
}

/// Sends a JSON body and returns the response's, or null if it has none.
pub fn post(client: &Client, path: &str, body: Value) -> Result<Value> {
    let response = client.chain(path).post(json!({ "json": body }))?;
    Ok(response.json().unwrap_or(Value::Null))
}

pub fn get(client: &Client, path: &str, query: Value) -> Result<Value> {
    client.chain(path).get(json!({ "query": query }))?.json()
}

pub fn code(result: Result<impl Sized>) -> (u16, String) {
    let err = result.err().expect("refused");
    let api = err.api().unwrap_or_else(|| panic!("{err}"));
    (api.status().as_u16(), api.code().to_owned())
}

/// Returns an order of the first merchant with what any product asks for.
pub fn order(sandbox: &Sandbox, out_trade_no: &str, total: u64) -> Value {
    json!({
        "appid": sandbox.appid(),
        "mchid": sandbox.mchid(),
        "description": "茶",
        "out_trade_no": out_trade_no,
        "notify_url": "https://example.com/notify",
        "amount": { "total": total },
        "payer": { "openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o" },
        "scene_info": { "payer_client_ip": "14.23.150.211", "h5_info": { "type": "Wap" } },
    })
}

pub fn partner_order(out_trade_no: &str) -> Value {
    json!({
        "sp_appid": "wx1",
        "sp_mchid": SP_MCHID,
        "sub_appid": "wx2",
        "sub_mchid": SUB_MCHID,
        "description": "茶",
        "out_trade_no": out_trade_no,
        "notify_url": "https://example.com/notify",
        "amount": { "total": 100, "currency": "CNY" },
        "payer": { "sub_openid": "oSub" },
        "scene_info": { "payer_client_ip": "14.23.150.211", "h5_info": { "type": "Wap" } },
    })
}

#[test]
fn each_product_is_prepaid_paid_queried_and_notified() {
    let sandbox = with_provider();
    let (direct, provider) = (
        sandbox.client_builder().build().unwrap(),
        provider(&sandbox),
    );
    for (index, (path, opens, trade_type)) in [
        ("jsapi", "prepay_id", "JSAPI"),
        ("app", "prepay_id", "APP"),
        ("h5", "h5_url", "MWEB"),
        ("native", "code_url", "NATIVE"),
        ("partner/jsapi", "prepay_id", "JSAPI"),
        ("partner/miniprogram", "prepay_id", "JSAPI"),
        ("partner/app", "prepay_id", "APP"),
        ("partner/h5", "h5_url", "MWEB"),
        ("partner/native", "code_url", "NATIVE"),
    ]
    .into_iter()
    .enumerate()
    {
        let number = format!("tea-{index:04}");
        let product = path.trim_start_matches("partner/");
        let (client, base, body, query, mchid) = if path == product {
            let body = order(&sandbox, &number, 100);
            let query = json!({ "mchid": sandbox.mchid() });
            (&direct, "v3/pay/transactions", body, query, sandbox.mchid())
        } else {
            let query = json!({ "sp_mchid": SP_MCHID, "sub_mchid": SUB_MCHID });
            let base = "v3/pay/partner/transactions";
            (&provider, base, partner_order(&number), query, SP_MCHID)
        };
        let prepaid = post(client, &format!("{base}/{product}"), body.clone()).unwrap();
        assert!(prepaid[opens].is_string(), "{path}: {prepaid}");
        let again = post(client, &format!("{base}/{product}"), body).unwrap();
        assert_eq!(again, prepaid, "{path}");

        let by_number = format!("{base}/out-trade-no/{number}");
        let unpaid = get(client, &by_number, query.clone()).unwrap();
        assert_eq!(unpaid["trade_state"], "NOTPAY");
        sandbox.user_pays(&number).unwrap();
        let paid = get(client, &by_number, query.clone()).unwrap();
        assert_eq!(paid["trade_state"], "SUCCESS");
        assert_eq!(paid["trade_type"], trade_type, "{path}");
        let id = paid["transaction_id"].as_str().unwrap();
        let by_id = get(client, &format!("{base}/id/{id}"), query).unwrap();
        assert_eq!(by_id, paid);

        let deliveries = sandbox.deliveries();
        assert_eq!(deliveries.len(), index + 1);
        let delivery = deliveries
            .iter()
            .find(|delivery| delivery.resource()["out_trade_no"] == number.as_str())
            .unwrap();
        assert_eq!(delivery.event_type(), "TRANSACTION.SUCCESS");
        assert_eq!(delivery.mchid(), mchid);
        // A query has more fields, such as `promotion_detail`.
        let said = delivery.resource().as_object().unwrap();
        assert!(said.len() >= 12, "{said:?}");
        for (name, value) in said {
            assert_eq!(*value, paid[name], "{path}: {name}");
        }
    }
}

#[test]
fn refusals_are_those_of_the_wire() {
    let sandbox = with_provider();
    let client = sandbox.client_builder().build().unwrap();
    let prepay = |number: &str, total| {
        let path = "v3/pay/transactions/jsapi";
        post(&client, path, order(&sandbox, number, total))
    };
    let close = |number: &str| {
        let path = format!("v3/pay/transactions/out-trade-no/{number}/close");
        post(&client, &path, json!({ "mchid": sandbox.mchid() }))
    };
    prepay("tea-0001", 100).unwrap();
    let expected = |status, code: &str| (status, code.to_owned());
    assert_eq!(
        code(prepay("tea-0001", 101)),
        expected(403, "OUT_TRADE_NO_USED")
    );
    assert_eq!(code(close("no-such")), expected(404, "ORDER_NOT_EXIST"));
    sandbox.user_pays("tea-0001").unwrap();
    assert_eq!(code(close("tea-0001")), expected(400, "ORDERPAID"));
    assert_eq!(code(prepay("tea-0001", 100)), expected(400, "ORDERPAID"));
    prepay("tea-0002", 100).unwrap();
    assert_eq!(close("tea-0002").unwrap(), Value::Null);
    assert_eq!(code(prepay("tea-0002", 100)), expected(400, "ORDER_CLOSED"));
    let err = sandbox.user_pays("tea-0002").unwrap_err();
    assert!(err.to_string().contains("ORDER_CLOSED"), "{err}");
    assert_eq!(sandbox.order_state("tea-0002").as_deref(), Some("CLOSED"));

    let path = "v3/pay/partner/transactions/native";
    let provider = provider(&sandbox);
    post(&provider, path, partner_order("tea-0004")).unwrap();
    let close = "v3/pay/partner/transactions/out-trade-no/tea-0004/close";
    let body = json!({ "sp_mchid": SP_MCHID, "sub_mchid": SUB_MCHID });
    assert_eq!(
        code(post(&client, close, body.clone())),
        expected(400, "PARAM_ERROR")
    );
    assert_eq!(post(&provider, close, body).unwrap(), Value::Null);
    let again = post(&provider, path, partner_order("tea-0004"));
    assert_eq!(code(again), expected(400, "ORDER_CLOSED"));

    // A sub-merchant of somebody else's.
    let mut body = partner_order("tea-0003");
    body["sp_mchid"] = sandbox.mchid().into();
    body["sp_appid"] = sandbox.appid().into();
    let refused = post(&client, "v3/pay/partner/transactions/jsapi", body);
    assert_eq!(code(refused), expected(403, "NO_AUTH"));
}

#[test]
fn query_of_a_direct_merchant_takes_no_sub_merchant() {
    let sandbox = with_provider();
    let client = provider(&sandbox);
    let path = "v3/pay/partner/transactions/native";
    post(&client, path, partner_order("tea-0001")).unwrap();
    let mut own = order(&sandbox, "tea-0002", 100);
    own["mchid"] = SP_MCHID.into();
    own["appid"] = "wx1".into();
    post(&client, "v3/pay/transactions/native", own).unwrap();
    let query = |number: &str| {
        let path = format!("v3/pay/transactions/out-trade-no/{number}");
        get(
            &client,
            &path,
            json!({ "mchid": SP_MCHID, "sub_mchid": SUB_MCHID }),
        )
    };
    assert_eq!(code(query("tea-0001")).1, "ORDER_NOT_EXIST");
    assert_eq!(query("tea-0002").unwrap()["out_trade_no"], "tea-0002");
}

#[test]
fn order_expires_by_the_clock() {
    let sandbox = Sandbox::start().unwrap();
    let client = sandbox.client_builder().build().unwrap();
    let path = "v3/pay/transactions/app";
    let first = post(&client, path, order(&sandbox, "tea-0001", 100)).unwrap();
    sandbox.advance(Duration::from_secs(2 * 3600));
    let err = sandbox.user_pays("tea-0001").unwrap_err();
    assert!(err.to_string().contains("2 hours"), "{err}");
    assert_eq!(sandbox.order_state("tea-0001").as_deref(), Some("NOTPAY"));
    let second = post(&client, path, order(&sandbox, "tea-0001", 100)).unwrap();
    assert_ne!(second["prepay_id"], first["prepay_id"]);
    sandbox.user_pays("tea-0001").unwrap();
}

#[test]
fn code_payment_waits_for_the_password_and_can_be_taken_back() {
    let sandbox = with_provider();
    let client = sandbox.client_builder().build().unwrap();
    let scan = |number: &str, total: u64, code: &str| {
        let mut body = order(&sandbox, number, total);
        let fields = body.as_object_mut().unwrap();
        fields.remove("notify_url");
        fields.insert("payer".to_owned(), json!({ "auth_code": code }));
        fields.insert(
            "scene_info".to_owned(),
            json!({ "store_info": { "id": "1" } }),
        );
        let chain = client.chain("v3/pay/transactions/codepay");
        chain.post(json!({ "json": body }))
    };
    let auth_code = sandbox.auth_code();
    let paid = scan("tea-0001", 100, &auth_code).unwrap();
    assert_eq!(paid.status(), 200);
    let paid: Value = paid.json().unwrap();
    assert_eq!(paid["trade_state"], "SUCCESS");
    assert_eq!(paid["trade_type"], "MICROPAY");
    assert!(sandbox.deliveries().is_empty());
    assert!(scan("tea-0002", 100, &auth_code).is_err());
    assert!(scan("tea-0002", 100, "123").is_err());

    // WeChat Pay answers 202 while the customer enters the password.
    let waiting = scan("tea-0003", 200_000, &sandbox.auth_code()).unwrap();
    assert_eq!(waiting.status(), 202);
    assert_eq!(
        waiting.json::<Value>().unwrap()["trade_state"],
        "USERPAYING"
    );
    sandbox.user_enters_password("tea-0003").unwrap();
    assert_eq!(sandbox.order_state("tea-0003").as_deref(), Some("SUCCESS"));
    scan("tea-0004", 200_000, &sandbox.auth_code()).unwrap();
    sandbox.user_fails("tea-0004").unwrap();
    assert_eq!(sandbox.order_state("tea-0004").as_deref(), Some("PAYERROR"));

    let reverse = "v3/pay/transactions/out-trade-no/tea-0003/reverse";
    let body = json!({ "appid": sandbox.appid(), "mchid": sandbox.mchid() });
    let taken_back = post(&client, reverse, body).unwrap();
    assert_eq!(taken_back["out_trade_no"], "tea-0003");
    assert_eq!(sandbox.order_state("tea-0003").as_deref(), Some("REVOKED"));

    let body = json!({
        "sp_mchid": SP_MCHID, "sub_mchid": SUB_MCHID, "description": "茶",
        "out_trade_no": "tea-0005", "amount": { "total": 1 },
        "payer": { "auth_code": sandbox.auth_code() },
        "scene_info": { "store_info": { "out_id": "1" } },
    });
    let path = "v3/pay/partner/transactions/codepay";
    let paid = post(&provider(&sandbox), path, body).unwrap();
    assert_eq!(paid["sub_mchid"], SUB_MCHID);
    let reverse = "v3/pay/partner/transactions/out-trade-no/tea-0005/reverse";
    let body = json!({ "sp_mchid": SP_MCHID, "sub_mchid": SUB_MCHID });
    post(&provider(&sandbox), reverse, body).unwrap();
    assert_eq!(sandbox.order_state("tea-0005").as_deref(), Some("REVOKED"));
}

#[test]
fn sub_openid_needs_its_sub_appid() {
    let sandbox = with_provider();
    let client = provider(&sandbox);
    let path = "v3/pay/partner/transactions/jsapi";
    let mut body = partner_order("tea-0001");
    body.as_object_mut().unwrap().remove("sub_appid");
    let err = post(&client, path, body.clone()).unwrap_err();
    assert!(err.to_string().contains("/body/sub_appid"), "{err}");
    body["payer"] = json!({ "sp_openid": "oSp" });
    post(&client, path, body).unwrap();

    let mut xml = json!({
        "appid": "wx1", "mch_id": SP_MCHID, "sub_mch_id": SUB_MCHID, "body": "茶",
        "out_trade_no": "tea-0002", "total_fee": 100, "spbill_create_ip": "127.0.0.1",
        "notify_url": "https://example.com/notify", "trade_type": "JSAPI", "sub_openid": "oSub",
    });
    let order = |xml: &Value| {
        client
            .chain("v2/pay/unifiedorder")
            .post(json!({ "xml": xml }))
    };
    let err = order(&xml).unwrap_err();
    assert!(err.to_string().contains("sub_appid"), "{err}");
    xml["sub_appid"] = "wx2".into();
    order(&xml).unwrap();
}
