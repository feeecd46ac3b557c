//! What a customer agrees to first and pays later.

pub(in crate::sandbox) mod papay;
pub(in crate::sandbox) mod service_order;

use super::Route;

pub(super) const ROUTES: &[&[Route]] = &[
    papay::ROUTES,
    service_order::ROUTES,
    service_order::BINDING_ROUTES,
    service_order::PERMISSION_ROUTES,
    service_order::PLAN_ROUTES,
];
