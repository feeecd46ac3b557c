//! Coupons of merchants (商家券): from their stock to what one merchant pays another one for them.

use std::time::Duration;

use serde_json::{Value, json};
use wechatpay_chain::{
    Client, Result,
    sandbox::{MerchantOptions, Sandbox, SandboxEvent, StateKind},
};

use super::{call, refusal};
use crate::sandbox::agreements::check_notice;

const ROOM: &str = "v3/marketing/busifavor";

fn started() -> (Sandbox, Client) {
    let sandbox = Sandbox::builder().opening_balance(100_000).start().unwrap();
    let client = sandbox.client_builder().build().unwrap();
    (sandbox, client)
}

fn stock(sandbox: &Sandbox, number: &str, mode: &str) -> Value {
    json!({
        "stock_name": "八月活动", "belong_merchant": sandbox.mchid(), "goods_name": "茶", "comment": "零售",
        "stock_type": "NORMAL", "out_request_no": number, "coupon_code_mode": mode, "subsidy": true,
        "coupon_use_rule": {
            "coupon_available_time": {
                "available_begin_time": "2020-01-01T00:00:00+08:00",
                "available_end_time": "2099-01-01T00:00:00+08:00",
                "available_second_after_receive": 3600,
            },
            "fixed_normal_coupon": { "discount_amount": 500, "transaction_minimum": 1000 },
            "use_method": "OFF_LINE",
        },
        "stock_send_rule": { "max_coupons": 3, "max_coupons_per_user": 2 },
        "display_pattern_info": { "description": "每单限用一张" },
    })
}

fn post(client: &Client, path: &str, body: Value) -> Result<Value> {
    call(
        client,
        &format!("POST {ROOM}/{path}"),
        json!({ "json": body }),
    )
}

fn created(sandbox: &Sandbox, client: &Client, mode: &str) -> Value {
    post(client, "stocks", stock(sandbox, "s1", mode)).unwrap()["stock_id"].clone()
}

fn send(sandbox: &Sandbox, client: &Client, id: &Value, number: &str) -> Result<Value> {
    let body = json!({
        "openid": "o1", "appid": sandbox.appid(), "stock_id": id, "out_request_no": number,
    });
    post(client, "coupons/send", body)
}

fn queried(sandbox: &Sandbox, client: &Client, code: &Value) -> Value {
    let op = format!("GET {ROOM}/users/{{openid}}/coupons/{{coupon_code}}/appids/{{appid}}");
    let path = json!({ "openid": "o1", "coupon_code": code, "appid": sandbox.appid() });
    call(client, &op, path).unwrap()
}

#[test]
fn stock_is_made_changed_and_queried() {
    let (sandbox, client) = started();
    let asked = stock(&sandbox, "s1", "WECHATPAY_MODE");
    let made = post(&client, "stocks", asked.clone()).unwrap();
    assert_eq!(post(&client, "stocks", asked).unwrap(), made);
    let other = refusal(post(
        &client,
        "stocks",
        stock(&sandbox, "s1", "MERCHANT_API"),
    ));
    assert_eq!((other.0, &other.1[..]), (400, "RESOURCE_ALREADY_EXISTS"));
    let mut stranger = stock(&sandbox, "s2", "MERCHANT_API");
    stranger["belong_merchant"] = "1900000301".into();
    let refused = refusal(post(&client, "stocks", stranger));
    assert_eq!(refused.2, "商户票据校验失败");

    let id = &made["stock_id"];
    let query = || {
        let op = format!("GET {ROOM}/stocks/{{stock_id}}");
        call(&client, &op, json!({ "stock_id": id })).unwrap()
    };
    let seen = query();
    assert_eq!(seen["stock_state"], "RUNNING");
    assert_eq!(seen["stock_send_rule"]["max_amount"], 1500);
    assert!(seen.get("out_request_no").is_none());
    let patch = |path: &str, body: Value| {
        let op = format!("PATCH {ROOM}/stocks/{{stock_id}}{path}");
        call(&client, &op, json!({ "stock_id": id, "json": body }))
    };
    let changes = json!({
        "out_request_no": "p1", "comment": "餐饮", "coupon_use_rule": { "use_method": "SELF_CONSUME" },
    });
    assert_eq!(patch("", changes.clone()).unwrap(), Value::Null);
    patch("", changes).unwrap();
    let seen = query();
    assert_eq!(
        (&seen["comment"], &seen["stock_name"]),
        (&json!("餐饮"), &json!("八月活动"))
    );
    let rule = &seen["coupon_use_rule"];
    assert_eq!(rule["use_method"], "SELF_CONSUME");
    assert_eq!(rule["fixed_normal_coupon"]["discount_amount"], 500);
    let budget = |number: &str, target: u64, current: u64| {
        patch(
            "/budget",
            json!({
                "target_max_coupons": target, "current_max_coupons": current,
                "modify_budget_request_no": number,
            }),
        )
    };
    assert_eq!(budget("b1", 5, 3).unwrap()["max_coupons"], 5);
    assert_eq!(budget("b1", 5, 3).unwrap()["max_coupons"], 5);
    assert!(refusal(budget("b1", 6, 5)).2.contains("不一致"));
    assert_eq!(refusal(budget("b2", 6, 3)).1, "INVALID_REQUEST");
    assert_eq!(query()["stock_send_rule"]["max_coupons"], 5);
}

#[test]
fn coupon_is_sent_used_returned_and_deactivated() {
    let (sandbox, client) = started();
    let events = sandbox.subscribe();
    let callback = json!({ "mchid": sandbox.mchid(), "notify_url": "http://127.0.0.1:9/coupon" });
    post(&client, "callbacks", callback).unwrap();
    let get = json!({ "query": { "mchid": sandbox.mchid() } });
    let got = call(&client, &format!("GET {ROOM}/callbacks"), get).unwrap();
    assert_eq!(got["notify_url"], "http://127.0.0.1:9/coupon");
    let id = created(&sandbox, &client, "WECHATPAY_MODE");
    let sent = send(&sandbox, &client, &id, "n1").unwrap();
    assert_eq!(send(&sandbox, &client, &id, "n1").unwrap(), sent);
    let code = &sent["coupon_code"];
    let [notice] = &sandbox.deliveries()[..] else {
        panic!("one notification");
    };
    assert_eq!(notice.event_type(), "COUPON.SEND");
    check_notice(notice);
    assert_eq!(notice.resource()["coupon_code"], *code);

    let use_it = |number: &str, openid: &str| {
        let body = json!({
            "coupon_code": code, "appid": sandbox.appid(), "openid": openid, "use_request_no": number,
            "use_time": "2026-01-01T00:00:00+08:00",
        });
        post(&client, "coupons/use", body)
    };
    let change = |verb: &str, number: &str| {
        let mut body = json!({ "coupon_code": code, "stock_id": id });
        body[format!("{verb}_request_no")] = number.into();
        post(&client, &format!("coupons/{verb}"), body)
    };
    let order = |verb: &str, number: &str, out_trade_no: &str| {
        let body = json!({
            "coupon_code": code, "stock_id": id, "out_trade_no": out_trade_no,
            "out_request_no": number,
        });
        post(&client, &format!("coupons/{verb}"), body)
    };
    order("associate", "a1", "tea-0001").unwrap();
    assert_eq!(
        refusal(order("associate", "a2", "tea-0002")).1,
        "INVALID_REQUEST"
    );
    order("disassociate", "d1", "tea-0001").unwrap();
    assert_eq!(refusal(use_it("u1", "o2")).1, "INVALID_REQUEST");
    let used = use_it("u1", "o1").unwrap();
    assert_eq!((&used["stock_id"], &used["openid"]), (&id, &json!("o1")));
    // What was lost is asked again, and has the same answer.
    sandbox.advance(Duration::from_secs(5));
    assert_eq!(use_it("u1", "o1").unwrap(), used);
    assert!(refusal(use_it("u2", "o1")).2.contains("USED"));
    let seen = queried(&sandbox, &client, code);
    assert_eq!(
        (&seen["coupon_state"], &seen["use_request_no"]),
        (&json!("USED"), &json!("u1"))
    );
    assert_eq!(refusal(change("deactivate", "x1")).1, "INVALID_REQUEST");
    change("return", "r1").unwrap();
    change("return", "r1").unwrap();
    assert_eq!(refusal(change("return", "r2")).1, "INVALID_REQUEST");
    change("deactivate", "x2").unwrap();
    assert!(refusal(use_it("u3", "o1")).2.contains("DEACTIVATED"));

    send(&sandbox, &client, &id, "n2").unwrap();
    assert_eq!(refusal(send(&sandbox, &client, &id, "n3")).1, "RULE_LIMIT");
    sandbox.advance(Duration::from_secs(3601));
    let list = |state: &str| {
        let query = json!({ "appid": sandbox.appid(), "coupon_state": state, "stock_id": id });
        let op = format!("GET {ROOM}/users/{{openid}}/coupons");
        call(&client, &op, json!({ "openid": "o1", "query": query })).unwrap()["total_count"]
            .clone()
    };
    assert_eq!(
        (list("EXPIRED"), list("DEACTIVATED"), list("SENDED")),
        (json!(1), json!(1), json!(0))
    );
    let mut states = Vec::new();
    while let Some(event) = events.try_next() {
        if let SandboxEvent::State(change) = event {
            if change.kind() == StateKind::MerchantCoupon {
                states.push(change.to().to_owned());
            }
        }
    }
    assert_eq!(
        states,
        [
            "SENDED",
            "USED",
            "SENDED",
            "DEACTIVATED",
            "SENDED",
            "EXPIRED"
        ]
    );
}

#[test]
fn uploaded_codes_are_listed_sent_and_deleted() {
    let (sandbox, client) = started();
    let id = created(&sandbox, &client, "MERCHANT_UPLOAD");
    let upload = |number: &str, codes: Value| {
        let op = format!("POST {ROOM}/stocks/{{stock_id}}/couponcodes");
        let body = json!({ "coupon_code_list": codes, "upload_request_no": number });
        call(&client, &op, json!({ "stock_id": id, "json": body }))
    };
    let first = upload("l1", json!(["a1", "a2", "a2", "a3"])).unwrap();
    assert_eq!(
        upload("l1", json!(["a1", "a2", "a2", "a3"])).unwrap(),
        first
    );
    assert_eq!(first["success_codes"], json!(["a1", "a2", "a3"]));
    assert_eq!(
        upload("l2", json!(["a1"])).unwrap()["exist_codes"],
        json!(["a1"])
    );
    assert_eq!(
        send(&sandbox, &client, &id, "n1").unwrap()["coupon_code"],
        "a1"
    );
    let of = |method: &str, code: &str| {
        let op = format!("{method} {ROOM}/stocks/{{stock_id}}/couponcodes/{{coupon_code}}");
        let query = match method {
            "GET" => json!({}),
            _ => json!({ "delete_request_no": format!("d-{code}") }),
        };
        call(
            &client,
            &op,
            json!({ "stock_id": id, "coupon_code": code, "query": query }),
        )
    };
    let seen = of("GET", "a1").unwrap();
    assert_eq!(seen["code_information"]["openid"], "o1");
    assert_eq!(seen["coupon_information"]["coupon_state"], "SENDED");
    assert_eq!(refusal(of("DELETE", "a1")).1, "INVALID_REQUEST");
    let deleted = of("DELETE", "a2").unwrap();
    assert_eq!(of("DELETE", "a2").unwrap(), deleted);
    assert_eq!(refusal(of("GET", "a2")).0, 404);
    let op = format!("GET {ROOM}/stocks/{{stock_id}}/couponcodes");
    let listed = call(
        &client,
        &op,
        json!({ "stock_id": id, "query": { "limit": 1 } }),
    )
    .unwrap();
    assert_eq!(
        (&listed["total_count"], &listed["data"][0]["code"]),
        (&json!(2), &json!("a1"))
    );
    // Without the stock, a code that the merchant chose is not found.
    let body = json!({
        "coupon_code": "a1", "appid": sandbox.appid(), "use_request_no": "u1",
        "use_time": "2026-01-01T00:00:00+08:00",
    });
    assert_eq!(refusal(post(&client, "coupons/use", body)).0, 404);
    let other = created_with(&sandbox, &client);
    let refused = refusal(call(
        &client,
        &format!("POST {ROOM}/stocks/{{stock_id}}/couponcodes"),
        json!({ "stock_id": other, "json": { "coupon_code_list": ["b"], "upload_request_no": "l3" } }),
    ));
    // As seen on the wire.
    assert_eq!(
        refused,
        (
            400,
            "INVALID_REQUEST".to_owned(),
            "发券模式不合法".to_owned()
        )
    );
}

fn created_with(sandbox: &Sandbox, client: &Client) -> Value {
    let asked = stock(sandbox, "s2", "WECHATPAY_MODE");
    post(client, "stocks", asked).unwrap()["stock_id"].clone()
}

#[test]
fn subsidy_moves_money_and_comes_back_with_a_refund() {
    let (sandbox, client) = started();
    let shop = sandbox
        .add_merchant(MerchantOptions::new("1900000301").opening_balance(50_000))
        .unwrap();
    let shop_client = shop.client_builder().build().unwrap();
    let order = json!({
        "appid": shop.appid(), "mchid": shop.mchid(), "description": "茶", "out_trade_no": "tea-0001",
        "notify_url": "http://127.0.0.1:9/pay", "amount": { "total": 1000 },
    });
    shop_client
        .chain("v3/pay/transactions/native")
        .post(json!({ "json": order }))
        .unwrap();
    sandbox.user_pays("tea-0001").unwrap();
    let chain = shop_client.chain("v3/pay/transactions/out-trade-no/tea-0001");
    let paid: Value = chain
        .get(json!({ "query": { "mchid": shop.mchid() } }))
        .unwrap()
        .json()
        .unwrap();
    let id = created(&sandbox, &client, "WECHATPAY_MODE");
    let code = send(&sandbox, &client, &id, "n1").unwrap()["coupon_code"].clone();
    let receipt = |number: &str, amount: u64| {
        json!({
            "stock_id": id, "coupon_code": code, "transaction_id": paid["transaction_id"],
            "payer_merchant": sandbox.mchid(), "payee_merchant": shop.mchid(), "amount": amount,
            "description": "补差", "out_subsidy_no": number,
        })
    };
    let pay =
        |number: &str, amount: u64| post(&client, "subsidy/pay-receipts", receipt(number, amount));
    assert!(refusal(pay("p1", 500)).2.contains("未核销"));
    let body = json!({
        "coupon_code": code, "appid": sandbox.appid(), "use_request_no": "u1",
        "use_time": "2026-01-01T00:00:00+08:00",
    });
    post(&client, "coupons/use", body).unwrap();
    assert_eq!(refusal(pay("p1", 1001)).1, "INVALID_REQUEST");
    let made = pay("p1", 500).unwrap();
    assert_eq!(pay("p1", 500).unwrap(), made);
    assert!(refusal(pay("p1", 501)).2.contains("不一致"));
    // All receipts together pay no more than the order.
    assert!(refusal(pay("p2", 501)).2.contains("超过订单金额"));
    let balance = |mchid: &str| sandbox.balance(mchid).unwrap().available;
    assert_eq!(
        (balance(sandbox.mchid()), balance(shop.mchid())),
        (99_500, 51_500)
    );
    let op = format!("GET {ROOM}/subsidy/pay-receipts");
    let by = json!({ "query": { "stock_id": id, "coupon_code": code } });
    assert_eq!(
        call(&client, &op, by).unwrap()["pay_receipt_list"],
        json!([made])
    );
    let op = format!("{op}/{{subsidy_receipt_id}}");
    let by = json!({ "subsidy_receipt_id": made["subsidy_receipt_id"] });
    assert_eq!(call(&client, &op, by).unwrap(), made);

    let refund = json!({
        "out_trade_no": "tea-0001", "out_refund_no": "r1",
        "amount": { "refund": 400, "total": 1000, "currency": "CNY" },
    });
    let chain = shop_client.chain("v3/refund/domestic/refunds");
    let refund: Value = chain
        .post(json!({ "json": refund }))
        .unwrap()
        .json()
        .unwrap();
    let give_back = |number: &str, amount: u64, refund_id: &Value| {
        let mut body = receipt("", amount);
        body.as_object_mut().unwrap().remove("out_subsidy_no");
        body["out_subsidy_return_no"] = number.into();
        body["refund_id"] = refund_id.clone();
        post(&client, "subsidy/return-receipts", body)
    };
    assert_eq!(refusal(give_back("b1", 500, &json!("1"))).0, 404);
    assert_eq!(
        refusal(give_back("b1", 401, &refund["refund_id"])).1,
        "INVALID_REQUEST"
    );
    let back = give_back("b1", 300, &refund["refund_id"]).unwrap();
    assert_eq!(give_back("b1", 300, &refund["refund_id"]).unwrap(), back);
    assert_eq!(back["subsidy_receipt_id"], made["subsidy_receipt_id"]);
    // As much comes back as was refunded.
    let over = refusal(give_back("b2", 101, &refund["refund_id"]));
    assert!(over.2.contains("超过退款金额"), "{over:?}");
    assert_eq!(
        (balance(sandbox.mchid()), balance(shop.mchid())),
        (99_800, 50_800)
    );
    let op = format!("GET {ROOM}/subsidy/return-receipts/{{subsidy_return_receipt_id}}");
    let by = json!({ "subsidy_return_receipt_id": back["subsidy_return_receipt_id"] });
    assert_eq!(call(&client, &op, by).unwrap(), back);
}
