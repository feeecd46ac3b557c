/// What became of a request that ended in an error.
///
/// Only [`NotSent`](Outcome::NotSent) and [`Rejected`](Outcome::Rejected) say that nothing
/// happened at WeChat Pay. After [`Unknown`](Outcome::Unknown), query with the same order number,
/// or repeat the very same request; a new number may pay twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// Not a byte of the request left this machine.
    NotSent,
    /// WeChat Pay refused it: a 4xx whose signature verified, an unsigned 401, 403 or 429, or an
    /// APIv2 failure whose code is definite. A read that was refused counts here too.
    Rejected,
    /// It was done: the answer verified as a success, and something on this side failed after.
    Done,
    /// It was sent, and what became of it is not known.
    Unknown,
}
