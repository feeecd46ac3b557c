//! One row of a bill: values by column name, amounts in fen.

use std::{fmt, ops::Range, sync::Arc};

use super::error::decode;
use crate::error::{Error, Result, value::shown};

/// How many column names an error shows. No bill has more.
const MAX_NAMES: usize = 32;

/// A row of a bill, or its summary: values by column name.
///
/// [`BillRows`](crate::BillRows) returns it.
///
/// ```
/// use wechatpay_chain::BillRows;
///
/// # fn main() -> wechatpay_chain::Result<()> {
/// let bill = "商户订单号,应结订单金额\n`N20251120001,`12.30\n";
/// let row = BillRows::new(bill.as_bytes())?.next().unwrap()?;
/// assert_eq!(row.get("商户订单号"), Some("N20251120001"));
/// assert_eq!(row.fen("应结订单金额")?, 1230);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct BillRow {
    text: Box<str>,
    values: Vec<Range<usize>>,
    columns: Arc<[String]>,
    line: u64,
}

impl BillRow {
    /// Creates a row with one value per column.
    pub(super) fn new(values: &[String], line: u64, columns: &Arc<[String]>) -> Self {
        // All values share one allocation: a bill can have millions of rows with 27 values each.
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

    /// Returns the value of a column as text, without its backtick or quotes, or `None` if the bill
    /// has no such column. If several columns have this name, the first one counts.
    pub fn get(&self, column: &str) -> Option<&str> {
        let at = self.columns.iter().position(|name| name == column)?;
        self.value(at)
    }

    /// Returns the amount in a column, in fen: `12.30` yuan are 1230. The conversion is exact and
    /// uses no floating point.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no such column, or if its value is not an amount, has fractions
    /// of a fen, or exceeds [`i64`]. The error does not show the value.
    pub fn fen(&self, column: &str) -> Result<i64> {
        let value = self.require(column)?;
        decimal(value, 2).ok_or_else(|| self.invalid(column, value, "an amount in whole fen"))
    }

    /// Returns the count in a column. Fund-flow bills write 20 as `20.0`, which is accepted.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no such column, or if its value is not a whole number or is
    /// negative.
    pub fn count(&self, column: &str) -> Result<u64> {
        let value = self.require(column)?;
        decimal(value, 0)
            .and_then(|count| count.try_into().ok())
            .ok_or_else(|| self.invalid(column, value, "a count"))
    }

    /// Returns the column names with their values, in the bill's order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let names = self.columns.iter().map(String::as_str);
        names.zip((0..self.values.len()).filter_map(|at| self.value(at)))
    }

    /// Returns the number of values, which is the number of columns.
    #[expect(clippy::len_without_is_empty, reason = "a row has at least one value")]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Returns the number of the line in which the row begins, from 1.
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

    /// Returns the error of an invalid value. It does not show the value: a bill contains personal
    /// data.
    fn invalid(&self, column: &str, value: &str, expected: &str) -> Error {
        decode(format!(
            "invalid `{}` in line {} of the bill ({} bytes): expected {expected}",
            shown(column),
            self.line,
            value.len()
        ))
    }
}

/// Shows the line and the number of values only: a bill contains personal data.
impl fmt::Debug for BillRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BillRow")
            .field("line", &self.line)
            .field("values", &self.values.len())
            .finish_non_exhaustive()
    }
}

/// Returns a decimal number times ten to the power of `places`, if the result is whole.
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
    // ASCII digits only. `parse::<f64>` would accept `1e2` and `NaN`, and lose fen.
    if whole.is_empty() || !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    // `0.60000` is 60 fen, but `0.605` is an error: rounding would hide that it is not an amount.
    let beyond = fraction.get(places..).unwrap_or_default();
    if beyond.bytes().any(|digit| digit != b'0') {
        return None;
    }
    let fraction = fraction.bytes().chain(std::iter::repeat(b'0')).take(places);
    // The sign is applied to every digit, so that `i64::MIN` does not overflow.
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
        fn formatted_amounts_are_parsed_back(fen in any::<i64>()) {
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
