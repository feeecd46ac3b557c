//! Orders, refunds, and the customer's phone.

pub(super) mod combined;
pub(super) mod orders;
mod phone;
mod refunds;
