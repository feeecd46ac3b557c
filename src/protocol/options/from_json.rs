//! Options from a JSON object.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Map, Value};

use super::{Options, Var, header, measure};
use crate::{base::json::type_name, error::value::shown};

/// The known keys. Every other key is a template variable.
pub(super) const KNOWN: [&str; 12] = [
    "json",
    "query",
    "xml",
    "body",
    "headers",
    "base_uri",
    "security",
    "nonceless",
    "sink",
    "timeout",
    "connect_timeout",
    "allow_redirects",
];

impl From<()> for Options {
    fn from((): ()) -> Self {
        Self::default()
    }
}

impl From<&Options> for Options {
    fn from(options: &Options) -> Self {
        options.clone()
    }
}

impl From<&Value> for Options {
    fn from(value: &Value) -> Self {
        value.clone().into()
    }
}

impl From<Value> for Options {
    fn from(value: Value) -> Self {
        match value {
            Value::Object(map) => map.into(),
            Value::Null => Self::default(),
            other => {
                let mut options = Self::default();
                options.fail(format!(
                    "the options are {}: expected a JSON object, or () for none",
                    measure(&other)
                ));
                options
            }
        }
    }
}

impl From<Map<String, Value>> for Options {
    fn from(map: Map<String, Value>) -> Self {
        let mut options = Self::default();
        for (key, value) in map {
            // The conversion cannot fail, so an error is kept and returned by the verb.
            if let Err(fault) = options.take(key, value) {
                options.fail(fault);
            }
        }
        options
    }
}

impl Options {
    fn take(&mut self, key: String, value: Value) -> Result<(), String> {
        if !KNOWN.contains(&key.as_str()) {
            self.request.vars.push(Var { name: key, value });
            return Ok(());
        }
        // PHP's `null` for an option means that it is not given.
        if value.is_null() {
            return Ok(());
        }
        match key.as_str() {
            "json" => self.request.json = Some(value),
            "query" => self.request.query = Some(value),
            "xml" => self.request.xml = Some(value),
            "body" => self.request.body = Some(Bytes::from(text(&key, value)?)),
            "headers" => self.take_headers(value)?,
            "base_uri" => self.send.base_uri = Some(text(&key, value)?),
            "security" => self.send.mutual_tls = flag(&key, &value)?,
            "nonceless" => self.request.without_nonce = flag(&key, &value)?,
            "sink" => self.response.sink = Some(text(&key, value)?.into()),
            "timeout" => self.send.timeout = Some(seconds(&key, &value)?),
            "connect_timeout" => self.send.connect_timeout = Some(seconds(&key, &value)?),
            _ => self.send.allow_redirects = flag(&key, &value)?,
        }
        Ok(())
    }

    fn take_headers(&mut self, value: Value) -> Result<(), String> {
        let Value::Object(map) = value else {
            return Err(format!(
                "option `headers` is {}: expected an object of names and values",
                measure(&value)
            ));
        };
        for (name, value) in map {
            let values = match value {
                Value::Array(values) => values,
                Value::Null => continue,
                one => vec![one],
            };
            for value in values {
                let value = match value {
                    Value::String(text) => text,
                    Value::Number(number) => number.to_string(),
                    other => {
                        return Err(format!(
                            "option `headers`: the value of {} is {}: expected a string",
                            shown(&name),
                            type_name(&other)
                        ));
                    }
                };
                let (name, value) = header(&name, &value)?;
                self.request.headers.append(name, value);
            }
        }
        Ok(())
    }
}

fn text(key: &str, value: Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text),
        other => Err(format!(
            "option `{key}` is {}: expected a string",
            measure(&other)
        )),
    }
}

fn flag(key: &str, value: &Value) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| {
        format!(
            "option `{key}` is {}: expected true or false",
            measure(value)
        )
    })
}

fn seconds(key: &str, value: &Value) -> Result<Duration, String> {
    value
        .as_f64()
        .and_then(|seconds| {
            let time = Duration::try_from_secs_f64(seconds).ok()?;
            // A tiny timeout that rounds to zero must not become 0, which means no limit.
            Some(if seconds > 0.0 {
                time.max(Duration::from_nanos(1))
            } else {
                time
            })
        })
        .ok_or_else(|| {
            let given = match value {
                Value::Number(number) => number.to_string(),
                other => measure(other),
            };
            format!("option `{key}` is {given}: expected a number of seconds, or 0 for no limit")
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tiny_timeout_is_not_unlimited() {
        for (given, expected) in [
            (json!(1e-12), Duration::from_nanos(1)),
            (json!(0), Duration::ZERO),
            (json!(0.0), Duration::ZERO),
            (json!(1.5), Duration::from_millis(1500)),
        ] {
            assert_eq!(seconds("timeout", &given), Ok(expected), "{given}");
        }
    }

    #[test]
    fn every_key_sets_its_option() {
        let options = Options::from(&json!({
            "id": "7", "json": {"b": 1, "a": 2}, "query": {"q": 1}, "headers": {"X-A": ["1", "2"], "X-B": 3},
            "base_uri": "https://api2.mch.weixin.qq.com/", "security": true, "nonceless": true,
            "sink": "./file", "timeout": 1.5, "connect_timeout": 0, "allow_redirects": true,
        }));
        assert!(options.fault.is_none());
        assert_eq!(options.request.vars[0].name, "id");
        assert_eq!(
            options.request.json.unwrap().to_string(),
            r#"{"b":1,"a":2}"#
        );
        assert_eq!(options.request.headers.get_all("x-a").iter().count(), 2);
        assert_eq!(options.send.timeout, Some(Duration::from_millis(1500)));
        assert_eq!(options.send.connect_timeout, Some(Duration::ZERO));
        assert!(
            options.send.mutual_tls
                && options.request.without_nonce
                && options.send.allow_redirects
        );
    }

    #[test]
    fn null_is_the_same_as_absent() {
        let options = Options::from(json!({"json": null, "query": null, "headers": {"X-A": null}}));
        assert!(
            options.fault.is_none()
                && options.request.json.is_none()
                && options.request.headers.is_empty()
        );
    }

    #[test]
    fn type_errors_do_not_show_the_value() {
        for (given, text) in [
            (json!([1]), "the options are an array of 1 items"),
            (json!("secret"), "the options are a string of 6 bytes"),
            (json!({"timeout": "5"}), "option `timeout` is a string"),
            (json!({"timeout": -1}), "option `timeout` is -1"),
            (json!({"timeout": 1e300}), "option `timeout` is 1e+300"),
            (json!({"security": 1}), "expected true or false"),
            (json!({"sink": true}), "option `sink` is a boolean"),
            (json!({"body": {}}), "option `body` is an object of 0 keys"),
            (json!({"headers": "a: b"}), "option `headers` is a string"),
            (
                json!({"headers": {"Authorization": "x"}}),
                "must not set Authorization",
            ),
            (json!({"headers": {"HOST": "x"}}), "must not set HOST"),
            (json!({"headers": {"X-A": "a\r\nb"}}), "line break"),
            (json!({"headers": {"X A": "a"}}), "invalid name \"X A\""),
            (
                json!({"headers": {"X-A": {}}}),
                "the value of X-A is an object",
            ),
        ] {
            let fault = Options::from(given.clone()).fault.expect("a fault");
            assert!(fault.contains(text), "{given}: {fault}");
            assert!(!fault.contains("secret"));
        }
    }
}
