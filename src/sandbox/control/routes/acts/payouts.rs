//! What becomes of transfers, red packets and profit sharing.

use super::*;

const REASON: &[Field] = &[needs(
    "reason",
    Kind::Text,
    "A documented reason: an error lists them",
)];

pub(super) const ENDPOINTS: &[Endpoint] = &[
    post(
        "transfers/{out_bill_no}/confirm",
        "The user confirms a transfer.",
        |call| done(call.sandbox.user_confirms_transfer(call.number())),
    ),
    post(
        "transfers/{out_bill_no}/succeed",
        "A transfer succeeds.",
        |call| done(call.sandbox.transfer_succeeds(call.number())),
    ),
    post(
        "transfers/{out_bill_no}/fail",
        "A transfer fails.",
        |call| {
            let reason = call
                .optional_text("reason")
                .unwrap_or("PAYEE_ACCOUNT_ABNORMAL");
            done(call.sandbox.transfer_fails(call.number(), reason))
        },
    )
    .takes(&[may(
        "reason",
        Kind::Text,
        "A documented fail_reason, by default PAYEE_ACCOUNT_ABNORMAL: an error \
         lists them",
    )]),
    post(
        "transfers/{out_bill_no}/cancel",
        "A transfer that the merchant cancels is cancelled.",
        |call| done(call.sandbox.transfer_is_cancelled(call.number())),
    ),
    post(
        "authorizations/{out_authorization_no}/agree",
        "The user agrees to transfers without a confirmation.",
        |call| done(call.sandbox.user_authorizes_transfers(call.number())),
    ),
    post(
        "authorizations/{out_authorization_no}/end",
        "The user ends an authorization.",
        |call| done(call.sandbox.user_ends_authorization(call.number())),
    ),
    post(
        "batches/{out_batch_no}/finish",
        "A batch of transfers finishes.",
        |call| done(call.sandbox.batch_finishes(call.number())),
    ),
    post(
        "batches/{out_batch_no}/close",
        "WeChat Pay closes a batch of transfers.",
        |call| {
            done(
                call.sandbox
                    .batch_closes(call.number(), call.text("reason")),
            )
        },
    )
    .takes(REASON),
    post(
        "batch-transfers/{out_detail_no}/fail",
        "One transfer of a batch fails.",
        |call| {
            done(
                call.sandbox
                    .batch_transfer_fails(call.number(), call.text("reason")),
            )
        },
    )
    .takes(REASON),
    post(
        "sharing-orders/{out_order_no}/finish",
        "Profit sharing finishes.",
        |call| done(call.sandbox.sharing_finishes(call.number())),
    ),
    post(
        "sharing-orders/{out_order_no}/fail",
        "The share of one receiver fails.",
        |call| {
            let (account, reason) = (call.text("account"), call.text("reason"));
            done(call.sandbox.share_fails(call.number(), account, reason))
        },
    )
    .takes(&[
        needs("account", Kind::Text, "The receiver"),
        needs(
            "reason",
            Kind::Text,
            "A documented reason: an error lists them",
        ),
    ]),
    post(
        "sharing-returns/{out_return_no}/finish",
        "The return of shared money finishes.",
        |call| done(call.sandbox.sharing_return_finishes(call.number())),
    ),
    post(
        "red-packets/{mch_billno}/open",
        "The user opens a red packet.",
        |call| done(call.sandbox.user_opens_red_packet(call.number())),
    ),
];
