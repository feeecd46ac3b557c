//! What customers and WeChat Pay do to an order, a payout or an agreement.

mod agreements;
mod merchants;
mod payments;
mod payouts;

use super::*;

pub(super) const ENDPOINTS: [&[Endpoint]; 4] = [
    payments::ENDPOINTS,
    agreements::ENDPOINTS,
    payouts::ENDPOINTS,
    merchants::ENDPOINTS,
];

const WHY: &[Field] = &[needs(
    "reason",
    Kind::Text,
    "What the merchant reads as the reason",
)];
