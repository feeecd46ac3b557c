//! What differs from the documents.

use std::fmt;

use crate::{
    base::edit_distance::levenshtein,
    catalog::{self, Field, Fields, Kind},
    error::value::shown,
};

/// The largest number of findings for one request.
const MAX_FINDINGS: usize = 16;

/// How many values of a list are shown.
const MAX_VALUES: usize = 12;

/// A difference, and where it is.
///
/// The value is not kept: it may be personal data.
#[derive(Debug)]
pub(crate) struct Finding {
    /// A JSON Pointer into the options map.
    pub(super) pointer: String,
    pub(super) problem: Problem,
}

#[derive(Debug)]
pub(crate) enum Problem {
    /// The field is not documented.
    Unknown {
        /// The documented name that is most similar.
        nearest: Option<&'static str>,
        /// Where a field of this name is documented.
        elsewhere: Option<String>,
    },
    /// A required field is absent. What is in it, if it is an object.
    Missing(Vec<&'static str>),
    /// The value has another type: which is expected, and which was found.
    Type(Kind, &'static str),
    /// The value is not in the documented list.
    Value {
        documented: &'static [&'static str],
        nearest: Option<&'static str>,
    },
    /// The value must be encrypted, and is not.
    ClearText,
}

/// The findings of one request. Allocates nothing while there are none.
#[derive(Default)]
pub(crate) struct Findings(Vec<Finding>);

#[cfg(feature = "sandbox")]
impl Finding {
    pub(crate) fn pointer(&self) -> &str {
        &self.pointer
    }

    pub(crate) fn problem(&self) -> &Problem {
        &self.problem
    }
}

impl Findings {
    pub(super) fn add(&mut self, at: &At<'_>, problem: Problem) {
        if !self.is_full() {
            self.0.push(Finding {
                pointer: at.to_string(),
                problem,
            });
        }
    }

    /// Returns `true` if more findings would not be kept.
    pub(super) fn is_full(&self) -> bool {
        self.0.len() >= MAX_FINDINGS
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Finding> {
        self.0.iter()
    }
}

/// Writes the findings one after the other.
impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, finding) in self.0.iter().enumerate() {
            let separator = if at == 0 { "" } else { "; " };
            write!(f, "{separator}{finding}")?;
        }
        if self.is_full() {
            f.write_str("; and possibly more")?;
        }
        Ok(())
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", self.pointer, self.problem)
    }
}

/// Writes what is after the name of the field.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { nearest, elsewhere } => {
                f.write_str("is not a documented field")?;
                match (elsewhere, nearest) {
                    (Some(place), _) => write!(f, ": `{place}` is"),
                    (None, Some(name)) => write!(f, ": did you mean `{name}`?"),
                    (None, None) => Ok(()),
                }
            }
            Self::Missing(inner) => {
                f.write_str("is missing and required")?;
                for (at, name) in inner.iter().enumerate() {
                    let before = if at == 0 { ", with " } else { ", " };
                    write!(f, "{before}`{name}`")?;
                }
                Ok(())
            }
            Self::Type(expected, found) => write!(f, "is {found}: expected {}", one(*expected)),
            Self::Value {
                documented,
                nearest,
            } => {
                f.write_str("has a value that is not documented: ")?;
                if let Some(value) = nearest {
                    write!(f, "did you mean `{value}`? ")?;
                }
                f.write_str("Expected")?;
                for (at, value) in documented.iter().take(MAX_VALUES).enumerate() {
                    let before = if at == 0 { " " } else { ", " };
                    write!(f, "{before}`{value}`")?;
                }
                match documented.len().checked_sub(MAX_VALUES) {
                    Some(more @ 1..) => write!(f, " or one of {more} more"),
                    _ => Ok(()),
                }
            }
            Self::ClearText => f.write_str(
                "is in clear text, and must be encrypted: use Options::encrypt_documented",
            ),
        }
    }
}

fn one(kind: Kind) -> &'static str {
    match kind {
        Kind::String => "a string",
        Kind::Integer => "an integer",
        Kind::Number => "a number",
        Kind::Boolean => "a boolean",
        Kind::Object => "an object",
        Kind::StringList => "a list of strings",
        Kind::IntegerList => "a list of integers",
        Kind::NumberList => "a list of numbers",
        Kind::BooleanList => "a list of booleans",
        Kind::ObjectList => "a list of objects",
    }
}

impl Problem {
    /// An unknown field among `fields`. `is_given` tells which of them the object has: a misspelt name
    /// leaves a gap.
    pub(super) fn unknown(
        name: &str,
        fields: Fields,
        is_given: impl Fn(&str) -> bool,
        request: Fields,
    ) -> Self {
        let near = fields
            .iter()
            .map(|field| field.name())
            .map(|known| (distance(known, name), is_given(known), known))
            // Two letters apart, a name may be meant that is given as well. Otherwise it is another field.
            .filter(|(distance, is_given, _)| !is_given || *distance <= 2)
            .filter(|(distance, _, known)| is_near(*distance, known, name))
            .min_by_key(|(distance, is_given, _)| (*distance, *is_given));
        let nearest = near.map(|(_, _, known)| known);
        // A misspelt name that is right somewhere else is rarer than a field in the wrong place.
        let elsewhere = match near {
            Some((1, false, _)) => None,
            _ => {
                let mut places = catalog::places(request, name).into_iter();
                places.next().map(|(pointer, _)| pointer)
            }
        };
        Self::Unknown { nearest, elsewhere }
    }

    pub(super) fn missing(field: &Field) -> Self {
        let inner = field.fields().iter().filter(Field::is_required);
        Self::Missing(inner.map(|field| field.name()).collect())
    }

    /// A value that is not in the list. `text` is the value, if it is text.
    pub(super) fn value(documented: &'static [&'static str], text: Option<&str>) -> Self {
        let near = text.and_then(|text| {
            documented
                .iter()
                .map(|value| (distance(value, text), *value))
                .filter(|(distance, value)| is_near(*distance, value, text))
                .min_by_key(|(distance, _)| *distance)
        });
        Self::Value {
            documented,
            nearest: near.map(|(_, value)| value),
        }
    }
}

/// The case of a letter counts little: `OutTradeNo` and `out_trade_no` mean the same.
fn distance(documented: &str, given: &str) -> usize {
    // A name or value may be of any length: it is not copied for each documented one.
    if given.len() > 2 * documented.len() {
        return given.len();
    }
    let fold = |text: &str| -> Vec<u8> {
        let letters = text.bytes().filter(|byte| !matches!(byte, b'_' | b'-'));
        letters.map(|byte| byte.to_ascii_lowercase()).collect()
    };
    let (a, b) = (fold(documented), fold(given));
    if a == b && !a.is_empty() {
        return usize::from(documented != given);
    }
    levenshtein(documented.as_bytes(), given.as_bytes())
}

fn is_near(distance: usize, documented: &str, given: &str) -> bool {
    distance * 2 <= documented.len().max(given.len())
}

/// A place in the options map. It becomes text only for a finding.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    pub(super) parent: Option<&'a At<'a>>,
    pub(super) token: Token<'a>,
}

#[derive(Clone, Copy)]
pub(super) enum Token<'a> {
    Name(&'a str),
    Index(usize),
}

impl<'a> At<'a> {
    pub(super) fn root(name: &'a str) -> Self {
        Self {
            parent: None,
            token: Token::Name(name),
        }
    }

    pub(super) fn name(&'a self, name: &'a str) -> Self {
        Self {
            parent: Some(self),
            token: Token::Name(name),
        }
    }

    pub(super) fn index(&'a self, index: usize) -> Self {
        Self {
            parent: Some(self),
            token: Token::Index(index),
        }
    }
}

/// Writes a JSON Pointer.
impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match self.token {
            // A name that is not documented may be anything.
            Token::Name(name) => {
                let name = name.replace('~', "~0").replace('/', "~1");
                write!(f, "/{}", shown(&name))
            }
            Token::Index(index) => write!(f, "/{index}"),
        }
    }
}
