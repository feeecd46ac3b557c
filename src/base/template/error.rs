use std::fmt;

/// Why a template is refused, and where: a byte of the template.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TemplateError {
    pub(crate) offset: usize,
    pub(crate) what: What,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum What {
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
        match &self.what {
            What::Unclosed => write!(f, "`{{` at byte {at} is never closed"),
            What::Unopened => write!(f, "`}}` at byte {at} closes nothing"),
            What::Literal(c) => write!(f, "{c:?} at byte {at} must be percent-encoded"),
            What::Percent => write!(
                f,
                "`%` at byte {at} is not followed by two hexadecimal digits: a percent sign is `%25`"
            ),
            What::Operator(c) => write!(f, "the operator `{c}` at byte {at} has no meaning"),
            What::NoName => write!(f, "a variable's name is missing at byte {at}"),
            What::InName(c) => write!(
                f,
                "{c:?} at byte {at} cannot stand in a variable's name: letters, digits, `_` and \
                 single dots can"
            ),
            What::Prefix => write!(f, "the prefix at byte {at} must be from 1 to 9999"),
            What::PrefixOfComposite(name) => write!(
                f,
                "`{name:.64}` at byte {at} has a prefix, but its value is a list or an object"
            ),
            What::Nested(name) => write!(
                f,
                "`{name:.64}` at byte {at} holds a list or an object inside its list or object"
            ),
        }
    }
}

impl std::error::Error for TemplateError {}
