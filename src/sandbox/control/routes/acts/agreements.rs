//! What users do with pay-score and papay.

use super::*;

pub(super) const ENDPOINTS: &[Endpoint] = &[
    post(
        "service-orders/{out_order_no}/confirm",
        "The user confirms a pay-score service order.",
        |call| done(call.sandbox.user_confirms(call.number())),
    ),
    post(
        "service-orders/{out_order_no}/pay",
        "The user pays a completed service order.",
        |call| done(call.sandbox.user_pays_service_order(call.number())),
    ),
    post(
        "service-orders/{out_order_no}/expire",
        "A service order expires that the user has not confirmed.",
        |call| done(call.sandbox.service_order_expires(call.number())),
    ),
    post(
        "permissions/{authorization_code}/open",
        "The user opens a pay-score permission.",
        |call| done(call.sandbox.user_opens_permission(call.number())),
    ),
    post(
        "permissions/{authorization_code}/close",
        "The user closes a pay-score permission.",
        |call| done(call.sandbox.user_closes_permission(call.number())),
    ),
    post(
        "plans/{merchant_sign_plan_no}/sign",
        "The user signs a pay-score plan.",
        |call| done(call.sandbox.user_signs_plan(call.number())),
    ),
    post(
        "plans/{merchant_sign_plan_no}/cancel",
        "The user cancels a pay-score plan.",
        |call| done(call.sandbox.user_cancels_plan(call.number())),
    ),
    post(
        "service-bindings/{out_apply_no}/approve",
        "WeChat Pay binds a sub-merchant to a pay-score service.",
        |call| done(call.sandbox.service_binding_is_approved(call.number())),
    ),
    post(
        "service-bindings/{out_apply_no}/reject",
        "WeChat Pay rejects the binding of a sub-merchant.",
        |call| {
            done(
                call.sandbox
                    .service_binding_is_rejected(call.number(), call.text("reason")),
            )
        },
    )
    .takes(WHY),
    post(
        "contracts/{out_contract_code}/sign",
        "The user signs a papay contract.",
        |call| done(call.sandbox.user_signs(call.number())),
    ),
    post(
        "contracts/{out_contract_code}/terminate",
        "The user terminates a papay contract.",
        |call| done(call.sandbox.user_terminates(call.number())),
    ),
];
