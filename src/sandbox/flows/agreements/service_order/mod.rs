//! Pay-score: service orders, the permissions that users give for a service, the plans that they sign, and
//! the merchants that are bound to a service.
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

mod binding;
mod charge;
mod create;
mod notice;
mod order;
mod parts;
mod permission;
mod plan;
mod routes;
mod user;
mod view;

pub(crate) use binding::{
    ROUTES as BINDING_ROUTES, approve as approve_binding, reject as reject_binding,
};
pub(crate) use order::ServiceOrder;
pub(crate) use permission::{
    ROUTES as PERMISSION_ROUTES, close as close_permission, open as open_permission,
};
pub(crate) use plan::{ROUTES as PLAN_ROUTES, cancel as cancel_plan, sign as sign_plan};
pub(crate) use routes::ROUTES;
pub(crate) use user::{confirm, expire, pay};

use binding::Binding;
use permission::Permission;
use plan::{Plan, Signed};

use crate::sandbox::state::bounded_map::BoundedMap;

/// How many orders of a merchant are kept, how many permissions, and so on.
const MAX_KEPT: usize = 10_000;

/// What one merchant has with pay-score. A service provider's is with its sub-merchant.
#[derive(Clone, Debug)]
pub(crate) struct Tables {
    /// By `out_order_no`.
    pub(crate) orders: BoundedMap<ServiceOrder>,
    /// By `authorization_code`.
    pub(crate) permissions: BoundedMap<Permission>,
    /// By `out_apply_no`, of the service provider.
    pub(crate) bindings: BoundedMap<Binding>,
    /// By `merchant_plan_no`.
    pub(crate) plans: BoundedMap<Plan>,
    /// By `merchant_sign_plan_no`.
    pub(crate) signed: BoundedMap<Signed>,
}

impl Default for Tables {
    fn default() -> Self {
        Self {
            orders: BoundedMap::watched(MAX_KEPT),
            permissions: BoundedMap::watched(MAX_KEPT),
            bindings: BoundedMap::watched(MAX_KEPT),
            plans: BoundedMap::new(MAX_KEPT),
            signed: BoundedMap::new(MAX_KEPT),
        }
    }
}

#[cfg(test)]
mod tests;
