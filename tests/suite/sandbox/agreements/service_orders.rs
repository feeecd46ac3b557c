//! Service orders, from their creation to the refund of their payment.

use std::time::Duration;

use serde_json::{Value, json};
use wechatpay_chain::{Client, sandbox::Sandbox};

use super::{
    super::{
        files::{DAY, at_noon, column, rows},
        payments::orders::{SP_MCHID, SUB_MCHID, code, get, post, provider, with_provider},
    },
    check_notice, check_response,
};

const ORDERS: &str = "v3/payscore/serviceorder";
const PARTNERS: &str = "v3/payscore/partner/serviceorder";

fn creation(sandbox: &Sandbox, number: &str) -> Value {
    json!({
        "out_order_no": number, "appid": sandbox.appid(), "service_id": "500001",
        "service_introduction": "单车", "time_range": { "start_time": "OnAccept" },
        "post_payments": [{ "name": "骑行", "description": "每小时3.5元" }],
        "risk_fund": { "name": "DEPOSIT", "amount": 10_000 },
        "notify_url": "https://example.com/payscore",
    })
}

fn completion(sandbox: &Sandbox, fen: u64) -> Value {
    json!({
        "appid": sandbox.appid(), "service_id": "500001", "total_amount": fen,
        "post_payments": [{ "name": "骑行", "amount": fen + 50 }],
        "post_discounts": [{ "name": "优惠", "description": "首次", "amount": 50 }],
    })
}

fn act(client: &Client, number: &str, action: &str, body: Value) -> wechatpay_chain::Result<Value> {
    post(client, &format!("{ORDERS}/{number}/{action}"), body)
}

fn seen(sandbox: &Sandbox, client: &Client, number: &str) -> Value {
    let query = json!({
        "out_order_no": number, "appid": sandbox.appid(), "service_id": "500001",
    });
    get(client, ORDERS, query).unwrap()
}

#[test]
fn paid_order_moves_its_money_and_both_steps_of_the_user_are_notified() {
    let sandbox = Sandbox::builder().opening_balance(7).start().unwrap();
    let client = sandbox.client_builder().build().unwrap();
    let available = || sandbox.balance(sandbox.mchid()).unwrap().available;
    let created = post(&client, ORDERS, creation(&sandbox, "bike-0001")).unwrap();
    check_response("POST v3/payscore/serviceorder", &created);
    let again = post(&client, ORDERS, creation(&sandbox, "bike-0001")).unwrap();
    assert_eq!(again, created);
    let mut other = creation(&sandbox, "bike-0001");
    other["risk_fund"]["amount"] = 9_999.into();
    let refused = post(&client, ORDERS, other);
    assert_eq!(code(refused), (400, "INVALID_REQUEST".to_owned()));
    let early = act(&client, "bike-0001", "complete", completion(&sandbox, 350));
    assert_eq!(code(early), (400, "INVALID_ORDER_STATE".to_owned()));

    sandbox.user_confirms("bike-0001").unwrap();
    assert!(sandbox.user_confirms("bike-0001").is_err());
    let completed = act(&client, "bike-0001", "complete", completion(&sandbox, 400)).unwrap();
    check_response(
        "POST v3/payscore/serviceorder/{out_order_no}/complete",
        &completed,
    );
    let mut lower = completion(&sandbox, 350);
    lower["reason"] = "优惠".into();
    let modified = act(&client, "bike-0001", "modify", lower).unwrap();
    check_response(
        "POST v3/payscore/serviceorder/{out_order_no}/modify",
        &modified,
    );
    assert_eq!(modified["collection"]["paying_amount"], 350);
    let ids = json!({ "appid": sandbox.appid(), "service_id": "500001" });
    let collected = act(&client, "bike-0001", "pay", ids).unwrap();
    check_response(
        "POST v3/payscore/serviceorder/{out_order_no}/pay",
        &collected,
    );
    assert_eq!(available(), 7);

    sandbox.user_pays("bike-0001").unwrap();
    assert!(sandbox.user_pays("bike-0001").is_err());
    assert_eq!(available(), 357);
    let seen = seen(&sandbox, &client, "bike-0001");
    check_response("GET v3/payscore/serviceorder", &seen);
    assert_eq!(seen["collection"]["paid_amount"], 350);
    let late = json!({ "appid": sandbox.appid(), "service_id": "500001", "reason": "r" });
    let refused = act(&client, "bike-0001", "cancel", late);
    assert_eq!(code(refused), (400, "ORDER_DONE".to_owned()));

    let [confirmed, paid] = &sandbox.deliveries()[..] else {
        panic!("two notifications");
    };
    for (delivery, event) in [
        (confirmed, "PAYSCORE.USER_CONFIRM"),
        (paid, "PAYSCORE.USER_PAID"),
    ] {
        assert_eq!(delivery.event_type(), event);
        assert_eq!(delivery.url(), "https://example.com/payscore");
        check_notice(delivery);
    }
    assert_eq!(confirmed.resource()["state_description"], "USER_CONFIRM");
    for (name, value) in seen.as_object().unwrap() {
        assert_eq!(paid.resource()[name], *value, "{name}");
    }
}

#[test]
fn payment_of_an_order_is_queried_refunded_and_in_the_bill() {
    let sandbox = Sandbox::builder().opening_balance(0).start().unwrap();
    let client = sandbox.client_builder().build().unwrap();
    let day = at_noon(&sandbox);
    for (number, fen) in [("bike-0001", 350), ("bike-0002", 200)] {
        post(&client, ORDERS, creation(&sandbox, number)).unwrap();
        sandbox.user_confirms(number).unwrap();
        act(&client, number, "complete", completion(&sandbox, fen)).unwrap();
    }
    sandbox.user_pays("bike-0001").unwrap();
    // The second user pays at the counter.
    let mut elsewhere = json!({ "appid": sandbox.appid(), "service_id": "500001" });
    elsewhere["type"] = "Order_Paid".into();
    elsewhere["detail"] = json!({ "paid_time": "20180608120000" });
    let synced = act(&client, "bike-0002", "sync", elsewhere).unwrap();
    check_response("POST v3/payscore/serviceorder/{out_order_no}/sync", &synced);
    assert_eq!(synced["state"], "DONE");
    assert_eq!(synced["collection"]["details"][0]["paid_type"], "MCH");
    // One fen is the payment that `at_noon` makes.
    assert_eq!(sandbox.balance(sandbox.mchid()).unwrap().available, 350 + 1);

    let order = seen(&sandbox, &client, "bike-0001");
    let id = order["collection"]["details"][0]["transaction_id"]
        .as_str()
        .unwrap();
    let own = json!({ "mchid": sandbox.mchid() });
    let payment = get(&client, &format!("v3/pay/transactions/id/{id}"), own).unwrap();
    assert_eq!(payment["amount"]["total"], 350);
    assert_eq!(payment["payer"]["openid"], order["openid"]);
    let deliveries = sandbox.deliveries();
    let is_paid = |name: &str| name == "PAYSCORE.USER_PAID";
    let mut paid = deliveries
        .iter()
        .filter(|delivery| is_paid(delivery.event_type()));
    let said = paid.next().unwrap().resource();
    assert!(paid.next().is_none(), "of a payment elsewhere");
    assert_eq!(payment["out_trade_no"], said["out_trade_no"]);

    let refund = |by: &str, number: &str| {
        let mut body = json!({
            "out_refund_no": "r1",
            "amount": { "refund": 100, "total": 350, "currency": "CNY" },
        });
        body[by] = number.into();
        post(&client, "v3/refund/domestic/refunds", body)
    };
    // The number of the service order is none of a payment.
    let refused = refund("out_trade_no", "bike-0001");
    assert_eq!(code(refused), (404, "RESOURCE_NOT_EXISTS".to_owned()));
    refund("transaction_id", id).unwrap();
    sandbox.refund_succeeds("r1").unwrap();
    assert_eq!(sandbox.balance(sandbox.mchid()).unwrap().available, 251);

    sandbox.advance(Duration::from_secs(DAY));
    let bill = rows(&client, "v3/bill/tradebill", &json!({ "bill_date": day }));
    assert_eq!(column(&bill, "交易状态"), ["SUCCESS", "SUCCESS", "REFUND"]);
    assert_eq!(column(&bill, "微信订单号")[1..], [id, id]);
    assert_eq!(column(&bill, "商品名称")[1..], ["单车", "单车"]);
    let flow = rows(
        &client,
        "v3/bill/fundflowbill",
        &json!({ "bill_date": day }),
    );
    assert_eq!(column(&flow, "账户结余(元)"), ["0.01", "3.51", "2.51"]);
}

#[test]
fn money_of_a_shared_order_is_frozen_until_it_is_unfrozen() {
    let sandbox = Sandbox::builder().opening_balance(0).start().unwrap();
    let client = sandbox.client_builder().build().unwrap();
    post(&client, ORDERS, creation(&sandbox, "bike-0001")).unwrap();
    sandbox.user_confirms("bike-0001").unwrap();
    let mut completed = completion(&sandbox, 350);
    completed["profit_sharing"] = true.into();
    act(&client, "bike-0001", "complete", completed).unwrap();
    sandbox.user_pays("bike-0001").unwrap();
    let money = || sandbox.balance(sandbox.mchid()).unwrap();
    assert_eq!((money().available, money().frozen), (0, 350));

    let order = seen(&sandbox, &client, "bike-0001");
    let id = &order["collection"]["details"][0]["transaction_id"];
    let unfreeze = json!({ "transaction_id": id, "out_order_no": "u1", "description": "解冻" });
    post(&client, "v3/profitsharing/orders/unfreeze", unfreeze).unwrap();
    sandbox.sharing_finishes("u1").unwrap();
    assert_eq!((money().available, money().frozen), (350, 0));
}

#[test]
fn order_expires_or_is_cancelled_and_then_nothing_more_happens() {
    let sandbox = Sandbox::start().unwrap();
    let client = sandbox.client_builder().build().unwrap();
    for number in ["bike-0001", "bike-0002", "bike-0003"] {
        post(&client, ORDERS, creation(&sandbox, number)).unwrap();
    }
    sandbox.user_confirms("bike-0003").unwrap();
    let cancel = json!({ "appid": sandbox.appid(), "service_id": "500001", "reason": "下雨" });
    let cancelled = act(&client, "bike-0002", "cancel", cancel.clone()).unwrap();
    check_response(
        "POST v3/payscore/serviceorder/{out_order_no}/cancel",
        &cancelled,
    );
    assert_eq!(
        act(&client, "bike-0002", "cancel", cancel.clone()).unwrap(),
        cancelled
    );
    assert!(sandbox.user_confirms("bike-0002").is_err());

    sandbox.advance(Duration::from_secs(30 * DAY - 60));
    assert_eq!(sandbox.order_state("bike-0001").as_deref(), Some("CREATED"));
    sandbox.advance(Duration::from_secs(60));
    for (number, state, refusal) in [
        ("bike-0001", "EXPIRED", "INVALID_ORDER_STATE"),
        ("bike-0002", "REVOKED", "ORDER_CANCELED"),
        ("bike-0003", "DOING", ""),
    ] {
        assert_eq!(seen(&sandbox, &client, number)["state"], state);
        let answer = act(&client, number, "complete", completion(&sandbox, 1));
        match refusal {
            "" => drop(answer.unwrap()),
            _ => assert_eq!(code(answer), (400, refusal.to_owned()), "{number}"),
        }
    }
    let refused = act(&client, "bike-0003", "cancel", cancel);
    assert_eq!(code(refused), (400, "INVALID_ORDER_STATE".to_owned()));
    let foreign = json!({ "appid": sandbox.appid(), "service_id": "500002", "reason": "r" });
    let refused = act(&client, "bike-0003", "cancel", foreign);
    assert_eq!(code(refused), (404, "ORDER_NOT_EXIST".to_owned()));
}

#[test]
fn order_of_a_sub_merchant_pays_the_sub_merchant_and_tells_the_provider() {
    let sandbox = with_provider();
    let client = provider(&sandbox);
    let before = sandbox.balance(SUB_MCHID).unwrap().available;
    let mut asked = creation(&sandbox, "bike-0001");
    asked["appid"] = "wx1".into();
    asked["sub_mchid"] = SUB_MCHID.into();
    asked["sub_appid"] = "wx2".into();
    let created = post(&client, PARTNERS, asked.clone()).unwrap();
    check_response("POST v3/payscore/partner/serviceorder", &created);
    asked["sub_mchid"] = "1900000111".into();
    assert_eq!(
        code(post(&client, PARTNERS, asked)),
        (403, "NO_AUTH".to_owned())
    );
    sandbox.user_confirms("bike-0001").unwrap();

    let act = |action: &str, body: Value| {
        let mut body = body;
        body["sub_mchid"] = SUB_MCHID.into();
        body["service_id"] = "500001".into();
        post(&client, &format!("{PARTNERS}/bike-0001/{action}"), body)
    };
    let parts = completion(&sandbox, 350);
    let parts = json!({
        "total_amount": 350, "post_payments": parts["post_payments"],
        "post_discounts": parts["post_discounts"],
    });
    let mut message = parts.clone();
    message["prepaid_time"] = "20180608120000".into();
    assert_eq!(
        act("send-prepaidmessage", message.clone()).unwrap(),
        Value::Null
    );
    assert_eq!(act("complete", parts).unwrap(), Value::Null);
    let late = act("send-pendingmessage", message);
    assert_eq!(code(late), (400, "INVALID_ORDER_STATE".to_owned()));
    assert_eq!(act("pay", json!({})).unwrap(), Value::Null);
    sandbox.user_pays("bike-0001").unwrap();
    assert_eq!(sandbox.balance(SUB_MCHID).unwrap().available, before + 350);

    let query = json!({
        "service_id": "500001", "sub_mchid": SUB_MCHID, "out_order_no": "bike-0001",
    });
    let seen = get(&client, PARTNERS, query).unwrap();
    check_response("GET v3/payscore/partner/serviceorder", &seen);
    assert_eq!(
        (&seen["mchid"], &seen["sub_mchid"]),
        (&SP_MCHID.into(), &SUB_MCHID.into())
    );
    assert_eq!(seen["collection"]["state"], "USER_PAID");
    // Without the sub-merchant, it is not the provider's.
    let own = json!({ "service_id": "500001", "appid": "wx1", "out_order_no": "bike-0001" });
    let refused = get(&client, ORDERS, own);
    assert_eq!(code(refused), (404, "ORDER_NOT_EXIST".to_owned()));
    let deliveries = sandbox.deliveries();
    assert_eq!(deliveries.len(), 2);
    for delivery in &deliveries {
        check_notice(delivery);
        assert_eq!(delivery.mchid(), SP_MCHID);
        assert_eq!(delivery.resource()["sub_mchid"], SUB_MCHID);
    }
}

#[test]
fn order_to_be_paid_after_its_delivery_has_what_was_bought() {
    let sandbox = Sandbox::start().unwrap();
    let client = sandbox.client_builder().build().unwrap();
    let mut asked = creation(&sandbox, "tea-0001");
    asked["shopping_info"] = json!({
        "jump_link": { "jump_link_type": "JUMP_LINK_MINI_PROGRAM", "appid": "wx9", "path": "a" },
        "goods": [{ "name": "茶", "picture": "https://example.com/a", "amount": 100, "count": 1 }],
    });
    let created = post(
        &client,
        "v3/payscore/servicepayondeliveryorder",
        asked.clone(),
    )
    .unwrap();
    check_response("POST v3/payscore/servicepayondeliveryorder", &created);
    assert_eq!(created["shopping_info"], asked["shopping_info"]);
    sandbox.user_confirms("tea-0001").unwrap();
    let completed = act(&client, "tea-0001", "complete", completion(&sandbox, 100)).unwrap();
    assert_eq!(completed["state_description"], "MCH_COMPLETE");
}
