//! JSON that is sent exactly as it was written, or not at all.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::text::{t, tf};

/// Numbers from here on do not fit, and would be rounded: 2⁶⁴.
const TOO_LARGE: f64 = 18_446_744_073_709_551_616.0;

/// Reads JSON. A name that is there twice, and a number that would be rounded, are errors: of two amounts, nobody
/// knows which was meant.
pub(crate) fn parse(text: &str) -> serde_json::Result<Value> {
    serde_json::from_str(text).map(|Exact(value)| value)
}

struct Exact(Value);

impl<'de> Deserialize<'de> for Exact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader).map(Self)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        match value.abs() < TOO_LARGE {
            true => Ok(value.into()),
            false => Err(E::custom(t(
                "the number is too large to be sent exactly",
                "数字过大, 无法精确发送",
            ))),
        }
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Exact(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(name) = fields.next_key::<String>()? {
            if map.contains_key(&name) {
                return Err(A::Error::custom(tf!(
                    "`{name}` is there twice",
                    "`{name}` 重复出现"
                )));
            }
            let Exact(value) = fields.next_value()?;
            map.insert(name, value);
        }
        Ok(map.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_read_as_it_is() {
        let text = r#"{"a":[1,-2,1.5,18446744073709551615,null,true,"茶"],"b":{"a":{}}}"#;
        assert_eq!(parse(text).unwrap().to_string(), text);
    }

    #[test]
    fn what_would_be_changed_is_an_error() {
        for wrong in [
            r#"{"total":1,"total":2}"#,
            r#"[{"a":{"b":1,"b":1}}]"#,
            "18446744073709551616",
            "[-1e300]",
            r#""\ud800""#,
            "{} {}",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        assert!(parse(&"[".repeat(100_000)).is_err());
    }
}
