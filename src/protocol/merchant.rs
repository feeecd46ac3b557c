//! Checks of what identifies a merchant and a platform key: IDs, serials and symmetric keys.
//!
//! Someone copies each of these from a web page or a file, and WeChat Pay reports a wrong one with
//! an error that does not name it. The checks recognize the usual mistakes and say what to write.

use zeroize::Zeroizing;

use crate::error::{Cause, cause::Result, value::shown};

/// Checks an ID that consists of digits: a merchant's or a brand's.
pub(crate) fn check_id(field: &str, id: &str) -> Result<()> {
    if id.is_empty() || id.len() > 32 || !id.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Cause::config(format!(
            "invalid {field} {:?}: expected digits only",
            shown(id)
        )));
    }
    Ok(())
}

/// The command that prints a serial.
const FIND: &str = "openssl x509 -noout -serial -in apiclient_cert.pem";

/// Checks the serial of a certificate: at most 20 bytes, two hexadecimal digits each.
///
/// # Errors
/// Returns the value, what is wrong with it and what to write, to follow "invalid serial".
pub(crate) fn check_serial(serial: &str) -> Result<(), String> {
    if is_serial(serial) {
        return Ok(());
    }
    if serial.is_empty() {
        return Err(format!(
            "\"\": it is empty; give the certificate's serial ({FIND})"
        ));
    }
    let what = if serial.len() > 40 && serial.bytes().all(|b| b.is_ascii_digit()) {
        "it is a decimal number"
    } else if serial.len() > 40 && serial.bytes().all(|b| b.is_ascii_hexdigit()) {
        "it has more than 40 digits"
    } else if !serial.len().is_multiple_of(2) && serial.bytes().all(|b| b.is_ascii_hexdigit()) {
        "it has an odd number of digits, so a leading zero is missing"
    } else {
        "expected hexadecimal digits"
    };
    let advice = match corrected(serial) {
        Some(corrected) => format!("write {corrected:?}"),
        None => format!("give the certificate's serial in hexadecimal ({FIND})"),
    };
    Err(format!("{:?}: {what}; {advice}", shown(serial)))
}

/// Returns whether this can be the serial of a certificate.
pub(crate) fn is_serial(text: &str) -> bool {
    (2..=40).contains(&text.len())
        && text.len().is_multiple_of(2)
        && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Returns the serial that was meant, if that is certain: openssl and other tools print it in several
/// formats.
fn corrected(serial: &str) -> Option<String> {
    let text = serial.trim();
    let text = text.strip_prefix("serial=").unwrap_or(text);
    let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let has_mark = hex.is_some() || text.contains(':');
    let mut digits = hex.unwrap_or(text).replace([':', ' '], "");
    // DER puts a zero byte before a serial whose top bit is set, and some tools show it.
    if digits.len() == 42 && digits.starts_with("00") {
        digits.drain(..2);
    }
    if !digits.len().is_multiple_of(2) {
        digits.insert(0, '0');
    }
    digits.make_ascii_uppercase();
    // 40 decimal digits could also be a decimal serial, which would have to be converted.
    let is_decimal = !has_mark && digits.bytes().all(|b| b.is_ascii_digit());
    (is_serial(&digits) && !(is_decimal && digits.len() == 40)).then_some(digits)
}

/// Checks the ID of a platform key: `PUB_KEY_ID_…`, or the serial of its certificate.
///
/// # Errors
/// Returns the value and what is wrong with it, to follow "invalid platform key ID".
pub(crate) fn check_platform_id(id: &str) -> Result<(), String> {
    let is_rest = |rest: &str| {
        !rest.is_empty()
            && id.len() <= 64
            && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    let digits = !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit());
    match id.strip_prefix(PUBLIC_KEY_ID) {
        Some(rest) if is_rest(rest) => Ok(()),
        // The digits of a public key ID alone would pass for a serial, but a real serial of this
        // length is never purely decimal.
        None if digits && (20..40).contains(&id.len()) => Err(format!(
            "{id:?}: it lacks the prefix; write {:?}",
            format!("{PUBLIC_KEY_ID}{id}")
        )),
        None if is_serial(id) => Ok(()),
        _ => Err(format!(
            "{:?}: expected the ID from the merchant platform, with its prefix `{PUBLIC_KEY_ID}`; for a \
             platform certificate, give its serial in hexadecimal",
            shown(id)
        )),
    }
}

/// Returns whether this is, or was meant to be, the ID of a public key.
pub(crate) fn is_public_key_id(id: &str) -> bool {
    let start = id.get(..PUBLIC_KEY_ID.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(PUBLIC_KEY_ID))
}

/// The prefix of public key IDs.
const PUBLIC_KEY_ID: &str = "PUB_KEY_ID_";

/// Returns whether a serial or a public key ID belongs to a sandbox.
pub(crate) fn is_sandbox_id(id: &str) -> bool {
    let start = id.get(..SANDBOX_IN_HEX.len());
    id.to_ascii_uppercase().contains("SANDBOX")
        || start.is_some_and(|start| start.eq_ignore_ascii_case(SANDBOX_IN_HEX))
}

/// `SANDBOX` in ASCII, written in hexadecimal because a serial can contain nothing else.
pub(crate) const SANDBOX_IN_HEX: &str = "53414E44424F58";

/// Returns the APIv3 key's bytes. WeChat Pay uses its 32 characters directly as an AES-256 key.
pub(crate) fn apiv3_key(key: &str) -> Result<Zeroizing<[u8; 32]>> {
    check_key("apiv3_key", key)?;
    let bytes = key.as_bytes().try_into().map(Zeroizing::new);
    bytes.map_err(|_| Cause::config("invalid apiv3_key: expected 32 bytes"))
}

/// Checks the APIv2 key.
pub(crate) fn check_apiv2_key(key: Option<&Zeroizing<String>>) -> Result<()> {
    key.map_or(Ok(()), |key| check_key("apiv2_key", key))
}

/// Checks a key that is set in the merchant platform: 32 ASCII characters without blanks.
///
/// The error shows the key's length and the position of an invalid character, never a character of
/// the key.
fn check_key(field: &str, key: &str) -> Result<()> {
    let stray = key.char_indices().find(|(_, c)| !c.is_ascii_graphic());
    let stray = stray.map(|(at, c)| {
        let kind = match c {
            '\r' | '\n' => "a line break",
            c if c.is_whitespace() => "a blank",
            '\u{feff}' => "a byte order mark",
            c if c.is_ascii() => "a control character",
            _ => "a character outside ASCII",
        };
        format!("{kind} at byte {at}")
    });
    let len = key.len();
    // A key that was read from a file usually ends with a line break, and one that was copied from a
    // web page with a blank.
    let what = match stray {
        None if len == 32 => return Ok(()),
        _ if key.is_empty() => "it is empty".to_owned(),
        Some(stray) if len != 32 && key.trim().len() == 32 => {
            format!("it has {stray}; trim what was read from a file or a secret")
        }
        Some(stray) => format!("it is {len} bytes long and has {stray}"),
        None => format!("it is {len} bytes long"),
    };
    let note = match field {
        "apiv2_key" => {
            "; a key of WeChat Pay's old APIv2 sandbox (`xdc/apiv2getsignkey`) is not supported: for \
             tests, use the feature `sandbox`"
        }
        _ => " (not the APIv2 key)",
    };
    Err(Cause::config(format!(
        "invalid {field}: {what}; expected the 32 letters and digits set in the merchant \
         platform{note}"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serial_is_at_most_20_bytes_in_hexadecimal() {
        for serial in [
            "3775B6A45ACD588826D15E583A95F5DD0000FACE",
            "01",
            "0a1B",
            "53414E44424F580000",
        ] {
            assert_eq!(check_serial(serial), Ok(()), "{serial}");
        }
        const RIGHT: &str = "write \"6F4515299B63E8B3DDFEEF69DA0F5F988B89D9C1\"";
        for (serial, what, advice) in [
            ("", "it is empty", FIND),
            (
                "635238570496275507415531946499716226189925931457",
                "it is a decimal number",
                FIND,
            ),
            (
                "F4515299B63E8B3DDFEEF69DA0F5F988B89D9C1",
                "it has an odd number of digits, so a leading zero is missing",
                "write \"0F4515299B63E8B3DDFEEF69DA0F5F988B89D9C1\"",
            ),
            (
                "0x6F4515299B63E8B3DDFEEF69DA0F5F988B89D9C1",
                "expected hexadecimal digits",
                RIGHT,
            ),
            (
                "serial=6F4515299B63E8B3DDFEEF69DA0F5F988B89D9C1\n",
                "expected hexadecimal digits",
                RIGHT,
            ),
            (
                "6f:45:15:29:9b:63:e8:b3:dd:fe:ef:69:da:0f:5f:98:8b:89:d9:c1",
                "expected hexadecimal digits",
                RIGHT,
            ),
            (
                "006F4515299B63E8B3DDFEEF69DA0F5F988B89D9C1",
                "it has more than 40 digits",
                RIGHT,
            ),
            (
                " 6F4515299B63E8B3DDFEEF69DA0F5F988B89D9C1",
                "expected hexadecimal digits",
                RIGHT,
            ),
            (
                "6F4515299B63E8B3DDFEEF69DA0F5F988B89D9C1ABCD",
                "it has more than 40 digits",
                FIND,
            ),
            ("apiclient_cert.pem", "expected hexadecimal digits", FIND),
            (
                "PUB_KEY_ID_0119000001092024000000000000",
                "expected hexadecimal digits",
                FIND,
            ),
            ("粤B12345", "expected hexadecimal digits", FIND),
        ] {
            let err = check_serial(serial).unwrap_err();
            assert!(err.contains(what) && err.contains(advice), "{err}");
        }
    }

    #[test]
    fn platform_key_has_a_public_key_id_or_a_serial() {
        for id in [
            "PUB_KEY_ID_0119000001092024000000000000",
            "PUB_KEY_ID_SANDBOX0123456789ABCDEF",
            "5157F09EFDC096DE15EBE81A47057A7232F1B8E1",
        ] {
            assert_eq!(check_platform_id(id), Ok(()), "{id}");
        }
        for (id, text) in [
            (
                "0119000001092024000000000000",
                "write \"PUB_KEY_ID_0119000001092024000000000000\"",
            ),
            ("PUB_KEY_ID_", "expected the ID from the merchant platform"),
            (
                "pub_key_id_0119000001092024000000000000",
                "with its prefix `PUB_KEY_ID_`",
            ),
            (
                "PUB_KEY_ID_01190 0001",
                "expected the ID from the merchant platform",
            ),
            ("", "expected the ID from the merchant platform"),
            ("pub_key.pem", "expected the ID from the merchant platform"),
        ] {
            let err = check_platform_id(id).unwrap_err();
            assert!(err.contains(text), "{err}");
        }
    }

    #[test]
    fn key_has_32_characters_and_is_never_shown() {
        const KEY: &str = "192006250b4c09247ec02edce69f6a2d";
        check_key("apiv2_key", KEY).unwrap();
        apiv3_key(KEY).unwrap();
        for (key, text) in [
            (String::new(), "it is empty"),
            (format!("{KEY}\n"), "it has a line break at byte 32; trim"),
            (format!("{KEY}\r\n"), "it has a line break at byte 32; trim"),
            (format!(" {KEY}"), "it has a blank at byte 0; trim"),
            (
                format!("\u{feff}{KEY}"),
                "is 35 bytes long and has a byte order mark at byte 0",
            ),
            (format!("\"{KEY}\""), "is 34 bytes long"),
            (KEY[..31].to_owned(), "is 31 bytes long"),
            (
                KEY.replace('b', " "),
                "is 32 bytes long and has a blank at byte 9",
            ),
            (KEY.replace('b', "\0"), "has a control character at byte 9"),
            ("013467007045764".to_owned(), "`xdc/apiv2getsignkey`"),
            (
                "中".repeat(10) + "ab",
                "is 32 bytes long and has a character outside ASCII at byte 0",
            ),
        ] {
            for field in ["apiv2_key", "apiv3_key"] {
                let err = check_key(field, &key).unwrap_err().to_string();
                assert!(field == "apiv3_key" || err.contains(text), "{err}");
                assert!(key.len() < 10 || !err.contains(&key[..9]), "{err}");
            }
        }
    }
}
