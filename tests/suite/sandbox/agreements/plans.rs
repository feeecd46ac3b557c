//! Plans of pay-score, what users sign of them, and bindings of sub-merchants to a service.

use std::time::Duration;

use serde_json::{Value, json};
use wechatpay_chain::{Client, sandbox::Sandbox};

use super::{
    super::payments::orders::{SP_MCHID, SUB_MCHID, code, get, post, provider, with_provider},
    check_notice, check_response,
};

const PLANS: &str = "v3/payscore/plan/payscore-plans";
const SIGNED: &str = "v3/payscore/sign-plan/user-sign-plans";
const DAY: u64 = 24 * 3600;

fn plan(sandbox: &Sandbox) -> Value {
    json!({
        "appid": sandbox.appid(), "service_id": "500001", "merchant_plan_no": "plan-0001",
        "plan_name": "两节课", "plan_duration": 30, "deduction_quantity": 2,
        "total_original_price": 200, "total_actual_price": 150,
        "plan_detail_list": [
            { "plan_detail_name": "第一课", "original_price": 100, "actual_price": 90,
              "plan_discount_description": "首次优惠" },
            { "plan_detail_name": "第二课", "original_price": 100, "actual_price": 60 },
        ],
    })
}

fn to_sign(sandbox: &Sandbox, plan_id: &Value, number: &str) -> Value {
    json!({
        "appid": sandbox.appid(), "service_id": "500001", "plan_id": plan_id, "openid": "oUser",
        "merchant_sign_plan_no": number, "notify_url": "https://example.com/plans",
        "sign_plan_detail": [
            { "plan_detail_no": 1, "merchant_plan_detail_no": format!("{number}-1") },
            { "plan_detail_no": 2, "merchant_plan_detail_no": format!("{number}-2") },
        ],
    })
}

fn lesson(sandbox: &Sandbox, sign_plan_id: &Value, detail: u64, number: &str) -> Value {
    json!({
        "appid": sandbox.appid(), "service_id": "500001", "sign_plan_id": sign_plan_id,
        "plan_detail_no": detail, "openid": "oUser", "notify_url": "https://example.com/orders",
        "service_introduction": "上课", "time_range": { "start_time": "OnAccept" },
        "out_trade_no": number,
    })
}

fn signed(client: &Client, number: &str) -> Value {
    let path = format!("{SIGNED}/merchant-sign-plan-no/{number}");
    get(client, &path, json!({})).unwrap()
}

#[test]
fn signed_plan_becomes_one_order_after_the_other() {
    let sandbox = Sandbox::builder().opening_balance(0).start().unwrap();
    let client = sandbox.client_builder().build().unwrap();
    let created = post(&client, PLANS, plan(&sandbox)).unwrap();
    check_response("POST v3/payscore/plan/payscore-plans", &created);
    assert_eq!(created["plan_state"], "NORMAL");
    assert_eq!(post(&client, PLANS, plan(&sandbox)).unwrap(), created);
    let asked = to_sign(&sandbox, &created["plan_id"], "s1");
    let opened = post(&client, SIGNED, asked.clone()).unwrap();
    check_response("POST v3/payscore/sign-plan/user-sign-plans", &opened);
    assert_eq!(post(&client, SIGNED, asked).unwrap(), opened);
    let id = &opened["sign_plan"]["sign_plan_id"];

    let orders = "v3/payscore/sign-plan/serviceorder";
    let early = post(&client, orders, lesson(&sandbox, id, 1, "s1-1"));
    assert_eq!(code(early), (400, "INVALID_ORDER_STATE".to_owned()));
    sandbox.user_signs_plan("s1").unwrap();
    assert!(sandbox.user_signs_plan("s1").is_err());
    let order = post(&client, orders, lesson(&sandbox, id, 1, "s1-1")).unwrap();
    check_response("POST v3/payscore/sign-plan/serviceorder", &order);
    assert_eq!(order["out_order_no"], "s1-1");
    assert_eq!(order["risk_fund"]["amount"], 90);
    assert_eq!(order["post_discounts"][0]["amount"], 10);
    let again = post(&client, orders, lesson(&sandbox, id, 1, "s1-1")).unwrap();
    assert_eq!(again, order);
    // The first lesson is not over, and the second one has another number.
    let second = post(&client, orders, lesson(&sandbox, id, 2, "s1-2"));
    assert_eq!(code(second), (400, "INVALID_REQUEST".to_owned()));
    let other = post(&client, orders, lesson(&sandbox, id, 2, "s1-3"));
    assert_eq!(code(other), (400, "INVALID_REQUEST".to_owned()));
    let now = signed(&client, "s1");
    check_response(
        "GET v3/payscore/sign-plan/user-sign-plans/merchant-sign-plan-no/{merchant_sign_plan_no}",
        &now,
    );
    assert_eq!(
        (&now["sign_state"], &now["going_detail_no"]),
        (&json!("SIGNED"), &json!(1))
    );
    assert_eq!(now["signed_detail_list"][0]["plan_detail_state"], "USING");

    for (number, fen) in [("s1-1", 90), ("s1-2", 60)] {
        if number == "s1-2" {
            post(&client, orders, lesson(&sandbox, id, 2, number)).unwrap();
        }
        let payments = json!({
            "appid": sandbox.appid(), "service_id": "500001", "total_amount": fen,
            "post_payments": [{ "name": "上课", "amount": fen }],
        });
        let path = format!("v3/payscore/serviceorder/{number}/complete");
        post(&client, &path, payments).unwrap();
        sandbox.user_pays(number).unwrap();
    }
    let now = signed(&client, "s1");
    assert_eq!(now["sign_state"], "COMPLETE");
    assert_eq!(now["signed_detail_list"][1]["plan_detail_state"], "USED");
    assert_eq!(now["signed_detail_list"][1]["actual_pay_price"], 60);
    assert_eq!(sandbox.balance(sandbox.mchid()).unwrap().available, 150);
    assert!(sandbox.user_cancels_plan("s1").is_err());
    let deliveries = sandbox.deliveries();
    assert_eq!(deliveries[0].event_type(), "PAYSCORE.USER_SIGN_PLAN");
    deliveries.iter().for_each(check_notice);
}

#[test]
fn plan_is_cancelled_by_either_side_stopped_or_expires() {
    let sandbox = Sandbox::start().unwrap();
    let client = sandbox.client_builder().build().unwrap();
    let created = post(&client, PLANS, plan(&sandbox)).unwrap();
    for number in ["s1", "s2", "s3"] {
        let asked = to_sign(&sandbox, &created["plan_id"], number);
        post(&client, SIGNED, asked).unwrap();
    }
    sandbox.user_signs_plan("s1").unwrap();
    sandbox.user_cancels_plan("s1").unwrap();
    let stop = format!("{SIGNED}/merchant-sign-plan-no/s2/stop");
    let reason = json!({ "stop_reason": "停课" });
    let stopped = post(&client, &stop, reason.clone()).unwrap();
    check_response(
        "POST v3/payscore/sign-plan/user-sign-plans/merchant-sign-plan-no/{merchant_sign_plan_no}/stop",
        &stopped,
    );
    assert_eq!(stopped["cancel_sign_type"], "MERCHANT");
    assert_eq!(post(&client, &stop, reason).unwrap(), stopped);
    let other = post(&client, &stop, json!({ "stop_reason": "其他" }));
    assert_eq!(code(other), (400, "INVALID_ORDER_STATE".to_owned()));

    let chain = client.chain(format!("{PLANS}/merchant-plan-no/plan-0001/stop"));
    let ended: Value = chain.post(json!({})).unwrap().json().unwrap();
    check_response(
        "POST v3/payscore/plan/payscore-plans/merchant-plan-no/{merchant_plan_no}/stop",
        &ended,
    );
    assert_eq!(ended["plan_state"], "STOP");
    let path = format!("{PLANS}/merchant-plan-no/plan-0001");
    assert_eq!(get(&client, &path, json!({})).unwrap(), ended);
    let late = post(
        &client,
        SIGNED,
        to_sign(&sandbox, &created["plan_id"], "s4"),
    );
    assert_eq!(code(late), (400, "INVALID_ORDER_STATE".to_owned()));

    sandbox.advance(Duration::from_secs(30 * DAY));
    for (number, state) in [
        ("s1", "SIGN_PLAN_CANCEL"),
        ("s2", "SIGN_PLAN_CANCEL"),
        ("s3", "EXPIRE"),
    ] {
        let now = signed(&client, number);
        assert_eq!(now["sign_state"], state);
        let detail = &now["signed_detail_list"][0]["plan_detail_state"];
        assert_eq!(*detail, "SIGN_PLAN_DETAIL_CANCEL");
    }
    assert!(sandbox.user_signs_plan("s3").is_err());
    let deliveries = sandbox.deliveries();
    let events = deliveries.iter().map(|delivery| delivery.event_type());
    let expected = ["PAYSCORE.USER_SIGN_PLAN", "PAYSCORE.USER_CANCEL_SIGN_PLAN"];
    assert_eq!(events.collect::<Vec<_>>(), expected);
    deliveries.iter().for_each(check_notice);
}

#[test]
fn plan_has_as_many_details_as_deductions_and_falling_prices() {
    let sandbox = Sandbox::start().unwrap();
    let client = sandbox.client_builder().build().unwrap();
    for (pointer, value, refusal) in [
        ("/deduction_quantity", json!(3), "INVALID_REQUEST"),
        (
            "/plan_detail_list/1/actual_price",
            json!(91),
            "INVALID_REQUEST",
        ),
        (
            "/plan_detail_list/0/actual_price",
            json!(101),
            "PARAM_ERROR",
        ),
    ] {
        let mut asked = plan(&sandbox);
        *asked.pointer_mut(pointer).unwrap() = value;
        let refused = post(&client, PLANS, asked);
        assert_eq!(code(refused), (400, refusal.to_owned()), "{pointer}");
    }
}

#[test]
fn provider_signs_plans_of_its_sub_merchant() {
    let sandbox = with_provider();
    let client = provider(&sandbox);
    let of_provider = |mut body: Value| {
        body["appid"] = "wx1".into();
        body["sub_mchid"] = SUB_MCHID.into();
        body
    };
    let path = "v3/payscore/plan/partner/payscore-plans";
    let created = post(&client, path, of_provider(plan(&sandbox))).unwrap();
    check_response("POST v3/payscore/plan/partner/payscore-plans", &created);
    let asked = of_provider(to_sign(&sandbox, &created["plan_id"], "s1"));
    let opened = post(
        &client,
        "v3/payscore/sign-plan/partner/user-sign-plans",
        asked,
    )
    .unwrap();
    check_response(
        "POST v3/payscore/sign-plan/partner/user-sign-plans",
        &opened,
    );
    sandbox.user_signs_plan("s1").unwrap();
    let id = &opened["sign_plan"]["sign_plan_id"];
    let body = of_provider(lesson(&sandbox, id, 1, "s1-1"));
    let order = post(&client, "v3/payscore/sign-plan/partner/serviceorder", body).unwrap();
    check_response("POST v3/payscore/sign-plan/partner/serviceorder", &order);
    assert_eq!(
        (&order["mchid"], &order["sub_mchid"]),
        (&SP_MCHID.into(), &SUB_MCHID.into())
    );
    let delivery = &sandbox.deliveries()[0];
    check_notice(delivery);
    assert_eq!(delivery.mchid(), SP_MCHID);
}

#[test]
fn sub_merchant_is_bound_to_a_service_at_once_or_a_minute_later() {
    let sandbox = with_provider();
    let client = provider(&sandbox);
    let path = "v3/payscore/partner/service-account-applications";
    let asked = |number: &str| {
        json!({
            "service_id": "500001", "appid": "wx1", "sub_mchid": SUB_MCHID, "out_apply_no": number,
            "result_notify_url": "https://example.com/bindings",
        })
    };
    for number in ["a1", "a2"] {
        let made = post(&client, path, asked(number)).unwrap();
        check_response(
            "POST v3/payscore/partner/service-account-applications",
            &made,
        );
        assert_eq!(made["apply_state"], "PROCESSING");
        assert_eq!(post(&client, path, asked(number)).unwrap(), made);
    }
    let mut other = asked("a1");
    other["service_id"] = "500002".into();
    assert_eq!(
        code(post(&client, path, other)),
        (400, "INVALID_REQUEST".to_owned())
    );
    sandbox
        .service_binding_is_rejected("a1", "资料不符")
        .unwrap();
    assert!(sandbox.service_binding_is_approved("a1").is_err());
    sandbox.advance(Duration::from_secs(60));
    for (number, state) in [("a1", "REJECTED"), ("a2", "APPROVED")] {
        let seen = get(&client, &format!("{path}/{number}"), json!({})).unwrap();
        assert_eq!(seen["apply_state"], state);
    }
    let missing = get(&client, &format!("{path}/a3"), json!({}));
    assert_eq!(code(missing), (404, "ORDER_NOT_EXIST".to_owned()));
    let deliveries = sandbox.deliveries();
    assert_eq!(deliveries.len(), 2);
    for delivery in &deliveries {
        assert_eq!(delivery.event_type(), "PAYSCORE.BIND_SERVICE_ACCOUNT");
        assert_eq!(delivery.mchid(), SP_MCHID);
        check_notice(delivery);
    }
}
