//! Percent-encoding by RFC 3986.

/// Letters, digits, `-`, `.`, `_`, `~`.
pub(crate) const UNRESERVED: u8 = 1;
/// The delimiters of RFC 3986: `:/?#[]@!$&'()*+,;=`.
pub(crate) const RESERVED: u8 = 2;
/// `%` itself, for text whose triplets are known to be whole.
pub(crate) const PERCENT: u8 = 4;
/// What Guzzle leaves alone in a query given as text: `!$&'()*+,;=:@/?`.
pub(crate) const QUERY: u8 = 8;
/// What a template variable's name is made of: letters, digits, `_`.
pub(crate) const NAME: u8 = 16;

/// The classes that each byte belongs to.
pub(crate) const CLASS: [u8; 256] = classes();

const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// Appends `text`, with every byte outside the classes `keep` percent-encoded.
pub(crate) fn push(text: &str, keep: u8, out: &mut String) {
    let mut rest = text;
    while let Some(at) = rest
        .bytes()
        .position(|byte| CLASS[byte as usize] & keep == 0)
    {
        let (kept, others) = rest.split_at(at);
        out.push_str(kept);
        // Only ASCII is ever kept, so what follows begins with a whole character.
        let width = others.chars().next().map_or(0, char::len_utf8);
        let (encoded, after) = others.split_at(width);
        encoded.bytes().for_each(|byte| push_byte(byte, out));
        rest = after;
    }
    out.push_str(rest);
}

/// Like [`push`], but a whole triplet in `text` stays as it is; a lone `%` becomes `%25`.
pub(crate) fn push_keeping_triplets(text: &str, keep: u8, out: &mut String) {
    let bytes = text.as_bytes();
    let mut kept = 0;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if CLASS[byte as usize] & keep != 0 {
            at += 1;
        } else if byte == b'%' && triplet(bytes, at).is_some() {
            at += 3;
        } else {
            push_run(text, kept, at, out);
            push_byte(byte, out);
            at += 1;
            kept = at;
        }
    }
    push_run(text, kept, bytes.len(), out);
}

/// Appends `text` with its triplets decoded and, as in a form, `+` as a space. Bytes that are no
/// UTF-8 become U+FFFD.
pub(crate) fn decode_form(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match (byte, triplet(bytes, at)) {
            (b'%', Some(value)) => {
                decoded.push(value);
                at += 2;
            }
            (b'+', _) => decoded.push(b' '),
            _ => decoded.push(byte),
        }
        at += 1;
    }
    String::from_utf8(decoded)
        .unwrap_or_else(|err| String::from_utf8_lossy(err.as_bytes()).into_owned())
}

/// The byte that the triplet at `at` stands for, if the two digits after the `%` are there.
pub(crate) fn triplet(bytes: &[u8], at: usize) -> Option<u8> {
    let digit = |at: usize| char::from(*bytes.get(at)?).to_digit(16);
    u8::try_from(digit(at + 1)? << 4 | digit(at + 2)?).ok()
}

fn push_run(text: &str, from: usize, to: usize, out: &mut String) {
    if let Some(run) = text.get(from..to) {
        out.push_str(run);
    }
}

fn push_byte(byte: u8, out: &mut String) {
    out.push('%');
    out.push(HEX[usize::from(byte >> 4)] as char);
    out.push(HEX[usize::from(byte & 15)] as char);
}

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 128 {
        table[byte] = match byte as u8 {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' => UNRESERVED | NAME,
            b'-' | b'.' | b'~' => UNRESERVED,
            b'#' | b'[' | b']' => RESERVED,
            b':' | b'/' | b'?' | b'@' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+'
            | b',' | b';' | b'=' => RESERVED | QUERY,
            b'%' => PERCENT,
            _ => 0,
        };
        byte += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(text: &str, keep: u8) -> String {
        let mut out = String::new();
        push(text, keep, &mut out);
        out
    }

    #[test]
    fn what_is_outside_the_classes_is_encoded_byte_by_byte() {
        assert_eq!(encoded("a b/粤~", UNRESERVED), "a%20b%2F%E7%B2%A4~");
        assert_eq!(
            encoded("a b/粤~", UNRESERVED | RESERVED),
            "a%20b/%E7%B2%A4~"
        );
        assert_eq!(encoded("%41%", UNRESERVED), "%2541%25");
        assert_eq!(encoded("", UNRESERVED), "");
    }

    #[test]
    fn whole_triplets_are_kept_and_lone_percent_signs_are_not() {
        let mut out = String::new();
        push_keeping_triplets("%41%4%zz%e4中%", UNRESERVED, &mut out);
        assert_eq!(out, "%41%254%25zz%e4%E4%B8%AD%25");
    }

    #[test]
    fn decoding_takes_a_plus_for_a_space_and_survives_anything() {
        assert_eq!(decode_form("a+b%20c%2B%E4%B8%AD%zz%4"), "a b c+中%zz%4");
        assert_eq!(decode_form("%ff"), "\u{fffd}");
    }
}
