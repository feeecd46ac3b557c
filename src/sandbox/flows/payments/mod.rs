//! Orders, their refunds, and the customer's phone.

pub(in crate::sandbox) mod combine;
pub(in crate::sandbox) mod pay;
pub(in crate::sandbox) mod phone;
pub(in crate::sandbox) mod refund;

use super::Route;

pub(super) const ROUTES: &[&[Route]] = &[combine::ROUTES, pay::ROUTES, refund::ROUTES];
