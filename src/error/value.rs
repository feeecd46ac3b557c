//! How a value is shown in an error or a log.
//!
//! A value may come from outside. It must not flood a log, forge a line in it, or bring a password
//! into it.

use std::borrow::Cow;

use super::cause::without_user_info;

/// Returns a text for an error message: at most 64 characters, with control characters escaped and
/// without a user and password.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    shown_to(text, 64)
}

/// Returns a path for an error message: at most 256 characters, because paths often differ at the end.
pub(crate) fn shown_path(path: &str) -> Cow<'_, str> {
    shown_to(path, 256)
}

fn shown_to(text: &str, max: usize) -> Cow<'_, str> {
    let text = without_user_info(text);
    let mut chars = text.chars();
    let plain = chars.by_ref().take(max).all(|c| !c.is_control());
    if plain && chars.next().is_none() {
        return text;
    }
    let mut out = String::new();
    for c in text.chars().take(max) {
        if c.is_control() {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    if text.chars().nth(max).is_some() {
        out.push('…');
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_text_is_short_and_escaped() {
        assert_eq!(shown("a\nb"), "a\\nb");
        assert_eq!(shown(&"粤".repeat(65)), format!("{}…", "粤".repeat(64)));
        assert_eq!(shown_path(&"a".repeat(256)), "a".repeat(256));
        assert_eq!(shown("https://me:pw@host/x"), "https://…@host/x");
    }
}
