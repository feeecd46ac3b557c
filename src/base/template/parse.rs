//! One pass over a template, which hands its parts to a [`Visitor`].

use super::error::{Reason, TemplateError};
use crate::base::percent::{self, RESERVED, UNRESERVED, is_reserved, is_unreserved};

/// A variable in an expression, with its modifier.
pub(super) struct Spec<'t> {
    pub(super) name: &'t str,
    pub(super) explode: bool,
    pub(super) prefix: Option<usize>,
}

/// Receives the parts of a template, in their order.
pub(super) trait Visitor<'t> {
    /// Literal text. If `plain`, nothing in it needs encoding.
    fn literal(&mut self, run: &'t str, plain: bool);

    /// A variable. `first` is true until a variable of the expression has a value.
    fn variable(
        &mut self,
        operator: &Operator,
        spec: &Spec<'t>,
        first: &mut bool,
    ) -> Result<(), Reason>;
}

/// Visits the parts of `template`.
pub(super) fn walk<'t>(
    template: &'t str,
    visitor: &mut impl Visitor<'t>,
) -> Result<(), TemplateError> {
    let bytes = template.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte == b'{' {
            at = expression(template, at, visitor)?;
        } else {
            let (end, plain) = literal(template, at)?;
            visitor.literal(&template[at..end], plain);
            at = end;
        }
    }
    Ok(())
}

/// Returns the end of the literal text that begins at `at`, and whether it can be copied unchanged.
fn literal(template: &str, mut at: usize) -> Result<(usize, bool), TemplateError> {
    let bytes = template.as_bytes();
    let mut plain = true;
    while let Some(&byte) = bytes.get(at) {
        if is_unreserved(byte) || is_reserved(byte) {
            at += 1;
            continue;
        }
        let reason = match byte {
            b'{' => break,
            b'}' => Reason::Unopened,
            // Copied as it is: to encode it again would change the path.
            b'%' if percent::triplet(bytes, at).is_some() => {
                at += 3;
                continue;
            }
            b'%' => Reason::Percent,
            // RFC 6570 allows characters outside ASCII in literals, and encodes them. Chinese text
            // in a chain works as it does in a value.
            _ => match char_at(template, at) {
                Some(c) if !c.is_ascii() && !c.is_control() => {
                    plain = false;
                    at += c.len_utf8();
                    continue;
                }
                c => Reason::Literal(c.unwrap_or(char::REPLACEMENT_CHARACTER)),
            },
        };
        return Err(TemplateError { offset: at, reason });
    }
    Ok((at, plain))
}

/// Visits the variables of the expression whose `{` is at `open`. Returns the position after its `}`.
fn expression<'t>(
    template: &'t str,
    open: usize,
    visitor: &mut impl Visitor<'t>,
) -> Result<usize, TemplateError> {
    let bytes = template.as_bytes();
    let mut at = open + 1;
    let operator = match bytes.get(at) {
        Some(b'+') => Operator::RESERVED,
        Some(b'#') => Operator::FRAGMENT,
        Some(b'.') => Operator::LABEL,
        Some(b'/') => Operator::PATH,
        Some(b';') => Operator::PARAMETER,
        Some(b'?') => Operator::QUERY,
        Some(b'&') => Operator::CONTINUATION,
        // Reserved by RFC 6570 for extensions.
        Some(&c @ (b'=' | b'!' | b'@' | b'|')) => {
            return Err(TemplateError {
                offset: at,
                reason: Reason::Operator(c.into()),
            });
        }
        _ => Operator::SIMPLE,
    };
    at += operator_length(&operator);
    let mut first = true;
    loop {
        let (spec, end) = variable(template, open, at)?;
        visitor
            .variable(&operator, &spec, &mut first)
            .map_err(|reason| TemplateError { offset: at, reason })?;
        at = end + 1;
        if bytes.get(end) == Some(&b'}') {
            return Ok(at);
        }
    }
}

fn operator_length(operator: &Operator) -> usize {
    usize::from(operator.reserved || !operator.first.is_empty())
}

/// Returns the variable that begins at `start`, and the position of the `,` or `}` after it.
fn variable(template: &str, open: usize, start: usize) -> Result<(Spec<'_>, usize), TemplateError> {
    let bytes = template.as_bytes();
    let mut at = name(template, open, start)?;
    let mut spec = Spec {
        name: &template[start..at],
        explode: false,
        prefix: None,
    };
    match bytes.get(at) {
        Some(b'*') => {
            spec.explode = true;
            at += 1;
        }
        Some(b':') => {
            at += 1;
            // One digit more than a prefix may have: enough to notice, without reading a megabyte of
            // digits again for each variable.
            let digits = bytes[at..]
                .iter()
                .take(5)
                .take_while(|byte| byte.is_ascii_digit());
            let digits = &template[at..at + digits.count()];
            if !matches!(digits.len(), 1..=4) || digits.starts_with('0') {
                return Err(TemplateError {
                    offset: at,
                    reason: Reason::Prefix,
                });
            }
            spec.prefix = digits.parse().ok();
            at += digits.len();
        }
        _ => {}
    }
    match bytes.get(at) {
        Some(b',' | b'}') => Ok((spec, at)),
        _ => Err(unexpected(template, open, at)),
    }
}

/// Returns the end of the variable name that begins at `start`.
fn name(template: &str, open: usize, start: usize) -> Result<usize, TemplateError> {
    let bytes = template.as_bytes();
    let mut at = start;
    // A name neither begins nor ends with a dot, nor has two in a row. Triplets are part of a name and
    // are not decoded.
    let mut after_dot = true;
    loop {
        match bytes.get(at) {
            Some(&byte) if byte.is_ascii_alphanumeric() || byte == b'_' => at += 1,
            Some(b'%') if percent::triplet(bytes, at).is_some() => at += 3,
            Some(b'%') => {
                return Err(TemplateError {
                    offset: at,
                    reason: Reason::Percent,
                });
            }
            Some(b'.') if !after_dot => {
                after_dot = true;
                at += 1;
                continue;
            }
            _ if after_dot => return Err(unexpected(template, open, at)),
            _ => return Ok(at),
        }
        after_dot = false;
    }
}

fn unexpected(template: &str, open: usize, at: usize) -> TemplateError {
    match char_at(template, at) {
        None => TemplateError {
            offset: open,
            reason: Reason::Unclosed,
        },
        Some(',' | '}') => TemplateError {
            offset: at,
            reason: Reason::NoName,
        },
        Some(c) => TemplateError {
            offset: at,
            reason: Reason::InName(c),
        },
    }
}

pub(super) fn char_at(template: &str, at: usize) -> Option<char> {
    template.get(at..)?.chars().next()
}

/// An operator of RFC 6570, and how it expands: the table in its appendix A.
pub(super) struct Operator {
    pub(super) first: &'static str,
    pub(super) separator: &'static str,
    pub(super) named: bool,
    pub(super) if_empty: &'static str,
    pub(super) reserved: bool,
}

impl Operator {
    const SIMPLE: Self = Self::new("", ",");
    const RESERVED: Self = Self {
        reserved: true,
        ..Self::new("", ",")
    };
    const FRAGMENT: Self = Self {
        reserved: true,
        ..Self::new("#", ",")
    };
    const LABEL: Self = Self::new(".", ".");
    const PATH: Self = Self::new("/", "/");
    const PARAMETER: Self = Self {
        named: true,
        ..Self::new(";", ";")
    };
    const QUERY: Self = Self {
        named: true,
        if_empty: "=",
        ..Self::new("?", "&")
    };
    const CONTINUATION: Self = Self {
        named: true,
        if_empty: "=",
        ..Self::new("&", "&")
    };

    const fn new(first: &'static str, separator: &'static str) -> Self {
        Self {
            first,
            separator,
            named: false,
            if_empty: "",
            reserved: false,
        }
    }

    /// Appends a value, encoded as this operator does.
    pub(super) fn push(&self, text: &str, out: &mut String) {
        if self.reserved {
            percent::push_keeping_triplets(text, RESERVED, out);
        } else {
            percent::push(text, UNRESERVED, out);
        }
    }
}
