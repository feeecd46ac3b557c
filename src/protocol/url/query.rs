//! The option `query`, encoded like the PHP SDK (Guzzle) encodes it.

use serde_json::Value;

use crate::{
    base::{
        json::type_name,
        percent::{self, QUERY, UNRESERVED},
        scalar::scalar,
    },
    error::{Cause, cause::Result},
};

/// The deepest accepted nesting. Encoding is recursive, so it must be limited.
const MAX_DEPTH: usize = 64;

/// Appends `value` to `out` as a query, without a leading `?`.
///
/// An object becomes `k=v` pairs, with nested values as `a[b]=v` and list items as `a[0]=v`; null is
/// left out. A string is a finished query: only characters that are not allowed in one are encoded.
///
/// # Errors
/// Returns an error for any other type, and for nesting deeper than 64 levels.
pub(crate) fn encode(value: &Value, out: &mut String) -> Result<()> {
    match value {
        Value::String(text) => {
            // `%41` stays as it is: encoding the `%` again would change the meaning of a query that is
            // already encoded.
            percent::push_keeping_triplets(text, QUERY, out);
            Ok(())
        }
        _ => {
            let start = out.len();
            pairs(value, &mut |key, text| {
                if out.len() > start {
                    out.push('&');
                }
                percent::push(key, UNRESERVED, out);
                out.push('=');
                percent::push(text, UNRESERVED, out);
            })
        }
    }
}

/// Calls `each` with the pairs of an object or a list, not encoded.
///
/// # Errors
/// Returns the errors of [`encode`].
pub(crate) fn pairs(value: &Value, each: &mut dyn FnMut(&str, &str)) -> Result<()> {
    match value {
        Value::Object(_) | Value::Array(_) => nested(value, 0, &mut String::new(), each),
        other => Err(Cause::request(format!(
            "the option `query` is {}: expected an object, or a query as a string",
            type_name(other)
        ))),
    }
}

fn nested(
    value: &Value,
    depth: usize,
    key: &mut String,
    each: &mut dyn FnMut(&str, &str),
) -> Result<()> {
    if depth > MAX_DEPTH {
        return Err(Cause::request(format!(
            "the option `query` is nested deeper than {MAX_DEPTH} levels"
        )));
    }
    let mut member = |name: &str, value: &Value| {
        // One buffer for all keys: it grows by the member's name and is cut back afterwards.
        let outer = key.len();
        if depth == 0 {
            key.push_str(name);
        } else {
            key.extend(["[", name, "]"]);
        }
        let done = match scalar(value) {
            Some(text) => {
                each(key, &text);
                Ok(())
            }
            None => nested(value, depth + 1, key, each),
        };
        key.truncate(outer);
        done
    };
    match value {
        Value::Object(map) => map.iter().try_for_each(|(name, value)| member(name, value)),
        Value::Array(list) => list
            .iter()
            .enumerate()
            .try_for_each(|(index, value)| member(&index.to_string(), value)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::{base::template, material};

    fn encoded(value: &Value) -> Result<String> {
        let mut out = String::new();
        encode(value, &mut out).map(|()| out)
    }

    #[test]
    fn recorded_targets_are_reproduced() {
        let Some(lines) = material::lines("tests/vectors/encoding.jsonl") else {
            return;
        };
        let (mut queries, mut templates) = (0, 0);
        for line in &lines {
            let options = &line["options"];
            let target = line["target"].as_str().unwrap();
            if let Some(query) = options.get("query") {
                assert_eq!(
                    encoded(query).unwrap(),
                    target.split_once('?').unwrap().1,
                    "{line}"
                );
                queries += 1;
            } else if let Some(path) = line["path"].as_str().filter(|path| path.contains('{')) {
                let mut out = String::from("/");
                template::expand(path, &mut |name| options.get(name), &mut out).unwrap();
                assert_eq!(out, target, "{line}");
                templates += 1;
            }
        }
        assert_eq!((queries, templates), (6, 14));
    }

    #[test]
    fn string_is_encoded_only_where_necessary() {
        for (text, expected) in [
            ("a=b&c=%41+/?:@!$'()*,;~", "a=b&c=%41+/?:@!$'()*,;~"),
            ("a[0]=b#c d", "a%5B0%5D=b%23c%20d"),
            ("100%&%zz", "100%25&%25zz"),
            ("a=\r\n\"<>\\^`{|}", "a=%0D%0A%22%3C%3E%5C%5E%60%7B%7C%7D"),
            ("", ""),
        ] {
            assert_eq!(encoded(&json!(text)).unwrap(), expected);
        }
    }

    #[test]
    fn lists_and_objects_are_nested() {
        for (value, expected) in [
            (json!([]), ""),
            (json!({}), ""),
            (json!(["a", "b"]), "0=a&1=b"),
            (json!({"a": {"b": {}}, "c": [[null]], "d": null}), ""),
            (
                json!({"a": [{"b": true}, 1.5]}),
                "a%5B0%5D%5Bb%5D=1&a%5B1%5D=1.5",
            ),
            (json!({"a&": {"b=": "c"}}), "a%26%5Bb%3D%5D=c"),
            (json!({"": ""}), "="),
        ] {
            assert_eq!(encoded(&value).unwrap(), expected);
        }
    }

    #[test]
    fn other_types_and_deep_nesting_are_errors() {
        for (value, name) in [
            (json!(null), "null"),
            (json!(4711), "a number"),
            (json!(true), "a boolean"),
        ] {
            let err = encoded(&value).unwrap_err();
            assert!(err.is_request());
            let message = err.to_string();
            assert!(message.starts_with(&format!("the option `query` is {name}:")));
            assert!(!message.contains("4711"));
        }
        let deep = |levels| (0..levels).fold(json!("x"), |inner, _| json!([inner]));
        assert!(encoded(&deep(64)).is_ok());
        let err = encoded(&deep(100)).unwrap_err();
        assert!(err.to_string().contains("deeper than 64"), "{err}");
    }

    /// Generates a JSON value a few levels deep.
    fn nested() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((".{0,6}", inner), 0..4)
                    .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
            ]
        })
    }

    /// Returns the pairs as PHP names them, computed differently from `super::nested`: from the leaves
    /// up.
    fn named(value: &Value) -> Vec<(Vec<String>, String)> {
        let below = |key: String, value: &Value| {
            let mut pairs = named(value);
            pairs
                .iter_mut()
                .for_each(|(path, _)| path.insert(0, key.clone()));
            pairs
        };
        match value {
            Value::Null => vec![],
            Value::Bool(flag) => vec![(vec![], u8::from(*flag).to_string())],
            Value::String(text) => vec![(vec![], text.clone())],
            Value::Number(number) => vec![(vec![], number.to_string())],
            Value::Array(items) => (items.iter().enumerate())
                .flat_map(|(at, item)| below(at.to_string(), item))
                .collect(),
            Value::Object(map) => (map.iter())
                .flat_map(|(key, item)| below(key.clone(), item))
                .collect(),
        }
    }

    proptest! {
        #[test]
        fn nested_pairs_are_decoded_in_order(value in nested()) {
            let result = encoded(&value);
            if !value.is_object() && !value.is_array() {
                prop_assert_eq!(result.is_ok(), value.is_string());
                return Ok(());
            }
            let query = result.unwrap();
            let back = query.split('&').filter(|_| !query.is_empty()).map(|pair| {
                let (key, text) = pair.split_once('=').unwrap();
                (percent::decode_form(key).into_owned(), percent::decode_form(text).into_owned())
            });
            let expected = named(&value).into_iter().map(|(path, text)| {
                let name = path.iter().skip(1).map(|key| format!("[{key}]")).collect::<String>();
                (format!("{}{name}", path[0]), text)
            });
            prop_assert_eq!(back.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
        }

        #[test]
        fn pairs_are_decoded_again(
            fields in prop::collection::vec((".*", ".*"), 0..6)
        ) {
            let map: serde_json::Map<_, _> =
                fields.into_iter().map(|(key, text)| (key, Value::from(text))).collect();
            let query = encoded(&Value::Object(map.clone())).unwrap();
            let back: serde_json::Map<_, _> = query
                .split('&')
                .filter_map(|pair| pair.split_once('='))
                .map(|(key, text)| (percent::decode_form(key).into_owned(), percent::decode_form(text).into()))
                .collect();
            prop_assert_eq!(back, map);
        }

        #[test]
        fn any_text_becomes_a_query_and_stays_it(text in any::<String>()) {
            let once = encoded(&Value::from(text)).unwrap();
            prop_assert!(once.is_ascii());
            prop_assert!(!once.contains([' ', '#', '\r', '\n', '"', '<', '\\']));
            prop_assert_eq!(encoded(&Value::from(once.clone())).unwrap(), once);
        }
    }
}
