//! Coupons of WeChat Pay (代金券): from their stock to the refund of what they paid.

use std::time::Duration;

use serde_json::{Value, json};
use wechatpay_chain::{
    BillRows, Client, Result,
    sandbox::{MerchantOptions, Sandbox},
};

use super::{call, refusal};
use crate::sandbox::{agreements::check_notice, noon::to_noon};

const DAY: u64 = 24 * 3600;
const SEND: &str = "POST v3/marketing/favor/users/{openid}/coupons";

/// A client, and a sandbox at noon in Beijing, so that everything that a test does is of one day.
fn started() -> (Sandbox, Client) {
    let sandbox = Sandbox::builder().opening_balance(100_000).start().unwrap();
    to_noon(&sandbox);
    let client = sandbox.client_builder().build().unwrap();
    (sandbox, client)
}

/// A stock of 10 coupons of 3 yuan, for orders of 10 yuan.
fn stock(sandbox: &Sandbox, number: &str, no_cash: bool) -> Value {
    json!({
        "stock_name": "新会员", "comment": "零售", "belong_merchant": sandbox.mchid(),
        "stock_type": "NORMAL", "no_cash": no_cash, "out_request_no": number,
        "available_begin_time": "2020-01-01T00:00:00+08:00",
        "available_end_time": "2099-01-01T00:00:00+08:00",
        "stock_use_rule": {
            "max_coupons": 10, "max_amount": 3000, "max_coupons_per_user": 2,
            "natural_person_limit": false, "prevent_api_abuse": true,
        },
        "pattern_info": { "description": "每单限用一张" },
        "coupon_use_rule": {
            "coupon_available_time": {},
            "fixed_normal_coupon": { "coupon_amount": 300, "transaction_minimum": 1000 },
        },
    })
}

fn create(client: &Client, stock: &Value) -> Result<Value> {
    let op = "POST v3/marketing/favor/coupon-stocks";
    call(client, op, json!({ "json": stock }))
}

/// Starts, pauses or restarts a stock.
fn change(sandbox: &Sandbox, client: &Client, id: &Value, verb: &str) -> Result<Value> {
    let op = format!("POST v3/marketing/favor/stocks/{{stock_id}}/{verb}");
    let body = json!({ "stock_creator_mchid": sandbox.mchid() });
    call(client, &op, json!({ "stock_id": id, "json": body }))
}

fn running(sandbox: &Sandbox, client: &Client, no_cash: bool) -> Value {
    let id = create(client, &stock(sandbox, "s1", no_cash)).unwrap()["stock_id"].clone();
    change(sandbox, client, &id, "start").unwrap();
    id
}

fn send(
    sandbox: &Sandbox,
    client: &Client,
    id: &Value,
    (openid, number): (&str, &str),
) -> Result<Value> {
    let body = json!({
        "stock_id": id, "out_request_no": number, "appid": sandbox.appid(),
        "stock_creator_mchid": sandbox.mchid(),
    });
    call(client, SEND, json!({ "openid": openid, "json": body }))
}

fn coupon(sandbox: &Sandbox, client: &Client, openid: &str, id: &Value) -> Value {
    let op = "GET v3/marketing/favor/users/{openid}/coupons/{coupon_id}";
    let query = json!({ "appid": sandbox.appid() });
    call(
        client,
        op,
        json!({ "openid": openid, "coupon_id": id, "query": query }),
    )
    .unwrap()
}

fn order(sandbox: &Sandbox, client: &Client, number: &str, total: u64) {
    let order = json!({
        "appid": sandbox.appid(), "mchid": sandbox.mchid(), "description": "茶",
        "out_trade_no": number, "notify_url": "http://127.0.0.1:9/pay",
        "amount": { "total": total },
    });
    client
        .chain("v3/pay/transactions/native")
        .post(json!({ "json": order }))
        .unwrap();
}

fn refund(client: &Client, order: &str, number: &str, fen: u64) -> Value {
    let refund = json!({
        "out_trade_no": order, "out_refund_no": number,
        "amount": { "refund": fen, "total": 1000, "currency": "CNY" },
    });
    let op = "POST v3/refund/domestic/refunds";
    call(client, op, json!({ "json": refund })).unwrap()
}

fn money(sandbox: &Sandbox) -> (u64, u64) {
    let balance = sandbox.balance(sandbox.mchid()).unwrap();
    (balance.available, balance.frozen)
}

#[test]
fn stock_is_created_started_paused_and_listed() {
    let (sandbox, client) = started();
    let created = create(&client, &stock(&sandbox, "s1", false)).unwrap();
    let id = &created["stock_id"];
    assert_eq!(
        create(&client, &stock(&sandbox, "s1", false)).unwrap(),
        created
    );
    let other = refusal(create(&client, &stock(&sandbox, "s1", true)));
    assert_eq!((other.0, &other.1[..]), (400, "RESOURCE_ALREADY_EXISTS"));
    let mut wrong = stock(&sandbox, "s2", false);
    wrong["stock_use_rule"]["max_amount"] = 3001.into();
    // As seen on the wire.
    assert_eq!(
        refusal(create(&client, &wrong)),
        (
            400,
            "PARAM_ERROR".to_owned(),
            "批次预算等于批次面额乘以发券数".to_owned()
        )
    );
    let early = refusal(send(&sandbox, &client, id, ("o1", "n1")));
    assert_eq!((early.0, &early.1[..]), (400, "INVALID_REQUEST"));

    let started = change(&sandbox, &client, id, "start").unwrap();
    assert_eq!(change(&sandbox, &client, id, "start").unwrap(), started);
    assert_eq!(money(&sandbox), (97_000, 3000));
    change(&sandbox, &client, id, "pause").unwrap();
    assert_eq!(
        refusal(change(&sandbox, &client, id, "start")).1,
        "PARAM_ERROR"
    );
    let queries = |status: &str| {
        let query = json!({
            "offset": 0, "limit": 10, "stock_creator_mchid": sandbox.mchid(), "status": status,
        });
        call(
            &client,
            "GET v3/marketing/favor/stocks",
            json!({ "query": query }),
        )
        .unwrap()
    };
    assert_eq!(queries("paused")["data"][0]["stock_id"], *id);
    assert_eq!(queries("running")["total_count"], 0);
    change(&sandbox, &client, id, "restart").unwrap();
    for (path, list) in [
        ("", None),
        ("/items", Some(json!([]))),
        ("/merchants", Some(json!([sandbox.mchid()]))),
    ] {
        let op = format!("GET v3/marketing/favor/stocks/{{stock_id}}{path}");
        let query = json!({ "stock_creator_mchid": sandbox.mchid(), "offset": 0, "limit": "10" });
        let found = call(&client, &op, json!({ "stock_id": id, "query": query })).unwrap();
        assert_eq!(found.get("data").cloned(), list);
        if path.is_empty() {
            assert_eq!(found["status"], "running");
            assert_eq!(found["description"], "每单限用一张");
        }
    }
    let op = "POST v3/marketing/favor/stocks/{stock_id}/modify-goods-id";
    let body = json!({ "stock_creator_mchid": sandbox.mchid(), "add_goods_id_list": ["a"] });
    let whole = refusal(call(&client, op, json!({ "stock_id": id, "json": body })));
    assert_eq!(whole.1, "INVALID_REQUEST");
    let mut goods = stock(&sandbox, "s3", true);
    goods["coupon_use_rule"]["available_items"] = json!(["b"]);
    let goods = create(&client, &goods).unwrap()["stock_id"].clone();
    call(&client, op, json!({ "stock_id": goods, "json": body })).unwrap();
    let query = json!({ "stock_creator_mchid": sandbox.mchid(), "offset": 0, "limit": "10" });
    let op = "GET v3/marketing/favor/stocks/{stock_id}/items";
    let found = call(&client, op, json!({ "stock_id": goods, "query": query })).unwrap();
    assert_eq!(found["data"], json!(["b", "a"]));
    let unknown = refusal(change(&sandbox, &client, &json!("1"), "start"));
    assert_eq!((unknown.0, &unknown.1[..]), (404, "RESOURCE_NOT_EXISTS"));
    // It ends by itself, and its funds are available again.
    sandbox.advance(Duration::from_secs(80 * 365 * DAY));
    assert_eq!(money(&sandbox), (100_000, 0));
    assert_eq!(queries("stoped")["total_count"], 2);
}

#[test]
fn coupons_are_sent_within_the_limits_of_their_stock() {
    let (sandbox, client) = started();
    let id = running(&sandbox, &client, false);
    let sent = send(&sandbox, &client, &id, ("o1", "n1")).unwrap();
    assert_eq!(send(&sandbox, &client, &id, ("o1", "n1")).unwrap(), sent);
    let other = refusal(send(&sandbox, &client, &id, ("o2", "n1")));
    assert!(other.2.contains("不一致"), "{other:?}");
    send(&sandbox, &client, &id, ("o1", "n2")).unwrap();
    let limited = refusal(send(&sandbox, &client, &id, ("o1", "n3")));
    assert_eq!(
        limited,
        (
            403,
            "REQUEST_BLOCKED".to_owned(),
            "用户被限领拦截".to_owned()
        )
    );
    for n in 0..8 {
        send(&sandbox, &client, &id, (&format!("p{n}"), &format!("m{n}"))).unwrap();
    }
    let empty = refusal(send(&sandbox, &client, &id, ("o9", "n9")));
    assert_eq!(
        empty,
        (403, "NOT_ENOUGH".to_owned(), "批次预算不足".to_owned())
    );

    let list = |query: Value| {
        let op = "GET v3/marketing/favor/users/{openid}/coupons";
        call(&client, op, json!({ "openid": "o1", "query": query })).unwrap()
    };
    let appid = sandbox.appid();
    assert_eq!(list(json!({ "appid": appid }))["total_count"], 2);
    let page = list(
        json!({ "appid": appid, "offset": 1, "limit": 1, "status": "SENDED", "stock_id": id }),
    );
    assert_eq!(page["data"].as_array().unwrap().len(), 1);
    assert_eq!(
        list(json!({ "appid": appid, "status": "USED" }))["total_count"],
        0
    );
    assert_eq!(
        list(json!({ "appid": appid, "available_mchid": "1" }))["total_count"],
        0
    );

    // Another merchant has nothing to do with it.
    let stranger = sandbox
        .add_merchant(MerchantOptions::new("1900000301"))
        .unwrap();
    let stranger = stranger.client_builder().build().unwrap();
    let theirs = refusal(send(&sandbox, &stranger, &id, ("o1", "n1")));
    assert_eq!((theirs.0, &theirs.1[..]), (403, "REQUEST_BLOCKED"));
    let op = "GET v3/marketing/favor/users/{openid}/coupons/{coupon_id}";
    let query =
        json!({ "openid": "o1", "coupon_id": sent["coupon_id"], "query": { "appid": "wx1" } });
    assert!(call(&stranger, op, query).is_err());
    assert_eq!(
        coupon(&sandbox, &client, "o1", &sent["coupon_id"])["status"],
        "SENDED"
    );
}

#[test]
fn coupon_pays_a_part_and_all_accounts_of_it_agree() {
    for no_cash in [false, true] {
        let (sandbox, client) = started();
        let callback =
            json!({ "mchid": sandbox.mchid(), "notify_url": "http://127.0.0.1:9/coupon" });
        let set = call(
            &client,
            "POST v3/marketing/favor/callbacks",
            json!({ "json": callback }),
        )
        .unwrap();
        let get = json!({ "query": { "mchid": sandbox.mchid() } });
        let got = call(&client, "GET v3/marketing/favor/callbacks", get).unwrap();
        assert_eq!(set["notify_url"], got["notify_url"]);
        let id = running(&sandbox, &client, no_cash);
        let coupon_id = send(&sandbox, &client, &id, ("o1", "n1")).unwrap()["coupon_id"].clone();
        let code = coupon_id.as_str().unwrap();
        order(&sandbox, &client, "tea-0001", 1000);
        order(&sandbox, &client, "tea-0002", 999);
        let small = sandbox.user_pays_with_coupon("tea-0002", code).unwrap_err();
        assert!(small.to_string().contains("transaction_minimum"), "{small}");
        sandbox.user_pays_with_coupon("tea-0001", code).unwrap();
        let settled = if no_cash { 700 } else { 1000 };
        // Of a funded coupon, the same merchant pays 300 of what it had set aside.
        let (frozen, spent) = if no_cash { (0, 0) } else { (2700, 300) };
        assert_eq!(
            money(&sandbox),
            (100_000 + settled - spent - frozen, frozen)
        );

        let query = json!({ "query": { "mchid": sandbox.mchid() } });
        let chain = client.chain("v3/pay/transactions/out-trade-no/tea-0001");
        let paid: Value = chain.get(query).unwrap().json().unwrap();
        assert_eq!(paid["amount"]["total"], 1000);
        assert_eq!(paid["amount"]["payer_total"], 700);
        let promotion = &paid["promotion_detail"][0];
        assert_eq!(promotion["coupon_id"], coupon_id);
        assert_eq!(promotion["type"], if no_cash { "NOCASH" } else { "CASH" });
        assert_eq!(promotion["amount"], 300);
        let used = coupon(&sandbox, &client, "o1", &coupon_id);
        assert_eq!(used["status"], "USED");
        assert_eq!(
            used["consume_information"]["transaction_id"],
            paid["transaction_id"]
        );
        let [payment, usage] = &sandbox.deliveries()[..] else {
            panic!("two notifications");
        };
        assert_eq!(payment.resource()["amount"]["payer_total"], 700);
        assert_eq!(usage.event_type(), "COUPON.USE");
        check_notice(usage);
        assert_eq!(usage.url(), "http://127.0.0.1:9/coupon");
        assert_eq!(
            usage.resource()["consume_information"]["consume_amount"],
            300
        );

        let part = refund(&client, "tea-0001", "r1", 500);
        assert_eq!(part["amount"]["payer_refund"], 350);
        assert_eq!(part["amount"]["discount_refund"], 150);
        assert_eq!(
            part["amount"]["settlement_refund"],
            if no_cash { 350 } else { 500 }
        );
        assert_eq!(part["promotion_detail"][0]["refund_amount"], 150);
        sandbox.refund_succeeds("r1").unwrap();
        // 350 fen go to the customer. The coupon's part comes back to whoever paid it.
        let left = 100_000 + settled - spent - 350;
        assert_eq!(money(&sandbox), (left - frozen, frozen));
        assert_eq!(
            coupon(&sandbox, &client, "o1", &coupon_id)["status"],
            "USED"
        );

        let bills = bills(&sandbox, &client, paid["success_time"].as_str().unwrap());
        let yuan = |fen: u64| format!("{}.{:02}", fen / 100, fen % 100);
        let [payment, refund] = &bills[..] else {
            panic!("two rows");
        };
        assert_eq!(payment.get("应结订单金额"), Some(&yuan(settled)[..]));
        assert_eq!(payment.get("代金券金额"), Some("3.00"));
        assert_eq!(payment.get("订单金额"), Some("10.00"));
        assert_eq!(
            refund.get("退款金额"),
            Some(if no_cash { "3.50" } else { "5.00" })
        );
        assert_eq!(
            refund.get("充值券退款金额"),
            Some(if no_cash { "0.00" } else { "1.50" })
        );
        assert_eq!(refund.get("申请退款金额"), Some("5.00"));
        flows(&sandbox, &client, &id, &paid);
    }
}

/// Returns the rows of the trade bill of the day of a payment, which is over then.
fn bills(sandbox: &Sandbox, client: &Client, paid_at: &str) -> Vec<wechatpay_chain::BillRow> {
    sandbox.advance(Duration::from_secs(DAY));
    let query = json!({ "query": { "bill_date": &paid_at[..10] } });
    let bill = client.chain("v3/bill/tradebill").download(query).unwrap();
    let rows = BillRows::new(&bill.bytes()[..]).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

/// Checks the files of what was used and refunded, of all days and of the day of the payment.
fn flows(sandbox: &Sandbox, client: &Client, id: &Value, paid: &Value) {
    let day = &paid["success_time"].as_str().unwrap()[..10];
    for (kind, fen) in [("use", 300), ("refund", 150)] {
        let path = format!("v3/marketing/favor/stocks/{{stock_id}}/{kind}-flow");
        // The library finds the URL, and compares the hash.
        let file = client
            .chain(&path)
            .download(json!({ "stock_id": id }))
            .unwrap();
        let rows = BillRows::new(&file.bytes()[..]).unwrap();
        let rows: Vec<_> = rows.collect::<Result<_, _>>().unwrap();
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].fen("优惠金额（元）").unwrap(), fen);
        assert_eq!(rows[0].fen("订单总金额（元）").unwrap(), 1000);
        assert_eq!(rows[0].get("支付单号"), paid["transaction_id"].as_str());
        assert_eq!(rows[0].get("消耗商户号"), Some(sandbox.mchid()));
        assert_eq!(rows[0].get("设备号"), Some(""));

        let op = format!("GET {path}-by-day");
        let of = |day: &str| json!({ "stock_id": id, "query": { "bill_date": day } });
        let count = format!("stock_{kind}flow_count");
        let found = call(client, &op, of(day)).unwrap();
        assert_eq!(found[&count], "1");
        assert_eq!(call(client, &op, of("2020-01-01")).unwrap()[&count], "0");
        let url = found["url"].as_str().unwrap();
        let file = client.chain(url).get(()).unwrap();
        let text = file.text().unwrap();
        assert!(text.ends_with("总条数\r\n`1\r\n"), "{text}");
        sandbox.advance(Duration::from_secs(30));
        assert!(client.chain(url).get(()).is_err());
    }
}

#[test]
fn coupon_comes_back_with_its_whole_order_and_expires() {
    let (sandbox, client) = started();
    let id = running(&sandbox, &client, false);
    let coupon_id = send(&sandbox, &client, &id, ("o1", "n1")).unwrap()["coupon_id"].clone();
    let code = coupon_id.as_str().unwrap();
    order(&sandbox, &client, "tea-0001", 1000);
    sandbox.user_pays_with_coupon("tea-0001", code).unwrap();
    order(&sandbox, &client, "tea-0002", 1000);
    let used = sandbox.user_pays_with_coupon("tea-0002", code).unwrap_err();
    assert!(used.to_string().contains("was used"), "{used}");
    refund(&client, "tea-0001", "r1", 1000);
    sandbox.refund_succeeds("r1").unwrap();
    assert_eq!(
        coupon(&sandbox, &client, "o1", &coupon_id)["status"],
        "SENDED"
    );
    assert_eq!(money(&sandbox), (97_000, 3000));
    sandbox.advance(Duration::from_secs(80 * 365 * DAY));
    assert_eq!(
        coupon(&sandbox, &client, "o1", &coupon_id)["status"],
        "EXPIRED"
    );
    assert!(sandbox.user_pays_with_coupon("tea-0002", code).is_err());
}

#[test]
fn both_versions_share_stocks_and_coupons() {
    let (sandbox, client) = started();
    let id = running(&sandbox, &client, false);
    let v2 = sandbox
        .merchant()
        .https_client_builder()
        .unwrap()
        .build()
        .unwrap();
    let send = |number: &str| {
        let xml = json!({ "security": true, "xml": {
            "coupon_stock_id": id, "openid_count": 1, "partner_trade_no": number, "openid": "o1",
            "appid": sandbox.appid(), "mch_id": sandbox.mchid(),
        }});
        v2.chain("v2/mmpaymkttransfers/send_coupon").post(xml)
    };
    let sent = send("n1").unwrap().xml().unwrap();
    assert_eq!(sent["ret_code"], "SUCCESS");
    assert_eq!(
        send("n1").unwrap().xml().unwrap()["coupon_id"],
        sent["coupon_id"]
    );
    send("n2").unwrap();
    let limited = send("n3").unwrap_err();
    assert_eq!(limited.api().unwrap().code(), "USER_AL_GET_COUPON");
    order(&sandbox, &client, "tea-0001", 1000);
    let code = sent["coupon_id"].as_str().unwrap();
    sandbox.user_pays_with_coupon("tea-0001", code).unwrap();

    let ask = |path: &str, more: Value| {
        let mut xml = json!({ "appid": sandbox.appid(), "mch_id": sandbox.mchid() });
        let more = more.as_object().unwrap().clone();
        xml.as_object_mut().unwrap().extend(more);
        v2.chain(format!("v2/{path}"))
            .post(json!({ "security": true, "xml": xml }))
            .unwrap()
            .xml()
            .unwrap()
    };
    let stock = ask(
        "mmpaymkttransfers/query_coupon_stock",
        json!({ "coupon_stock_id": id }),
    );
    assert_eq!(
        (&stock["is_send_num"], &stock["coupon_stock_status"]),
        (&json!("2"), &json!("4"))
    );
    let more = json!({ "coupon_id": code, "openid": "o1", "stock_id": id });
    let coupon = ask("mmpaymkttransfers/querycouponsinfo", more);
    assert_eq!(
        (&coupon["coupon_state"], &coupon["coupon_use_value"]),
        (&json!("USED"), &json!("300"))
    );
    let order = ask("pay/orderquery", json!({ "out_trade_no": "tea-0001" }));
    assert_eq!(order["cash_fee"], "700");
    assert_eq!(order["coupon_id_0"], code);
    assert_eq!(order["coupon_type_0"], "CASH");
    let more = json!({
        "out_trade_no": "tea-0001", "out_refund_no": "r1", "total_fee": 1000, "refund_fee": 500,
    });
    let refund = ask("secapi/pay/refund", more);
    assert_eq!(
        (&refund["cash_refund_fee"], &refund["coupon_refund_fee"]),
        (&json!("350"), &json!("150"))
    );
    let refunds = ask("pay/refundquery", json!({ "out_trade_no": "tea-0001" }));
    assert_eq!(refunds["coupon_refund_fee_0"], "150");
    assert_eq!(refunds["coupon_refund_id_0_0"], code);
}
