//! The lists: their rows beside what the API says, their filters and pages.

use serde_json::{Value, json};

use super::{super::call, NONE, Shop};
use crate::sandbox::payments::orders::{SP_MCHID, SUB_MCHID, get};

#[test]
fn row_says_what_the_queries_of_order_and_refund_say() {
    let shop = Shop::open();
    shop.prepay("jsapi", "tea-0001");
    let waits = shop.row("orders", "tea-0001");
    assert_eq!(
        waits["expires_at"],
        waits["created_at"].as_u64().unwrap() + 7_199
    );
    assert_eq!(waits["openid"], "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o");
    assert!(waits.get("paid_at").is_none() && waits.get("transaction_id").is_none());
    shop.sandbox.user_pays("tea-0001").unwrap();
    shop.refund("tea-0001", "r1", 30);
    shop.refund("tea-0001", "r2", 5);

    let mchid = shop.sandbox.mchid();
    let query = "v3/pay/transactions/out-trade-no/tea-0001";
    let order = get(&shop.client, query, json!({ "mchid": mchid })).unwrap();
    let row = shop.row("orders", "tea-0001");
    for (own, of_api) in [
        ("number", "/out_trade_no"),
        ("state", "/trade_state"),
        ("total", "/amount/total"),
        ("currency", "/amount/currency"),
        ("trade_type", "/trade_type"),
        ("description", "/description"),
        ("openid", "/payer/openid"),
        ("transaction_id", "/transaction_id"),
        ("mchid", "/mchid"),
    ] {
        assert_eq!(row[own], *order.pointer(of_api).unwrap(), "{own}");
    }
    assert!(row.get("expires_at").is_none() && row.get("sub_mchid").is_none());
    let refund = |number: &str| {
        let path = format!("v3/refund/domestic/refunds/{number}");
        get(&shop.client, &path, json!({})).unwrap()
    };
    let (first, second) = (refund("r1"), refund("r2"));
    let of_both =
        first["amount"]["refund"].as_u64().unwrap() + second["amount"]["refund"].as_u64().unwrap();
    assert_eq!(row["refunded"], of_both);
    for (number, asked) in [("r1", first), ("r2", second)] {
        let row = shop.row("refunds", number);
        for (own, of_api) in [
            ("number", "/out_refund_no"),
            ("state", "/status"),
            ("amount", "/amount/refund"),
            ("order", "/out_trade_no"),
            ("refund_id", "/refund_id"),
        ] {
            assert_eq!(row[own], *asked.pointer(of_api).unwrap(), "{own}");
        }
    }
    shop.sandbox.refund_succeeds("r1").unwrap();
    assert!(shop.row("refunds", "r1")["succeeded_at"].is_u64());
    assert_eq!(shop.row("orders", "tea-0001")["state"], "REFUND");
}

#[test]
fn rows_of_a_service_provider_and_of_a_combined_order_name_all_merchants() {
    let shop = Shop::open();
    shop.fill();
    let row = shop.row("orders", "sub-paid");
    assert_eq!(
        (&row["mchid"], &row["sub_mchid"], &row["sp_mchid"]),
        (&json!(SUB_MCHID), &json!(SUB_MCHID), &json!(SP_MCHID))
    );
    let whole = shop.row("orders", "all-paid");
    let query = "v3/combine-transactions/out-trade-no/all-paid";
    let asked = get(&shop.provider, query, json!({})).unwrap();
    assert_eq!(whole["transaction_id"], asked["combine_transaction_id"]);
    let parts = asked["sub_orders"].as_array().unwrap();
    let totals = parts
        .iter()
        .map(|part| part["amount"]["total_amount"].as_u64());
    assert_eq!(whole["total"], totals.flatten().sum::<u64>());
    for (shown, part) in whole["parts"].as_array().unwrap().iter().zip(parts) {
        assert_eq!(shown["number"], part["out_trade_no"]);
        let row = shop.row("orders", shown["number"].as_str().unwrap());
        assert_eq!(
            row["part_of"],
            json!({ "mchid": SP_MCHID, "number": "all-paid" })
        );
    }
    let ride = shop.row("service-orders", "ride-paid");
    assert_eq!(
        (&ride["total"], &ride["risk_amount"]),
        (&json!(350), &json!(10_000))
    );
    assert!(ride["paid_at"].is_u64());
    assert_eq!(shop.row("service-orders", "ride-on")["total"], Value::Null);
}

#[test]
fn list_is_filtered_by_state_act_and_text() {
    let shop = Shop::open();
    shop.fill();
    let numbers = |target: &str| {
        let rows = shop.get(target);
        let number = |row: &Value| row["number"].as_str().unwrap().to_owned();
        rows["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(number)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        numbers("orders?state=USERPAYING,ACCEPT"),
        ["scan-waits", "club-waits"]
    );
    assert_eq!(numbers("orders?text=SCAN-f"), ["scan-failed"]);
    assert_eq!(numbers("orders?can=expire&text=v2"), ["v2-waits"]);
    assert_eq!(numbers("refunds?can=succeed"), ["r-waits"]);
    assert_eq!(numbers("transfers?can=confirm"), ["tnew"]);
    assert_eq!(
        numbers("service-orders?can=confirm"),
        ["ride-new", "pay-native"]
    );
    assert_eq!(
        numbers(&format!("orders?mchid={SUB_MCHID}&state=SUCCESS")).len(),
        2
    );
    assert!(numbers("orders?state=NO_SUCH").is_empty());
}

#[test]
fn pages_have_each_order_once_though_a_state_changes_meanwhile() {
    let shop = Shop::open();
    for number in 0..7 {
        shop.prepay("native", &format!("tea-000{number}"));
    }
    let latest = shop.get("orders?limit=2");
    assert_eq!(latest["data"][1]["number"], "tea-0006");
    assert_eq!(latest["has_more"], false);

    let first = shop.get("orders").pointer("/data/0/id").unwrap().clone();
    let mut after = first.as_str().unwrap().to_owned();
    let mut seen = Vec::new();
    loop {
        let page = shop.get(&format!("orders?state=NOTPAY&limit=2&after={after}"));
        for row in page["data"].as_array().unwrap() {
            let number = row["number"].as_str().unwrap().to_owned();
            // It is no longer on any page of this state.
            shop.sandbox.user_pays(&number).unwrap();
            after = row["id"].as_str().unwrap().to_owned();
            seen.push(number);
        }
        if page["has_more"] == false {
            break;
        }
    }
    assert_eq!(seen, [1, 2, 3, 4, 5, 6].map(|n| format!("tea-000{n}")));
    for target in [
        "orders?after=1/payment/tea-0001",
        "refunds?after=x",
        "orders?limit=0",
    ] {
        let (status, refused) = call(&shop.sandbox, "GET", target, NONE);
        assert_eq!(
            (status, &refused["code"]),
            (400, &json!("PARAM_ERROR")),
            "{target}"
        );
    }
}
