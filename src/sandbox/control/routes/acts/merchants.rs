//! What becomes of applications of merchants, and what customers complain about.

use super::*;

const TEXT: &[Field] = &[needs("text", Kind::Text, "What the customer writes")];

pub(super) const ENDPOINTS: &[Endpoint] = &[
    post(
        "applications/{business_code}/pass",
        "The application for a merchant passes.",
        |call| named("sub_mchid", call.sandbox.applyment_passes(call.number())),
    )
    .answers(&[needs("sub_mchid", Kind::Text, "The new sub-merchant")]),
    post(
        "applications/{business_code}/advance",
        "The application for a merchant moves to its next state.",
        |call| named("state", call.sandbox.applyment_advances(call.number())),
    )
    .answers(&[needs(
        "state",
        Kind::Text,
        "The state now, as the API names it",
    )]),
    post(
        "applications/{business_code}/reject",
        "WeChat Pay rejects an application because of a field.",
        |call| {
            let (field, reason) = (call.text("field"), call.text("reason"));
            done(
                call.sandbox
                    .applyment_rejected(call.number(), field, reason),
            )
        },
    )
    .takes(&[
        needs(
            "field",
            Kind::Text,
            "A documented field of an application, such as license_copy",
        ),
        needs(
            "reason",
            Kind::Text,
            "What the merchant reads as the reason",
        ),
    ]),
    post(
        "applications/{business_code}/fail",
        "An application fails by a mistake of WeChat Pay's.",
        |call| done(call.sandbox.applyment_fails(call.number())),
    ),
    post(
        "applications/{business_code}/cancel",
        "The merchant cancels an application on the merchant platform.",
        |call| done(call.sandbox.applyment_is_canceled(call.number())),
    ),
    post(
        "settlement-changes/{application_no}/succeed",
        "The change of a settlement account succeeds.",
        |call| done(call.sandbox.settlement_change_succeeds(call.number())),
    ),
    post(
        "settlement-changes/{application_no}/fail",
        "The change of a settlement account fails.",
        |call| {
            done(
                call.sandbox
                    .settlement_change_fails(call.number(), call.text("reason")),
            )
        },
    )
    .takes(WHY),
    post(
        "complaints/{complaint_id}/ask-again",
        "The customer asks again.",
        |call| {
            done(
                call.sandbox
                    .user_asks_again(call.number(), call.text("text")),
            )
        },
    )
    .takes(TEXT),
    post(
        "complaints/{complaint_id}/complain-again",
        "The customer complains again about a processed complaint.",
        |call| {
            done(
                call.sandbox
                    .user_complains_again(call.number(), call.text("text")),
            )
        },
    )
    .takes(TEXT),
    post(
        "complaints/{complaint_id}/withdraw",
        "The customer withdraws a complaint.",
        |call| done(call.sandbox.user_withdraws_complaint(call.number())),
    ),
    post(
        "complaints/{complaint_id}/wait",
        "The customer waits for an answer at once.",
        |call| done(call.sandbox.user_waits_for_answer(call.number())),
    ),
];
