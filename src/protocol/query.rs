//! The `query` option, encoded as the PHP SDK's Guzzle does it.

use serde_json::Value;

use crate::{
    base::{
        percent::{self, QUERY, UNRESERVED},
        scalar::{scalar, type_name},
    },
    error::{Error, Result},
};

/// How deep lists and objects may stand in each other.
const MAX_DEPTH: usize = 64;

/// Appends `value` to `out` as a query, without a leading `?`.
///
/// An object gives `k=v` pairs, with nested values as `a[b]=v` and list items as `a[0]=v`; null
/// is left out. A string is a query already: what may not stand in one is encoded, the rest kept.
///
/// # Errors
/// Any other type, and nesting beyond 64 levels.
pub(crate) fn encode(value: &Value, out: &mut String) -> Result<()> {
    match value {
        Value::String(text) => {
            percent::push_keeping_triplets(text, UNRESERVED | QUERY, out);
            Ok(())
        }
        _ => {
            let start = out.len();
            pairs(value, &mut |key, text| {
                if out.len() > start {
                    out.push('&');
                }
                out.push_str(key);
                out.push('=');
                percent::push(text, UNRESERVED, out);
            })
        }
    }
}

/// Calls `each` with the pairs that an object or a list stands for: the key encoded, the value not.
fn pairs(value: &Value, each: &mut dyn FnMut(&str, &str)) -> Result<()> {
    match value {
        Value::Object(_) | Value::Array(_) => nested(value, 0, &mut String::new(), each),
        other => Err(Error::request(format!(
            "the option `query` is {}: give an object, or the query itself as a string",
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
        return Err(Error::request(format!(
            "the option `query` is nested deeper than {MAX_DEPTH} levels"
        )));
    }
    let mut member = |name: &str, value: &Value| {
        let outer = key.len();
        if depth == 0 {
            percent::push(name, UNRESERVED, key);
        } else {
            key.push_str("%5B");
            percent::push(name, UNRESERVED, key);
            key.push_str("%5D");
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
