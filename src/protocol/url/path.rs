//! Paths: building a template from the pieces of a chain, and checking an expanded path before it is
//! sent.

use std::borrow::Cow;

use crate::error::{
    Cause,
    cause::Result,
    value::{shown, shown_path},
};

/// The template variable that the documents leave empty to get a trailing slash.
pub(crate) const EMPTY: &str = "empty";

/// The version of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// XML, signed with a digest.
    V2,
    /// JSON, signed with RSA.
    V3,
}

/// Returns the version of the API, and the template without `v2/`, which is not sent.
///
/// The template decides, not the expanded path: a variable's value must not be able to switch to the
/// API with the weaker signature.
pub(crate) fn version(template: &str) -> (Version, &str) {
    match template.strip_prefix("v2/") {
        Some(rest) => (Version::V2, rest),
        None => (Version::V3, template),
    }
}

/// Appends one segment by the rules of the PHP SDK's properties: `outTradeNo` becomes `out-trade-no`,
/// and `_id_`, `{id}` and `<id>` are the variable `id`.
pub(crate) fn push_segment(template: &mut String, segment: &str) -> Result<()> {
    if segment.is_empty() {
        return Err(Cause::request(
            "seg(\"\"): the segment is empty: name the segment, or remove the call",
        ));
    }
    if let Some(stray) = segment.chars().find(|c| matches!(c, '/' | '?' | '#')) {
        return Err(Cause::request(format!(
            "seg({:?}): a segment cannot contain `{stray}`: use chain(…) for a path, and a template \
             variable for a value",
            shown(segment)
        )));
    }
    separate(template);
    if let Some(name) = variable(segment) {
        push_variable(template, name);
        return Ok(());
    }
    // Capitals inside braces belong to a variable's name, which must be kept as it is.
    let mut depth = 0_usize;
    for (at, c) in segment.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 && c.is_ascii_uppercase() {
            if at > 0 {
                template.push('-');
            }
            template.push(c.to_ascii_lowercase());
        } else {
            template.push(c);
        }
    }
    Ok(())
}

/// Appends a path as written: capitals are kept, `<id>` is `{id}`, and a whole argument `_id_` is a
/// variable. One leading slash is dropped.
pub(crate) fn push_path(template: &mut String, path: &str) -> Result<()> {
    let rest = path.strip_prefix('/').unwrap_or(path);
    if rest.is_empty() {
        return Err(Cause::request(format!(
            "chain({path:?}): the path is empty: name at least one segment"
        )));
    }
    if rest.starts_with('/') {
        return Err(Cause::request(format!(
            "chain({:?}): a path that begins with `//` names a host without a scheme: write the path \
             only, or the whole URL",
            shown_path(path)
        )));
    }
    separate(template);
    if let Some(name) = variable(rest) {
        push_variable(template, name);
        return Ok(());
    }
    let mut tail = rest;
    while let Some(open) = tail.find('<') {
        let (head, from) = tail.split_at(open);
        template.push_str(head);
        match from.find('>') {
            Some(close) if close > 1 => {
                push_variable(template, &from[1..close]);
                tail = &from[close + 1..];
            }
            _ => {
                return Err(Cause::request(format!(
                    "chain({:?}): `<` begins a variable without a name or without an end: write <name> \
                     or {{name}}",
                    shown_path(path)
                )));
            }
        }
    }
    template.push_str(tail);
    Ok(())
}

/// Checks an expanded path, as it would be sent.
///
/// # Errors
/// Returns an error for anything that a server or a proxy could read as a different path: dot
/// segments, `\`, `#`, control characters and empty segments. A value must not be able to turn a
/// query for one order into an operation on another.
pub(crate) fn check(path: &str) -> Result<()> {
    let refuse = |what: String| Err(Cause::request(format!("the path {what}")));
    // Only the invalid segment is shown: the others may name a person.
    for segment in path.split('/') {
        if let Some(found) = forbidden(segment) {
            return refuse(format!(
                "has the segment `{}`, which {found}",
                shown(segment)
            ));
        }
    }
    let inner = path.strip_prefix('/').unwrap_or(path);
    if inner.is_empty() {
        return refuse("is empty: name at least one segment".into());
    }
    // One trailing slash is documented for some operations.
    let trimmed = inner.strip_suffix('/').unwrap_or(inner);
    for segment in trimmed.split('/') {
        if segment.is_empty() {
            return refuse(
                "has an empty segment (`//`): a value is missing, or a slash is doubled".into(),
            );
        }
        // Several servers, including nginx, decode `%2F` before they resolve `..`.
        if let Some(segment) = pieces(segment).find(|piece| is_dots(piece)) {
            return refuse(format!(
                "has the segment `{segment}`, which would lead to a different path"
            ));
        }
    }
    Ok(())
}

fn separate(template: &mut String) {
    if !template.is_empty() {
        template.push('/');
    }
}

fn push_variable(template: &mut String, name: &str) {
    template.push('{');
    template.push_str(name);
    template.push('}');
}

/// Returns the name in `_id_`, `{id}` or `<id>` if that is the whole piece.
fn variable(piece: &str) -> Option<&str> {
    let inner = [('_', '_'), ('{', '}'), ('<', '>')]
        .iter()
        .find_map(|&(open, close)| piece.strip_prefix(open)?.strip_suffix(close))?;
    // `_a_/_b_` begins and ends with `_`, too, but is a path.
    let plain = !inner.is_empty() && !inner.contains(['{', '}', '<', '>', '/', '?', '#']);
    plain.then_some(inner)
}

/// Returns what makes a segment invalid: a byte that must not be sent, either raw or percent-encoded,
/// because a proxy may decode it.
fn forbidden(path: &str) -> Option<Cow<'static, str>> {
    let bytes = path.as_bytes();
    for (at, &byte) in bytes.iter().enumerate() {
        let byte = match byte {
            // `%23` is legal: a decoded `#` can no longer begin a fragment. The others are as dangerous
            // encoded as they are raw.
            b'%' => match escaped(bytes, at) {
                Some(b'#') | None => continue,
                Some(decoded) => decoded,
            },
            raw => raw,
        };
        match byte {
            b'\\' => return Some("contains a backslash".into()),
            b'#' => return Some("contains a `#`: a fragment is never sent".into()),
            0..=0x1f | 0x7f => {
                return Some(
                    format!(
                        "contains the control character {byte:#04x}: trim the value it comes from"
                    )
                    .into(),
                );
            }
            _ => {}
        }
    }
    None
}

/// Splits a segment at encoded slashes.
fn pieces(segment: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(segment);
    std::iter::from_fn(move || {
        let whole = rest?;
        let slash = whole
            .match_indices('%')
            .find(|(at, _)| escaped(whole.as_bytes(), *at) == Some(b'/'));
        let (piece, after) = match slash {
            Some((at, _)) => (&whole[..at], Some(&whole[at + 3..])),
            None => (whole, None),
        };
        rest = after;
        Some(piece)
    })
}

/// Returns whether a piece is `.` or `..`, also if encoded.
fn is_dots(segment: &str) -> bool {
    let bytes = segment.as_bytes();
    let (mut at, mut dots) = (0, 0);
    while at < bytes.len() {
        at += match bytes[at] {
            b'.' => 1,
            b'%' if escaped(bytes, at) == Some(b'.') => 3,
            _ => return false,
        };
        dots += 1;
    }
    matches!(dots, 1 | 2)
}

/// Returns the byte that the `%xx` at `at` stands for.
fn escaped(bytes: &[u8], at: usize) -> Option<u8> {
    let hex = |at: usize| (*bytes.get(at)? as char).to_digit(16);
    Some((hex(at + 1)? * 16 + hex(at + 2)?) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segments(segments: &[&str]) -> Result<String> {
        let mut template = String::new();
        for segment in segments {
            push_segment(&mut template, segment)?;
        }
        Ok(template)
    }

    fn path(path: &str) -> Result<String> {
        let mut template = String::new();
        push_path(&mut template, path)?;
        Ok(template)
    }

    #[test]
    fn segment_becomes_kebab_case() {
        for (given, template) in [
            ("outTradeNo", "out-trade-no"),
            ("ComplaintsV2", "complaints-v2"),
            ("openAPIThing", "open-a-p-i-thing"),
            ("a_b", "a_b"),
            ("_outTradeNo_", "{outTradeNo}"),
            ("{outTradeNo}", "{outTradeNo}"),
            ("<outTradeNo>", "{outTradeNo}"),
            ("billFor-{orderNo}", "bill-for-{orderNo}"),
            ("__", "__"),
        ] {
            assert_eq!(segments(&[given]).unwrap(), template, "{given}");
        }
        assert_eq!(segments(&["v3", "_id_", "x"]).unwrap(), "v3/{id}/x");
    }

    #[test]
    fn path_is_kept_as_written() {
        for (given, template) in [
            ("v3/x/N123ABC", "v3/x/N123ABC"),
            ("/v3/x", "v3/x"),
            ("v3/x/<outOrderNo>/sync", "v3/x/{outOrderNo}/sync"),
            ("_id_", "{id}"),
            ("v3/_id_/x", "v3/_id_/x"),
            ("v3/x/", "v3/x/"),
        ] {
            assert_eq!(path(given).unwrap(), template, "{given}");
        }
    }

    #[test]
    fn invalid_segments_and_paths_are_errors() {
        for (err, text) in [
            (
                segments(&["a/b"]).unwrap_err(),
                "a segment cannot contain `/`",
            ),
            (
                segments(&["a?b"]).unwrap_err(),
                "a segment cannot contain `?`",
            ),
            (
                segments(&["a#b"]).unwrap_err(),
                "a segment cannot contain `#`",
            ),
            (segments(&[""]).unwrap_err(), "the segment is empty"),
            (path("").unwrap_err(), "the path is empty"),
            (path("/").unwrap_err(), "the path is empty"),
            (path("//evil.example/x").unwrap_err(), "names a host"),
            (path("v3/<>/x").unwrap_err(), "without a name"),
            (path("v3/<id/x").unwrap_err(), "without an end"),
        ] {
            assert!(err.to_string().contains(text), "{err}");
        }
    }

    #[test]
    fn expanded_path_is_checked_as_sent() {
        for good in [
            "/v3/x",
            "/v3/x/",
            "/v3/a.b/..c",
            "/v3/%2Fa",
            "/v3/a%23b",
            "/v3/...",
        ] {
            check(good).unwrap_or_else(|err| panic!("{good}: {err}"));
        }
        for (bad, text) in [
            ("/v3/./x", "segment `.`"),
            ("/v3/../x", "segment `..`"),
            ("/v3/%2e%2E/x", "segment `%2e%2E`"),
            ("/v3/.%2e", "segment `.%2e`"),
            ("/v3/a\\b", "backslash"),
            ("/v3/a%5Cb", "backslash"),
            ("/v3/a#b", "fragment"),
            ("/v3/a%0ab", "control character 0x0a"),
            ("/v3/a\u{7f}", "control character 0x7f"),
            ("/v3//x", "empty segment"),
            ("//v3", "empty segment"),
            ("/v3/x//", "empty segment"),
            ("/", "is empty"),
        ] {
            let err = check(bad).expect_err(bad).to_string();
            assert!(err.contains(text), "{bad}: {err}");
        }
    }
}
