//! The rules of refunds, without a server.

use serde_json::json;

use super::{engine::*, *};
use crate::sandbox::{
    dispatch::refusal::Refusal,
    flows::payments::pay::{
        engine as pay,
        tests::{MCHID, NOW, OPENING, available, code, direct, order, paid, partner, world},
    },
    outbox::Content,
    state::world::World,
};

fn new(out_refund_no: &str, fen: u64) -> NewRefund {
    NewRefund {
        acting: direct(),
        transaction_id: None,
        out_trade_no: Some("tea-0001".to_owned()),
        out_refund_no: out_refund_no.to_owned(),
        reason: None,
        fen,
        total: Some(100),
        notify_url: Some("https://example.com/refunds".to_owned()),
        version: Version::V3,
        request: json!({ "fen": fen }),
    }
}

fn part(w: &mut World, number: &str, fen: u64) -> Result<Refund, Refusal> {
    refund(w, new(number, fen), NOW)
}

fn trade_state(w: &World) -> &'static str {
    pay::by_out_trade_no(w, MCHID, "tea-0001")
        .unwrap()
        .trade_state()
}

#[test]
fn parts_add_up_to_the_total_and_no_more() {
    let mut w = world();
    paid(&mut w, "tea-0001", 100);
    assert_eq!(part(&mut w, "r1", 60).unwrap().status, Status::Processing);
    assert_eq!(available(&w, MCHID), OPENING + 40);
    assert_eq!(trade_state(&w), "SUCCESS");
    assert_eq!(code(part(&mut w, "r2", 41)), (400, "INVALID_REQUEST"));
    part(&mut w, "r2", 40).unwrap();
    let refused = part(&mut w, "r3", 1).unwrap_err();
    assert_eq!(refused.message, "订单已全额退款");
    assert_eq!(available(&w, MCHID), OPENING);

    refund_succeeds(&mut w, MCHID, "r1", NOW + 5).unwrap();
    assert_eq!(trade_state(&w), "REFUND");
    let order = pay::by_out_trade_no(&w, MCHID, "tea-0001").unwrap();
    let refunds: Vec<_> = refunds_of(&w, order).iter().map(|r| r.asked.fen).collect();
    assert_eq!(refunds, [60, 40]);
    assert!(refund_succeeds(&mut w, MCHID, "r1", NOW).is_err());
    assert_eq!(available(&w, MCHID), OPENING);
}

#[test]
fn order_has_at_most_50_refunds() {
    let mut w = world();
    paid(&mut w, "tea-0001", 100);
    for n in 1..=50 {
        part(&mut w, &format!("r{n}"), 1).unwrap();
    }
    let refused = part(&mut w, "r51", 1).unwrap_err();
    assert!(refused.message.contains("50"), "{refused:?}");
    assert_eq!(available(&w, MCHID), OPENING + 50);
}

#[test]
fn same_number_is_the_same_refund_only_with_the_same_parameters() {
    let mut w = world();
    paid(&mut w, "tea-0001", 100);
    let first = part(&mut w, "r1", 10).unwrap();
    refund_succeeds(&mut w, MCHID, "r1", NOW).unwrap();
    let again = part(&mut w, "r1", 10).unwrap();
    assert_eq!(again.refund_id, first.refund_id);
    assert_eq!(again.status, Status::Success(NOW));
    let other = part(&mut w, "r1", 11).unwrap_err();
    assert_eq!((other.status, other.code), (400, "INVALID_REQUEST"));
    assert!(other.message.contains("不一致"));
    assert_eq!(available(&w, MCHID), OPENING + 90);
}

#[test]
fn refund_needs_a_paid_order_of_this_total_and_the_money() {
    let mut w = world();
    assert_eq!(code(part(&mut w, "r1", 1)), (404, "RESOURCE_NOT_EXISTS"));
    pay::prepay(&mut w, order(pay::Product::Native, "tea-0001", 100), NOW).unwrap();
    assert_eq!(code(part(&mut w, "r1", 1)), (404, "RESOURCE_NOT_EXISTS"));
    pay::pay(&mut w, MCHID, "tea-0001", pay::Payer::default(), NOW).unwrap();
    let mut other_total = new("r1", 1);
    other_total.total = Some(99);
    let refused = refund(&mut w, other_total, NOW).unwrap_err();
    assert_eq!(refused.v2_code, "REFUND_FEE_MISMATCH");
    let mut of_another = new("r1", 1);
    of_another.acting = partner();
    assert_eq!(
        code(refund(&mut w, of_another, NOW)),
        (404, "RESOURCE_NOT_EXISTS")
    );
    let year = 365 * 24 * 3600;
    assert_eq!(
        code(refund(&mut w, new("r1", 1), NOW + year + 1)),
        (400, "INVALID_REQUEST")
    );

    w.store(MCHID).account.freeze(OPENING + 50).unwrap();
    assert_eq!(code(part(&mut w, "r1", 51)), (403, "NOT_ENOUGH"));
    // A refused refund leaves nothing behind.
    assert!(find_refund(&w, &direct(), RefundNumber::Merchants("r1")).is_err());
    part(&mut w, "r1", 50).unwrap();
    assert_eq!(available(&w, MCHID), 0);
}

#[test]
fn refund_under_way_is_not_dropped_for_a_new_one() {
    let mut w = world();
    paid(&mut w, "tea-0001", 100);
    let first = part(&mut w, "r0", 10).unwrap();
    let refunds = &mut w.store(MCHID).refund.refunds;
    for n in 1..MAX_REFUNDS {
        let status = if n % 2 == 0 {
            Status::Abnormal
        } else {
            Status::Processing
        };
        let known = Refund {
            status,
            ..first.clone()
        };
        refunds.insert(format!("r{n}"), known);
    }
    assert_eq!(code(part(&mut w, "new", 10)), (429, "FREQUENCY_LIMITED"));
    assert_eq!(available(&w, MCHID), OPENING + 90);
    let find = |w: &World, number| {
        let number = RefundNumber::Merchants(number);
        find_refund(w, &direct(), number).is_ok()
    };
    assert!(find(&w, "r0") && !find(&w, "new"));

    refund_succeeds(&mut w, MCHID, "r7", NOW).unwrap();
    part(&mut w, "new", 10).unwrap();
    assert!(find(&w, "r0") && find(&w, "new") && !find(&w, "r7"));
    assert_eq!(available(&w, MCHID), OPENING + 80);
}

#[test]
fn refund_takes_frozen_money_of_its_order_first() {
    let mut w = world();
    let mut shared = order(pay::Product::Native, "tea-0001", 100);
    shared.profit_sharing = true;
    pay::prepay(&mut w, shared, NOW).unwrap();
    pay::pay(&mut w, MCHID, "tea-0001", pay::Payer::default(), NOW).unwrap();
    part(&mut w, "r1", 30).unwrap();
    let account = &w.stores[MCHID].account;
    assert_eq!((account.available(), account.frozen()), (OPENING, 70));
    assert_eq!(pay::unfreeze(&mut w, MCHID, "tea-0001").unwrap(), 70);
}

#[test]
fn closed_refund_gives_the_money_back() {
    let mut w = world();
    paid(&mut w, "tea-0001", 100);
    part(&mut w, "r1", 100).unwrap();
    refund_fails(&mut w, MCHID, "r1", RefundFailure::Closed, NOW).unwrap();
    assert_eq!(available(&w, MCHID), OPENING + 100);
    assert_eq!(trade_state(&w), "SUCCESS");
    assert!(refund_fails(&mut w, MCHID, "r1", RefundFailure::Closed, NOW).is_err());
    part(&mut w, "r2", 100).unwrap();
    assert_eq!(available(&w, MCHID), OPENING);
}

#[test]
fn abnormal_refund_is_sent_elsewhere() {
    let mut w = world();
    paid(&mut w, "tea-0001", 100);
    let id = part(&mut w, "r1", 100).unwrap().refund_id;
    let again = |w: &mut World| refund_again(w, &direct(), &id, "银行卡0403", NOW);
    assert_eq!(code(again(&mut w)), (400, "INVALID_REQUEST"));
    refund_fails(&mut w, MCHID, "r1", RefundFailure::Abnormal, NOW).unwrap();
    assert_eq!(available(&w, MCHID), OPENING);
    let body = again(&mut w).unwrap().body();
    assert_eq!(body["status"], "PROCESSING");
    assert_eq!(body["user_received_account"], "银行卡0403");
    refund_succeeds(&mut w, MCHID, "r1", NOW).unwrap();
    assert_eq!(trade_state(&w), "REFUND");
    assert_eq!(available(&w, MCHID), OPENING);
}

#[test]
fn refund_succeeds_on_its_own_after_a_while() {
    let mut w = world();
    w.settle_after = Some(60);
    paid(&mut w, "tea-0001", 100);
    part(&mut w, "r1", 10).unwrap();
    let status = |w: &World| {
        find_refund(w, &direct(), RefundNumber::Merchants("r1"))
            .unwrap()
            .status
    };
    let merchants = crate::sandbox::state::merchant::Merchants::default();
    w.run_due(&merchants, NOW + 59);
    assert_eq!(status(&w), Status::Processing);
    w.run_due(&merchants, NOW + 600);
    assert_eq!(status(&w), Status::Success(NOW + 60));
}

#[test]
fn each_end_has_its_notification() {
    let mut w = world();
    paid(&mut w, "tea-0001", 100);
    let mut refund = part(&mut w, "r1", 10).unwrap();
    assert!(notice::refunded(&refund).is_none());
    for (status, event) in [
        (Status::Success(NOW), "REFUND.SUCCESS"),
        (Status::Abnormal, "REFUND.ABNORMAL"),
        (Status::Closed, "REFUND.CLOSED"),
    ] {
        refund.status = status;
        let notice = notice::refunded(&refund).unwrap();
        assert_eq!(
            (notice.mchid.as_str(), notice.url.as_str()),
            (MCHID, "https://example.com/refunds")
        );
        let Content::V3 {
            event_type,
            resource,
            ..
        } = notice.content
        else {
            panic!("of APIv2");
        };
        assert_eq!(event_type, event);
        assert_eq!(resource["refund_status"], status.as_str());
        assert_eq!(resource["mchid"], MCHID);
        assert_eq!(resource["amount"]["refund"], 10);
        assert_eq!(
            resource.get("success_time").is_some(),
            event == "REFUND.SUCCESS"
        );
    }
    refund.status = Status::Success(NOW);
    refund.asked.version = Version::V2 { hmac: false };
    let Content::V2 { fields, req_info } = notice::refunded(&refund).unwrap().content else {
        panic!("of APIv3");
    };
    assert_eq!(fields["mch_id"], MCHID);
    let info = req_info.unwrap();
    assert_eq!(info["refund_status"], "SUCCESS");
    assert_eq!(info["success_time"], "2018-06-08 10:34:56");
    assert_eq!(info["refund_fee"], "10");
}
