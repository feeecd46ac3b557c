/// What became of a request that ended in an error.
///
/// Only [`NotSent`](Outcome::NotSent) and [`Rejected`](Outcome::Rejected) say that nothing
/// happened at WeChat Pay. After [`Unknown`](Outcome::Unknown), query with the same order number. A
/// new number may pay twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// Not a byte of the request left this machine.
    NotSent,
    /// WeChat Pay refused the request: a verified 4xx with a code, an unsigned 401, 403 or 429, or an
    /// APIv2 failure whose code is definite. A read that was refused counts here too.
    ///
    /// Not a refusal that refers to an earlier request under the same number, such as `ORDERPAID`:
    /// the earlier one may have moved the money. And of a payout, only one whose code is listed as
    /// definite.
    Rejected,
    /// The request succeeded: its response verified, and then something on this side failed, such as
    /// decoding the response or writing a file.
    Done,
    /// The request was sent, and what became of it is not known: a timeout, a lost connection, a
    /// 5xx, a response that did not verify, a code that refers to an earlier request.
    Unknown,
}
