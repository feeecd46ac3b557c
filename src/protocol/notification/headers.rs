//! The headers of a notification, whichever web framework they come from.

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::{
    error::{Cause, Kind, cause::Result},
    protocol::verify::SIGNED,
};

/// Far more than a signature of 8192 bits in base64.
const MOST: usize = 2048;
/// Twice as many as there should be: enough to tell that one is given twice.
const MANY: usize = 8;

/// The headers that carry the signature, out of names and values of any kind.
pub(crate) fn collect<K, V>(headers: impl IntoIterator<Item = (K, V)>) -> Result<HeaderMap>
where
    K: AsRef<str>,
    V: AsRef<[u8]>,
{
    let mut found = HeaderMap::with_capacity(SIGNED.len());
    for (name, value) in headers {
        let (given, value) = (name.as_ref(), value.as_ref());
        let Some(name) = SIGNED.iter().find(|name| name.eq_ignore_ascii_case(given)) else {
            continue;
        };
        let fault = |what: &str| {
            let message = format!("{given} ({} bytes) {what}", value.len());
            Err(Cause::new(Kind::Signature, message).in_step("headers"))
        };
        if value.len() > MOST {
            return fault("is longer than any that WeChat Pay sends");
        }
        let Ok(value) = HeaderValue::from_bytes(value) else {
            return fault("holds a control character");
        };
        found.append(HeaderName::from_static(name), value);
        if found.len() == MANY {
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
    fn names_and_values_come_from_anywhere() {
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
    fn headers_without_end_are_not_kept() {
        let endless = std::iter::repeat(("wechatpay-nonce", "n"));
        assert_eq!(collect(endless).unwrap().len(), MANY);
        let long = "n".repeat(MOST + 1);
        let err = collect([("wechatpay-nonce", long.as_str())]).unwrap_err();
        assert!(err.to_string().contains("2049 bytes"), "{err}");
        let err = collect([("wechatpay-nonce", "a\r\nb")]).unwrap_err();
        assert!(err.to_string().contains("control character"), "{err}");
    }
}
