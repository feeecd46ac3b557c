//! The errors of a bill. They name the line and never show a value.

use std::borrow::Cow;

use crate::error::{Cause, Error, ErrorKind};

/// An error in a bill.
pub(super) enum BillError {
    /// Only this row is wrong.
    Row(Cause),
    /// Nothing after it can be read.
    End(Cause),
}

impl BillError {
    /// Makes the error one after which nothing can be read.
    pub(super) fn ending(self) -> Self {
        match self {
            Self::Row(cause) | Self::End(cause) => Self::End(cause),
        }
    }
}

pub(super) fn stray(line: u64) -> Cause {
    cause(format!(
        "line {line} of the bill is neither a row, which begins with a backtick, nor a line of column \
         names"
    ))
}

pub(super) fn cause(message: impl Into<Cow<'static, str>>) -> Cause {
    Cause::new(ErrorKind::Decode, message)
}

pub(super) fn decode(message: impl Into<Cow<'static, str>>) -> Error {
    cause(message).not_sent()
}
