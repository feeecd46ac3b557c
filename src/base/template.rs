//! RFC 6570 URI templates, levels 1 to 4: one pass over the template, no tree in between.

use std::fmt;

use serde_json::{Map, Value};

use crate::base::{
    percent::{self, CLASS, NAME, PERCENT, RESERVED, UNRESERVED},
    scalar::scalar,
};

/// Appends the expansion of `template` to `out`, taking the variables from `lookup`.
///
/// A variable that `lookup` has not, null, an empty list and an empty object are undefined and
/// expand to nothing. After an error `out` is as it was.
pub(crate) fn expand<'v>(
    template: &str,
    lookup: &mut dyn FnMut(&str) -> Option<&'v Value>,
    out: &mut String,
) -> Result<(), TemplateError> {
    let before = out.len();
    let done = walk(template, &mut Expansion { lookup, out });
    if done.is_err() {
        out.truncate(before);
    }
    done
}

/// Calls `visit` with the name of each variable in `template`, in order, repetitions too.
pub(crate) fn variables<'t>(
    template: &'t str,
    visit: &mut dyn FnMut(&'t str),
) -> Result<(), TemplateError> {
    walk(template, &mut Names { visit })
}

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
                "`{name}` at byte {at} has a prefix, but its value is a list or an object"
            ),
            What::Nested(name) => write!(
                f,
                "`{name}` at byte {at} holds a list or an object inside its list or object"
            ),
        }
    }
}

impl std::error::Error for TemplateError {}

struct Operator {
    first: &'static str,
    separator: &'static str,
    named: bool,
    if_empty: &'static str,
    reserved: bool,
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

    fn push(&self, text: &str, out: &mut String) {
        if self.reserved {
            percent::push_keeping_triplets(text, UNRESERVED | RESERVED, out);
        } else {
            percent::push(text, UNRESERVED, out);
        }
    }
}

/// One variable in an expression, with its modifier.
struct Spec<'t> {
    name: &'t str,
    explode: bool,
    prefix: Option<usize>,
}

/// What is done with the parts of a template as they are met.
trait Visit<'t> {
    /// `plain`: nothing in `run` needs encoding.
    fn literal(&mut self, run: &'t str, plain: bool);

    /// `first`: none before it in its expression had a value.
    fn variable(
        &mut self,
        operator: &Operator,
        spec: &Spec<'t>,
        first: &mut bool,
    ) -> Result<(), What>;
}

struct Names<'t, 'f> {
    visit: &'f mut dyn FnMut(&'t str),
}

impl<'t> Visit<'t> for Names<'t, '_> {
    fn literal(&mut self, _: &'t str, _: bool) {}

    fn variable(&mut self, _: &Operator, spec: &Spec<'t>, _: &mut bool) -> Result<(), What> {
        (self.visit)(spec.name);
        Ok(())
    }
}

struct Expansion<'v, 'f> {
    lookup: &'f mut dyn FnMut(&str) -> Option<&'v Value>,
    out: &'f mut String,
}

impl<'t> Visit<'t> for Expansion<'_, '_> {
    fn literal(&mut self, run: &'t str, plain: bool) {
        if plain {
            self.out.push_str(run);
        } else {
            percent::push(run, UNRESERVED | RESERVED | PERCENT, self.out);
        }
    }

    fn variable(
        &mut self,
        operator: &Operator,
        spec: &Spec<'t>,
        first: &mut bool,
    ) -> Result<(), What> {
        match (self.lookup)(spec.name) {
            None | Some(Value::Null) => Ok(()),
            Some(Value::Array(_) | Value::Object(_)) if spec.prefix.is_some() => {
                Err(What::PrefixOfComposite(spec.name.to_owned()))
            }
            Some(Value::Array(list)) => self.list(operator, spec, first, list),
            Some(Value::Object(map)) => self.pairs(operator, spec, first, map),
            Some(value) => {
                let text = scalar(value).unwrap_or_default();
                self.begin(operator, first);
                if operator.named {
                    self.name(operator, spec.name, text.is_empty());
                }
                let text = match spec.prefix {
                    Some(length) => prefix(&text, length, operator.reserved),
                    None => &text,
                };
                operator.push(text, self.out);
                Ok(())
            }
        }
    }
}

impl Expansion<'_, '_> {
    fn list(
        &mut self,
        operator: &Operator,
        spec: &Spec<'_>,
        first: &mut bool,
        list: &[Value],
    ) -> Result<(), What> {
        let mut begun = false;
        for item in list.iter().filter(|item| !item.is_null()) {
            let text = scalar(item).ok_or_else(|| What::Nested(spec.name.to_owned()))?;
            self.separate(operator, spec, first, &mut begun);
            if spec.explode && operator.named {
                self.name(operator, spec.name, text.is_empty());
            }
            operator.push(&text, self.out);
        }
        Ok(())
    }

    fn pairs(
        &mut self,
        operator: &Operator,
        spec: &Spec<'_>,
        first: &mut bool,
        map: &Map<String, Value>,
    ) -> Result<(), What> {
        let mut begun = false;
        for (key, value) in map.iter().filter(|(_, value)| !value.is_null()) {
            let text = scalar(value).ok_or_else(|| What::Nested(spec.name.to_owned()))?;
            self.separate(operator, spec, first, &mut begun);
            operator.push(key, self.out);
            self.out
                .push_str(match (spec.explode, operator.named && text.is_empty()) {
                    (false, _) => ",",
                    (true, false) => "=",
                    (true, true) => operator.if_empty,
                });
            operator.push(&text, self.out);
        }
        Ok(())
    }

    /// What stands before a member of a list or an object.
    fn separate(
        &mut self,
        operator: &Operator,
        spec: &Spec<'_>,
        first: &mut bool,
        begun: &mut bool,
    ) {
        if *begun {
            self.out.push_str(if spec.explode {
                operator.separator
            } else {
                ","
            });
        } else {
            *begun = true;
            self.begin(operator, first);
            if operator.named && !spec.explode {
                self.name(operator, spec.name, false);
            }
        }
    }

    fn begin(&mut self, operator: &Operator, first: &mut bool) {
        self.out.push_str(if *first {
            operator.first
        } else {
            operator.separator
        });
        *first = false;
    }

    fn name(&mut self, operator: &Operator, name: &str, empty: bool) {
        self.out.push_str(name);
        self.out
            .push_str(if empty { operator.if_empty } else { "=" });
    }
}

fn walk<'t>(template: &'t str, visit: &mut impl Visit<'t>) -> Result<(), TemplateError> {
    let bytes = template.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte == b'{' {
            at = expression(template, at, visit)?;
        } else {
            let (end, plain) = literal(template, at)?;
            visit.literal(&template[at..end], plain);
            at = end;
        }
    }
    Ok(())
}

/// The end of the literal text that begins at `at`, and whether it may be copied as it stands.
fn literal(template: &str, mut at: usize) -> Result<(usize, bool), TemplateError> {
    let bytes = template.as_bytes();
    let mut plain = true;
    while let Some(&byte) = bytes.get(at) {
        if CLASS[byte as usize] & (UNRESERVED | RESERVED) != 0 {
            at += 1;
            continue;
        }
        let what = match byte {
            b'{' => break,
            b'}' => What::Unopened,
            b'%' if percent::triplet(bytes, at).is_some() => {
                at += 3;
                continue;
            }
            b'%' => What::Percent,
            _ => match char_at(template, at) {
                Some(c) if !c.is_ascii() && !c.is_control() => {
                    plain = false;
                    at += c.len_utf8();
                    continue;
                }
                c => What::Literal(c.unwrap_or(char::REPLACEMENT_CHARACTER)),
            },
        };
        return Err(TemplateError { offset: at, what });
    }
    Ok((at, plain))
}

/// Visits the variables of the expression whose `{` stands at `open`; where the text goes on.
fn expression<'t>(
    template: &'t str,
    open: usize,
    visit: &mut impl Visit<'t>,
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
        Some(&(c @ (b'=' | b'!' | b'@' | b'|'))) => {
            return Err(TemplateError {
                offset: at,
                what: What::Operator(c.into()),
            });
        }
        _ => Operator::SIMPLE,
    };
    at += operator_length(&operator);
    let mut first = true;
    loop {
        let (spec, end) = variable(template, open, at)?;
        visit
            .variable(&operator, &spec, &mut first)
            .map_err(|what| TemplateError { offset: at, what })?;
        at = end + 1;
        if bytes.get(end) == Some(&b'}') {
            return Ok(at);
        }
    }
}

fn operator_length(operator: &Operator) -> usize {
    usize::from(operator.reserved || !operator.first.is_empty())
}

/// The variable that begins at `start`, and the place of the `,` or `}` after it.
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
            let digits = bytes[at..]
                .iter()
                .take(5)
                .take_while(|byte| byte.is_ascii_digit());
            let digits = &template[at..at + digits.count()];
            if !matches!(digits.len(), 1..=4) || digits.starts_with('0') {
                return Err(TemplateError {
                    offset: at,
                    what: What::Prefix,
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

/// The end of the variable name that begins at `start`.
fn name(template: &str, open: usize, start: usize) -> Result<usize, TemplateError> {
    let bytes = template.as_bytes();
    let mut at = start;
    let mut after_dot = true;
    loop {
        match bytes.get(at) {
            Some(&byte) if CLASS[byte as usize] & NAME != 0 => at += 1,
            Some(b'%') if percent::triplet(bytes, at).is_some() => at += 3,
            Some(b'%') => {
                return Err(TemplateError {
                    offset: at,
                    what: What::Percent,
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
            what: What::Unclosed,
        },
        Some(',' | '}') => TemplateError {
            offset: at,
            what: What::NoName,
        },
        Some(c) => TemplateError {
            offset: at,
            what: What::InName(c),
        },
    }
}

fn char_at(template: &str, at: usize) -> Option<char> {
    template.get(at..)?.chars().next()
}

/// The first `length` characters. Where triplets are kept, those that stand for one character
/// count as one and stay together.
fn prefix(text: &str, length: usize, keep_triplets: bool) -> &str {
    let mut end = 0;
    for _ in 0..length {
        let Some(c) = char_at(text, end) else { break };
        end += match c {
            '%' if keep_triplets => encoded_character(&text.as_bytes()[end..]),
            c => c.len_utf8(),
        };
    }
    &text[..end]
}

/// How many bytes the triplets of one character take; a single `%` or triplet where they are none.
fn encoded_character(bytes: &[u8]) -> usize {
    let mut decoded = [0; 4];
    let mut triplets = 0;
    while let Some(slot) = decoded.get_mut(triplets) {
        let Some(byte) = bytes
            .get(triplets * 3)
            .filter(|byte| **byte == b'%')
            .and_then(|_| percent::triplet(bytes, triplets * 3))
        else {
            break;
        };
        *slot = byte;
        triplets += 1;
        if std::str::from_utf8(&decoded[..triplets]).is_ok() {
            return triplets * 3;
        }
    }
    if triplets == 0 { 1 } else { 3 }
}

#[cfg(test)]
mod tests;
