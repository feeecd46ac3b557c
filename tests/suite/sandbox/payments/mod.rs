//! Orders, refunds, and the customer's phone.

mod combined;
pub(super) mod orders;
mod phone;
mod refunds;
