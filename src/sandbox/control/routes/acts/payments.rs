//! What customers do with payments, and what becomes of refunds.

use super::*;
use crate::sandbox::{RefundFailure, flows::payments::phone};

const STATE: &[Field] = &[needs(
    "state",
    Kind::Text,
    "The state of the order now, as the API names it",
)];

pub(super) const ENDPOINTS: &[Endpoint] = &[
    post(
        "orders/{out_trade_no}/pay",
        "The customer pays an order: a payment, a combined order or a \
         completed service order.",
        |call| order(call, call.sandbox.user_pays(call.number())),
    )
    .answers(STATE),
    post(
        "orders/{out_trade_no}/fail",
        "A payment fails on the customer's phone.",
        |call| order(call, call.sandbox.user_fails(call.number())),
    )
    .answers(STATE),
    post(
        "orders/{out_trade_no}/expire",
        "The time ends in which the customer can pay a payment or a combined order, or confirm a \
         service order.",
        |call| order(call, call.sandbox.order_expires(call.number())),
    )
    .answers(STATE),
    post(
        "orders/{out_trade_no}/enter-password",
        "The customer enters the password that a code payment waits for.",
        |call| order(call, call.sandbox.user_enters_password(call.number())),
    )
    .answers(STATE),
    post(
        "orders/{out_trade_no}/pay-with-coupon",
        "The customer pays an order with a coupon.",
        |call| {
            let paid = call
                .sandbox
                .user_pays_with_coupon(call.number(), call.text("coupon_id"));
            order(call, paid)
        },
    )
    .takes(&[needs(
        "coupon_id",
        Kind::Text,
        "The coupon, as sending it returned it",
    )])
    .answers(STATE),
    post(
        "orders/{out_trade_no}/complain",
        "The customer complains about a paid order, or asks for a refund.",
        |call| {
            let (sandbox, number, text) = (&call.sandbox, call.number(), call.text("text"));
            named(
                "complaint_id",
                match call.integer("refund") {
                    None => sandbox.user_complains(number, text),
                    Some(fen) => sandbox.user_asks_for_refund(number, fen, text),
                },
            )
        },
    )
    .takes(&[
        needs("text", Kind::Text, "What the customer writes"),
        may(
            "refund",
            Kind::Integer,
            "The refund that the customer asks for, in fen",
        ),
    ])
    .answers(&[needs("complaint_id", Kind::Text, "The new complaint")]),
    post(
        "auth-codes",
        "Returns a new code of a customer's phone for a code payment.",
        |call| named("auth_code", Ok(call.sandbox.auth_code())),
    )
    .answers(&[needs("auth_code", Kind::Text, "18 digits")]),
    post(
        "phone/pay",
        "The customer's phone opens the parameters of a front end, checks them \
         as WeChat does, and pays.",
        |call| {
            let paid = phone::pay(call.state, &call.body)?;
            ok(json!({ "out_trade_no": paid, "trade_state": "SUCCESS" }))
        },
    )
    .takes_object("The front end's parameters, or one of code_url and h5_url")
    .answers(&[
        needs(
            "out_trade_no",
            Kind::Text,
            "The order, or the combined order, that is paid",
        ),
        needs("trade_state", Kind::Text, "SUCCESS"),
    ])
    .open(),
    post(
        "refunds/{out_refund_no}/succeed",
        "A refund succeeds.",
        |call| done(call.sandbox.refund_succeeds(call.number())),
    ),
    post("refunds/{out_refund_no}/fail", "A refund fails.", |call| {
        let failure = match call.optional_text("status") {
            None | Some("ABNORMAL") => RefundFailure::Abnormal,
            Some("CLOSED") => RefundFailure::Closed,
            Some(other) => {
                return Err(ApiResponse::bad_parameter(&format!(
                    "invalid status {other:.32}: expected ABNORMAL or CLOSED"
                )));
            }
        };
        done(call.sandbox.refund_fails(call.number(), failure))
    })
    .takes(&[may(
        "status",
        Kind::Text,
        "ABNORMAL, the default, or CLOSED",
    )]),
];

/// The answer to what happened to an order: its state.
fn order(call: &Call<'_>, result: Result<()>) -> HandlerResult {
    result?;
    ok(json!({ "state": call.sandbox.order_state(call.number()) }))
}
