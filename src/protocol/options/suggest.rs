//! The nearest known key to a misspelt one.

use super::{super::path::shown, from_json::KNOWN};
use crate::error::Cause;

/// Keys of the PHP SDK's HTTP client that have no counterpart in the map, and what does instead.
const ELSEWHERE: [(&str, &str); 6] = [
    ("handler", "there are no middlewares here"),
    (
        "verify",
        "TLS is always verified; a private CA goes into Transport::builder()",
    ),
    ("proxy", "the proxy is set on ClientBuilder or Transport"),
    (
        "cert",
        "the client certificate is set by ClientBuilder::client_identity",
    ),
    (
        "ssl_key",
        "the client certificate is set by ClientBuilder::client_identity",
    ),
    ("form_params", "WeChat Pay takes `json` or `xml`"),
];

/// The error for a key that is neither an option nor in the template.
pub(crate) fn unknown_key(key: &str, variables: &[&str]) -> Cause {
    let mut message = format!(
        "the option `{}` is neither a known option nor a variable of the path",
        shown(key)
    );
    if let Some((_, instead)) = ELSEWHERE.iter().find(|(name, _)| *name == key) {
        message.push_str(": ");
        message.push_str(instead);
    } else if let Some(nearest) = nearest(key, KNOWN.iter().chain(variables)) {
        message.push_str(&format!(": did you mean `{}`?", shown(nearest)));
    } else if variables.is_empty() {
        message.push_str(", which has no variables");
    }
    Cause::request(message)
}

fn nearest<'a>(key: &str, known: impl Iterator<Item = &'a &'a str>) -> Option<&'a str> {
    // A key of a megabyte is nobody's slip of the finger.
    if key.len() > 64 {
        return None;
    }
    let lower = key.to_lowercase();
    known
        .filter(|name| name.len() <= 64)
        .map(|name| (distance(&lower, &name.to_lowercase()), *name))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, name)| *distance <= 1 + key.len().min(name.len()) / 3)
        .map(|(_, name)| name)
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let b = b.chars().collect::<Vec<_>>();
    let mut row = (0..=b.len()).collect::<Vec<_>>();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_key_is_named() {
        for (key, text) in [
            ("out_orderno", "did you mean `out_order_no`?"),
            ("outOrderNo", "did you mean `out_order_no`?"),
            ("timeot", "did you mean `timeout`?"),
            ("Json", "did you mean `json`?"),
            ("verify", "TLS is always verified"),
            ("zzzzzzzz", "nor a variable of the path"),
        ] {
            let err = unknown_key(key, &["out_order_no"]).to_string();
            assert!(err.contains(text), "{err}");
        }
    }
}
