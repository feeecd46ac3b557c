//! Prepares requests with any query.

use http::Method;
use serde_json::{Map, Value};
use wechatpay_chain::{
    Options,
    fuzz::{decode_form, scalar, verify_v2_request},
};

use crate::{
    at_once, check_error,
    draw::Draw,
    request::{APIV2_KEY, check, client, client_v2, decode, is_too_long, pairs},
};

/// More levels than a query may have.
const LEVELS: usize = 80;
const MAX_LEVELS: usize = 65;

type Pairs = Vec<(String, String)>;

/// Prepares a request with a query that is drawn, and decodes it again: from the URL of APIv3, and
/// from the signed fields of APIv2.
pub fn query(data: &[u8]) {
    let value = Draw::new(data).value(LEVELS);
    v3(&value);
    v2(&value);
}

fn v3(value: &Value) {
    let options = Options::new().query(value);
    let chain = client().chain("v3/x");
    let request = match at_once(chain.prepare_async(Method::GET, options)) {
        Ok(request) => request,
        Err(err) => {
            assert!(!is_query(value) || is_too_long(&err), "{value}: {err}");
            return check_error(&err);
        }
    };
    let target = check(&request);
    assert!(is_query(value), "{value}: {target}");
    let query = target.split_once('?').map_or("", |(_, query)| query);
    match value {
        Value::String(text) => {
            assert_eq!(decode(query), decode(text));
            assert_eq!(query.matches('&').count(), text.matches('&').count());
            let again = at_once(chain.prepare_async(Method::GET, Options::new().query(query)));
            let again = again.unwrap_or_else(|err| panic!("{query}: {err}"));
            assert_eq!(check(&again), target);
        }
        _ => assert_eq!(pairs_with_empty(query), flat(value), "{value}"),
    }
}

/// Like [`pairs`]. An empty name with an empty value counts as a pair.
fn pairs_with_empty(query: &str) -> Pairs {
    if query.is_empty() {
        return Vec::new();
    }
    assert!(query.split('&').all(|pair| pair.contains('=')), "{query}");
    pairs(query)
}

fn v2(value: &Value) {
    let options = Options::new().query(value);
    let chain = client_v2().chain("v2/x");
    let request = match at_once(chain.prepare_async(Method::GET, options)) {
        Ok(request) => request,
        Err(err) => return check_error(&err),
    };
    let target = check(&request);
    let (_, query) = target.split_once('?').expect("at least a sign");
    let sent: Map<String, Value> = pairs_with_empty(query)
        .into_iter()
        .map(|(name, text)| (name, text.into()))
        .collect();
    verify_v2_request(&sent, APIV2_KEY).unwrap_or_else(|err| panic!("{query}: {err}"));
    let given = match value {
        Value::String(text) => text
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(name, text)| (decode_form(name), decode_form(text)))
            .collect(),
        _ => flat(value),
    };
    let own = |name: &str| matches!(name, "sign" | "nonce_str");
    for (name, text) in given.iter().filter(|(name, _)| name != "sign") {
        assert_eq!(sent.get(name).and_then(Value::as_str), Some(&**text));
    }
    let given = given.iter().filter(|(name, _)| !own(name)).count();
    assert_eq!(sent.keys().filter(|name| !own(name)).count(), given);
}

fn is_query(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
        Value::String(_) => true,
        _ => depth(value) <= MAX_LEVELS,
    }
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(map) => 1 + map.values().map(depth).max().unwrap_or(0),
        Value::Null => 1,
        _ => 0,
    }
}

/// The pairs that PHP's `http_build_query` makes of the value, not encoded.
fn flat(value: &Value) -> Pairs {
    let mut pairs = Vec::new();
    flatten(value, None, &mut pairs);
    pairs
}

fn flatten(value: &Value, name: Option<String>, pairs: &mut Pairs) {
    let below = |key: &str| match &name {
        None => key.to_owned(),
        Some(name) => format!("{name}[{key}]"),
    };
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                flatten(item, Some(below(&index.to_string())), pairs);
            }
        }
        Value::Object(map) => {
            for (key, item) in map {
                flatten(item, Some(below(key)), pairs);
            }
        }
        one => pairs.extend(scalar(one).map(|text| {
            if let Value::Number(number) = one {
                assert_eq!(text.parse().ok(), number.as_f64(), "{text}");
            }
            (name.unwrap_or_default(), text.into_owned())
        })),
    }
}
