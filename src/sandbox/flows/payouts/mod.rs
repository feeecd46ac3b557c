//! Money that leaves a merchant's account: transfers, their authorizations, batches and profit
//! sharing; and what is there.

pub(in crate::sandbox) mod authorization;
mod balance;
pub(in crate::sandbox) mod batch;
mod payout;
pub(in crate::sandbox) mod sharing;
pub(in crate::sandbox) mod transfer;

use super::Route;

pub(super) const ROUTES: &[&[Route]] = &[
    authorization::ROUTES,
    balance::ROUTES,
    batch::ROUTES,
    sharing::PLATFORM_ROUTES,
    sharing::ROUTES,
    transfer::ROUTES,
];
