//! Percent-encoding by RFC 3986: the sets of characters that templates and queries keep.
//!
//! The `percent-encoding` crate encodes and decodes. It cannot keep the triplets (`%2F`) that a text
//! already has, nor look one up, and it does not tell whether a character is in a set; these three are
//! here.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// The characters other than letters and digits that never need encoding.
const MARKS: &[u8] = b"-._~";
/// The delimiters of RFC 3986, which mean something where they are not encoded.
const DELIMITERS: &[u8] = b":/?#[]@!$&'()*+,;=";

/// Encodes all but the unreserved characters, as in a value.
pub(crate) const UNRESERVED: &AsciiSet = &all_but(MARKS, b"");
/// Encodes all but the unreserved characters and the delimiters, as in the value of `{+var}`.
pub(crate) const RESERVED: &AsciiSet = &all_but(MARKS, DELIMITERS);
/// Like [`RESERVED`], for text in which each `%` is known to begin a triplet.
pub(crate) const LITERAL: &AsciiSet = &all_but(MARKS, DELIMITERS).remove(b'%');
/// Encodes what Guzzle encodes in a query that is given as text: it keeps the delimiters other than
/// `#`, `[` and `]`.
pub(crate) const QUERY: &AsciiSet = &all_but(MARKS, b"!$&'()*+,;=:@/?");

/// Whether the character never needs encoding: a letter, a digit, `-`, `.`, `_` or `~`.
pub(crate) fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || MARKS.contains(&byte)
}

/// Whether the character is one of the delimiters.
pub(crate) fn is_reserved(byte: u8) -> bool {
    DELIMITERS.contains(&byte)
}

/// Appends `text` to `out`, with the characters in `set` percent-encoded.
pub(crate) fn push(text: &str, set: &'static AsciiSet, out: &mut String) {
    out.extend(utf8_percent_encode(text, set));
}

/// Like [`push`], but keeps each triplet in `text`. Any other `%` becomes `%25`.
pub(crate) fn push_keeping_triplets(text: &str, set: &'static AsciiSet, out: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        push(&rest[..at], set, out);
        let end = match triplet(rest.as_bytes(), at) {
            Some(_) => {
                out.push_str(&rest[at..at + 3]);
                at + 3
            }
            None => {
                out.push_str("%25");
                at + 1
            }
        };
        rest = &rest[end..];
    }
    push(rest, set, out);
}

/// Decodes the triplets in `text` and, as in a form, `+` as a space. Bytes that are not UTF-8 become
/// U+FFFD.
pub(crate) fn decode_form(text: &str) -> Cow<'_, str> {
    if text.contains('+') {
        let text = text.replace('+', " ");
        return Cow::Owned(percent_decode_str(&text).decode_utf8_lossy().into_owned());
    }
    percent_decode_str(text).decode_utf8_lossy()
}

/// The byte that a triplet stands for, if the `%` at `at` is followed by two hexadecimal digits.
pub(crate) fn triplet(bytes: &[u8], at: usize) -> Option<u8> {
    let digit = |at: usize| char::from(*bytes.get(at)?).to_digit(16);
    u8::try_from(digit(at + 1)? << 4 | digit(at + 2)?).ok()
}

const fn all_but(kept: &[u8], also_kept: &[u8]) -> AsciiSet {
    // `AsciiSet` cannot be cloned in `const`. `%` is in the set already: this only makes a copy.
    let mut set = NON_ALPHANUMERIC.add(b'%');
    let mut at = 0;
    while at < kept.len() {
        set = set.remove(kept[at]);
        at += 1;
    }
    at = 0;
    while at < also_kept.len() {
        set = set.remove(also_kept[at]);
        at += 1;
    }
    set
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(text: &str, set: &'static AsciiSet) -> String {
        let mut out = String::new();
        push(text, set, &mut out);
        out
    }

    #[test]
    fn characters_in_the_set_are_encoded_byte_by_byte() {
        assert_eq!(encoded("a b/粤~", UNRESERVED), "a%20b%2F%E7%B2%A4~");
        assert_eq!(encoded("a b/粤~", RESERVED), "a%20b/%E7%B2%A4~");
        assert_eq!(encoded("%41%", UNRESERVED), "%2541%25");
        assert_eq!(encoded("%41[", LITERAL), "%41[");
        assert_eq!(encoded("a=b&c[]=#", QUERY), "a=b&c%5B%5D=%23");
        assert_eq!(encoded("", UNRESERVED), "");
    }

    #[test]
    fn sets_and_predicates_agree() {
        for byte in 0..128 {
            let text = char::from(byte).to_string();
            let kept = |set| encoded(&text, set) == text;
            assert_eq!(kept(UNRESERVED), is_unreserved(byte), "{text:?}");
            let plain = is_unreserved(byte) || is_reserved(byte);
            assert_eq!(kept(RESERVED), plain, "{text:?}");
            assert_eq!(kept(LITERAL), plain || byte == b'%', "{text:?}");
        }
    }

    #[test]
    fn triplets_are_kept_and_other_percent_signs_encoded() {
        let mut out = String::new();
        push_keeping_triplets("%41%4%zz%e4中%", UNRESERVED, &mut out);
        assert_eq!(out, "%41%254%25zz%e4%E4%B8%AD%25");
    }

    #[test]
    fn form_decoding_reads_plus_as_space_and_accepts_any_text() {
        assert_eq!(decode_form("a+b%20c%2B%E4%B8%AD%zz%4"), "a b c+中%zz%4");
        assert_eq!(decode_form("%ff"), "\u{fffd}");
    }
}
