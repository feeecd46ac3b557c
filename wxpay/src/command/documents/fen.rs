//! Which fields are amounts of money. The tables give a type and no unit, so that this goes by names.

/// What the objects `amount`, `refund_amount` and so on have.
const IN_AMOUNT: [&str; 2] = ["total", "refund"];

/// The ends of the names of amounts.
const ENDS: [&str; 9] = [
    "amount",
    "_amt",
    "_fee",
    "price",
    "payer_total",
    "payer_refund",
    "settlement_total",
    "settlement_refund",
    "discount_refund",
];

/// Returns whether a number of this name, in an object of this name, is an amount in fen: in the smallest
/// unit of its currency.
pub(super) fn is_fen(name: &str, within: &str) -> bool {
    ENDS.iter().any(|end| name.ends_with(end))
        || within.ends_with("amount") && IN_AMOUNT.contains(&name)
}
