//! The rules of combined orders, without a server.

use serde_json::json;

use super::*;
use crate::sandbox::flows::{
    payments::pay::{
        engine::PartOf,
        tests::{
            MCHID, NOW, OPENING, SP_MCHID, SUB_MCHID, available, code, direct, order as part_of,
            partner, world,
        },
    },
    payments::refund::{NewRefund, refund},
};

fn combined(number: &str, totals: [u64; 2]) -> NewCombined {
    let whole = PartOf {
        mchid: SP_MCHID.to_owned(),
        number: number.to_owned(),
    };
    let part = |acting, out_trade_no: &str, total| NewOrder {
        acting,
        notify_url: None,
        combined: Some(whole.clone()),
        ..part_of(Product::Jsapi, out_trade_no, total)
    };
    NewCombined {
        mchid: SP_MCHID.to_owned(),
        appid: "wx1".to_owned(),
        number: number.to_owned(),
        product: Product::Jsapi,
        notify_url: "https://example.com/combined".to_owned(),
        parts: vec![
            part(partner(), "sub-0001", totals[0]),
            part(direct(), "sub-0002", totals[1]),
        ],
        request: json!({ "totals": totals }),
    }
}

#[test]
fn named_customer_pays_all_parts() {
    let mut w = world();
    let mut new = combined("all-0001", [30, 70]);
    for part in &mut new.parts {
        part.payer.openid = Some("o1".to_owned());
    }
    prepay(&mut w, new, NOW).unwrap();
    let other = Payer {
        openid: Some("o2".to_owned()),
        sub_openid: None,
    };
    let refused = pay(&mut w, SP_MCHID, "all-0001", &other, NOW);
    assert_eq!(code(refused), (400, "OPENID_MISMATCH"));
    paid(&mut w).unwrap();
    let body = find(&w, SP_MCHID, "all-0001").unwrap().body(&w);
    assert_eq!(body["combine_payer_info"]["openid"], "o1");
    assert_eq!(available(&w, MCHID), OPENING + 70);
}

fn paid(w: &mut World) -> Result<(), Refusal> {
    pay(w, SP_MCHID, "all-0001", &Payer::default(), NOW)
}

#[test]
fn parts_are_paid_at_once_by_one_customer() {
    let mut w = world();
    let codes = prepay(&mut w, combined("all-0001", [30, 70]), NOW).unwrap();
    assert_eq!(
        prepay(&mut w, combined("all-0001", [30, 70]), NOW).unwrap(),
        codes
    );
    let other = prepay(&mut w, combined("all-0001", [30, 71]), NOW);
    assert_eq!(code(other), (403, "OUT_TRADE_NO_USED"));
    let alone = engine::pay(&mut w, MCHID, "sub-0002", Payer::default(), NOW);
    assert_eq!(code(alone), (400, "INVALID_REQUEST"));

    paid(&mut w).unwrap();
    assert_eq!(available(&w, SUB_MCHID), OPENING + 30);
    assert_eq!(available(&w, MCHID), OPENING + 70);
    assert_eq!(available(&w, SP_MCHID), OPENING);
    assert_eq!(code(paid(&mut w)), (400, "ORDERPAID"));

    let order = find(&w, SP_MCHID, "all-0001").unwrap();
    let body = order.body(&w);
    assert_eq!(body["combine_mchid"], SP_MCHID);
    assert!(body["combine_transaction_id"].is_string());
    assert!(body["combine_payer_info"]["openid"].is_string());
    let parts = body["sub_orders"].as_array().unwrap();
    assert_eq!(parts.len(), 2);
    assert_eq!(
        (&parts[0]["mchid"], &parts[0]["sub_mchid"]),
        (&json!(SP_MCHID), &json!(SUB_MCHID))
    );
    assert_eq!(parts[1]["mchid"], MCHID);
    assert_eq!(parts[1]["trade_state"], "SUCCESS");
    assert_eq!(parts[1]["amount"]["payer_amount"], 70);
    assert_ne!(parts[0]["transaction_id"], parts[1]["transaction_id"]);
}

#[test]
fn order_with_a_part_that_cannot_be_paid_is_not_paid_at_all() {
    let mut w = world();
    prepay(&mut w, combined("all-0001", [30, 70]), NOW).unwrap();
    engine::by_out_trade_no_mut(&mut w, MCHID, "sub-0002")
        .unwrap()
        .close()
        .unwrap();
    assert_eq!(code(paid(&mut w)), (400, "ORDER_CLOSED"));
    assert_eq!(available(&w, SUB_MCHID), OPENING);
}

#[test]
fn number_of_a_part_can_be_used_once() {
    let mut w = world();
    prepay(&mut w, combined("all-0001", [30, 70]), NOW).unwrap();
    let other = prepay(&mut w, combined("all-0002", [30, 70]), NOW);
    assert_eq!(code(other), (403, "OUT_TRADE_NO_USED"));
    assert!(find(&w, SP_MCHID, "all-0002").is_err());
    let mut twice = combined("all-0003", [30, 70]);
    for part in &mut twice.parts {
        part.acting = direct();
        part.out_trade_no = "sub-0003".to_owned();
    }
    assert_eq!(code(prepay(&mut w, twice, NOW)), (403, "OUT_TRADE_NO_USED"));
    assert!(engine::by_out_trade_no(&w, MCHID, "sub-0003").is_err());
}

#[test]
fn parts_are_closed_together() {
    let mut w = world();
    prepay(&mut w, combined("all-0001", [30, 70]), NOW).unwrap();
    let parts = [(MCHID, "sub-0002"), (SUB_MCHID, "sub-0001")];
    let parts = parts.map(|(mchid, number)| (mchid.to_owned(), number.to_owned()));
    let one = close(&mut w, SP_MCHID, "all-0001", &parts[..1]);
    assert_eq!(code(one), (400, "INVALID_REQUEST"));
    assert_eq!(
        code(engine::close(&mut w, &direct(), "sub-0002")),
        (400, "INVALID_REQUEST")
    );
    close(&mut w, SP_MCHID, "all-0001", &parts).unwrap();
    let order = find(&w, SP_MCHID, "all-0001").unwrap();
    assert_eq!(order.trade_state(&w), "CLOSED");
    assert_eq!(code(paid(&mut w)), (400, "ORDER_CLOSED"));
}

#[test]
fn part_is_refunded_like_any_order() {
    let mut w = world();
    prepay(&mut w, combined("all-0001", [30, 70]), NOW).unwrap();
    paid(&mut w).unwrap();
    let new = NewRefund {
        acting: partner(),
        transaction_id: None,
        out_trade_no: Some("sub-0001".to_owned()),
        out_refund_no: "r1".to_owned(),
        reason: None,
        fen: 30,
        total: Some(30),
        notify_url: None,
        version: crate::sandbox::flows::payments::pay::Version::V3,
        request: json!({}),
    };
    refund(&mut w, new, NOW).unwrap();
    assert_eq!(available(&w, SUB_MCHID), OPENING);
    assert_eq!(available(&w, MCHID), OPENING + 70);
}
