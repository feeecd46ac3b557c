//! Coupons: those of WeChat Pay, which pay a part of an order, and those of merchants, which honour them
//! themselves.

mod callback;
pub(in crate::sandbox) mod favor;
mod once;
mod page;

use super::Route;

pub(super) const ROUTES: &[&[Route]] = &[favor::ROUTES];
