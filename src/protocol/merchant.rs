//! What a merchant is configured with, checked.

use zeroize::Zeroizing;

use super::path::shown;
use crate::error::{Cause, cause::Result};

/// Checks an ID that is made of digits: a merchant's or a brand's.
pub(crate) fn check_id(field: &str, id: &str) -> Result<()> {
    if id.is_empty() || id.len() > 32 || !id.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Cause::config(format!(
            "{field} {:?} is none: give the digits alone",
            shown(id)
        )));
    }
    Ok(())
}

/// How a serial is found out.
const FIND: &str = "openssl x509 -noout -serial -in apiclient_cert.pem";

/// Checks the serial of a certificate: at most 20 bytes, two hexadecimal digits each.
///
/// # Errors
/// What is wrong with it, to follow "the serial", and what to write instead.
pub(crate) fn check_serial(serial: &str) -> Result<(), String> {
    if is_serial(serial) {
        return Ok(());
    }
    if serial.is_empty() {
        return Err(format!(
            "is empty: give the one of the certificate ({FIND})"
        ));
    }
    let what = if serial.len() > 40 && serial.bytes().all(|b| b.is_ascii_digit()) {
        "is a decimal number"
    } else if serial.len() > 40 && serial.bytes().all(|b| b.is_ascii_hexdigit()) {
        "has more than 40 digits"
    } else if !serial.len().is_multiple_of(2) && serial.bytes().all(|b| b.is_ascii_hexdigit()) {
        "has an odd number of digits, so its leading zero is missing"
    } else {
        "is not one"
    };
    let advice = match corrected(serial) {
        Some(corrected) => format!("write {corrected:?}"),
        None => format!("give its hexadecimal digits alone, two a byte ({FIND})"),
    };
    Err(format!("{:?} {what}: {advice}", shown(serial)))
}

/// Whether this can be the serial of a certificate.
pub(crate) fn is_serial(text: &str) -> bool {
    (2..=40).contains(&text.len())
        && text.len().is_multiple_of(2)
        && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// The serial that was meant, where that is certain: as openssl and other tools print it.
fn corrected(serial: &str) -> Option<String> {
    let text = serial.trim();
    let text = text.strip_prefix("serial=").unwrap_or(text);
    let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let has_mark = hex.is_some() || text.contains(':');
    let mut digits = hex.unwrap_or(text).replace([':', ' '], "");
    // DER's sign byte, which some tools show.
    if digits.len() == 42 && digits.starts_with("00") {
        digits.drain(..2);
    }
    if !digits.len().is_multiple_of(2) {
        digits.insert(0, '0');
    }
    digits.make_ascii_uppercase();
    let is_decimal = !has_mark && digits.bytes().all(|b| b.is_ascii_digit());
    (is_serial(&digits) && !(is_decimal && digits.len() == 40)).then_some(digits)
}

/// Checks what names a platform key: `PUB_KEY_ID_…`, or the serial of its certificate.
///
/// # Errors
/// What is wrong with it, to follow "the platform key's id".
pub(crate) fn check_platform_id(id: &str) -> Result<(), String> {
    let is_rest = |rest: &str| {
        !rest.is_empty()
            && id.len() <= 64
            && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    let digits = !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit());
    match id.strip_prefix(PUBLIC_KEY_ID) {
        Some(rest) if is_rest(rest) => Ok(()),
        // The digits of a public key ID look like a serial, and no serial is decimal and this long.
        None if digits && (20..40).contains(&id.len()) => Err(format!(
            "{id:?} lacks its beginning: write {:?}",
            format!("{PUBLIC_KEY_ID}{id}")
        )),
        None if is_serial(id) => Ok(()),
        _ => Err(format!(
            "{:?} is not one: copy it from the merchant platform with its beginning `{PUBLIC_KEY_ID}`; for \
             a platform certificate, give its serial in hexadecimal",
            shown(id)
        )),
    }
}

/// Whether this is, or was meant for, the ID of a public key.
pub(crate) fn is_public_key_id(id: &str) -> bool {
    let start = id.get(..PUBLIC_KEY_ID.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(PUBLIC_KEY_ID))
}

const PUBLIC_KEY_ID: &str = "PUB_KEY_ID_";

/// Whether a serial or a public key ID is one that a sandbox drew.
pub(crate) fn is_sandbox_id(id: &str) -> bool {
    let start = id.get(..SANDBOX_IN_HEX.len());
    id.to_ascii_uppercase().contains("SANDBOX")
        || start.is_some_and(|start| start.eq_ignore_ascii_case(SANDBOX_IN_HEX))
}

/// `SANDBOX` in ASCII, in the hexadecimal digits that are all a serial can hold.
pub(crate) const SANDBOX_IN_HEX: &str = "53414E44424F58";

/// The APIv3 key as the bytes that it is.
pub(crate) fn apiv3_key(key: &str) -> Result<Zeroizing<[u8; 32]>> {
    check_key("apiv3_key", key)?;
    let bytes = key.as_bytes().try_into().map(Zeroizing::new);
    bytes.map_err(|_| Cause::config("apiv3_key is not 32 bytes long"))
}

/// Checks the APIv2 key.
pub(crate) fn check_apiv2_key(key: Option<&Zeroizing<String>>) -> Result<()> {
    key.map_or(Ok(()), |key| check_key("apiv2_key", key))
}

/// Checks a key that is set at the merchant platform: 32 characters of ASCII without blanks. The
/// error tells its length and where a character is at fault, and no character.
fn check_key(field: &str, key: &str) -> Result<()> {
    let stray = key.char_indices().find(|(_, c)| !c.is_ascii_graphic());
    let stray = stray.map(|(at, c)| {
        let kind = match c {
            '\r' | '\n' => "a line break",
            c if c.is_whitespace() => "a blank",
            '\u{feff}' => "a byte order mark",
            c if c.is_ascii() => "a control character",
            _ => "a character outside of ASCII",
        };
        format!("{kind} at byte {at}")
    });
    let len = key.len();
    let what = match stray {
        None if len == 32 => return Ok(()),
        _ if key.is_empty() => "is empty".to_owned(),
        Some(stray) if len != 32 && key.trim().len() == 32 => {
            format!("has {stray}: trim it, as read from a file or a secret")
        }
        Some(stray) => format!("is {len} bytes long and has {stray}"),
        None => format!("is {len} bytes long"),
    };
    let note = match field {
        "apiv2_key" => {
            "; a key of WeChat Pay's old APIv2 sandbox (`xdc/apiv2getsignkey`) is not taken: for \
             tests, use the feature `sandbox`"
        }
        _ => " (it is not the APIv2 key)",
    };
    Err(Cause::config(format!(
        "{field} {what}; the key has 32 letters and digits, as it was set at the merchant \
         platform{note}"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_is_at_most_20_bytes_of_hexadecimal_digits() {
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
            ("", "is empty", FIND),
            (
                "635238570496275507415531946499716226189925931457",
                "is a decimal number",
                FIND,
            ),
            (
                "F4515299B63E8B3DDFEEF69DA0F5F988B89D9C1",
                "has an odd number of digits, so its leading zero is missing",
                "write \"0F4515299B63E8B3DDFEEF69DA0F5F988B89D9C1\"",
            ),
            (
                "0x6F4515299B63E8B3DDFEEF69DA0F5F988B89D9C1",
                "is not one",
                RIGHT,
            ),
            (
                "serial=6F4515299B63E8B3DDFEEF69DA0F5F988B89D9C1\n",
                "is not one",
                RIGHT,
            ),
            (
                "6f:45:15:29:9b:63:e8:b3:dd:fe:ef:69:da:0f:5f:98:8b:89:d9:c1",
                "is not one",
                RIGHT,
            ),
            (
                "006F4515299B63E8B3DDFEEF69DA0F5F988B89D9C1",
                "has more than 40 digits",
                RIGHT,
            ),
            (
                " 6F4515299B63E8B3DDFEEF69DA0F5F988B89D9C1",
                "is not one",
                RIGHT,
            ),
            (
                "6F4515299B63E8B3DDFEEF69DA0F5F988B89D9C1ABCD",
                "has more than 40 digits",
                FIND,
            ),
            ("apiclient_cert.pem", "is not one", FIND),
            (
                "PUB_KEY_ID_0119000001092024000000000000",
                "is not one",
                FIND,
            ),
            ("粤B12345", "is not one", FIND),
        ] {
            let err = check_serial(serial).unwrap_err();
            assert!(err.contains(what) && err.contains(advice), "{err}");
        }
    }

    #[test]
    fn a_platform_key_has_its_id_or_a_serial() {
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
            ("PUB_KEY_ID_", "is not one"),
            (
                "pub_key_id_0119000001092024000000000000",
                "with its beginning `PUB_KEY_ID_`",
            ),
            ("PUB_KEY_ID_01190 0001", "is not one"),
            ("", "is not one"),
            ("pub_key.pem", "is not one"),
        ] {
            let err = check_platform_id(id).unwrap_err();
            assert!(err.contains(text), "{err}");
        }
    }

    #[test]
    fn a_key_has_32_characters_and_is_never_shown() {
        const KEY: &str = "192006250b4c09247ec02edce69f6a2d";
        check_key("apiv2_key", KEY).unwrap();
        apiv3_key(KEY).unwrap();
        for (key, text) in [
            (String::new(), "is empty"),
            (format!("{KEY}\n"), "has a line break at byte 32: trim it"),
            (format!("{KEY}\r\n"), "has a line break at byte 32: trim it"),
            (format!(" {KEY}"), "has a blank at byte 0: trim it"),
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
                "is 32 bytes long and has a character outside of ASCII at byte 0",
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
