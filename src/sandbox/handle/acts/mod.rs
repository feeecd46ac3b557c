//! What the customer and WeChat Pay do to an order, a payout or an agreement.

pub(super) mod money;
pub(super) mod orders;
mod pay;
mod red_packet;
pub(in crate::sandbox) mod user;
