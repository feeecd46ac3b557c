//! The rules of complaints, without a server.

use serde_json::json;

use super::{rules::*, *};
use crate::sandbox::{
    flows::payments::{
        pay::{
            Version,
            tests::{MCHID, NOW, SP_MCHID, code, direct, paid, world},
        },
        refund::{NewRefund, refund, refund_succeeds},
    },
    state::world::World,
};

fn complained(refund: Option<u64>) -> (World, String) {
    let mut w = world();
    paid(&mut w, "tea-0001", 100);
    let id = complain(&mut w, MCHID, "tea-0001", "茶是凉的", refund, NOW).unwrap();
    (w, id)
}

fn state(w: &World, id: &str) -> &'static str {
    find(w, MCHID, id).unwrap().state.name()
}

fn steps(w: &World, id: &str) -> Vec<Happened> {
    let complaint = find(w, MCHID, id).unwrap();
    complaint.history.iter().map(|step| step.happened).collect()
}

fn refund_part(w: &mut World, number: &str, fen: u64) {
    let new = NewRefund {
        acting: direct(),
        transaction_id: None,
        out_trade_no: Some("tea-0001".to_owned()),
        out_refund_no: number.to_owned(),
        reason: None,
        fen,
        total: None,
        notify_url: None,
        version: Version::V3,
        request: json!({}),
    };
    refund(w, new, NOW).unwrap();
    refund_succeeds(w, MCHID, number, NOW).unwrap();
}

#[test]
fn complaint_goes_from_pending_to_processed_and_back() {
    let (mut w, id) = complained(None);
    assert_eq!(state(&w, &id), "PENDING");
    answer(&mut w, MCHID, &id, Said::text("抱歉"), NOW).unwrap();
    assert_eq!(state(&w, &id), "PROCESSING");
    assert!(!find(&w, MCHID, &id).unwrap().is_unanswered);
    ask_again(&mut w, MCHID, &id, "然后呢", NOW).unwrap();
    assert!(find(&w, MCHID, &id).unwrap().is_unanswered);
    let early = complain_again(&mut w, MCHID, &id, "还是凉的", NOW);
    assert_eq!(code(early), (400, "INVALID_REQUEST"));
    complete(&mut w, MCHID, &id, NOW).unwrap();
    assert_eq!(state(&w, &id), "PROCESSED");
    for refused in [
        complete(&mut w, MCHID, &id, NOW),
        answer(&mut w, MCHID, &id, Said::text("抱歉"), NOW),
        ask_again(&mut w, MCHID, &id, "然后呢", NOW),
        withdraw(&mut w, MCHID, &id, NOW),
        need_answer_at_once(&mut w, MCHID, &id, NOW),
    ] {
        assert_eq!(code(refused), (400, "INVALID_REQUEST"));
    }
    complain_again(&mut w, MCHID, &id, "还是凉的", NOW).unwrap();
    assert_eq!(
        (state(&w, &id), find(&w, MCHID, &id).unwrap().times),
        ("PENDING", 2)
    );
    withdraw(&mut w, MCHID, &id, NOW).unwrap();
    assert_eq!(state(&w, &id), "PROCESSED");
    assert_eq!(
        steps(&w, &id),
        [
            Happened::Complained,
            Happened::MerchantAnswered,
            Happened::AskedAgain,
            Happened::MerchantCompleted,
            Happened::ComplainedAgain,
            Happened::Withdrew,
        ]
    );
}

#[test]
fn order_has_one_open_complaint() {
    let (mut w, id) = complained(None);
    let again = |w: &mut World, number: &str| complain(w, MCHID, number, "茶是凉的", None, NOW);
    assert_eq!(code(again(&mut w, "tea-0001")), (400, "INVALID_REQUEST"));
    assert_eq!(code(again(&mut w, "tea-0009")).0, 404);
    withdraw(&mut w, MCHID, &id, NOW).unwrap();
    let second = again(&mut w, "tea-0001").unwrap();
    assert_eq!(find(&w, MCHID, &second).unwrap().times, 2);
    for text in ["", &"茶".repeat(301)] {
        assert!(complain(&mut w, MCHID, "tea-0001", text, None, NOW).is_err());
    }
}

#[test]
fn approved_refund_ends_the_complaint_when_it_arrives() {
    let (mut w, id) = complained(Some(100));
    decide(&mut w, MCHID, &id, true, Said::default(), NOW).unwrap();
    assert_eq!(state(&w, &id), "PROCESSING");
    let twice = decide(&mut w, MCHID, &id, false, Said::default(), NOW);
    assert_eq!(code(twice), (400, "INVALID_REQUEST"));
    assert!(!find(&w, MCHID, &id).unwrap().is_fully_refunded(&w));
    refund_part(&mut w, "r1", 100);
    assert_eq!(state(&w, &id), "PROCESSED");
    assert!(find(&w, MCHID, &id).unwrap().is_fully_refunded(&w));
    assert_eq!(steps(&w, &id).last(), Some(&Happened::RefundReceived));
}

#[test]
fn refund_that_nobody_asked_for_ends_nothing() {
    let (mut w, id) = complained(None);
    let refused = decide(&mut w, MCHID, &id, true, Said::default(), NOW);
    assert_eq!(code(refused), (400, "PARAM_ERROR"));
    refund_part(&mut w, "r1", 40);
    refund_part(&mut w, "r2", 60);
    assert_eq!(state(&w, &id), "PENDING");
    let refunded = [Happened::RefundedInPart, Happened::RefundedInFull];
    assert!(steps(&w, &id).ends_with(&refunded));
}

#[test]
fn refused_refund_ends_the_complaint() {
    let (mut w, id) = complained(Some(30));
    decide(&mut w, MCHID, &id, false, Said::text("已喝完"), NOW).unwrap();
    assert_eq!(state(&w, &id), "PROCESSED");
    let mut w = world();
    paid(&mut w, "tea-0001", 100);
    for fen in [0, 101] {
        assert!(complain(&mut w, MCHID, "tea-0001", "退款", Some(fen), NOW).is_err());
    }
}

#[test]
fn answer_at_once_is_given_once() {
    let (mut w, id) = complained(None);
    let answer = |w: &mut World, key: &str, text: &str| {
        let message = json!({ "blocks": [{ "type": "TEXT", "text": { "text": text } }] });
        answer_at_once(w, MCHID, &id, key, message, NOW)
    };
    assert_eq!(code(answer(&mut w, "a", "您好")), (400, "INVALID_REQUEST"));
    need_answer_at_once(&mut w, MCHID, &id, NOW).unwrap();
    let first = answer(&mut w, "a", "您好").unwrap();
    assert_eq!(state(&w, &id), "PROCESSING");
    assert_eq!(answer(&mut w, "a", "您好").unwrap(), first);
    assert_eq!(code(answer(&mut w, "a", "再见")), (400, "INVALID_REQUEST"));
    assert_ne!(answer(&mut w, "b", "您好").unwrap(), first);
}

#[test]
fn others_do_not_see_a_complaint() {
    let (w, id) = complained(None);
    assert!(find(&w, MCHID, &id).is_ok());
    assert_eq!(code(find(&w, SP_MCHID, &id)), (403, "NO_AUTH"));
    assert_eq!(code(find(&w, MCHID, "1")), (403, "NO_AUTH"));
}

#[test]
fn history_of_a_complaint_has_a_limit() {
    let (mut w, id) = complained(None);
    for _ in 1..MAX_HISTORY {
        ask_again(&mut w, MCHID, &id, "有人吗", NOW).unwrap();
    }
    let full = ask_again(&mut w, MCHID, &id, "有人吗", NOW);
    assert_eq!(code(full), (429, "FREQUENCY_LIMITED"));
    assert_eq!(steps(&w, &id).len(), MAX_HISTORY);
}
