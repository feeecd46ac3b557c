use serde_json::json;

use super::{contract::terminate, *};
use crate::sandbox::{
    flows::files::bill::{TradeBill, trade_bill},
    flows::payments::{
        pay::{
            engine::{self, NewOrder, Payer, Product, Version},
            tests::{
                self as payments_tests, MCHID, NOW, SUB_MCHID, available, code, direct, order,
                partner,
            },
        },
        refund,
    },
    outbox::Content,
    state::{merchant::Merchants, timers::Timer, world::World},
};

const DAY: u64 = 24 * 3600;

fn world() -> World {
    let mut w = payments_tests::world();
    w.settle_after = Some(60);
    w
}

fn asked(code: &str) -> NewContract {
    NewContract {
        acting: direct(),
        appid: "wxd678efh567hg6787".to_owned(),
        sub_appid: None,
        plan_id: "12535".to_owned(),
        code: code.to_owned(),
        display_account: "张三".to_owned(),
        user: Payer::default(),
        user_code: None,
        serial: None,
        sign_url: Some("https://example.com/sign".to_owned()),
        terminate_url: Some("https://example.com/end".to_owned()),
        schedule: None,
        signed_by: None,
        version: Version::V3,
        request: json!({ "out_contract_code": code }),
    }
}

/// Signs a contract, and returns its ID.
fn signed(w: &mut World, new: NewContract) -> String {
    let (mchid, key) = (new.acting.mchid.clone(), new.key());
    let contract = presign(w, new, NOW).unwrap();
    user_signs(w, &mchid, &key, NOW).unwrap();
    contract.contract_id
}

fn deduction(number: &str, fen: u64) -> NewOrder {
    order(Product::Deduction, number, fen)
}

fn state(w: &World, number: &str) -> &'static str {
    let order = engine::by_out_trade_no(w, MCHID, number);
    order.unwrap().trade_state()
}

fn contract<'a>(w: &'a World, id: &str) -> &'a Contract {
    by_id(w, &direct(), id).unwrap()
}

fn run_until(w: &mut World, now: u64) {
    w.run_due(&Merchants::default(), now);
}

fn body_state(w: &World, id: &str, now: u64) -> String {
    let body = contract(w, id).body(now);
    body["contract_state"].as_str().unwrap().to_owned()
}

#[test]
fn contract_is_signed_once_and_terminated_once() {
    let mut w = world();
    let first = presign(&mut w, asked("c1"), NOW).unwrap();
    let again = presign(&mut w, asked("c1"), NOW + 9).unwrap();
    assert_eq!(first.presign_id, again.presign_id);
    let mut other = asked("c1");
    other.display_account = "李四".to_owned();
    assert_eq!(code(presign(&mut w, other, NOW)), (400, "INVALID_REQUEST"));
    // Nobody has signed yet.
    let unsigned = by_code(&w, &direct(), "12535", "c1").err();
    assert_eq!(
        unsigned.map(|refusal| refusal.v2_code),
        Some("CONTRACT_NOT_EXIST")
    );
    let key = key_of(&w, MCHID, "c1").unwrap();
    assert!(user_terminates(&mut w, MCHID, &key, NOW).is_err());
    user_signs(&mut w, MCHID, &key, NOW).unwrap();
    assert!(user_signs(&mut w, MCHID, &key, NOW).is_err());
    assert_eq!(first.contract_id.len(), 18);
    assert!(first.contract_id.starts_with("20180608"));
    assert_eq!(body_state(&w, &first.contract_id, NOW), "SIGNED");

    for _ in 0..2 {
        let ended = terminate_as_merchant(&mut w, MCHID, &key, "到期", NOW + 1).unwrap();
        let info = &ended.body(NOW)["contract_terminate_info"];
        assert_eq!(info["contract_termination_mode"], "MCH_API_TERMINATE");
        assert_eq!(info["contract_termination_remark"], "到期");
    }
    assert!(user_terminates(&mut w, MCHID, &key, NOW).is_err());
    assert_eq!(body_state(&w, &first.contract_id, NOW), "TERMINATED");
}

#[test]
fn code_is_unique_in_its_plan_and_of_its_merchant() {
    let mut w = world();
    signed(&mut w, asked("c1"));
    let mut of_other_plan = asked("c1");
    of_other_plan.plan_id = "12536".to_owned();
    signed(&mut w, of_other_plan);
    assert!(key_of(&w, MCHID, "c1").is_err());
    assert!(by_code(&w, &direct(), "12537", "c1").is_err());

    let mut of_sub_merchant = asked("c1");
    of_sub_merchant.acting = partner();
    let id = signed(&mut w, of_sub_merchant);
    assert!(key_of(&w, SUB_MCHID, "c1").is_ok());
    // Its own requests do not find what the service provider made.
    let mut alone = partner();
    alone.sp_mchid = None;
    assert!(by_id(&w, &alone, &id).is_err());
    let body = by_id(&w, &partner(), &id).unwrap().body(NOW);
    assert_eq!(body["sub_mchid"], SUB_MCHID);
    assert!(body["sp_openid"].is_string() && body.get("openid").is_none());
}

#[test]
fn contract_expires() {
    let mut w = world();
    let id = signed(&mut w, asked("c1"));
    run_until(&mut w, NOW + contract::LIFETIME - 1);
    assert_eq!(body_state(&w, &id, NOW), "SIGNED");
    // A timer of an earlier contract with this code changes nothing.
    let key = key_of(&w, MCHID, "c1").unwrap();
    let early = Timer {
        mchid: MCHID.to_owned(),
        key: key.clone(),
        fire: |w, _, timer, now| contract::expire(w, &timer.mchid, &timer.key, now),
    };
    w.after(NOW + 1, early);
    run_until(&mut w, NOW + contract::LIFETIME - 1);
    assert_eq!(body_state(&w, &id, NOW), "SIGNED");
    run_until(&mut w, NOW + contract::LIFETIME);
    let body = contract(&w, &id).body(NOW);
    assert_eq!(
        body["contract_terminate_info"]["contract_termination_mode"],
        "SYSTEM_TERMINATE"
    );
}

#[test]
fn deduction_is_an_order_of_the_contracts_user() {
    let mut w = world();
    let before = available(&w, MCHID);
    let id = signed(&mut w, asked("c1"));
    deduct(&mut w, deduction("tea-0001", 100), &id, NOW).unwrap();
    assert_eq!(
        (state(&w, "tea-0001"), available(&w, MCHID)),
        ("ACCEPT", before)
    );
    // Again is the same one; with another amount it is not.
    deduct(&mut w, deduction("tea-0001", 100), &id, NOW).unwrap();
    let other = deduct(&mut w, deduction("tea-0001", 101), &id, NOW);
    assert_eq!(code(other), (403, "OUT_TRADE_NO_USED"));

    run_until(&mut w, NOW + 60);
    assert_eq!(
        (state(&w, "tea-0001"), available(&w, MCHID)),
        ("SUCCESS", before + 100)
    );
    let openid = contract(&w, &id).body(NOW)["openid"].clone();
    let paid = engine::by_out_trade_no(&w, MCHID, "tea-0001").unwrap();
    assert_eq!(paid.payment().unwrap().openid, openid);
    let again = deduct(&mut w, deduction("tea-0001", 100), &id, NOW);
    assert_eq!(code(again), (400, "ORDERPAID"));
    // Its money can be given back like that of any order.
    let refund = refund::NewRefund {
        acting: direct(),
        transaction_id: None,
        out_trade_no: Some("tea-0001".to_owned()),
        out_refund_no: "r1".to_owned(),
        reason: None,
        fen: 40,
        total: Some(100),
        notify_url: None,
        version: Version::V3,
        request: json!({}),
    };
    refund::refund(&mut w, refund, NOW + 61).unwrap();
    assert_eq!(available(&w, MCHID), before + 60);
    let bill = trade_bill(&w, MCHID, None, "2018-06-08", TradeBill::All).unwrap();
    let of_order = bill.lines().filter(|row| row.contains("`tea-0001,"));
    assert_eq!(of_order.filter(|row| row.contains("`PAP,")).count(), 2);
}

#[test]
fn deduction_needs_a_contract_in_force() {
    let mut w = world();
    let id = signed(&mut w, asked("c1"));
    let refused = |w: &mut World, new, id: &str| deduct(w, new, id, NOW).unwrap_err();
    let unknown = refused(&mut w, deduction("tea-0001", 1), "201806080000000000");
    assert_eq!(
        (unknown.status, unknown.v2_code),
        (404, "CONTRACT_NOT_EXIST")
    );
    let mut of_other_app = deduction("tea-0001", 1);
    of_other_app.appid = "wx2".to_owned();
    assert_eq!(refused(&mut w, of_other_app, &id).status, 404);

    // One that was accepted before fails.
    deduct(&mut w, deduction("tea-0002", 1), &id, NOW).unwrap();
    let key = key_of(&w, MCHID, "c1").unwrap();
    user_terminates(&mut w, MCHID, &key, NOW).unwrap();
    let ended = refused(&mut w, deduction("tea-0001", 1), &id);
    assert_eq!((ended.status, ended.v2_code), (400, "CONTRACT_NOT_EXIST"));
    run_until(&mut w, NOW + 60);
    assert_eq!(state(&w, "tea-0002"), "PAYERROR");
    assert!(engine::by_out_trade_no(&w, MCHID, "tea-0001").is_err());
}

#[test]
fn periodic_deduction_needs_one_notice_each() {
    let mut w = world();
    let id = signed(&mut w, asked("c1"));
    let appid = &asked("c1").appid;
    let notify =
        |w: &mut World, fen, now| pre_notice::notify(w, &direct(), appid, &id, (fen, Some(1)), now);
    let on = |days: u64| NOW + days * DAY;
    let unnoticed = deduct(&mut w, deduction("tea-0001", 100), &id, on(1));
    assert_eq!(code(unnoticed), (403, "RULE_LIMIT"));
    notify(&mut w, 100, on(1)).unwrap();
    assert_eq!(code(notify(&mut w, 100, on(2))), (400, "INVALID_REQUEST"));
    let early = deduct(&mut w, deduction("tea-0001", 100), &id, on(2));
    assert_eq!(code(early), (403, "RULE_LIMIT"));
    deduct(&mut w, deduction("tea-0001", 99), &id, on(3)).unwrap();
    // Not two at once: both could succeed.
    let second = deduct(&mut w, deduction("tea-0002", 99), &id, on(3));
    assert_eq!(code(second), (403, "RULE_LIMIT"));

    // A failure can be tried again, with the same number or with another one.
    let no_failure = pre_notice::notify_failure(&mut w, &direct(), appid, &id);
    assert!(no_failure.is_err());
    engine::fail(&mut w, MCHID, "tea-0001").unwrap();
    assert_eq!(state(&w, "tea-0001"), "PAYERROR");
    pre_notice::notify_failure(&mut w, &direct(), appid, &id).unwrap();
    deduct(&mut w, deduction("tea-0001", 99), &id, on(3)).unwrap();
    assert_eq!(state(&w, "tea-0001"), "ACCEPT");
    engine::pay(&mut w, MCHID, "tea-0001", Payer::default(), on(3)).unwrap();
    // The period is over with it.
    let third = deduct(&mut w, deduction("tea-0003", 1), &id, on(3));
    assert_eq!(code(third), (403, "RULE_LIMIT"));
    notify(&mut w, 100, on(3)).unwrap();
    let unscheduled = pre_notice::schedule(&mut w, &direct(), appid, &id, 100, on(3));
    assert!(unscheduled.is_err());
}

#[test]
fn scheduled_deduction_ends_its_contract() {
    let mut w = world();
    let appid = &asked("c1").appid;
    let mut new = asked("c1");
    new.schedule = Some(Schedule::new(period::day(NOW) + 3, 100));
    let mut unpaid = new.clone();
    unpaid.code = "c2".to_owned();
    let (id, unpaid) = (signed(&mut w, new), signed(&mut w, unpaid));
    let (eve, of_day) = (NOW + 2 * DAY, NOW + 3 * DAY);
    let notice = pre_notice::notify(&mut w, &direct(), appid, &id, (100, None), NOW);
    assert_eq!(code(notice), (400, "INVALID_REQUEST"));
    let body = pre_notice::schedule(&mut w, &direct(), appid, &id, 100, eve);
    let body = body.unwrap().schedule_body(eve).unwrap();
    assert_eq!(
        body,
        json!({
            "schedule_state": "SCHEDULED",
            "scheduled_amount": { "total": 100, "currency": "CNY" },
            "deduct_start_date": "2018-06-11",
            "deduct_end_date": "2018-06-11",
        })
    );
    deduct(&mut w, deduction("tea-0001", 100), &id, of_day).unwrap();
    run_until(&mut w, of_day + 60);
    let body = contract(&w, &id).body(of_day);
    assert_eq!(body["contract_state"], "TERMINATED");
    assert_eq!(body["deduct_schedule"]["schedule_state"], "PAID");
    assert_eq!(body["deduct_schedule"]["deduct_date"], "2018-06-11");
    assert_eq!(
        contract(&w, &id).notice_body(of_day)["deduct_schedule"]["deduct_amount"],
        json!({ "amount": 100, "currency": "CNY" })
    );

    // 2018-06-12T08:00:00+08:00
    let end = 1_528_761_600;
    run_until(&mut w, end - 1);
    assert_eq!(body_state(&w, &unpaid, end), "SIGNED");
    run_until(&mut w, end);
    assert_eq!(body_state(&w, &unpaid, end), "TERMINATED");
    let body = contract(&w, &unpaid).body(end);
    assert_eq!(body["deduct_schedule"]["schedule_state"], "EXPIRED");
}

#[test]
fn payment_signs_its_contract() {
    let mut w = world();
    let new = |code: &str, number: &str| NewContract {
        signed_by: Some(number.to_owned()),
        ..asked(code)
    };
    let prepay = |w: &mut World, contract, number: &str, fen| {
        pay_and_sign(w, order(Product::Jsapi, number, fen), contract, NOW)
    };
    let codes = prepay(&mut w, new("c1", "tea-0001"), "tea-0001", 100).unwrap();
    let again = prepay(&mut w, new("c1", "tea-0001"), "tea-0001", 100).unwrap();
    assert_eq!(codes, again);
    let key = key_of(&w, MCHID, "c1").unwrap();
    assert!(user_signs(&mut w, MCHID, &key, NOW).is_err());
    assert!(by_code(&w, &direct(), "12535", "c1").is_err());
    engine::pay(&mut w, MCHID, "tea-0001", Payer::default(), NOW).unwrap();
    let signed = by_code(&w, &direct(), "12535", "c1").unwrap();
    let paid = engine::by_out_trade_no(&w, MCHID, "tea-0001").unwrap();
    assert_eq!(signed.body(NOW)["openid"], paid.payment().unwrap().openid);

    // Both or neither: the contract of a refused order does not stay.
    let used = prepay(&mut w, new("c2", "tea-0001"), "tea-0001", 100);
    assert_eq!(code(used), (400, "ORDERPAID"));
    assert!(!has_code(&w.stores[MCHID], "c2"));
    let used = prepay(&mut w, new("c1", "tea-0002"), "tea-0002", 100);
    assert_eq!(code(used), (400, "INVALID_REQUEST"));
    assert!(engine::by_out_trade_no(&w, MCHID, "tea-0002").is_err());
}

#[test]
fn contract_in_force_is_never_dropped() {
    let mut w = world();
    let id = signed(&mut w, asked("c0"));
    for n in 1..=MAX_CONTRACTS {
        presign(&mut w, asked(&format!("c{n}")), NOW).unwrap();
    }
    assert!(by_id(&w, &direct(), &id).is_ok());
    assert!(!has_code(&w.stores[MCHID], "c1"));
}

#[test]
fn apiv2_notices_have_the_documented_fields() {
    let mut w = world();
    let mut new = asked("c1");
    new.version = Version::V2 { hmac: false };
    new.serial = Some("1000".to_owned());
    let id = signed(&mut w, new);
    let key = key_of(&w, MCHID, "c1").unwrap();
    terminate(&mut w, MCHID, &key, TerminatedBy::User, None, NOW + 1).unwrap();
    let contract = contract(&w, &id);
    let notice = notice::terminated(contract, NOW).unwrap();
    assert_eq!(notice.url, "https://example.com/end");
    let Content::V2 { fields, .. } = notice.content else {
        panic!("of the version of the request");
    };
    for (name, value) in [
        ("mch_id", MCHID),
        ("contract_code", "c1"),
        ("plan_id", "12535"),
        ("change_type", "DELETE"),
        ("operate_time", "2018-06-08 10:34:57"),
        ("contract_termination_mode", "2"),
        ("request_serial", "1000"),
        ("contract_id", &id),
    ] {
        assert_eq!(fields[name], value, "{name}");
    }
}
