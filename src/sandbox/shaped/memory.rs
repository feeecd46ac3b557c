//! What was answered under a merchant's number, so that the same request gets the same answer.

/// The answers of one merchant.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {}
