//! The types, compared with the documented fields.

use std::collections::BTreeSet;

use http::Method;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use super::*;
use crate::catalog::{self, Fields, Kind};

/// A value of each documented field, the optional ones only if asked for.
fn sample(fields: Fields, optional: bool) -> Map<String, Value> {
    fields
        .iter()
        .filter(|field| optional || field.is_required())
        .map(|field| {
            let value = match field.kind() {
                Kind::Boolean => true.into(),
                Kind::Integer | Kind::Number => 100.into(),
                Kind::Object => sample(field.fields(), optional).into(),
                Kind::String => field.values().first().copied().unwrap_or("text").into(),
                _ => Value::Array(Vec::new()),
            };
            (field.name().to_owned(), value)
        })
        .collect()
}

fn response(path: &str) -> Fields {
    catalog::find(&Method::GET, path).unwrap().response()
}

fn notification(name: &str) -> Fields {
    let event = catalog::events().find(|event| event.name() == name && event.version() == "v3");
    event.unwrap().fields()
}

/// Reads each table's sample, with all fields and with the required ones, and checks that every field
/// that the type has is documented.
///
/// `always` are fields that each body really has, although a table marks them as optional: a table is
/// the union of several pages.
fn check<T: Serialize + DeserializeOwned>(tables: &[Fields], always: &[(&str, &str)]) {
    let mut documented = BTreeSet::new();
    let mut kept = BTreeSet::new();
    for table in tables {
        documented.extend(table.iter().map(|field| field.name().to_owned()));
        for optional in [false, true] {
            let mut body = sample(*table, optional);
            for (name, value) in always {
                body.entry(*name).or_insert_with(|| (*value).into());
            }
            let read: T = serde_json::from_value(body.into()).unwrap();
            let Ok(Value::Object(written)) = serde_json::to_value(&read) else {
                panic!("not an object");
            };
            assert!(written.len() > always.len());
            kept.extend(written.keys().cloned());
        }
    }
    let unknown: Vec<_> = kept.difference(&documented).collect();
    assert!(unknown.is_empty(), "not documented: {unknown:?}");
}

#[test]
fn transaction_reads_every_documented_form() {
    check::<Transaction>(
        &[
            response("v3/pay/transactions/out-trade-no/1"),
            response("v3/pay/partner/transactions/out-trade-no/1"),
            notification("TRANSACTION.SUCCESS"),
        ],
        &[("trade_state", "SUCCESS")],
    );
}

#[test]
fn refund_reads_every_documented_form() {
    check::<Refund>(
        &[
            response("v3/refund/domestic/refunds/1"),
            notification("REFUND.SUCCESS"),
            notification("REFUND.ABNORMAL"),
            notification("REFUND.CLOSED"),
        ],
        &[],
    );
}

#[test]
fn transfer_bill_reads_every_documented_form() {
    let place = catalog::find(&Method::POST, "v3/fund-app/mch-transfer/transfer-bills").unwrap();
    check::<TransferBill>(
        &[
            place.response(),
            response("v3/fund-app/mch-transfer/transfer-bills/out-bill-no/1"),
            response("v3/fund-app/mch-transfer/transfer-bills/transfer-bill-no/1"),
            notification("MCHTRANSFER.BILL.FINISHED"),
        ],
        &[],
    );
}

#[test]
fn named_events_and_states_are_documented() {
    let types: BTreeSet<_> = catalog::events()
        .flat_map(|event| event.event_types())
        .collect();
    for name in [
        event::TRANSACTION_SUCCESS,
        event::TRANSACTION_FAIL,
        event::REFUND_SUCCESS,
        event::REFUND_ABNORMAL,
        event::REFUND_CLOSED,
        event::TRANSFER_FINISHED,
        event::PROFIT_SHARING_SUCCESS,
        event::PROFIT_SHARING_RETURN,
        event::PAYSCORE_USER_CONFIRM,
        event::PAYSCORE_USER_PAID,
        event::PAYSCORE_USER_OPEN_SERVICE,
        event::PAYSCORE_USER_CLOSE_SERVICE,
        event::ENTRUST_SIGN,
        event::ENTRUST_TERMINATE,
        event::PAPAY_SIGN,
        event::PAPAY_TERMINATE,
        event::COMPLAINT_CREATE,
        event::COMPLAINT_STATE_CHANGE,
        event::COUPON_USE,
    ] {
        assert!(types.contains(&name), "{name}");
    }

    let bill = notification("MCHTRANSFER.BILL.FINISHED")
        .get("state")
        .unwrap();
    assert_eq!(
        bill.values(),
        [
            transfer_state::ACCEPTED,
            transfer_state::PROCESSING,
            transfer_state::WAIT_USER_CONFIRM,
            transfer_state::TRANSFERING,
            transfer_state::SUCCESS,
            transfer_state::FAIL,
            transfer_state::CANCELING,
            transfer_state::CANCELLED,
        ]
    );
    let part = notification("TRANSACTION.SUCCESS")
        .at("/scene_info/sub_orders/trade_state")
        .unwrap();
    let mut states = [
        trade_state::SUCCESS,
        trade_state::REFUND,
        trade_state::NOTPAY,
        trade_state::CLOSED,
        trade_state::REVOKED,
        trade_state::USERPAYING,
        trade_state::PAYERROR,
        trade_state::ACCEPT,
    ];
    states.sort_unstable();
    let mut documented = part.values().to_vec();
    documented.sort_unstable();
    assert_eq!(documented, states);
}

#[test]
fn debug_shows_no_personal_data() {
    let order: Transaction = serde_json::from_value(json!({
        "out_trade_no": "tea-0001", "trade_state": "SUCCESS", "attach": "SECRET",
        "payer": { "openid": "SECRET", "sp_openid": "SECRET", "sub_openid": "SECRET" },
    }))
    .unwrap();
    let refund: Refund = serde_json::from_value(json!({
        "out_refund_no": "r1", "status": "SUCCESS", "user_received_account": "SECRET",
        "amount": { "total": 1, "refund": 1 },
    }))
    .unwrap();
    let bill: TransferBill = serde_json::from_value(json!({
        "out_bill_no": "b1", "state": "SUCCESS", "openid": "SECRET", "package_info": "SECRET",
    }))
    .unwrap();
    let shown = format!("{order:?} {:?} {refund:?} {bill:?}", order.payer);
    assert!(!shown.contains("SECRET"), "{shown}");
}
