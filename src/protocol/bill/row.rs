//! One row of a bill: text by the name of its column, amounts as whole fen.

use std::{fmt, ops::Range, sync::Arc};

use super::decode;
use crate::{
    error::{Error, Result},
    protocol::url::path::shown,
};

/// How many names of columns an error shows: more than any bill has.
const MAX_NAMES: usize = 32;

/// A row of a bill, or its summary: values by the names of their columns.
///
/// See [`BillRows`](super::BillRows) for an example.
#[derive(Clone)]
pub struct BillRow {
    text: Box<str>,
    values: Vec<Range<usize>>,
    columns: Arc<[String]>,
    line: u64,
}

impl BillRow {
    /// A value for each of these columns.
    pub(super) fn new(values: &[String], line: u64, columns: &Arc<[String]>) -> Self {
        debug_assert_eq!(values.len(), columns.len());
        let mut text = String::with_capacity(values.iter().map(String::len).sum());
        let values = values.iter().map(|value| {
            let begin = text.len();
            text.push_str(value);
            begin..text.len()
        });
        Self {
            values: values.collect(),
            text: text.into(),
            columns: columns.clone(),
            line,
        }
    }

    /// The value of a column as text, without its backtick or quotes; `None` where the bill has no
    /// such column. The first, should two columns bear the name.
    pub fn get(&self, column: &str) -> Option<&str> {
        let at = self.columns.iter().position(|name| name == column)?;
        self.value(at)
    }

    /// The value of a column of amounts, in fen: `12.30` yuan are 1230. Exact: nothing is rounded.
    ///
    /// # Errors
    ///
    /// If there is no such column, or it is no amount, or not of whole fen, or beyond
    /// [`i64`].
    pub fn fen(&self, column: &str) -> Result<i64> {
        let value = self.require(column)?;
        decimal(value, 2).ok_or_else(|| self.unfit(column, value, "an amount in whole fen"))
    }

    /// The value of a column that counts something. A fund-flow bill writes 20 as `20.0`.
    ///
    /// # Errors
    ///
    /// If there is no such column, or it is no whole number, or a negative one.
    pub fn count(&self, column: &str) -> Result<u64> {
        let value = self.require(column)?;
        decimal(value, 0)
            .and_then(|count| count.try_into().ok())
            .ok_or_else(|| self.unfit(column, value, "a count"))
    }

    /// The names of the columns, each with its value, in the bill's order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let names = self.columns.iter().map(String::as_str);
        names.zip((0..self.values.len()).filter_map(|at| self.value(at)))
    }

    /// How many values the row has: as many as the bill has columns.
    #[expect(clippy::len_without_is_empty, reason = "a row has one value at least")]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// The line of the bill that the row begins in, from 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    fn value(&self, at: usize) -> Option<&str> {
        self.text.get(self.values.get(at)?.clone())
    }

    fn require(&self, column: &str) -> Result<&str> {
        self.get(column).ok_or_else(|| {
            let (line, wanted) = (self.line, shown(column));
            let names = self.columns.iter().take(MAX_NAMES).map(|name| shown(name));
            let names = names.collect::<Vec<_>>().join(", ");
            let more = if self.columns.len() > MAX_NAMES {
                ", …"
            } else {
                ""
            };
            decode(format!(
                "line {line} of the bill has no column `{wanted}`; it has {names}{more}"
            ))
        })
    }

    /// The value itself is left out: a bill holds personal data.
    fn unfit(&self, column: &str, value: &str, wanted: &str) -> Error {
        decode(format!(
            "`{}` in line {} of the bill, {} bytes long, is not {wanted}",
            shown(column),
            self.line,
            value.len()
        ))
    }
}

/// The line and how many values it has: a bill holds personal data.
impl fmt::Debug for BillRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BillRow")
            .field("line", &self.line)
            .field("values", &self.values.len())
            .finish_non_exhaustive()
    }
}

/// A decimal number times ten to the power of `places`, if that is whole.
fn decimal(text: &str, places: usize) -> Option<i64> {
    let text = text.trim();
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => (-1, text.get(1..)?),
        b'+' => (1, text.get(1..)?),
        _ => (1, text),
    };
    let (whole, fraction) = match digits.split_once('.') {
        Some((_, "")) => return None,
        Some(parts) => parts,
        None => (digits, ""),
    };
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    let beyond = fraction.get(places..).unwrap_or_default();
    if beyond.bytes().any(|digit| digit != b'0') {
        return None;
    }
    let fraction = fraction.bytes().chain(std::iter::repeat(b'0')).take(places);
    // With the sign on every digit, so that the least number of all is one.
    whole
        .bytes()
        .chain(fraction)
        .try_fold(0i64, |number, digit| {
            number
                .checked_mul(10)?
                .checked_add(sign * i64::from(digit - b'0'))
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::decimal;

    #[test]
    fn amounts_are_exact() {
        for (text, fen) in [
            ("12.30", 1230),
            ("-0.01", -1),
            ("+0.01", 1),
            ("0", 0),
            ("-0.00", 0),
            ("5", 500),
            (" 5.00 ", 500),
            ("0.1", 10),
            ("0.60000", 60),
            ("20.0", 2000),
            ("0.29", 29),
            ("1.15", 115),
            ("0000000000000000000000001.00", 100),
            ("92233720368547758.07", i64::MAX),
            ("-92233720368547758.08", i64::MIN),
        ] {
            assert_eq!(decimal(text, 2), Some(fen), "{text}");
        }
        for text in [
            "",
            " ",
            "-",
            "+",
            ".",
            "1.",
            ".5",
            "-.5",
            "0.001",
            "1.234",
            "1e2",
            "1,000.00",
            "0.60%",
            "--1",
            "1.2.3",
            "0x10",
            "NaN",
            "¥1.00",
            "１.00",
            "1.-5",
            "92233720368547758.08",
            "-92233720368547758.09",
            "99999999999999999999999999",
        ] {
            assert_eq!(decimal(text, 2), None, "{text}");
        }
        assert_eq!(decimal("20.0", 0), Some(20));
        assert_eq!(decimal("20.5", 0), None);
    }

    proptest! {
        #[test]
        fn every_amount_comes_back(fen in any::<i64>()) {
            let yuan = format!(
                "{}{}.{:02}",
                if fen < 0 { "-" } else { "" },
                fen.unsigned_abs() / 100,
                fen.unsigned_abs() % 100
            );
            prop_assert_eq!(decimal(&yuan, 2), Some(fen));
        }

        #[test]
        fn no_text_panics(text in "\\PC*", places in 0usize..4) {
            decimal(&text, places);
        }
    }
}
