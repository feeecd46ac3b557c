//! Writes a JSON value as text, for a path, a query or an XML field.

use std::borrow::Cow;

use serde_json::{Number, Value};

/// Returns the text of a string, number or boolean. `None` for null, an array or an object.
///
/// Numbers and booleans are written as PHP does, because documented PHP samples must produce the same
/// URL: `1.0` is `1`, true is `1`, false is `0`.
pub(crate) fn scalar(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number_text(number))),
        Value::Bool(true) => Some(Cow::Borrowed("1")),
        Value::Bool(false) => Some(Cow::Borrowed("0")),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn number_text(number: &Number) -> String {
    // Integers first: as floats, those above 2^53 would lose digits.
    if let Some(integer) = number.as_i64() {
        integer.to_string()
    } else if let Some(integer) = number.as_u64() {
        integer.to_string()
    } else {
        number
            .as_f64()
            .filter(|float| float.is_finite())
            .map_or_else(|| number.to_string(), float_text)
    }
}

/// Writes the shortest digits that parse back to the same number. PHP uses an exponent below 1e-4, and
/// from 1e17 on.
fn float_text(float: f64) -> String {
    let scientific = format!("{float:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    match exponent.parse::<i32>().unwrap_or(0) {
        -4..=16 => float.to_string(),
        exponent => {
            let digits = if digits.contains('.') {
                Cow::Borrowed(digits)
            } else {
                Cow::Owned(format!("{digits}.0"))
            };
            format!("{digits}E{exponent:+}")
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_written_as_in_php() {
        for (value, text) in [
            (json!(42), "42"),
            (json!(0), "0"),
            (json!(-7), "-7"),
            (json!(u64::MAX), "18446744073709551615"),
            (json!(i64::MIN), "-9223372036854775808"),
            (json!(1.0), "1"),
            (json!(0.1), "0.1"),
            (json!(-0.25), "-0.25"),
            (json!(0.0), "0"),
            (json!(0.0001), "0.0001"),
            (json!(0.00001), "1.0E-5"),
            (json!(1e16), "10000000000000000"),
            (json!(1e25), "1.0E+25"),
            (json!(1.5e300), "1.5E+300"),
            (json!(888.88), "888.88"),
        ] {
            assert_eq!(scalar(&value).unwrap(), text);
        }
    }

    #[test]
    fn booleans_are_1_and_0_and_composites_are_none() {
        assert_eq!(scalar(&json!(true)).unwrap(), "1");
        assert_eq!(scalar(&json!(false)).unwrap(), "0");
        assert_eq!(scalar(&json!("")).unwrap(), "");
        for nothing in [json!(null), json!([1]), json!({"a": 1})] {
            assert!(scalar(&nothing).is_none());
        }
    }
}
