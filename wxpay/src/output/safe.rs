//! Text of others: a server's, a customer's, a receiver's. It must not steer the terminal.

use std::borrow::Cow;

/// Returns a text with its control characters written out, such as `\u{1b}`, except line breaks and tabs.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let text = text.replace("\r\n", "\n");
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match is_unsafe(c) {
            true => safe.extend(c.escape_unicode()),
            false => safe.push(c),
        }
    }
    Cow::Owned(safe)
}

/// Returns a text in which this program's own colours are the only commands to a terminal.
pub(super) fn painted(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\u{1b}') {
        safe.push_str(&plain(&rest[..at]));
        let length = colour(&rest[at..]);
        match length {
            0 => safe.extend('\u{1b}'.escape_unicode()),
            _ => safe.push_str(&rest[at..at + length]),
        }
        rest = &rest[at + length.max(1)..];
    }
    safe.push_str(&plain(rest));
    Cow::Owned(safe)
}

/// Returns JSON with the characters escaped that JSON may have and a terminal does not only show. They are in
/// strings alone, so that the value stays the same.
pub(super) fn json(text: &str) -> Cow<'_, str> {
    let is_unsafe = |c: char| !c.is_ascii_control() && is_unsafe(c) || c == '\u{7f}';
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match is_unsafe(c) {
            true => safe.push_str(&format!("\\u{:04x}", u32::from(c))),
            false => safe.push(c),
        }
    }
    Cow::Owned(safe)
}

/// Returns how long the sequence at the start of a text is, if it sets a colour of [`Style`](super::Style).
fn colour(text: &str) -> usize {
    let Some(rest) = text.strip_prefix("\u{1b}[") else {
        return 0;
    };
    let own = ["0m", "1m", "2m", "31m", "32m", "33m", "34m"];
    let own = own.iter().find(|code| rest.starts_with(**code));
    own.map_or(0, |code| "\u{1b}[".len() + code.len())
}

/// Returns whether a terminal acts on a character, or writes what follows in another direction.
fn is_unsafe(c: char) -> bool {
    let turns = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || c.is_control() && c != '\n' && c != '\t'
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "a\u{1b}]0;title\u{7}\u{9b}2J\u{202e}\r茶\r\n\tb";

    #[test]
    fn text_of_others_is_written_out() {
        assert_eq!(
            plain(HOSTILE),
            "a\\u{1b}]0;title\\u{7}\\u{9b}2J\\u{202e}\\u{d}茶\n\tb"
        );
        assert!(matches!(plain("a\n\t茶"), Cow::Borrowed(_)));
    }

    #[test]
    fn own_colours_stay_and_nothing_else() {
        let text = format!(
            "{} \u{1b}[2J \u{1b}[8mhidden\u{1b}",
            super::super::Style::Error.paint("no")
        );
        assert_eq!(
            painted(&text),
            "\u{1b}[1m\u{1b}[31mno\u{1b}[0m \\u{1b}[2J \\u{1b}[8mhidden\\u{1b}"
        );
    }

    #[test]
    fn json_stays_the_value() {
        let value = serde_json::Value::from(HOSTILE);
        let text = value.to_string();
        let safe = json(&text);
        assert!(!safe.contains(is_unsafe), "{safe}");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&safe).unwrap(),
            value
        );
    }
}
