//! From the pieces of a chain to a template, and from the expanded template to what may be sent.

use std::borrow::Cow;

use crate::error::{
    Cause,
    cause::{Result, without_user_info},
};

/// The template variable that the documents never pass: it leaves a trailing slash.
pub(crate) const EMPTY: &str = "empty";

/// Which API a template speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// XML, signed with a digest.
    V2,
    /// JSON, signed with RSA.
    V3,
}

/// APIv2 where the template begins with `v2/`, decided before expansion; the rest of the path
/// goes out without it.
pub(crate) fn version(template: &str) -> (Version, &str) {
    match template.strip_prefix("v2/") {
        Some(rest) => (Version::V2, rest),
        None => (Version::V3, template),
    }
}

/// Adds one segment, as the PHP SDK's properties do: `outTradeNo` becomes `out-trade-no`, and
/// `_id_`, `{id}` and `<id>` are the variable `id`.
pub(crate) fn push_segment(template: &mut String, segment: &str) -> Result<()> {
    if segment.is_empty() {
        return Err(Cause::request(
            "seg(\"\"): a segment is empty; leave the call out, or name the segment",
        ));
    }
    if let Some(stray) = segment.chars().find(|c| matches!(c, '/' | '?' | '#')) {
        return Err(Cause::request(format!(
            "seg({:?}): one segment holds no `{stray}`; a path goes through chain(…), \
             a value through a template variable",
            shown(segment)
        )));
    }
    separate(template);
    if let Some(name) = variable(segment) {
        push_variable(template, name);
        return Ok(());
    }
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

/// Adds a path as written: capitals stay, `<id>` is `{id}`, and a whole argument `_id_` is a
/// variable. One leading slash is dropped.
pub(crate) fn push_path(template: &mut String, path: &str) -> Result<()> {
    let rest = path.strip_prefix('/').unwrap_or(path);
    if rest.is_empty() {
        return Err(Cause::request(format!(
            "chain({path:?}): the path is empty; name at least one segment"
        )));
    }
    if rest.starts_with('/') {
        return Err(Cause::request(format!(
            "chain({:?}): a path that begins with `//` names a host without saying https; \
             write the path alone, or the whole URL",
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
                    "chain({:?}): `<` opens a variable that has no name or is never closed; \
                     write <name> or {{name}}",
                    shown_path(path)
                )));
            }
        }
    }
    template.push_str(tail);
    Ok(())
}

/// Joins a base URI's path to an expanded one and checks the whole, as it would be sent.
///
/// # Errors
/// On what a server or a proxy between could read as another path than the one meant: dot
/// segments, `\`, `#`, control characters, empty segments.
pub(crate) fn check(path: &str) -> Result<()> {
    let refuse = |what: String| Err(Cause::request(format!("the path {what}")));
    // The segment at fault alone: the others may name a person.
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
    let trimmed = inner.strip_suffix('/').unwrap_or(inner);
    for segment in trimmed.split('/') {
        if segment.is_empty() {
            return refuse(
                "has an empty segment (`//`): a value is missing, or a slash is doubled".into(),
            );
        }
        // Many a server decodes `%2F` before it resolves `..`, nginx among them.
        if let Some(segment) = pieces(segment).find(|piece| is_dots(piece)) {
            return refuse(format!(
                "has the segment `{segment}`, which would climb to another path"
            ));
        }
    }
    Ok(())
}

/// A piece of user input that is fit to be shown: at most 64 characters, controls escaped, and
/// without a user and password.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    shown_to(text, 64)
}

/// A whole path, whose end is what tells it from others: at most 256 characters of it.
fn shown_path(path: &str) -> Cow<'_, str> {
    shown_to(path, 256)
}

fn shown_to(text: &str, most: usize) -> Cow<'_, str> {
    let text = without_user_info(text);
    let mut chars = text.chars();
    let plain = chars.by_ref().take(most).all(|c| !c.is_control());
    if plain && chars.next().is_none() {
        return text;
    }
    let mut out = String::new();
    for c in text.chars().take(most) {
        if c.is_control() {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    if text.chars().nth(most).is_some() {
        out.push('…');
    }
    Cow::Owned(out)
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

/// The name in `_id_`, `{id}` or `<id>`, where that is the whole of it.
fn variable(piece: &str) -> Option<&str> {
    let inner = [('_', '_'), ('{', '}'), ('<', '>')]
        .iter()
        .find_map(|&(open, close)| piece.strip_prefix(open)?.strip_suffix(close))?;
    let plain = !inner.is_empty() && !inner.contains(['{', '}', '<', '>', '/', '?', '#']);
    plain.then_some(inner)
}

/// What in a path must not be sent: raw, or percent-encoded where a decoder on the way would
/// make it raw again.
fn forbidden(path: &str) -> Option<Cow<'static, str>> {
    let bytes = path.as_bytes();
    for (at, &byte) in bytes.iter().enumerate() {
        let byte = match byte {
            b'%' => match escaped(bytes, at) {
                Some(b'#') | None => continue,
                Some(decoded) => decoded,
            },
            raw => raw,
        };
        match byte {
            b'\\' => return Some("holds a backslash".into()),
            b'#' => return Some("holds a `#`: a fragment is never sent".into()),
            0..=0x1f | 0x7f => {
                return Some(
                    format!(
                        "holds the control character {byte:#04x}: trim the value that brings it"
                    )
                    .into(),
                );
            }
            _ => {}
        }
    }
    None
}

/// What an encoded slash parts in a segment.
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

/// The byte that a `%xx` at `at` stands for.
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
    fn a_segment_takes_the_kebab_form() {
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
    fn a_path_stands_as_written() {
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
    fn what_is_no_segment_or_path_is_refused() {
        for (err, text) in [
            (segments(&["a/b"]).unwrap_err(), "one segment holds no `/`"),
            (segments(&["a?b"]).unwrap_err(), "one segment holds no `?`"),
            (segments(&["a#b"]).unwrap_err(), "one segment holds no `#`"),
            (segments(&[""]).unwrap_err(), "a segment is empty"),
            (path("").unwrap_err(), "the path is empty"),
            (path("/").unwrap_err(), "the path is empty"),
            (path("//evil.example/x").unwrap_err(), "names a host"),
            (path("v3/<>/x").unwrap_err(), "has no name"),
            (path("v3/<id/x").unwrap_err(), "never closed"),
        ] {
            assert!(err.to_string().contains(text), "{err}");
        }
    }

    #[test]
    fn an_expanded_path_is_checked_as_sent() {
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

    #[test]
    fn what_is_shown_is_short_and_harmless() {
        assert_eq!(shown("a\nb"), "a\\nb");
        assert_eq!(shown(&"粤".repeat(65)), format!("{}…", "粤".repeat(64)));
        assert_eq!(shown_path(&"a".repeat(256)), "a".repeat(256));
        assert_eq!(shown("https://me:pw@host/x"), "https://…@host/x");
    }
}
