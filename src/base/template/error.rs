//! Why a template cannot be expanded.

use std::fmt;

/// Why a template cannot be expanded, and at which byte of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TemplateError {
    pub(crate) offset: usize,
    pub(crate) reason: Reason,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    Unclosed,
    Unopened,
    Literal(char),
    Percent,
    Operator(char),
    NoName,
    InName(char),
    Prefix,
    PrefixOfComposite(String),
    Nested(String),
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.offset;
        match &self.reason {
            Reason::Unclosed => write!(f, "`{{` at byte {at} is never closed"),
            Reason::Unopened => write!(f, "unmatched `}}` at byte {at}"),
            Reason::Literal(c) => write!(f, "{c:?} at byte {at} must be percent-encoded"),
            Reason::Percent => write!(
                f,
                "`%` at byte {at} is not followed by two hexadecimal digits; write a percent sign as `%25`"
            ),
            Reason::Operator(c) => write!(f, "unknown operator `{c}` at byte {at}"),
            Reason::NoName => write!(f, "missing variable name at byte {at}"),
            Reason::InName(c) => write!(
                f,
                "invalid character {c:?} in a variable name at byte {at}; expected letters, digits, \
                 `_` and single dots"
            ),
            Reason::Prefix => write!(f, "invalid prefix at byte {at}; expected 1 to 9999"),
            Reason::PrefixOfComposite(name) => write!(
                f,
                "`{name:.64}` at byte {at} has a prefix, but its value is an array or an object"
            ),
            Reason::Nested(name) => write!(
                f,
                "the value of `{name:.64}` at byte {at} is nested; its items cannot be arrays or objects"
            ),
        }
    }
}

impl std::error::Error for TemplateError {}
