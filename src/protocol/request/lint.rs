//! Finds what WeChat Pay is known to refuse before it is sent. It is a warning through `tracing`, or an
//! error of a strict client.
//!
//! Only a warning by default, because WeChat Pay may start to accept it at any time.

use std::fmt;

use serde_json::Value;

use crate::{
    error::{Cause, cause::Result},
    protocol::url::path::Version,
};

/// The largest number of findings for one request.
const MAX_FINDINGS: usize = 16;

/// The names of amounts in fen.
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

/// Checks a body. The walk is skipped if nothing would report its findings.
pub(crate) fn check(body: &Value, version: Version, strict: bool) -> Result<()> {
    // Without a subscriber the walk would cost time for every request and have no effect.
    if !strict && !tracing::enabled!(tracing::Level::WARN) {
        return Ok(());
    }
    for finding in findings(body, version) {
        if strict {
            return Err(Cause::request(format!("{finding} (the client is strict)")));
        }
        tracing::warn!(%finding, "WeChat Pay may refuse this request");
    }
    Ok(())
}

/// A problem and its JSON Pointer. The value is not kept: it may be personal data.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    pointer: String,
    problem: &'static str,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", self.pointer, self.problem)
    }
}

fn findings(body: &Value, version: Version) -> Vec<Finding> {
    let mut found = Vec::new();
    let root = match version {
        Version::V3 => "/json",
        Version::V2 => "/xml",
    };
    // A stack instead of recursion: the depth of a body is not limited.
    let mut left = vec![(root.to_owned(), "", body)];
    while let Some((pointer, name, value)) = left.pop() {
        if found.len() == MAX_FINDINGS {
            break;
        }
        if let Some(problem) = problem(name, value, version) {
            found.push(Finding {
                pointer: pointer.clone(),
                problem,
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

fn problem(name: &str, value: &Value, version: Version) -> Option<&'static str> {
    match value {
        Value::Null if version == Version::V3 => {
            Some("is null, which APIv3 refuses: leave the key out")
        }
        Value::String(text) if name == "notify_url" && text.contains('?') => {
            Some("has a query, which is not allowed in a notify_url")
        }
        Value::String(_) if AMOUNTS.contains(&name) && version == Version::V3 => {
            Some("is a string: expected an integer amount in fen")
        }
        Value::Number(number) if AMOUNTS.contains(&name) && number.is_f64() => {
            Some("is not an integer: expected an amount in fen")
        }
        Value::String(text) if version == Version::V3 && text.chars().any(|c| c > '\u{ffff}') => {
            Some("contains a four-byte character such as an emoji, which APIv3 refuses")
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
    fn problems_are_found_with_their_pointers() {
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
                "`/json/description` contains a four-byte character such as an emoji, which APIv3 refuses",
                "`/json/notify_url` has a query, which is not allowed in a notify_url",
                "`/json/amount/total` is not an integer: expected an amount in fen",
                "`/json/amount/refund` is a string: expected an integer amount in fen",
            ]
        );
    }

    #[test]
    fn valid_body_has_no_findings() {
        let body = json!({
            "description": "茶", "notify_url": "https://example.com/paid",
            "amount": { "total": 100, "currency": "CNY" }, "score": 1.5,
        });
        assert!(found(body).is_empty());
        let many = Value::Array(vec![Value::Null; 1000]);
        assert_eq!(found(many).len(), MAX_FINDINGS);
    }

    #[test]
    fn strict_client_returns_an_error() {
        let err = check(&json!({ "a": null }), Version::V3, true).unwrap_err();
        assert!(err.is_request() && err.to_string().contains("`/json/a` is null"));
        check(&json!({ "a": null }), Version::V2, true).unwrap();
    }
}
