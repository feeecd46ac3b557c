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

/// The values of an `Authorization` header.
pub(super) struct Authorization<'a> {
    signer: Signer<'a>,
    serial: &'a str,
    pub(super) timestamp: &'a str,
    pub(super) nonce: &'a str,
    pub(super) signature: &'a str,
}

/// Who says to have signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signer<'a> {
    /// Of all paths but those of brands.
    Merchant(&'a str),
    /// Of the paths below `/brand/`.
    Brand(&'a str),
}

impl<'a> Authorization<'a> {
    /// Parses the header. A request without one, or with two, is refused.
    pub(super) fn from_headers(headers: &'a HeaderMap) -> Result<Self, ApiResponse> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let value = values.next().and_then(|value| value.to_str().ok());
        let (Some(value), None) = (value, values.next()) else {
            return Err(malformed());
        };
        let Some((scheme, rest)) = value.split_once(' ') else {
            return Err(malformed());
        };
        let signer = match scheme {
            SCHEME => "mchid",
            BRAND_SCHEME => "brand_id",
            _ => return Err(wrong_scheme()),
        };
        Self::parse_pairs(signer, rest).ok_or_else(malformed)
    }

    /// Parses five pairs `name="value"` in any order, separated by commas.
    // The documents fix no order, and SDKs differ. A space after a comma is harmless.
    fn parse_pairs(signer: &str, text: &'a str) -> Option<Self> {
        let names = [signer, "serial_no", "timestamp", "nonce_str", "signature"];
        let mut found = [None; 5];
        for pair in text.split(',') {
            let (name, value) = pair.trim().split_once('=')?;
            let value = value.strip_prefix('"')?.strip_suffix('"')?;
            let index = names.iter().position(|known| *known == name)?;
            let slot = found.get_mut(index)?;
            // A name given twice is malformed: nothing says which of the values counts.
            if value.is_empty() || value.contains('"') || slot.replace(value).is_some() {
                return None;
            }
        }
        let [id, serial, timestamp, nonce, signature] = found;
        // The nonce is kept in memory for minutes, so its length is limited.
        Some(Self {
            signer: match signer {
                "brand_id" => Signer::Brand(id?),
                _ => Signer::Merchant(id?),
            },
            serial: serial?,
            timestamp: timestamp?,
            nonce: nonce.filter(|nonce| nonce.len() <= 128)?,
            signature: signature?,
        })
    }

    /// Returns the merchant that signed, or whose brand did.
    fn merchant(&self, state: &SandboxState) -> Option<Arc<Merchant>> {
        match self.signer {
            Signer::Merchant(mchid) => state.merchants.get(mchid),
            Signer::Brand(brand_id) => state.merchants.by_brand(brand_id),
        }
    }

    /// Returns the serial and the key of the signer.
    pub(super) fn key<'m>(&self, merchant: &'m Merchant) -> (&'m str, &'m MerchantKeyPair) {
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
        if is_brand_path != matches!(self.signer, Signer::Brand(_)) {
            return Err(wrong_scheme());
        }
        // `parse` alone would accept "+1".
        let digits = self.timestamp.bytes().all(|b| b.is_ascii_digit());
        let timestamp = self.timestamp.parse::<u64>().ok().filter(|_| digits);
        let timestamp = timestamp.ok_or_else(malformed)?;
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
pub(super) struct SignedMessage<'a> {
    pub(super) method: &'a str,
    pub(super) target: &'a str,
    pub(super) timestamp: &'a str,
    pub(super) nonce: &'a str,
    pub(super) body: &'a [u8],
}

impl SignedMessage<'_> {
    /// Returns the lines before the body.
    fn head(&self) -> String {
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
    pub(super) fn to_bytes(&self) -> Vec<u8> {
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
        for text in [
            "",
            r#"mchid="1""#,
            &GOOD.replace("\"1\"", "1"),
            &GOOD.replace("\"1\"", "\"\""),
            &GOOD.replace("serial_no", "serial"),
            &GOOD.replace("serial_no", "mchid"),
            &GOOD.replace("mchid", "brand_id"),
            &format!("{GOOD},"),
            &format!("{GOOD},extra=\"1\""),
            &GOOD.replace("\"4\"", &format!("\"{}\"", "4".repeat(129))),
        ] {
            let parsed = Authorization::parse_pairs("mchid", text);
            assert!(parsed.is_none(), "{text}");
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
