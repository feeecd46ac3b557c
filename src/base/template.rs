//! RFC 6570 URI templates, levels 1 to 4: one pass over the template, no tree in between.

mod error;
mod parse;

#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

pub(crate) use self::error::TemplateError;
use self::{
    error::What,
    parse::{Operator, Spec, Visit, char_at, walk},
};
use crate::base::{
    percent::{self, PERCENT, RESERVED, UNRESERVED},
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
