//! The headers of a notification, from any web framework.

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::{
    error::{Cause, ErrorKind, cause::Result},
    protocol::trust::signature::NAMES,
};

/// The longest accepted value, longer than a signature of 8192 bits in base64.
const MAX_VALUE: usize = 2048;
/// The number of headers after which reading stops. It is twice the expected number, so a repeated
/// header is still noticed.
const MAX_HEADERS: usize = 8;

/// Collects the headers that carry the signature from names and values of any type.
pub(crate) fn collect<K, V>(headers: impl IntoIterator<Item = (K, V)>) -> Result<HeaderMap>
where
    K: AsRef<str>,
    V: AsRef<[u8]>,
{
    let mut found = HeaderMap::with_capacity(NAMES.len());
    for (name, value) in headers {
        let (given, value) = (name.as_ref(), value.as_ref());
        let Some(name) = NAMES.iter().find(|name| name.eq_ignore_ascii_case(given)) else {
            continue;
        };
        let error = |what: &str| {
            let message = format!("{given} ({} bytes) {what}", value.len());
            Err(Cause::new(ErrorKind::Verification, message).in_step("headers"))
        };
        if value.len() > MAX_VALUE {
            return error(&format!("is too long: the limit is {MAX_VALUE} bytes"));
        }
        let Ok(value) = HeaderValue::from_bytes(value) else {
            return error("contains a control character");
        };
        // Appended, not replaced, so that a repeated header is found and refused later.
        found.append(HeaderName::from_static(name), value);
        if found.len() == MAX_HEADERS {
            break;
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn headers_of_any_type_are_accepted() {
        let mut map = HeaderMap::new();
        map.insert("wechatpay-nonce", HeaderValue::from_static("n"));
        map.insert("host", HeaderValue::from_static("h"));
        for found in [
            collect(&map),
            collect(map.clone().iter()),
            collect([("Wechatpay-Nonce", "n"), ("Host", "h")]),
            collect(vec![("WECHATPAY-NONCE".to_owned(), b"n".to_vec())]),
            collect(&HashMap::from([(
                "wechatpay-nonce".to_owned(),
                "n".to_owned(),
            )])),
        ] {
            let found = found.unwrap();
            assert_eq!(found.len(), 1);
            assert_eq!(found["wechatpay-nonce"], "n");
        }
    }

    #[test]
    fn endless_and_invalid_headers_are_bounded() {
        let endless = std::iter::repeat(("wechatpay-nonce", "n"));
        assert_eq!(collect(endless).unwrap().len(), MAX_HEADERS);
        let long = "n".repeat(MAX_VALUE + 1);
        let err = collect([("wechatpay-nonce", long.as_str())]).unwrap_err();
        assert!(err.to_string().contains("2049 bytes"), "{err}");
        let err = collect([("wechatpay-nonce", "a\r\nb")]).unwrap_err();
        assert!(err.to_string().contains("control character"), "{err}");
    }
}
