//! RFC 6570 URI templates, levels 1 to 4.
//!
//! A template is expanded in one pass, without a parsed form: a chain is usually expanded once, and the
//! text is shorter than a tree of it would be. The output is what is signed and sent, so it is built
//! here byte by byte and never passes through a URL parser, which might rewrite it.
//!
//! Where RFC 6570 leaves a choice:
//!
//! - An invalid template is an error, and nothing is expanded. The RFC would leave the invalid part as
//!   it is and expand the rest, but a request to the wrong path is worse than an error.
//! - Null items of an array or object are left out, like undefined variables.
//! - An array or object inside another one is an error. The RFC has no expansion for it.
//! - Numbers and booleans are written as PHP does (`scalar`).

mod error;
mod parse;

#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

pub(crate) use self::error::TemplateError;
use self::{
    error::Reason,
    parse::{Operator, Spec, Visitor, char_at, walk},
};
use crate::base::{
    percent::{self, LITERAL},
    scalar::scalar,
};

/// Appends the expansion of `template` to `out`, with the variables that `lookup` returns.
///
/// A variable is undefined, and expands to nothing, if `lookup` returns `None`, null, an empty array or
/// an empty object. After an error, `out` is unchanged.
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

/// Calls `visit` with the name of each variable in `template`, in their order. A name that occurs twice
/// is visited twice.
pub(crate) fn variables<'t>(
    template: &'t str,
    visit: &mut dyn FnMut(&'t str),
) -> Result<(), TemplateError> {
    walk(template, &mut Names { visit })
}

struct Names<'t, 'f> {
    visit: &'f mut dyn FnMut(&'t str),
}

impl<'t> Visitor<'t> for Names<'t, '_> {
    fn literal(&mut self, _: &'t str, _: bool) {}

    fn variable(&mut self, _: &Operator, spec: &Spec<'t>, _: &mut bool) -> Result<(), Reason> {
        (self.visit)(spec.name);
        Ok(())
    }
}

struct Expansion<'v, 'f> {
    lookup: &'f mut dyn FnMut(&str) -> Option<&'v Value>,
    out: &'f mut String,
}

impl<'t> Visitor<'t> for Expansion<'_, '_> {
    fn literal(&mut self, run: &'t str, plain: bool) {
        if plain {
            self.out.push_str(run);
        } else {
            percent::push(run, LITERAL, self.out);
        }
    }

    fn variable(
        &mut self,
        operator: &Operator,
        spec: &Spec<'t>,
        first: &mut bool,
    ) -> Result<(), Reason> {
        match (self.lookup)(spec.name) {
            None | Some(Value::Null) => Ok(()),
            Some(Value::Array(_) | Value::Object(_)) if spec.prefix.is_some() => {
                Err(Reason::PrefixOfComposite(spec.name.to_owned()))
            }
            Some(Value::Array(list)) => self.list(operator, spec, first, list),
            Some(Value::Object(map)) => self.pairs(operator, spec, first, map),
            Some(value) => {
                let text = scalar(value).unwrap_or_default();
                self.begin(operator, first);
                if operator.named {
                    self.name(operator, spec.name, text.is_empty());
                }
                // The prefix counts characters of the value, before it is encoded.
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
    ) -> Result<(), Reason> {
        let mut started = false;
        // An array without items writes nothing, not even the operator's first character: `begin` is
        // called by the first item.
        for item in list.iter().filter(|item| !item.is_null()) {
            let text = scalar(item).ok_or_else(|| Reason::Nested(spec.name.to_owned()))?;
            self.separate(operator, spec, first, &mut started);
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
    ) -> Result<(), Reason> {
        let mut started = false;
        for (key, value) in map.iter().filter(|(_, value)| !value.is_null()) {
            let text = scalar(value).ok_or_else(|| Reason::Nested(spec.name.to_owned()))?;
            self.separate(operator, spec, first, &mut started);
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

    /// Writes what comes before an item of an array or an object.
    fn separate(
        &mut self,
        operator: &Operator,
        spec: &Spec<'_>,
        first: &mut bool,
        started: &mut bool,
    ) {
        if *started {
            self.out.push_str(if spec.explode {
                operator.separator
            } else {
                ","
            });
        } else {
            *started = true;
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

/// Returns the first `length` characters of `text`.
///
/// If triplets are kept (`{+var:3}`), the triplets of one character count as one, so that a prefix never
/// cuts a character. RFC 6570, section 2.4.1, requires it.
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

/// Returns how many bytes the triplets of one character take. If they are not UTF-8, returns the length
/// of one triplet, or 1 for a lone `%`.
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
