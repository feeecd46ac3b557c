//! Coupons: those of WeChat Pay, which pay a part of an order, and those of merchants, which honour them
//! themselves.

pub(in crate::sandbox) mod busifavor;
mod callback;
mod days;
pub(in crate::sandbox) mod favor;
mod once;
mod page;

use super::Route;

pub(super) const ROUTES: &[&[Route]] = &[busifavor::ROUTES, favor::ROUTES];
