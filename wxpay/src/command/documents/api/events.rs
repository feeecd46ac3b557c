//! Which operations lead to which notifications. The tables do not say it: this has the ones that are certain.

use wechatpay_chain::catalog::{self, Event, Operation};

/// The beginning of a template, and the events of its orders. The first that fits counts.
const EVENTS: [(&str, &[&str]); 22] = [
    ("v3/pay/transactions/out-trade-no", &[]),
    ("v3/pay/transactions/id", &[]),
    ("v3/pay/partner/transactions/out-trade-no", &[]),
    ("v3/pay/partner/transactions/id", &[]),
    ("v3/pay/transactions/", &["v3 TRANSACTION.SUCCESS"]),
    ("v3/pay/partner/transactions/", &["v3 TRANSACTION.SUCCESS"]),
    ("v3/combine-transactions/out-trade-no", &[]),
    ("v3/combine-transactions/", &["v3 TRANSACTION.SUCCESS"]),
    ("v3/refund/domestic/refunds", &REFUNDS),
    ("v3/ecommerce/refunds/apply", &REFUNDS),
    ("v3/profitsharing/orders", &["PROFITSHARING.SUCCESS"]),
    ("v3/profitsharing/return-orders", &["PROFITSHARING.RETURN"]),
    (
        "v3/payscore/serviceorder",
        &["PAYSCORE.USER_CONFIRM", "PAYSCORE.USER_PAID"],
    ),
    (
        "v3/fund-app/mch-transfer/transfer-bills",
        &["MCHTRANSFER.BILL.FINISHED"],
    ),
    (
        "v3/transfer/batches",
        &["MCHTRANSFER.BATCH.FINISHED", "MCHTRANSFER.BATCH.CLOSED"],
    ),
    ("v3/marketing/favor/callbacks", &["COUPON.USE"]),
    ("v3/marketing/busifavor/callbacks", &["COUPON.SEND"]),
    (
        "v3/merchant-service/complaint-notifications",
        &["COMPLAINT.CREATE", "COMPLAINT.STATE_CHANGE"],
    ),
    ("v2/pay/unifiedorder", &["transaction-success"]),
    ("v2/secapi/pay/refund", &["refund-processed"]),
    ("v2/papay/h5entrustweb", &["pap-contract-state-changed"]),
    ("v2/pay/combinedorder", &["combined-transactions-success"]),
];

const REFUNDS: [&str; 3] = ["REFUND.SUCCESS", "REFUND.ABNORMAL", "REFUND.CLOSED"];

/// Returns the notifications of what an operation starts, as far as they are known.
pub(super) fn of(operation: &Operation) -> Vec<Event> {
    let is_write =
        operation.method() != wechatpay_chain::Method::GET || operation.version() == "v2";
    let mut table = EVENTS.iter();
    let keys = table
        .find(|(prefix, _)| is_write && operation.template().starts_with(prefix))
        .map_or(&[][..], |(_, keys)| keys);
    keys.iter().filter_map(|key| event(key)).collect()
}

/// Returns the operations that lead to a notification, as far as they are known.
pub(super) fn operations(event: &Event) -> impl Iterator<Item = &'static Operation> {
    let same = |other: &Event| other.name() == event.name() && other.version() == event.version();
    catalog::all()
        .iter()
        .filter(move |operation| of(operation).iter().any(same))
}

fn event(key: &str) -> Option<Event> {
    let (version, name) = match key.split_once(' ') {
        Some((version, name)) => (Some(version), name),
        None => (None, key),
    };
    catalog::events()
        .find(|event| event.name() == name && version.is_none_or(|v| event.version() == v))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_fits_an_operation_and_names_events() {
        for (prefix, keys) in EVENTS {
            assert!(
                catalog::all()
                    .iter()
                    .any(|op| op.template().starts_with(prefix)),
                "{prefix}"
            );
            assert!(keys.iter().all(|key| event(key).is_some()), "{prefix}");
        }
    }
}
