//! Pay-score: service orders, and the permissions that users give for a service.
//!
//! A service order:
//!
//! | state | ends when |
//! | --- | --- |
//! | `CREATED` | the user confirms, the merchant cancels (`REVOKED`), or 30 days pass (`EXPIRED`) |
//! | `DOING/USER_CONFIRM` | the merchant completes or cancels the order |
//! | `DOING/MCH_COMPLETE` | the user pays, or the merchant syncs a payment made elsewhere |
//! | `DONE`, `REVOKED`, `EXPIRED` | final |
//!
//! An order that the user need not confirm begins in `DOING/USER_CONFIRM`, and one that is created and
//! completed at once in `DOING/MCH_COMPLETE`.

mod charge;
mod notice;
mod order;
mod parts;
mod permission;
mod routes;
mod user;
mod view;

pub(crate) use order::ServiceOrder;
pub(crate) use permission::{
    ROUTES as PERMISSION_ROUTES, close as close_permission, open as open_permission,
};
pub(crate) use routes::ROUTES;
pub(crate) use user::{confirm, pay};

use permission::Permission;

use crate::sandbox::state::bounded_map::BoundedMap;

/// How many orders of a merchant are kept, and how many permissions.
const MAX_KEPT: usize = 10_000;

/// What one merchant has with pay-score. A service provider's is with its sub-merchant.
#[derive(Clone, Debug)]
pub(crate) struct Tables {
    /// By `out_order_no`.
    pub(crate) orders: BoundedMap<ServiceOrder>,
    /// By `authorization_code`.
    pub(crate) permissions: BoundedMap<Permission>,
}

impl Default for Tables {
    fn default() -> Self {
        Self {
            orders: BoundedMap::watched(MAX_KEPT),
            permissions: BoundedMap::watched(MAX_KEPT),
        }
    }
}

#[cfg(test)]
mod tests;
