//! One order with all that belongs to it.

use serde_json::{Value, json};

use super::{
    super::{call, post},
    NONE, Shop,
};
use crate::sandbox::payments::orders::get;

#[test]
fn parameters_open_the_payment_of_each_product() {
    let shop = Shop::open();
    for (product, opens) in [
        ("native", "code_url"),
        ("h5", "h5_url"),
        ("jsapi", "prepay_id"),
        ("app", "prepay_id"),
    ] {
        let number = format!("tea-{product}");
        let prepaid = shop.prepay(product, &number);
        let shown = shop.get(&format!("orders/{number}"));
        assert_eq!(shown["parameters"][opens], prepaid[opens], "{product}");
    }
    shop.scan("tea-code", 100);
    assert!(shop.get("orders/tea-code").get("parameters").is_none());
    // The names of the parameters are those that the client makes.
    let params = |number: &str| shop.get(&format!("orders/{number}"))["parameters"].clone();
    let names = |params: &Value| {
        let names = params["names"].as_array().unwrap().iter();
        names
            .map(|name| name.as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let made = |made: Value| {
        made.as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    let page = shop
        .client
        .jsapi_params("wx1", "1")
        .build()
        .unwrap()
        .to_json();
    let mut expected = made(page);
    expected.sort();
    let mut own = names(&params("tea-jsapi"));
    own.sort();
    assert_eq!(own, expected);
    let app = shop
        .client
        .app_params("wx1", "1")
        .build()
        .unwrap()
        .to_json();
    let mut expected = made(app);
    expected.sort();
    let mut own = names(&params("tea-app"));
    own.sort();
    assert_eq!(own, expected);
}

#[test]
fn qr_code_has_the_marks_of_one_and_is_another_for_another_url() {
    let shop = Shop::open();
    let rows = |number: &str| {
        shop.prepay("native", number);
        let shown = shop.get(&format!("orders/{number}"));
        let rows = shown["parameters"]["qr"].as_array().unwrap().iter();
        rows.map(|row| row.as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let first = rows("tea-0001");
    // Version 1 has 21 modules, and each later one 4 more.
    assert!(first.len() >= 21 && (first.len() - 21) % 4 == 0);
    assert!(first.iter().all(|row| row.len() == first.len()));
    // The finder patterns in three corners.
    let finder = [
        "1111111", "1000001", "1011101", "1011101", "1011101", "1000001", "1111111",
    ];
    let at = first.len() - 7;
    for (index, line) in finder.iter().enumerate() {
        assert_eq!(first[index][..7], **line);
        assert_eq!(first[index][at..], **line);
        assert_eq!(first[at + index][..7], **line);
    }
    assert_ne!(first, rows("tea-0002"));
}

#[test]
fn resource_is_what_the_documented_query_returns() {
    let shop = Shop::open();
    shop.fill();
    let mchid = shop.sandbox.mchid();
    let query = |path: &str, query: Value| get(&shop.client, path, query).unwrap();
    for number in [
        "pay-native",
        "pay-paid",
        "pay-closed",
        "scan-waits",
        "club-waits",
    ] {
        let path = format!("v3/pay/transactions/out-trade-no/{number}");
        let shown = shop.get(&format!("orders/{number}"));
        assert_eq!(
            shown["resource"],
            query(&path, json!({ "mchid": mchid })),
            "{number}"
        );
    }
    let ride = json!({ "out_order_no": "ride-paid", "appid": "wx1", "service_id": "500001" });
    let shown = shop.get("orders/ride-paid");
    assert_eq!(shown["resource"], query("v3/payscore/serviceorder", ride));
    assert!(shown["parameters"]["package"].is_string());
    let path = "v3/combine-transactions/out-trade-no/all-paid";
    let shown = shop.get("orders/all-paid");
    assert_eq!(
        shown["resource"],
        get(&shop.provider, path, json!({})).unwrap()
    );

    let fields = json!({ "appid": "wx1", "mch_id": mchid, "out_trade_no": "v2-paid" });
    let chain = shop.client.chain("v2/pay/orderquery");
    let answer = chain.post(json!({ "xml": fields })).unwrap();
    let answer: Value = answer.xml().unwrap().into();
    let shown = shop.get("orders/v2-paid");
    assert_eq!(shown["version"], "v2");
    for (name, value) in shown["resource"].as_object().unwrap() {
        assert_eq!(answer[name], *value, "{name}");
    }
    assert_eq!(shown["resource"]["trade_state"], "SUCCESS");
}

#[test]
fn refunds_of_an_order_are_those_of_all_its_payments() {
    let shop = Shop::open();
    shop.fill();
    let numbers = |number: &str| {
        let shown = shop.get(&format!("orders/{number}"));
        let rows = shown["refunds"].as_array().unwrap().iter();
        rows.map(|row| row["number"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        numbers("pay-paid"),
        ["r-waits", "r-done", "r-abnormal", "r-closed"]
    );
    assert!(numbers("pay-native").is_empty());
    let refund = json!({
        "out_trade_no": "all-paid-own", "out_refund_no": "part",
        "amount": { "refund": 1, "total": 70, "currency": "CNY" },
    });
    post(&shop.client, "v3/refund/domestic/refunds", refund).unwrap();
    assert_eq!(numbers("all-paid"), ["part"]);
    let ride = shop.get("orders/ride-paid");
    let refund = json!({
        "transaction_id": ride["transaction_id"], "out_refund_no": "ride",
        "amount": { "refund": 50, "total": 350, "currency": "CNY" },
    });
    post(&shop.client, "v3/refund/domestic/refunds", refund).unwrap();
    assert_eq!(numbers("ride-paid"), ["ride"]);
    assert_eq!(shop.row("orders", "ride-paid")["refunded"], 50);
}

#[test]
fn number_of_several_kinds_is_one_of_them_or_the_first() {
    let shop = Shop::open();
    shop.fill();
    assert_eq!(shop.get("orders/pay-native")["kind"], "payment");
    assert_eq!(
        shop.get("orders/pay-native?kind=service")["kind"],
        "service"
    );
    for (target, expected) in [
        ("orders/pay-native?kind=combined", 404),
        ("orders/pay-native?kind=refund", 400),
        ("orders/no-such", 404),
    ] {
        assert_eq!(
            call(&shop.sandbox, "GET", target, NONE).0,
            expected,
            "{target}"
        );
    }
}

#[test]
fn expired_order_can_be_closed_and_nothing_else() {
    let shop = Shop::open();
    shop.prepay("native", "tea-0001");
    assert_eq!(
        call(&shop.sandbox, "POST", "orders/tea-0001/expire", NONE),
        (200, json!({ "state": "NOTPAY" }))
    );
    let row = shop.row("orders", "tea-0001");
    assert_eq!(
        (&row["is_expired"], &row["can"]),
        (&json!(true), &json!(["fail"]))
    );
    let (status, refused) = call(&shop.sandbox, "POST", "orders/tea-0001/pay", NONE);
    assert_eq!(status, 400);
    assert!(
        refused["message"].as_str().unwrap().contains("time_expire"),
        "{refused}"
    );
    // The same request again does not bring it back.
    let body = crate::sandbox::payments::orders::order(&shop.sandbox, "tea-0001", 100);
    let again = post(&shop.client, "v3/pay/transactions/native", body);
    assert!(again.unwrap_err().to_string().contains("time_expire"));
    assert_eq!(
        call(&shop.sandbox, "POST", "orders/tea-0001/expire", NONE).0,
        400
    );
    let close = "v3/pay/transactions/out-trade-no/tea-0001/close";
    post(
        &shop.client,
        close,
        json!({ "mchid": shop.sandbox.mchid() }),
    )
    .unwrap();
    assert_eq!(shop.row("orders", "tea-0001")["state"], "CLOSED");
}
