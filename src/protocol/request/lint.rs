//! What WeChat Pay is known to refuse, found before it is sent: a warning through `tracing`, or an
//! error of a strict client.

use std::fmt;

use serde_json::Value;

use crate::{
    error::{Cause, cause::Result},
    protocol::url::path::Version,
};

/// How many findings one request tells of.
const MAX: usize = 16;

/// The members of an `amount` that are in fen, and the names of single amounts.
const AMOUNTS: [&str; 12] = [
    "total",
    "refund",
    "payer_total",
    "payer_refund",
    "settlement_refund",
    "settlement_total",
    "discount_refund",
    "total_fee",
    "refund_fee",
    "total_amount",
    "refund_amount",
    "transfer_amount",
];

/// Looks through a body. Costs nothing where nobody listens and the client is not strict.
pub(crate) fn check(body: &Value, version: Version, strict: bool) -> Result<()> {
    if !strict && !tracing::enabled!(tracing::Level::WARN) {
        return Ok(());
    }
    for finding in findings(body, version) {
        if strict {
            return Err(Cause::request(format!("{finding} (this client is strict)")));
        }
        tracing::warn!(%finding, "WeChat Pay may refuse this request");
    }
    Ok(())
}

#[derive(Debug, PartialEq, Eq)]
struct Finding {
    pointer: String,
    what: &'static str,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", self.pointer, self.what)
    }
}

fn findings(body: &Value, version: Version) -> Vec<Finding> {
    let mut found = Vec::new();
    let root = match version {
        Version::V3 => "/json",
        Version::V2 => "/xml",
    };
    let mut left = vec![(root.to_owned(), "", body)];
    while let Some((pointer, name, value)) = left.pop() {
        if found.len() == MAX {
            break;
        }
        if let Some(what) = fault(name, value, version) {
            found.push(Finding {
                pointer: pointer.clone(),
                what,
            });
        }
        match value {
            Value::Object(map) => {
                let inner = map.iter().rev();
                left.extend(
                    inner.map(|(name, value)| (format!("{pointer}/{name}"), &**name, value)),
                );
            }
            Value::Array(items) => {
                let inner = items.iter().enumerate().rev();
                left.extend(inner.map(|(at, value)| (format!("{pointer}/{at}"), "", value)));
            }
            _ => {}
        }
    }
    found
}

fn fault(name: &str, value: &Value, version: Version) -> Option<&'static str> {
    match value {
        Value::Null if version == Version::V3 => {
            Some("is null, which APIv3 refuses: leave the key out")
        }
        Value::String(text) if name == "notify_url" && text.contains('?') => {
            Some("has a query, which a notify_url may not have")
        }
        Value::String(_) if AMOUNTS.contains(&name) && version == Version::V3 => {
            Some("is a string: an amount is an integer, in fen")
        }
        Value::Number(number) if AMOUNTS.contains(&name) && number.is_f64() => {
            Some("is not an integer: an amount is in fen")
        }
        Value::String(text) if version == Version::V3 && text.chars().any(|c| c > '\u{ffff}') => {
            Some("holds a character of four bytes, such as an emoji, which APIv3 refuses")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(body: Value) -> Vec<String> {
        let found = findings(&body, Version::V3);
        found.iter().map(|finding| finding.to_string()).collect()
    }

    #[test]
    fn each_fault_is_found_where_it_is() {
        let body = json!({
            "a": { "b": [1, null] },
            "description": "tea 🍵",
            "notify_url": "https://example.com/paid?x=1",
            "amount": { "total": 1.5, "currency": "CNY", "refund": "100" },
        });
        assert_eq!(
            found(body),
            [
                "`/json/a/b/1` is null, which APIv3 refuses: leave the key out",
                "`/json/description` holds a character of four bytes, such as an emoji, which APIv3 refuses",
                "`/json/notify_url` has a query, which a notify_url may not have",
                "`/json/amount/total` is not an integer: an amount is in fen",
                "`/json/amount/refund` is a string: an amount is an integer, in fen",
            ]
        );
    }

    #[test]
    fn what_is_right_is_left_alone() {
        let body = json!({
            "description": "茶", "notify_url": "https://example.com/paid",
            "amount": { "total": 100, "currency": "CNY" }, "score": 1.5,
        });
        assert!(found(body).is_empty());
        let many = Value::Array(vec![Value::Null; 1000]);
        assert_eq!(found(many).len(), MAX);
    }

    #[test]
    fn a_strict_client_refuses() {
        let err = check(&json!({ "a": null }), Version::V3, true).unwrap_err();
        assert!(err.is_request() && err.to_string().contains("`/json/a` is null"));
        check(&json!({ "a": null }), Version::V2, true).unwrap();
    }
}
