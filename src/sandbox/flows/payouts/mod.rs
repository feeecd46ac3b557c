//! Money that leaves a merchant's account: transfers, batches and profit sharing.

pub(in crate::sandbox) mod batch;
mod payout;
pub(in crate::sandbox) mod sharing;
pub(in crate::sandbox) mod transfer;

use super::Route;

pub(super) const ROUTES: &[&[Route]] = &[batch::ROUTES, sharing::ROUTES, transfer::ROUTES];
