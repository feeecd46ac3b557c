//! The rules of coupons, without a server.

use serde_json::{Value, json};

use super::{flow_file::flow_file, *};
use crate::sandbox::{
    checks::fields::Fields,
    dispatch::refusal::Refusal,
    flows::marketing::days::{DAY, midnight_after},
    flows::payments::{
        pay::{
            Version,
            engine::{self, Product},
            tests::{
                MCHID, NOW, OPENING, SP_MCHID, SUB_MCHID, available, code, direct, order, partner,
                world,
            },
        },
        refund::{NewRefund, RefundFailure, refund, refund_fails, refund_succeeds},
    },
    state::world::World,
    time::format_rfc3339,
};

/// A stock of 3 coupons of 30 fen, for orders of 100 fen.
fn asked() -> Value {
    json!({
        "stock_name": "新会员", "belong_merchant": MCHID, "stock_type": "NORMAL", "no_cash": false,
        "available_begin_time": format_rfc3339(NOW), "available_end_time": format_rfc3339(NOW + 10 * DAY),
        "stock_use_rule": {
            "max_coupons": 3, "max_amount": 90, "max_coupons_per_user": 2,
            "natural_person_limit": false, "prevent_api_abuse": false,
        },
        "coupon_use_rule": {
            "coupon_available_time": {},
            "fixed_normal_coupon": { "coupon_amount": 30, "transaction_minimum": 100 },
        },
        "out_request_no": "s1",
    })
}

fn create(w: &mut World, asked: &Value) -> Result<String, String> {
    let fields = Fields::of_body(asked.as_object().unwrap());
    let new = read::new_stock(&fields, NOW).map_err(|refused| {
        let body = refused.body_json();
        body["message"].as_str().unwrap().to_owned()
    })?;
    let created = rules::create(w, MCHID, "s1", new, NOW);
    created
        .map(|(id, _)| id)
        .map_err(|refused| refused.code.to_owned())
}

/// A world with a stock that runs.
fn running(asked: &Value) -> (World, String) {
    let mut w = world();
    let stock_id = create(&mut w, asked).unwrap();
    rules::start(&mut w, MCHID, &stock_id, NOW).unwrap();
    (w, stock_id)
}

fn send_to(
    w: &mut World,
    stock_id: &str,
    openid: &str,
    number: &str,
    now: u64,
) -> Result<String, Refusal> {
    let new = NewCoupon {
        creator: MCHID,
        sender: MCHID,
        stock_id,
        appid: "wxd678efh567hg6787",
        openid,
        out_request_no: number,
        request: json!([stock_id, openid]),
    };
    send(w, new, now)
}

/// Makes an order and pays it with a coupon.
fn pay(w: &mut World, number: &str, total: u64, coupon_id: &str, now: u64) -> Result<(), Refusal> {
    engine::prepay(w, order(Product::Native, number, total), now).unwrap();
    pay_with(w, MCHID, number, coupon_id, now)
}

fn new_refund(order: &str, number: &str, fen: u64) -> NewRefund {
    NewRefund {
        acting: direct(),
        transaction_id: None,
        out_trade_no: Some(order.to_owned()),
        out_refund_no: number.to_owned(),
        reason: None,
        fen,
        total: Some(100),
        notify_url: None,
        version: Version::V3,
        request: number.into(),
    }
}

fn give_back(w: &mut World, order: &str, number: &str, fen: u64) {
    refund(w, new_refund(order, number, fen), NOW).unwrap();
}

fn state(w: &World, coupon_id: &str, now: u64) -> &'static str {
    w.stores[MCHID]
        .favor
        .coupons
        .get(coupon_id)
        .unwrap()
        .state(now)
}

#[test]
fn stock_goes_through_its_states_only() {
    let mut w = world();
    let id = create(&mut w, &asked()).unwrap();
    let refused = |result: Result<u64, Refusal>| result.unwrap_err().code;
    assert_eq!(
        refused(rules::pause(&mut w, MCHID, &id, NOW)),
        "PARAM_ERROR"
    );
    assert_eq!(
        refused(rules::restart(&mut w, MCHID, &id, NOW)),
        "PARAM_ERROR"
    );
    assert_eq!(
        code(send_to(&mut w, &id, "o1", "n1", NOW)),
        (400, "INVALID_REQUEST")
    );
    assert_eq!(rules::start(&mut w, MCHID, &id, NOW + 1).unwrap(), NOW + 1);
    // The budget is set aside.
    assert_eq!(available(&w, MCHID), OPENING - 90);
    assert_eq!(rules::start(&mut w, MCHID, &id, NOW + 2).unwrap(), NOW + 1);
    assert_eq!(
        refused(rules::restart(&mut w, MCHID, &id, NOW)),
        "PARAM_ERROR"
    );
    assert_eq!(rules::pause(&mut w, MCHID, &id, NOW + 3).unwrap(), NOW + 3);
    assert_eq!(rules::pause(&mut w, MCHID, &id, NOW + 4).unwrap(), NOW + 3);
    assert_eq!(
        code(send_to(&mut w, &id, "o1", "n1", NOW)),
        (400, "INVALID_REQUEST")
    );
    assert_eq!(
        refused(rules::start(&mut w, MCHID, &id, NOW)),
        "PARAM_ERROR"
    );
    assert_eq!(
        rules::restart(&mut w, MCHID, &id, NOW + 5).unwrap(),
        NOW + 5
    );
    send_to(&mut w, &id, "o1", "n1", NOW + 6).unwrap();
    w.run_due(&Default::default(), NOW + 10 * DAY);
    assert_eq!(available(&w, MCHID), OPENING - 90);
    w.run_due(&Default::default(), NOW + 10 * DAY + 1);
    assert_eq!(available(&w, MCHID), OPENING);
    assert_eq!(
        refused(rules::pause(&mut w, MCHID, &id, NOW)),
        "PARAM_ERROR"
    );
    assert!(rules::pause(&mut w, MCHID, "1", NOW).unwrap_err().status == 404);
}

#[test]
fn stock_needs_its_budget_in_the_account() {
    let mut large = asked();
    large["stock_use_rule"]["max_coupons"] = 100.into();
    large["stock_use_rule"]["max_amount"] = 3000.into();
    let mut w = world();
    let id = create(&mut w, &large).unwrap();
    assert_eq!(
        code(rules::start(&mut w, MCHID, &id, NOW)),
        (403, "NOT_ENOUGH")
    );
    assert_eq!(available(&w, MCHID), OPENING);
    large["no_cash"] = true.into();
    // The same number with other parameters.
    assert_eq!(
        create(&mut w, &large).unwrap_err(),
        "RESOURCE_ALREADY_EXISTS"
    );
    let (w, _) = running(&large);
    assert_eq!(available(&w, MCHID), OPENING);
}

#[test]
fn stock_that_breaks_a_rule_is_refused() {
    for (pointer, value, part) in [
        (
            "/stock_use_rule/max_amount",
            json!(91),
            "批次预算等于批次面额乘以发券数",
        ),
        ("/stock_type", json!("DISCOUNT"), "NORMAL"),
        (
            "/available_end_time",
            json!(format_rfc3339(NOW)),
            "available_end_time",
        ),
        (
            "/available_end_time",
            json!("2018-06-18"),
            "输入时间格式错误",
        ),
        (
            "/stock_use_rule/max_coupons_per_user",
            json!(61),
            "from 1 to 60",
        ),
        (
            "/coupon_use_rule/fixed_normal_coupon/transaction_minimum",
            json!(29),
            "at least",
        ),
        ("/stock_name", json!("字".repeat(21)), "字符数 21"),
    ] {
        let mut wrong = asked();
        *wrong.pointer_mut(pointer).unwrap() = value;
        let refused = create(&mut world(), &wrong).unwrap_err();
        assert!(refused.contains(part), "{pointer}: {refused}");
    }
}

#[test]
fn coupons_are_sent_within_the_limits() {
    let (mut w, id) = running(&asked());
    let first = send_to(&mut w, &id, "o1", "n1", NOW).unwrap();
    assert_eq!(send_to(&mut w, &id, "o1", "n1", NOW + 9).unwrap(), first);
    assert_eq!(
        code(send_to(&mut w, &id, "o2", "n1", NOW)),
        (400, "INVALID_REQUEST")
    );
    send_to(&mut w, &id, "o1", "n2", NOW).unwrap();
    let refused = send_to(&mut w, &id, "o1", "n3", NOW).unwrap_err();
    assert_eq!(
        (refused.code, refused.v2_code),
        ("REQUEST_BLOCKED", "USER_AL_GET_COUPON")
    );
    send_to(&mut w, &id, "o2", "n4", NOW).unwrap();
    assert_eq!(
        code(send_to(&mut w, &id, "o3", "n5", NOW)),
        (403, "NOT_ENOUGH")
    );

    let mut daily = asked();
    daily["stock_use_rule"]["max_amount_by_day"] = 30.into();
    let (mut w, id) = running(&daily);
    send_to(&mut w, &id, "o1", "n1", NOW).unwrap();
    assert_eq!(
        code(send_to(&mut w, &id, "o2", "n2", NOW)),
        (403, "NOT_ENOUGH")
    );
    send_to(&mut w, &id, "o2", "n2", NOW + DAY).unwrap();
    let late = send_to(&mut w, &id, "o2", "n3", NOW + 10 * DAY + 1);
    assert_eq!(late.unwrap_err().message, "活动未开始或已结束");
}

#[test]
fn creator_of_a_funded_coupon_pays_it_and_gets_it_back() {
    let (mut w, id) = running(&asked());
    let coupon = send_to(&mut w, &id, "o1", "n1", NOW).unwrap();
    pay(&mut w, "tea-0001", 100, &coupon, NOW).unwrap();
    // It receives 100, and 30 of the 90 that were set aside are spent.
    assert_eq!(available(&w, MCHID), OPENING - 90 + 100);
    assert_eq!(w.stores[MCHID].account.frozen(), 60);
    assert_eq!(state(&w, &coupon, NOW), "USED");
    assert!(pay(&mut w, "tea-0002", 100, &coupon, NOW).is_err());
    let body = engine::by_out_trade_no(&w, MCHID, "tea-0001")
        .unwrap()
        .query_body();
    assert_eq!(body["amount"]["payer_total"], 70);
    assert_eq!(body["payer"]["openid"], "o1");
    assert_eq!(body["promotion_detail"][0]["coupon_id"], coupon);

    give_back(&mut w, "tea-0001", "r1", 50);
    assert_eq!(available(&w, MCHID), OPENING + 10 - 50);
    refund_succeeds(&mut w, MCHID, "r1", NOW).unwrap();
    assert_eq!(available(&w, MCHID), OPENING + 10 - 50 + 15);
    give_back(&mut w, "tea-0001", "r2", 50);
    refund_fails(&mut w, MCHID, "r2", RefundFailure::Closed, NOW).unwrap();
    give_back(&mut w, "tea-0001", "r3", 50);
    refund_succeeds(&mut w, MCHID, "r3", NOW).unwrap();
    // In parts, the coupon stays used, and its money is the creator's.
    assert_eq!(available(&w, MCHID), OPENING - 60);
    assert_eq!(state(&w, &coupon, NOW), "USED");
    let moved: i64 = w.stores[MCHID]
        .account
        .entries()
        .map(|entry| entry.fen)
        .sum();
    assert_eq!(moved, 0);
}

#[test]
fn refund_of_the_whole_order_gives_the_coupon_back() {
    let (mut w, id) = running(&asked());
    let coupon = send_to(&mut w, &id, "o1", "n1", NOW).unwrap();
    pay(&mut w, "tea-0001", 100, &coupon, NOW).unwrap();
    give_back(&mut w, "tea-0001", "r1", 100);
    assert_eq!(state(&w, &coupon, NOW), "USED");
    refund_succeeds(&mut w, MCHID, "r1", NOW).unwrap();
    assert_eq!(state(&w, &coupon, NOW), "SENDED");
    assert_eq!(w.stores[MCHID].account.frozen(), 90);
    pay(&mut w, "tea-0002", 100, &coupon, NOW).unwrap();
    // After its end, it is not given back, and nothing stays set aside.
    give_back(&mut w, "tea-0002", "r2", 100);
    w.run_due(&Default::default(), NOW + 10 * DAY + 1);
    refund_succeeds(&mut w, MCHID, "r2", NOW + 10 * DAY + 2).unwrap();
    assert_eq!(state(&w, &coupon, NOW), "USED");
    let account = &w.stores[MCHID].account;
    assert_eq!((account.available(), account.frozen()), (OPENING, 0));
    let (text, rows) = flow_file(&w.stores[MCHID].favor, &id, true, None);
    assert_eq!(rows, 2);
    assert!(text.ends_with("总条数\r\n`2\r\n"), "{text}");
}

#[test]
fn merchant_of_an_unfunded_coupon_receives_less() {
    let mut unfunded = asked();
    unfunded["no_cash"] = true.into();
    let (mut w, id) = running(&unfunded);
    let coupon = send_to(&mut w, &id, "o1", "n1", NOW).unwrap();
    pay(&mut w, "tea-0001", 100, &coupon, NOW).unwrap();
    assert_eq!(available(&w, MCHID), OPENING + 70);
    give_back(&mut w, "tea-0001", "r1", 100);
    refund_succeeds(&mut w, MCHID, "r1", NOW).unwrap();
    assert_eq!(available(&w, MCHID), OPENING);
    assert_eq!(state(&w, &coupon, NOW), "SENDED");
    assert_eq!(state(&w, &coupon, NOW + 10 * DAY + 1), "EXPIRED");
}

#[test]
fn payment_with_a_coupon_that_is_taken_back_gives_both_back() {
    let (mut w, id) = running(&asked());
    let coupon = send_to(&mut w, &id, "o1", "n1", NOW).unwrap();
    // A code payment that waits for the password can be paid with a coupon, too.
    let new = order(Product::Code, "tea-0001", 100_000);
    engine::code_pay(&mut w, new, "130000000000000001", NOW).unwrap();
    pay_with(&mut w, MCHID, "tea-0001", &coupon, NOW).unwrap();
    engine::reverse(
        &mut w,
        &direct(),
        engine::Number::Merchants("tea-0001"),
        NOW,
    )
    .unwrap();
    assert_eq!(state(&w, &coupon, NOW), "SENDED");
    let account = &w.stores[MCHID].account;
    assert_eq!((account.available(), account.frozen()), (OPENING - 90, 90));
}

#[test]
fn coupon_must_fit_the_order() {
    let mut ruled = asked();
    ruled["coupon_use_rule"]["goods_tag"] = json!(["tea"]);
    ruled["coupon_use_rule"]["coupon_available_time"] = json!({
        "second_day_available": true, "available_time_after_receive": 60,
        "fix_available_time": { "available_week_day": [6], "begin_time": 600 },
    });
    let (mut w, id) = running(&ruled);
    let coupon = send_to(&mut w, &id, "o1", "n1", NOW).unwrap();
    // 2018-06-08 was a Friday; this is the Saturday's midnight.
    let open = midnight_after(NOW) + 600;
    let mut number = 0;
    let mut refused = |total, tag: &str, now| {
        number += 1;
        let mut new = order(Product::Native, &format!("tea-{number:04}"), total);
        new.request["goods_tag"] = tag.into();
        engine::prepay(&mut w, new, now).unwrap();
        let paid = pay_with(&mut w, MCHID, &format!("tea-{number:04}"), &coupon, now);
        paid.err()
            .map(|refusal| refusal.message.into_owned())
            .unwrap_or_default()
    };
    for (total, tag, now, part) in [
        (100, "tea", NOW, "at this time"),
        (100, "tea", open - 1, "at this time"),
        (100, "milk", open, "goods_tag"),
        (99, "tea", open, "transaction_minimum"),
        (100, "tea", open + 3000 + 1, "expired"),
    ] {
        let why = refused(total, tag, now);
        assert!(why.contains(part), "{why} is not {part}");
    }
    assert_eq!(refused(100, "tea", open), "");
    assert_eq!(refused(100, "tea", open), "the coupon was used");
    let stranger = pay_with(&mut w, MCHID, "tea-0001", "1", open);
    assert_eq!(code(stranger), (404, "RESOURCE_NOT_EXISTS"));
    assert!(find(&w, SP_MCHID, MCHID, &id).is_err());
}

#[test]
fn coupon_of_goods_counts_only_those() {
    let mut ruled = asked();
    ruled["coupon_use_rule"]["available_items"] = json!(["a", "b"]);
    let (mut w, id) = running(&ruled);
    let coupon = send_to(&mut w, &id, "o1", "n1", NOW).unwrap();
    let goods = |price: u64| {
        json!({ "goods_detail": [
            { "merchant_goods_id": "a", "quantity": 2, "unit_price": 10 },
            { "merchant_goods_id": "c", "quantity": 1, "unit_price": 500 },
            { "merchant_goods_id": "b", "quantity": 1, "unit_price": price },
        ]})
    };
    for (number, price, is_paid) in [("tea-0001", 79, false), ("tea-0002", 80, true)] {
        let mut new = order(Product::Native, number, 600);
        new.request["detail"] = goods(price);
        engine::prepay(&mut w, new, NOW).unwrap();
        assert_eq!(
            pay_with(&mut w, MCHID, number, &coupon, NOW).is_ok(),
            is_paid
        );
    }
    let body = engine::by_out_trade_no(&w, MCHID, "tea-0002")
        .unwrap()
        .query_body();
    let promotion = &body["promotion_detail"][0];
    assert_eq!(promotion["scope"], "SINGLE");
    let off: Vec<_> = promotion["goods_detail"]
        .as_array()
        .unwrap()
        .iter()
        .map(|goods| {
            (
                goods["goods_id"].as_str().unwrap(),
                goods["discount_amount"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(off, [("a", 20), ("b", 10)]);
}

#[test]
fn goods_of_a_stock_are_added_and_deleted() {
    let mut ruled = asked();
    ruled["coupon_use_rule"]["available_items"] = json!(["a"]);
    let (mut w, id) = running(&ruled);
    let list = |items: &[&str]| {
        items
            .iter()
            .map(|item| (*item).to_owned())
            .collect::<Vec<_>>()
    };
    rules::modify_items(&mut w, MCHID, &id, list(&["b", "a", "c"]), &list(&["a"])).unwrap();
    let items = |w: &World| find(w, MCHID, MCHID, &id).unwrap().new.items.clone();
    assert_eq!(items(&w), ["b", "c"]);
    let none = rules::modify_items(&mut w, MCHID, &id, Vec::new(), &list(&["b", "c"]));
    assert_eq!(code(none), (400, "INVALID_REQUEST"));
    assert_eq!(items(&w), ["b", "c"]);
    let (mut w, id) = running(&asked());
    assert!(rules::modify_items(&mut w, MCHID, &id, list(&["a"]), &[]).is_err());
}

#[test]
fn what_the_merchant_receives_is_what_can_be_shared() {
    let mut unfunded = asked();
    unfunded["no_cash"] = true.into();
    let (mut w, id) = running(&unfunded);
    let coupon = send_to(&mut w, &id, "o1", "n1", NOW).unwrap();
    let mut new = order(Product::Native, "tea-0001", 100);
    new.profit_sharing = true;
    engine::prepay(&mut w, new, NOW).unwrap();
    pay_with(&mut w, MCHID, "tea-0001", &coupon, NOW).unwrap();
    assert_eq!(w.stores[MCHID].account.frozen(), 70);
    give_back(&mut w, "tea-0001", "r1", 100);
    let account = &w.stores[MCHID].account;
    assert_eq!((account.available(), account.frozen()), (OPENING, 0));
}

#[test]
fn creator_pays_for_the_orders_of_another_merchant() {
    let mut shared = asked();
    shared["coupon_use_rule"]["available_merchants"] = json!([SUB_MCHID]);
    let (mut w, id) = running(&shared);
    let coupon = send_to(&mut w, &id, "o1", "n1", NOW).unwrap();
    assert!(pay(&mut w, "tea-0001", 100, &coupon, NOW).is_err());
    let mut new = order(Product::Native, "tea-0002", 100);
    new.acting = partner();
    engine::prepay(&mut w, new, NOW).unwrap();
    pay_with(&mut w, SUB_MCHID, "tea-0002", &coupon, NOW).unwrap();
    assert_eq!(available(&w, SUB_MCHID), OPENING + 100);
    let creator = &w.stores[MCHID].account;
    assert_eq!((creator.available(), creator.frozen()), (OPENING - 90, 60));

    let mut new = new_refund("tea-0002", "r1", 40);
    new.acting = partner();
    refund(&mut w, new, NOW).unwrap();
    refund_succeeds(&mut w, SUB_MCHID, "r1", NOW).unwrap();
    assert_eq!(available(&w, SUB_MCHID), OPENING + 60);
    assert_eq!(available(&w, MCHID), OPENING - 90 + 12);
}
