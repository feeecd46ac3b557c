//! The rules of coupons of merchants, without a server.

use serde_json::{Value, json};

use super::{coupons::*, stocks::Budget, *};
use crate::sandbox::{
    checks::fields::Fields,
    dispatch::refusal::Refusal,
    flows::{
        marketing::days::{DAY, midnight_after},
        payments::pay::tests::{MCHID, NOW, SP_MCHID, SUB_MCHID, code, world},
    },
    state::world::World,
    time::format_rfc3339,
};

fn asked(mode: &str) -> Value {
    json!({
        "stock_name": "八月活动", "belong_merchant": MCHID, "goods_name": "茶", "stock_type": "NORMAL",
        "coupon_use_rule": {
            "coupon_available_time": {
                "available_begin_time": format_rfc3339(NOW),
                "available_end_time": format_rfc3339(NOW + 30 * DAY),
            },
            "fixed_normal_coupon": { "discount_amount": 5, "transaction_minimum": 100 },
            "use_method": "OFF_LINE",
        },
        "stock_send_rule": { "max_coupons": 3, "max_coupons_per_user": 2 },
        "out_request_no": "s1", "coupon_code_mode": mode,
    })
}

fn stock(asked: &Value) -> Result<Stock, Value> {
    let fields = Fields::of_body(asked.as_object().unwrap());
    read::new_stock(&fields, MCHID, NOW).map_err(|refused| refused.body_json()["message"].clone())
}

fn made(asked: &Value) -> (World, String) {
    let mut w = world();
    let body = stocks::create(&mut w, stock(asked).unwrap()).unwrap();
    (w, body["stock_id"].as_str().unwrap().to_owned())
}

fn tables(w: &mut World) -> &mut Tables {
    &mut w.store(MCHID).busifavor
}

fn send_to(w: &mut World, id: &str, openid: &str, given: Option<&str>) -> Result<String, Refusal> {
    let new = NewCoupon {
        sender: MCHID,
        stock_id: id,
        openid,
        appid: "wx1",
        out_request_no: "n1",
        code: given,
    };
    let body = send(w, &new, NOW)?;
    Ok(body["coupon_code"].as_str().unwrap().to_owned())
}

fn used(w: &mut World, id: &str, code: &str, now: u64) -> Result<Value, Refusal> {
    use_coupon(tables(w), (id, code), None, "u1", now)
}

fn state(w: &mut World, id: &str, code: &str, now: u64) -> &'static str {
    tables(w).coupons.get(&key(id, code)).unwrap().state(now)
}

#[test]
fn coupon_goes_through_its_states_only() {
    let (mut w, id) = made(&asked("WECHATPAY_MODE"));
    let first = send_to(&mut w, &id, "o1", None).unwrap();
    let coupon = (&id[..], &first[..]);
    let refused = |result: Result<Value, Refusal>| code(result);
    let invalid = (400, "INVALID_REQUEST");
    assert_eq!(refused(give_back(tables(&mut w), coupon, NOW)), invalid);
    let stranger = use_coupon(tables(&mut w), coupon, Some("o2"), "u1", NOW);
    assert_eq!(refused(stranger), invalid);
    used(&mut w, &id, &first, NOW).unwrap();
    assert_eq!(state(&mut w, &id, &first, NOW), "USED");
    assert_eq!(refused(used(&mut w, &id, &first, NOW)), invalid);
    assert_eq!(refused(deactivate(tables(&mut w), coupon, NOW)), invalid);
    assert_eq!(
        refused(associate(tables(&mut w), coupon, "tea-1", NOW)),
        invalid
    );
    give_back(tables(&mut w), coupon, NOW).unwrap();
    assert_eq!(state(&mut w, &id, &first, NOW), "SENDED");
    deactivate(tables(&mut w), coupon, NOW).unwrap();
    assert_eq!(state(&mut w, &id, &first, NOW), "DEACTIVATED");
    assert_eq!(refused(used(&mut w, &id, &first, NOW)), invalid);
    assert_eq!(refused(give_back(tables(&mut w), coupon, NOW)), invalid);

    let second = send_to(&mut w, &id, "o1", None).unwrap();
    let late = NOW + 30 * DAY + 1;
    assert_eq!(state(&mut w, &id, &second, late), "EXPIRED");
    assert_eq!(refused(used(&mut w, &id, &second, late)), invalid);
    used(&mut w, &id, &second, late - 1).unwrap();
    w.run_due(&Default::default(), late);
    assert_eq!(state(&mut w, &id, &second, late), "USED");
    give_back(tables(&mut w), (&id, &second), late).unwrap();
    assert_eq!(state(&mut w, &id, &second, NOW), "EXPIRED");
    assert_eq!(
        refused(used(&mut w, &id, "1", NOW)),
        (404, "RESOURCE_NOT_EXISTS")
    );
}

#[test]
fn order_is_associated_once_and_by_its_number() {
    let (mut w, id) = made(&asked("WECHATPAY_MODE"));
    let sent = send_to(&mut w, &id, "o1", None).unwrap();
    let coupon = (&id[..], &sent[..]);
    assert!(disassociate(tables(&mut w), coupon, "tea-1", NOW).is_err());
    associate(tables(&mut w), coupon, "tea-1", NOW).unwrap();
    associate(tables(&mut w), coupon, "tea-1", NOW).unwrap();
    assert!(associate(tables(&mut w), coupon, "tea-2", NOW).is_err());
    assert!(disassociate(tables(&mut w), coupon, "tea-2", NOW).is_err());
    disassociate(tables(&mut w), coupon, "tea-1", NOW).unwrap();
    associate(tables(&mut w), coupon, "tea-2", NOW).unwrap();
}

#[test]
fn coupons_are_sent_within_the_limits_and_by_the_mode() {
    let (mut w, id) = made(&asked("MERCHANT_API"));
    assert_eq!(
        code(send_to(&mut w, &id, "o1", None)),
        (400, "INVALID_REQUEST")
    );
    assert_eq!(
        code(send_to(&mut w, &id, "o1", Some("a b"))),
        (400, "INVALID_REQUEST")
    );
    assert_eq!(send_to(&mut w, &id, "o1", Some("a1")).unwrap(), "a1");
    let again = send_to(&mut w, &id, "o2", Some("a1")).unwrap_err();
    assert!(again.message.contains("已存在"), "{again:?}");
    send_to(&mut w, &id, "o1", Some("a2")).unwrap();
    assert_eq!(
        code(send_to(&mut w, &id, "o1", Some("a3"))),
        (403, "RULE_LIMIT")
    );
    send_to(&mut w, &id, "o2", Some("a3")).unwrap();
    assert_eq!(
        code(send_to(&mut w, &id, "o3", Some("a4"))),
        (403, "NOT_ENOUGH")
    );
    let (mut w, id) = made(&asked("WECHATPAY_MODE"));
    assert_eq!(
        code(send_to(&mut w, &id, "o1", Some("a1"))),
        (400, "INVALID_REQUEST")
    );
    let body = codes::upload(tables(&mut w), &id, &["a1".to_owned()], NOW);
    assert_eq!(body.unwrap_err().message, "发券模式不合法");
}

#[test]
fn uploaded_codes_are_given_out_in_their_order() {
    let (mut w, id) = made(&asked("MERCHANT_UPLOAD"));
    assert_eq!(code(send_to(&mut w, &id, "o1", None)), (403, "NOT_ENOUGH"));
    let list = ["a1", "a2", "a1", "a 3", "a4"].map(str::to_owned);
    let body = codes::upload(tables(&mut w), &id, &list, NOW).unwrap();
    assert_eq!(
        (&body["total_count"], &body["success_count"]),
        (&json!(5), &json!(3))
    );
    assert_eq!(body["duplicate_codes"], json!(["a1"]));
    assert_eq!(body["fail_codes"][0]["coupon_code"], "a 3");
    let body = codes::upload(tables(&mut w), &id, &list[..1], NOW).unwrap();
    assert_eq!(body["exist_codes"], json!(["a1"]));
    assert_eq!(send_to(&mut w, &id, "o1", None).unwrap(), "a1");
    let taken = codes::delete(tables(&mut w), &id, "a1", NOW);
    assert_eq!(code(taken), (400, "INVALID_REQUEST"));
    codes::delete(tables(&mut w), &id, "a2", NOW).unwrap();
    assert_eq!(send_to(&mut w, &id, "o1", None).unwrap(), "a4");
}

#[test]
fn budget_changes_from_what_it_is() {
    let (mut w, id) = made(&asked("WECHATPAY_MODE"));
    send_to(&mut w, &id, "o1", None).unwrap();
    send_to(&mut w, &id, "o1", None).unwrap();
    let mut change = |target, current| {
        let stock = tables(&mut w).stock_mut(&id).unwrap();
        stocks::change_budget(stock, Some(Budget { target, current }), None)
    };
    assert!(change(5, 4).is_err());
    assert!(change(1, 3).is_err());
    assert_eq!(change(2, 3).unwrap()["max_coupons"], 2);
    assert_eq!(code(send_to(&mut w, &id, "o2", None)), (403, "NOT_ENOUGH"));
}

#[test]
fn times_of_a_coupon_follow_its_stock() {
    let midnight = midnight_after(NOW);
    for (rule, begin, end) in [
        (json!({}), NOW, NOW + 30 * DAY),
        (
            json!({ "available_day_after_receive": 1 }),
            NOW,
            midnight - 1,
        ),
        (
            json!({ "available_day_after_receive": 3 }),
            NOW,
            midnight + 2 * DAY - 1,
        ),
        (
            json!({ "available_second_after_receive": 60 }),
            NOW,
            NOW + 60,
        ),
        (
            json!({ "wait_days_after_receive": 2, "available_day_after_receive": 1 }),
            midnight + DAY,
            midnight + 2 * DAY - 1,
        ),
        (
            json!({ "available_day_after_receive": 365 }),
            NOW,
            NOW + 30 * DAY,
        ),
    ] {
        let mut ruled = asked("WECHATPAY_MODE");
        let time = ruled
            .pointer_mut("/coupon_use_rule/coupon_available_time")
            .unwrap();
        time.as_object_mut()
            .unwrap()
            .extend(rule.as_object().unwrap().clone());
        assert_eq!(
            stock(&ruled).unwrap().times_of_coupon(NOW),
            (begin, end),
            "{rule}"
        );
    }
    let mut ruled = asked("WECHATPAY_MODE");
    ruled["coupon_use_rule"]["coupon_available_time"]["available_week"] = json!({
        "week_day": [6], "available_day_time": [{ "begin_time": 60, "end_time": 119 }],
    });
    let stock = stock(&ruled).unwrap();
    // The midnight is that of a Saturday.
    for (at, is_open) in [
        (59, false),
        (60, true),
        (119, true),
        (120, false),
        (DAY + 60, false),
    ] {
        assert_eq!(stock.is_open(midnight + at), is_open, "{at}");
    }
}

#[test]
fn stock_that_breaks_a_rule_is_refused() {
    for (pointer, value, part) in [
        ("/stock_type", json!("RANDOM"), "NORMAL"),
        ("/stock_type", json!("DISCOUNT"), "discount_coupon"),
        ("/coupon_code_mode", json!("X"), "MERCHANT_UPLOAD"),
        (
            "/stock_send_rule/max_coupons_per_user",
            json!(101),
            "from 1 to 100",
        ),
        (
            "/coupon_use_rule/coupon_available_time/available_end_time",
            json!(format_rfc3339(NOW)),
            "future",
        ),
    ] {
        let mut wrong = asked("WECHATPAY_MODE");
        *wrong.pointer_mut(pointer).unwrap() = value;
        let refused = stock(&wrong).unwrap_err();
        assert!(
            refused.as_str().unwrap().contains(part),
            "{pointer}: {refused}"
        );
    }
    let mut w = world();
    let mut other = stock(&asked("WECHATPAY_MODE")).unwrap();
    other.belong = SUB_MCHID.to_owned();
    assert_eq!(
        stocks::create(&mut w, other.clone()).unwrap_err().message,
        "商户票据校验失败"
    );
    // A service provider makes stocks for its own merchants.
    other.creator = SP_MCHID.to_owned();
    let body = stocks::create(&mut w, other).unwrap();
    let id = body["stock_id"].as_str().unwrap();
    for (signer, is_theirs) in [(SP_MCHID, true), (SUB_MCHID, true), (MCHID, false)] {
        assert_eq!(stocks::creator_of(&w, signer, id).is_ok(), is_theirs);
    }
}
