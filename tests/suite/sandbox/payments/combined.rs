//! Combined orders, called by this library's client.

use serde_json::{Value, json};
use wechatpay_chain::sandbox::{MerchantOptions, OrderKind, OrderSummary, Sandbox};

use super::orders::{SP_MCHID, SUB_MCHID, code, get, post, provider};

pub fn combined(number: &str, mchid: &str) -> Value {
    let part = |mchid: &str, number: String, fen: u64| {
        json!({
            "mchid": mchid, "attach": "一", "description": "茶", "out_trade_no": number,
            "amount": { "total_amount": fen, "currency": "CNY" },
        })
    };
    let mut sub = part(SP_MCHID, format!("{number}-sub"), 30);
    sub["sub_mchid"] = SUB_MCHID.into();
    sub["settle_info"] = json!({ "profit_sharing": true });
    json!({
        "combine_appid": "wx1",
        "combine_mchid": SP_MCHID,
        "combine_out_trade_no": number,
        "notify_url": "https://example.com/combined",
        "combine_payer_info": { "openid": "o1" },
        "scene_info": {
            "payer_client_ip": "14.17.22.32", "device_id": "POS1:1", "h5_info": { "type": "iOS" },
        },
        "sub_orders": [sub, part(mchid, format!("{number}-own"), 70)],
    })
}

/// Starts a sandbox whose first merchant shares the app of the service provider.
fn with_common_app() -> Sandbox {
    let provider = MerchantOptions::new(SP_MCHID)
        .appid("wx1")
        .partner_of([SUB_MCHID]);
    let stranger = MerchantOptions::new("1900000200").partner_of(["1900000201"]);
    let builder = Sandbox::builder().appid("wx1").merchant(provider);
    builder.merchant(stranger.appid("wx2")).start().unwrap()
}

#[test]
fn part_is_of_a_merchant_with_this_app_or_of_the_signers() {
    let sandbox = with_common_app();
    let client = provider(&sandbox);
    let path = "v3/combine-transactions/native";
    for (mchid, expected) in [
        ("1900000200", "APPID_MCHID_NOT_MATCH"),
        // Of another service provider's.
        ("1900000201", "PARAM_ERROR"),
        ("1900000999", "PARAM_ERROR"),
    ] {
        let refused = post(&client, path, combined("all-0001", mchid));
        assert_eq!(code(refused), (400, expected.to_owned()), "{mchid}");
    }
    let mut under = combined("all-0001", "1900000200");
    under["sub_orders"][1]["sub_mchid"] = "1900000201".into();
    let refused = post(&client, path, under);
    assert_eq!(code(refused), (400, "APPID_MCHID_NOT_MATCH".to_owned()));
    assert!(sandbox.orders().is_empty());
    post(&client, path, combined("all-0001", SUB_MCHID)).unwrap();
}

#[test]
fn merchants_are_paid_at_once_with_one_notification() {
    let sandbox = with_common_app();
    let client = provider(&sandbox);
    for (index, (product, opens)) in [
        ("jsapi", "prepay_id"),
        ("miniprogram", "prepay_id"),
        ("app", "prepay_id"),
        ("h5", "h5_url"),
        ("native", "code_url"),
    ]
    .into_iter()
    .enumerate()
    {
        let number = format!("all-{index:04}");
        let body = combined(&number, sandbox.mchid());
        let path = format!("v3/combine-transactions/{product}");
        let prepaid = post(&client, &path, body.clone()).unwrap();
        assert!(prepaid[opens].is_string(), "{product}: {prepaid}");
        assert_eq!(post(&client, &path, body).unwrap(), prepaid);
        let err = sandbox.user_pays(&format!("{number}-own")).unwrap_err();
        assert!(err.to_string().contains("combined"), "{err}");

        let query = format!("v3/combine-transactions/out-trade-no/{number}");
        let unpaid = get(&client, &query, json!({})).unwrap();
        assert_eq!(unpaid["sub_orders"][0]["trade_state"], "NOTPAY");
        sandbox.user_pays(&number).unwrap();
        let paid = get(&client, &query, json!({})).unwrap();
        for part in paid["sub_orders"].as_array().unwrap() {
            assert_eq!(part["trade_state"], "SUCCESS");
        }
        assert_eq!(paid["combine_payer_info"]["openid"], "o1");
        let id = paid["combine_transaction_id"].as_str().unwrap();
        let by_id = format!("v3/combine-transactions/id/{id}");
        assert_eq!(get(&client, &by_id, json!({})).unwrap(), paid);

        let deliveries = sandbox.deliveries();
        assert_eq!(deliveries.len(), index + 1);
        let of_this = |resource: &Value| resource["combine_out_trade_no"] == number.as_str();
        let delivery = deliveries.iter().find(|d| of_this(d.resource())).unwrap();
        assert_eq!(delivery.mchid(), SP_MCHID);
        assert_eq!(*delivery.resource(), paid);
    }
}

#[test]
fn sub_openid_needs_the_app_of_each_sub_merchant() {
    let sandbox = with_common_app();
    let client = provider(&sandbox);
    let path = "v3/combine-transactions/jsapi";
    let mut body = combined("all-0001", sandbox.mchid());
    body["combine_payer_info"] = json!({ "sub_openid": "oSub" });
    let err = post(&client, path, body.clone()).unwrap_err();
    assert!(err.to_string().contains("/sub_orders/0/sub_appid"), "{err}");
    // The other part is not of a sub-merchant.
    body["sub_orders"][0]["sub_appid"] = "wx2".into();
    post(&client, path, body).unwrap();
}

#[test]
fn combined_order_is_closed_as_a_whole() {
    let sandbox = with_common_app();
    let client = provider(&sandbox);
    let path = "v3/combine-transactions/native";
    post(&client, path, combined("all-0001", sandbox.mchid())).unwrap();
    let mut other = combined("all-0001", sandbox.mchid());
    other["sub_orders"][0]["amount"]["total_amount"] = 31.into();
    let refused = post(&client, path, other);
    assert_eq!(code(refused), (403, "OUT_TRADE_NO_USED".to_owned()));
    let mut stranger = combined("all-0002", sandbox.mchid());
    stranger["sub_orders"][0]["sub_mchid"] = "1900000999".into();
    assert_eq!(
        code(post(&client, path, stranger)),
        (403, "NO_AUTH".to_owned())
    );

    let close = "v3/combine-transactions/out-trade-no/all-0001/close";
    let parts = json!([
        { "mchid": sandbox.mchid(), "out_trade_no": "all-0001-own" },
        { "mchid": SP_MCHID, "sub_mchid": SUB_MCHID, "out_trade_no": "all-0001-sub" },
    ]);
    let one = json!({ "combine_appid": "wx1", "sub_orders": [parts[0]] });
    assert_eq!(
        code(post(&client, close, one)),
        (400, "INVALID_REQUEST".to_owned())
    );
    let all = json!({ "combine_appid": "wx1", "sub_orders": parts });
    let orders = |sandbox: &Sandbox| {
        let of = |order: &OrderSummary| {
            let number = order.number().to_owned();
            (
                number,
                order.kind(),
                order.state().to_owned(),
                order.total(),
            )
        };
        let mut orders: Vec<_> = sandbox.orders().iter().map(of).collect();
        orders.sort_by(|a, b| a.0.cmp(&b.0));
        orders
    };
    let expected = |state: &str| {
        [
            ("all-0001", OrderKind::Combined, 100),
            ("all-0001-own", OrderKind::Payment, 70),
            ("all-0001-sub", OrderKind::Payment, 30),
        ]
        .map(|(number, kind, total)| (number.to_owned(), kind, state.to_owned(), Some(total)))
    };
    assert_eq!(orders(&sandbox), expected("NOTPAY"));
    assert_eq!(post(&client, close, all).unwrap(), Value::Null);
    assert_eq!(orders(&sandbox), expected("CLOSED"));
    assert_eq!(sandbox.order_state("all-0001").as_deref(), Some("CLOSED"));
    assert!(sandbox.user_pays("all-0001").is_err());
    assert!(sandbox.deliveries().is_empty());
}
