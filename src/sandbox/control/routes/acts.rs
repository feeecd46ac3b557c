//! What customers and WeChat Pay do to an order, a payout or an agreement.

use super::*;
use crate::sandbox::{RefundFailure, flows::payments::phone};

const STATE: &[Field] = &[needs(
    "state",
    Kind::Text,
    "The state of the order now, as the API names it",
)];
const REASON: &[Field] = &[needs(
    "reason",
    Kind::Text,
    "A documented reason: an error lists them",
)];
const WHY: &[Field] = &[needs(
    "reason",
    Kind::Text,
    "What the merchant reads as the reason",
)];
const TEXT: &[Field] = &[needs("text", Kind::Text, "What the customer writes")];

pub(super) const ENDPOINTS: &[Endpoint] = &[
    post("orders/{out_trade_no}/pay", "The customer pays an order: a payment, a combined order or a completed service order.", |call| {
        order(call, call.sandbox.user_pays(call.number()))
    })
    .answers(STATE),
    post("orders/{out_trade_no}/fail", "A payment fails on the customer's phone.", |call| {
        order(call, call.sandbox.user_fails(call.number()))
    })
    .answers(STATE),
    post("orders/{out_trade_no}/enter-password", "The customer enters the password that a code payment waits for.", |call| {
        order(call, call.sandbox.user_enters_password(call.number()))
    })
    .answers(STATE),
    post("orders/{out_trade_no}/pay-with-coupon", "The customer pays an order with a coupon.", |call| {
        let paid = call.sandbox.user_pays_with_coupon(call.number(), call.text("coupon_id"));
        order(call, paid)
    })
    .takes(&[needs("coupon_id", Kind::Text, "The coupon, as sending it returned it")])
    .answers(STATE),
    post("orders/{out_trade_no}/complain", "The customer complains about a paid order, or asks for a refund.", |call| {
        let (sandbox, number, text) = (&call.sandbox, call.number(), call.text("text"));
        named("complaint_id", match call.integer("refund") {
            None => sandbox.user_complains(number, text),
            Some(fen) => sandbox.user_asks_for_refund(number, fen, text),
        })
    })
    .takes(&[
        needs("text", Kind::Text, "What the customer writes"),
        may("refund", Kind::Integer, "The refund that the customer asks for, in fen"),
    ])
    .answers(&[needs("complaint_id", Kind::Text, "The new complaint")]),
    post("auth-codes", "Returns a new code of a customer's phone for a code payment.", |call| {
        named("auth_code", Ok(call.sandbox.auth_code()))
    })
    .answers(&[needs("auth_code", Kind::Text, "18 digits")]),
    post("phone/pay", "The customer's phone opens the parameters of a front end, checks them as WeChat does, and pays.", |call| {
        let paid = phone::pay(call.state, &call.body)?;
        ok(json!({ "out_trade_no": paid, "trade_state": "SUCCESS" }))
    })
    .takes_object("The front end's parameters, or one of code_url and h5_url")
    .answers(&[
        needs("out_trade_no", Kind::Text, "The order, or the combined order, that is paid"),
        needs("trade_state", Kind::Text, "SUCCESS"),
    ])
    .open(),
    post("service-orders/{out_order_no}/confirm", "The user confirms a pay-score service order.", |call| {
        done(call.sandbox.user_confirms(call.number()))
    }),
    post("service-orders/{out_order_no}/pay", "The user pays a completed service order.", |call| {
        done(call.sandbox.user_pays_service_order(call.number()))
    }),
    post("permissions/{authorization_code}/open", "The user opens a pay-score permission.", |call| {
        done(call.sandbox.user_opens_permission(call.number()))
    }),
    post("permissions/{authorization_code}/close", "The user closes a pay-score permission.", |call| {
        done(call.sandbox.user_closes_permission(call.number()))
    }),
    post("plans/{merchant_sign_plan_no}/sign", "The user signs a pay-score plan.", |call| {
        done(call.sandbox.user_signs_plan(call.number()))
    }),
    post("plans/{merchant_sign_plan_no}/cancel", "The user cancels a pay-score plan.", |call| {
        done(call.sandbox.user_cancels_plan(call.number()))
    }),
    post("service-bindings/{out_apply_no}/approve", "WeChat Pay binds a sub-merchant to a pay-score service.", |call| {
        done(call.sandbox.service_binding_is_approved(call.number()))
    }),
    post("service-bindings/{out_apply_no}/reject", "WeChat Pay rejects the binding of a sub-merchant.", |call| {
        done(call.sandbox.service_binding_is_rejected(call.number(), call.text("reason")))
    })
    .takes(WHY),
    post("contracts/{out_contract_code}/sign", "The user signs a papay contract.", |call| {
        done(call.sandbox.user_signs(call.number()))
    }),
    post("contracts/{out_contract_code}/terminate", "The user terminates a papay contract.", |call| {
        done(call.sandbox.user_terminates(call.number()))
    }),
    post("refunds/{out_refund_no}/succeed", "A refund succeeds.", |call| {
        done(call.sandbox.refund_succeeds(call.number()))
    }),
    post("refunds/{out_refund_no}/fail", "A refund fails.", |call| {
        let failure = match call.optional_text("status") {
            None | Some("ABNORMAL") => RefundFailure::Abnormal,
            Some("CLOSED") => RefundFailure::Closed,
            Some(other) => return Err(ApiResponse::bad_parameter(&format!(
                "invalid status {other:.32}: expected ABNORMAL or CLOSED"
            ))),
        };
        done(call.sandbox.refund_fails(call.number(), failure))
    })
    .takes(&[may("status", Kind::Text, "ABNORMAL, the default, or CLOSED")]),
    post("transfers/{out_bill_no}/confirm", "The user confirms a transfer.", |call| {
        done(call.sandbox.user_confirms_transfer(call.number()))
    }),
    post("transfers/{out_bill_no}/succeed", "A transfer succeeds.", |call| {
        done(call.sandbox.transfer_succeeds(call.number()))
    }),
    post("transfers/{out_bill_no}/fail", "A transfer fails.", |call| {
        let reason = call.optional_text("reason").unwrap_or("PAYEE_ACCOUNT_ABNORMAL");
        done(call.sandbox.transfer_fails(call.number(), reason))
    })
    .takes(&[may("reason", Kind::Text, "A documented fail_reason, by default PAYEE_ACCOUNT_ABNORMAL: an error lists them")]),
    post("transfers/{out_bill_no}/cancel", "A transfer that the merchant cancels is cancelled.", |call| {
        done(call.sandbox.transfer_is_cancelled(call.number()))
    }),
    post("authorizations/{out_authorization_no}/agree", "The user agrees to transfers without a confirmation.", |call| {
        done(call.sandbox.user_authorizes_transfers(call.number()))
    }),
    post("authorizations/{out_authorization_no}/end", "The user ends an authorization.", |call| {
        done(call.sandbox.user_ends_authorization(call.number()))
    }),
    post("batches/{out_batch_no}/finish", "A batch of transfers finishes.", |call| {
        done(call.sandbox.batch_finishes(call.number()))
    }),
    post("batches/{out_batch_no}/close", "WeChat Pay closes a batch of transfers.", |call| {
        done(call.sandbox.batch_closes(call.number(), call.text("reason")))
    })
    .takes(REASON),
    post("batch-transfers/{out_detail_no}/fail", "One transfer of a batch fails.", |call| {
        done(call.sandbox.batch_transfer_fails(call.number(), call.text("reason")))
    })
    .takes(REASON),
    post("sharing-orders/{out_order_no}/finish", "Profit sharing finishes.", |call| {
        done(call.sandbox.sharing_finishes(call.number()))
    }),
    post("sharing-orders/{out_order_no}/fail", "The share of one receiver fails.", |call| {
        let (account, reason) = (call.text("account"), call.text("reason"));
        done(call.sandbox.share_fails(call.number(), account, reason))
    })
    .takes(&[
        needs("account", Kind::Text, "The receiver"),
        needs("reason", Kind::Text, "A documented reason: an error lists them"),
    ]),
    post("sharing-returns/{out_return_no}/finish", "The return of shared money finishes.", |call| {
        done(call.sandbox.sharing_return_finishes(call.number()))
    }),
    post("applications/{business_code}/pass", "The application for a merchant passes.", |call| {
        named("sub_mchid", call.sandbox.applyment_passes(call.number()))
    })
    .answers(&[needs("sub_mchid", Kind::Text, "The new sub-merchant")]),
    post("applications/{business_code}/advance", "The application for a merchant moves to its next state.", |call| {
        named("state", call.sandbox.applyment_advances(call.number()))
    })
    .answers(&[needs("state", Kind::Text, "The state now, as the API names it")]),
    post("applications/{business_code}/reject", "WeChat Pay rejects an application because of a field.", |call| {
        let (field, reason) = (call.text("field"), call.text("reason"));
        done(call.sandbox.applyment_rejected(call.number(), field, reason))
    })
    .takes(&[
        needs("field", Kind::Text, "A documented field of an application, such as license_copy"),
        needs("reason", Kind::Text, "What the merchant reads as the reason"),
    ]),
    post("applications/{business_code}/fail", "An application fails by a mistake of WeChat Pay's.", |call| {
        done(call.sandbox.applyment_fails(call.number()))
    }),
    post("applications/{business_code}/cancel", "The merchant cancels an application on the merchant platform.", |call| {
        done(call.sandbox.applyment_is_canceled(call.number()))
    }),
    post("settlement-changes/{application_no}/succeed", "The change of a settlement account succeeds.", |call| {
        done(call.sandbox.settlement_change_succeeds(call.number()))
    }),
    post("settlement-changes/{application_no}/fail", "The change of a settlement account fails.", |call| {
        done(call.sandbox.settlement_change_fails(call.number(), call.text("reason")))
    })
    .takes(WHY),
    post("complaints/{complaint_id}/ask-again", "The customer asks again.", |call| {
        done(call.sandbox.user_asks_again(call.number(), call.text("text")))
    })
    .takes(TEXT),
    post("complaints/{complaint_id}/complain-again", "The customer complains again about a processed complaint.", |call| {
        done(call.sandbox.user_complains_again(call.number(), call.text("text")))
    })
    .takes(TEXT),
    post("complaints/{complaint_id}/withdraw", "The customer withdraws a complaint.", |call| {
        done(call.sandbox.user_withdraws_complaint(call.number()))
    }),
    post("complaints/{complaint_id}/wait", "The customer waits for an answer at once.", |call| {
        done(call.sandbox.user_waits_for_answer(call.number()))
    }),
    post("red-packets/{mch_billno}/open", "The user opens a red packet.", |call| {
        done(call.sandbox.user_opens_red_packet(call.number()))
    }),
];

/// The answer to what happened to an order: its state.
fn order(call: &Call<'_>, result: Result<()>) -> HandlerResult {
    result?;
    ok(json!({ "state": call.sandbox.order_state(call.number()) }))
}
