//! The `Authorization` header of APIv3, and the message that its signature covers.

use std::sync::Arc;

use http::{HeaderMap, StatusCode, header::AUTHORIZATION};
use serde_json::json;

use super::{BRAND_SCHEME, SCHEME};
use crate::sandbox::{
    dispatch::response::ApiResponse,
    state::{
        SandboxState,
        merchant::{Merchant, MerchantKeyPair},
        nonces::MAX_SKEW_SECONDS,
    },
};

/// Returns the merchant that a request claims to be from. Nothing is checked.
// Every response is signed, the refusal of a signature too, and each merchant has platform keys of its
// own.
pub(crate) fn claimed_merchant(state: &SandboxState, headers: &HeaderMap) -> Option<Arc<Merchant>> {
    let authorization = Authorization::from_headers(headers).ok()?;
    authorization.merchant(state)
}

/// Returns the ID of the merchant or brand that a request claims to be from.
pub(crate) fn claimed_id(headers: &HeaderMap) -> Option<&str> {
    let authorization = Authorization::from_headers(headers).ok()?;
    Some(match authorization.signer {
        Signer::Merchant(id) | Signer::Brand(id) => id,
    })
}

/// The values of an `Authorization` header.
pub(crate) struct Authorization<'a> {
    pub(crate) signer: Signer<'a>,
    pub(crate) serial: &'a str,
    pub(crate) timestamp: &'a str,
    pub(crate) nonce: &'a str,
    pub(crate) signature: &'a str,
}

/// Who says to have signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signer<'a> {
    /// Of all paths but those of brands.
    Merchant(&'a str),
    /// Of the paths below `/brand/`.
    Brand(&'a str),
}

/// What is wrong with the form of an `Authorization` header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Defect<'a> {
    NoHeader,
    SeveralHeaders,
    NotAscii,
    /// The header is one word: no scheme and values.
    OneWord(&'a str),
    /// The scheme is not one of WeChat Pay's.
    Scheme(&'a str),
    /// A piece between commas that is not `name="value"`.
    Pair(&'a str),
    Unknown(&'a str),
    Twice(&'a str),
    Missing(&'static str),
    LongNonce,
}

/// The longest nonce. It is kept in memory for minutes.
const MAX_NONCE: usize = 128;

impl<'a> Authorization<'a> {
    /// Parses the header. A request without one, or with two, is refused.
    pub(super) fn from_headers(headers: &'a HeaderMap) -> Result<Self, ApiResponse> {
        Self::parse(headers).map_err(|defect| match defect {
            Defect::Scheme(_) => wrong_scheme(),
            _ => malformed(),
        })
    }

    /// Parses the header, and says what is wrong with it.
    pub(crate) fn parse(headers: &'a HeaderMap) -> Result<Self, Defect<'a>> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let value = values.next().ok_or(Defect::NoHeader)?;
        if values.next().is_some() {
            return Err(Defect::SeveralHeaders);
        }
        let value = value.to_str().map_err(|_| Defect::NotAscii)?;
        let (scheme, rest) = value.split_once(' ').ok_or(Defect::OneWord(value))?;
        let signer = match scheme {
            SCHEME => "mchid",
            BRAND_SCHEME => "brand_id",
            _ => return Err(Defect::Scheme(scheme)),
        };
        Self::parse_pairs(signer, rest)
    }

    /// Parses five pairs `name="value"` in any order, separated by commas.
    // The documents fix no order, and SDKs differ. A space after a comma is harmless.
    fn parse_pairs(signer: &'static str, text: &'a str) -> Result<Self, Defect<'a>> {
        let names = [signer, "serial_no", "timestamp", "nonce_str", "signature"];
        let mut found = [None; 5];
        for pair in text.split(',') {
            let pair = pair.trim();
            let unquoted = |(name, value): (&'a str, &'a str)| {
                let value = value.strip_prefix('"')?.strip_suffix('"')?;
                (!value.is_empty() && !value.contains('"')).then_some((name, value))
            };
            let parsed = pair.split_once('=').and_then(unquoted);
            let (name, value) = parsed.ok_or(Defect::Pair(pair))?;
            let index = names.iter().position(|known| *known == name);
            let slot = index.and_then(|index| found.get_mut(index));
            // A name given twice is malformed: nothing says which of the values counts.
            if slot.ok_or(Defect::Unknown(name))?.replace(value).is_some() {
                return Err(Defect::Twice(name));
            }
        }
        let mut found = names.into_iter().zip(found);
        let mut next = || {
            let (name, value) = found.next().unwrap_or(("", None));
            value.ok_or(Defect::Missing(name))
        };
        let parsed = Self {
            signer: match (signer, next()?) {
                ("brand_id", id) => Signer::Brand(id),
                (_, id) => Signer::Merchant(id),
            },
            serial: next()?,
            timestamp: next()?,
            nonce: next()?,
            signature: next()?,
        };
        match parsed.nonce.len() <= MAX_NONCE {
            true => Ok(parsed),
            false => Err(Defect::LongNonce),
        }
    }

    pub(crate) fn is_brand(&self) -> bool {
        matches!(self.signer, Signer::Brand(_))
    }

    /// Returns the timestamp, if it is a number of seconds.
    pub(crate) fn seconds(&self) -> Option<u64> {
        // `parse` alone would accept "+1".
        let digits = self.timestamp.bytes().all(|b| b.is_ascii_digit());
        self.timestamp.parse().ok().filter(|_| digits)
    }

    /// Returns the merchant that signed, or whose brand did.
    pub(crate) fn merchant(&self, state: &SandboxState) -> Option<Arc<Merchant>> {
        match self.signer {
            Signer::Merchant(mchid) => state.merchants.get(mchid),
            Signer::Brand(brand_id) => state.merchants.by_brand(brand_id),
        }
    }

    /// Returns the serial and the key of the signer.
    pub(crate) fn key<'m>(&self, merchant: &'m Merchant) -> (&'m str, &'m MerchantKeyPair) {
        match (self.signer, &merchant.brand) {
            (Signer::Brand(_), Some(brand)) => (&brand.serial, &brand.key),
            _ => (&merchant.serial, &merchant.key),
        }
    }

    /// Returns the nonce together with its signer, of whom each chooses its own.
    pub(super) fn nonce_of_signer(&self) -> String {
        match self.signer {
            Signer::Merchant(mchid) => format!("{mchid} {}", self.nonce),
            Signer::Brand(brand_id) => format!("brand {brand_id} {}", self.nonce),
        }
    }

    /// Checks that the signer is of the right kind for the path, the timestamp, the merchant and the serial.
    /// The signature is checked after them, so that a mistake in one of these gets its own message and not
    /// "signature mismatch".
    pub(super) fn check(
        &self,
        state: &SandboxState,
        is_brand_path: bool,
        now: u64,
    ) -> Result<Arc<Merchant>, ApiResponse> {
        if is_brand_path != self.is_brand() {
            return Err(wrong_scheme());
        }
        let timestamp = self.seconds().ok_or_else(malformed)?;
        if timestamp.abs_diff(now) > MAX_SKEW_SECONDS {
            return Err(ApiResponse::sign_error(
                "Http头Authorization中的timestamp与发起请求的时间不得超过5分钟",
            ));
        }
        let Some(merchant) = self.merchant(state) else {
            return Err(ApiResponse::sign_error(match self.signer {
                Signer::Merchant(_) => "商户号有误: the mchid is not a merchant of the sandbox",
                Signer::Brand(_) => "品牌ID有误: the brand_id is not a brand of the sandbox",
            }));
        };
        let (serial, _) = self.key(&merchant);
        if self.serial != serial {
            return Err(ApiResponse::sign_error(
                "商户证书序列号有误。请使用签名私钥匹配的证书序列号",
            ));
        }
        Ok(merchant)
    }
}

/// The message that the merchant signs.
#[derive(Clone, Copy)]
pub(crate) struct SignedMessage<'a> {
    pub(crate) method: &'a str,
    pub(crate) target: &'a str,
    pub(crate) timestamp: &'a str,
    pub(crate) nonce: &'a str,
    pub(crate) body: &'a [u8],
}

impl SignedMessage<'_> {
    /// Returns the lines before the body.
    pub(crate) fn head(&self) -> String {
        let Self {
            method,
            target,
            timestamp,
            nonce,
            ..
        } = self;
        format!("{method}\n{target}\n{timestamp}\n{nonce}\n")
    }

    /// Returns the bytes under the signature.
    // An empty body still has its line: the message then ends with an empty line.
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let mut message = self.head().into_bytes();
        message.extend_from_slice(self.body);
        message.push(b'\n');
        message
    }

    /// Returns 401 with the message that the sandbox expected to be signed.
    // A recorded response has `issue` one level deeper than the documents.
    // WeChat Pay shows the message too, and it is what finds the mistake: compare it with the
    // message of the client. Only the first few characters of the body are in it.
    pub(super) fn mismatch_error(&self) -> ApiResponse {
        let head = self.head();
        // 32 bytes hold at least the 8 characters shown, whatever their width.
        let body = String::from_utf8_lossy(self.body.get(..32).unwrap_or(self.body));
        let shown: String = body.chars().take(8).collect();
        ApiResponse::error_with_detail(
            StatusCode::UNAUTHORIZED,
            "SIGN_ERROR",
            "错误的签名，验签失败",
            json!({
                "detail": { "issue": "sign not match" },
                "field": "signature",
                "location": "authorization",
                "sign_information": {
                    "method": self.method,
                    "url": self.target,
                    "truncated_sign_message": format!("{head}{shown}\n"),
                    "sign_message_length": head.len() + self.body.len() + 1,
                },
            }),
        )
    }
}

// The scheme of a brand on a merchant's path, and the other way round, are wrong too.
fn wrong_scheme() -> ApiResponse {
    ApiResponse::sign_error("Http头Authorization认证类型不正确")
}

fn malformed() -> ApiResponse {
    ApiResponse::sign_error("Http头Authorization值格式错误，请参考《微信支付商户REST API签名规则》")
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"mchid="1",serial_no="2",timestamp="3",nonce_str="4",signature="5==""#;

    #[test]
    fn authorization_pairs_parse_in_any_order() {
        let parsed = Authorization::parse_pairs("mchid", GOOD).unwrap();
        assert_eq!(parsed.signer, Signer::Merchant("1"));
        assert_eq!(parsed.signature, "5==");
        let reversed = r#"signature="5", nonce_str="4",timestamp="3",serial_no="2",mchid="1""#;
        let parsed = Authorization::parse_pairs("mchid", reversed).unwrap();
        assert_eq!(parsed.serial, "2");
        let brand = GOOD.replace("mchid", "brand_id");
        let parsed = Authorization::parse_pairs("brand_id", &brand).unwrap();
        assert_eq!(parsed.signer, Signer::Brand("1"));
    }

    #[test]
    fn malformed_authorization_is_refused() {
        for (text, defect) in [
            ("", Defect::Pair("")),
            (r#"mchid="1""#, Defect::Missing("serial_no")),
            (&GOOD.replace("\"1\"", "1"), Defect::Pair("mchid=1")),
            (&GOOD.replace("\"1\"", "\"\""), Defect::Pair("mchid=\"\"")),
            (
                &GOOD.replace("serial_no", "serial"),
                Defect::Unknown("serial"),
            ),
            (&GOOD.replace("serial_no", "mchid"), Defect::Twice("mchid")),
            (
                &GOOD.replace("mchid", "brand_id"),
                Defect::Unknown("brand_id"),
            ),
            (&format!("{GOOD},"), Defect::Pair("")),
            (&format!("{GOOD},extra=\"1\""), Defect::Unknown("extra")),
            (
                &GOOD.replace("\"4\"", &format!("\"{}\"", "4".repeat(129))),
                Defect::LongNonce,
            ),
        ] {
            let parsed = Authorization::parse_pairs("mchid", text);
            assert_eq!(parsed.err(), Some(defect), "{text}");
        }
    }

    #[test]
    fn mismatch_shows_the_expected_message() {
        let message = SignedMessage {
            method: "POST",
            target: "/v3/transfer/batches",
            timestamp: "1709745440",
            nonce: "5hMYYOOJpzdAfboMUB7QiPmfxmhVehVk",
            body: b"",
        };
        // The lengths are those of a real response to this message.
        let detail = message.mismatch_error().body_json()["detail"]["sign_information"].clone();
        assert_eq!(detail["sign_message_length"], 71);
        assert_eq!(
            detail["truncated_sign_message"],
            "POST\n/v3/transfer/batches\n1709745440\n5hMYYOOJpzdAfboMUB7QiPmfxmhVehVk\n\n"
        );
        let body = br#"{"amount":1}"#;
        let detail = SignedMessage { body, ..message }
            .mismatch_error()
            .body_json();
        let shown = &detail["detail"]["sign_information"]["truncated_sign_message"];
        assert!(shown.as_str().unwrap().ends_with("Vk\n{\"amount\n"));
    }

    #[test]
    fn request_without_authorization_or_with_two_is_refused() {
        let header = || format!("{SCHEME} {GOOD}").parse().unwrap();
        let mut headers = HeaderMap::new();
        let refused = |headers: &HeaderMap| match Authorization::from_headers(headers) {
            Ok(_) => None,
            Err(refused) => Some(refused.status().as_u16()),
        };
        assert_eq!(refused(&headers), Some(401));
        headers.append(AUTHORIZATION, header());
        assert_eq!(refused(&headers), None);
        // Nothing says which of them counts, not even if they are equal.
        headers.append(AUTHORIZATION, header());
        assert_eq!(refused(&headers), Some(401));
    }
}
