/// What happened to a request whose call returned an error.
///
/// Only [`NotSent`](Outcome::NotSent) and [`Rejected`](Outcome::Rejected) mean that nothing
/// happened at WeChat Pay. After [`Unknown`](Outcome::Unknown), query the order by its number before
/// you do anything else. A new number may pay twice.
///
/// ```
/// use wechatpay_chain::{Error, Outcome};
///
/// fn is_new_order_number_safe(err: &Error) -> bool {
///     matches!(err.outcome(), Outcome::NotSent | Outcome::Rejected)
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// No byte of the request left this machine.
    NotSent,
    /// WeChat Pay refused the request: a verified 4xx with a code, an unsigned 401, 403 or 429, or
    /// an APIv2 failure with a definite code. A read that was refused counts too.
    ///
    /// A code that refers to an earlier request under the same number, such as `ORDERPAID`, is
    /// [`Unknown`](Outcome::Unknown), since that earlier request may have moved the money. For a
    /// payout only the codes that are listed as definite are `Rejected`.
    Rejected,
    /// The request succeeded and its response verified; then something failed on this side, such as
    /// decoding the response or writing a file.
    Done,
    /// The request was sent, and its effect is not known: a timeout, a lost connection, a 5xx, a
    /// response that did not verify, or a code that refers to an earlier request.
    Unknown,
}
