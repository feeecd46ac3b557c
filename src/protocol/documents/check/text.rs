//! What a text is: a number, a documented value, or certainly not a ciphertext.

use crate::catalog::Kind;

/// Returns `true` if a text can be read as a value of this type. Anything can be a string, and an object can
/// be JSON in a text.
pub(super) fn reads_as(kind: Kind, text: &str) -> bool {
    match kind {
        Kind::Integer => is_integer(text),
        Kind::Number => is_number(text),
        Kind::Boolean => is_boolean(text),
        _ => true,
    }
}

fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

pub(super) fn is_number(text: &str) -> bool {
    match text.split_once('.') {
        None => is_integer(text),
        Some((whole, fraction)) => {
            is_integer(whole) && is_integer(fraction) && !fraction.starts_with('-')
        }
    }
}

fn is_boolean(text: &str) -> bool {
    ["true", "false", "0", "1"]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(text))
}

/// Returns `true` if a value is documented, or is a code like a documented one.
///
/// Values with digits are codes: scenes, versions, colours, types of certificates. WeChat Pay adds to them
/// faster than a library can follow, so a code in the shape of a documented one is accepted: `1011` where
/// `1000` is listed. Words are not: a word that is not listed is a typing error more often than it is new.
pub(super) fn is_listed(documented: &[&str], value: &str) -> bool {
    let is_code = value.bytes().any(|byte| byte.is_ascii_digit());
    documented
        .iter()
        .any(|listed| *listed == value || is_code && shape(listed).eq(shape(value)))
}

/// The kinds of the characters of a code, in which a number of any length counts as one.
fn shape(code: &str) -> impl Iterator<Item = char> {
    let mut previous = ' ';
    code.chars().filter_map(move |letter| {
        let kind = match letter {
            '0'..='9' => '9',
            'A'..='Z' => 'A',
            'a'..='z' => 'a',
            other => other,
        };
        let is_same_number = kind == '9' && previous == '9';
        previous = kind;
        (!is_same_number).then_some(kind)
    })
}

/// Returns `true` if a text is certainly not a ciphertext.
///
/// In doubt, a text counts as a ciphertext: WeChat Pay refuses a wrong one, but a finding about a valid one
/// would keep the request from being sent. Names, ID numbers, phone numbers, e-mail addresses and bank
/// accounts are shorter, or have characters that are not in base64.
pub(super) fn is_clear_text(text: &str) -> bool {
    const MIN_LEN: usize = 24;
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=-_".contains(&byte);
    let bytes = text.as_bytes();
    let has_letter = bytes.iter().any(u8::is_ascii_alphabetic);
    let has_other = bytes.iter().any(|byte| !byte.is_ascii_alphabetic());
    let may_be_ciphertext = bytes.len() >= MIN_LEN
        && has_letter
        && has_other
        && bytes.iter().all(|byte| is_base64(*byte));
    !text.is_empty() && !may_be_ciphertext
}
