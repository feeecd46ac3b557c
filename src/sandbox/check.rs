//! The checks that every APIv3 request passes before anything else looks at it.

use http::{
    HeaderMap,
    header::{ACCEPT, AUTHORIZATION, HeaderName, USER_AGENT},
    request::Parts,
};
use serde_json::json;

use super::{answer::Answer, clock::real_now, nonces::SKEW, world::World};

pub(super) const SCHEME: &str = "WECHATPAY2-SHA256-RSA2048";
pub(super) const SERIAL: HeaderName = HeaderName::from_static("wechatpay-serial");

/// Checks the headers and the signature, which is over the target and the body as they came.
pub(super) fn request(world: &World, parts: &Parts, body: &[u8]) -> Result<(), Answer> {
    let has = |name| {
        parts
            .headers
            .get(name)
            .is_some_and(|value| !value.is_empty())
    };
    if !has(ACCEPT) || !has(USER_AGENT) {
        return Err(Answer::invalid_request("Http头缺少Accept或User-Agent"));
    }
    let authorization = Authorization::read(&parts.headers)?;
    authorization.check(world, real_now())?;

    let target = target(parts);
    let message = Message {
        method: parts.method.as_str(),
        target: &target,
        timestamp: authorization.timestamp,
        nonce: authorization.nonce,
        body,
    };
    if !world
        .keys
        .merchant_signed(&message.bytes(), authorization.signature)
    {
        return Err(message.mismatch());
    }
    if !world.nonces().take(authorization.nonce, real_now()) {
        return Err(Answer::sign_error(
            "Http头Authorization中的nonce_str重复: it was used within the last minutes",
        ));
    }
    check_serial(world, &parts.headers)
}

/// The path with its query, byte for byte as it came.
pub(super) fn target(parts: &Parts) -> String {
    let target = parts.uri.path_and_query();
    target.map_or_else(|| "/".to_owned(), |target| target.as_str().to_owned())
}

struct Authorization<'a> {
    mchid: &'a str,
    serial: &'a str,
    timestamp: &'a str,
    nonce: &'a str,
    signature: &'a str,
}

impl<'a> Authorization<'a> {
    fn read(headers: &'a HeaderMap) -> Result<Self, Answer> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let value = values.next().and_then(|value| value.to_str().ok());
        let (Some(value), None) = (value, values.next()) else {
            return Err(malformed());
        };
        let Some((scheme, rest)) = value.split_once(' ') else {
            return Err(malformed());
        };
        if scheme != SCHEME {
            return Err(Answer::sign_error("Http头Authorization认证类型不正确"));
        }
        Self::read_pairs(rest).ok_or_else(malformed)
    }

    /// `name="value"` five times, in any order, with commas between.
    fn read_pairs(text: &'a str) -> Option<Self> {
        const NAMES: [&str; 5] = ["mchid", "serial_no", "timestamp", "nonce_str", "signature"];
        let mut found = [None; 5];
        for pair in text.split(',') {
            let (name, value) = pair.trim().split_once('=')?;
            let value = value.strip_prefix('"')?.strip_suffix('"')?;
            let index = NAMES.iter().position(|known| *known == name)?;
            let slot = found.get_mut(index)?;
            if value.is_empty() || value.contains('"') || slot.replace(value).is_some() {
                return None;
            }
        }
        let [mchid, serial, timestamp, nonce, signature] = found;
        Some(Self {
            mchid: mchid?,
            serial: serial?,
            timestamp: timestamp?,
            nonce: nonce.filter(|nonce| nonce.len() <= 128)?,
            signature: signature?,
        })
    }

    fn check(&self, world: &World, now: u64) -> Result<(), Answer> {
        let digits = self.timestamp.bytes().all(|b| b.is_ascii_digit());
        let timestamp = self.timestamp.parse::<u64>().ok().filter(|_| digits);
        let timestamp = timestamp.ok_or_else(malformed)?;
        if timestamp.abs_diff(now) > SKEW {
            return Err(Answer::sign_error(
                "Http头Authorization中的timestamp与发起请求的时间不得超过5分钟",
            ));
        }
        if self.mchid != world.mchid() {
            return Err(Answer::sign_error("商户号有误: mchid is not the sandbox's"));
        }
        if self.serial != world.keys.serial {
            return Err(Answer::sign_error(
                "商户证书序列号有误。请使用签名私钥匹配的证书序列号",
            ));
        }
        Ok(())
    }
}

/// What the merchant signs.
struct Message<'a> {
    method: &'a str,
    target: &'a str,
    timestamp: &'a str,
    nonce: &'a str,
    body: &'a [u8],
}

impl Message<'_> {
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

    fn bytes(&self) -> Vec<u8> {
        let mut message = self.head().into_bytes();
        message.extend_from_slice(self.body);
        message.push(b'\n');
        message
    }

    /// 401 with what was expected to be signed; the body is cut after a few characters.
    fn mismatch(&self) -> Answer {
        let head = self.head();
        let body = String::from_utf8_lossy(self.body.get(..32).unwrap_or(self.body));
        let shown: String = body.chars().take(8).collect();
        Answer::error_with(
            http::StatusCode::UNAUTHORIZED,
            "SIGN_ERROR",
            "错误的签名，验签失败",
            &json!({
                "field": "signature",
                "issue": "sign not match",
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

/// A key that the request names must be one of the platform's.
fn check_serial(world: &World, headers: &HeaderMap) -> Result<(), Answer> {
    let Some(serial) = headers.get(SERIAL) else {
        return Ok(());
    };
    let serial = serial.to_str().unwrap_or_default();
    if world.platform_key(serial).is_some() {
        return Ok(());
    }
    Err(Answer::error_with(
        http::StatusCode::BAD_REQUEST,
        "PARAM_ERROR",
        "平台证书序列号Wechatpay-Serial错误",
        &json!({
            "field": "Wechatpay-Serial",
            "value": serial,
            "issue": "names no key of this platform",
            "location": "header",
        }),
    ))
}

fn malformed() -> Answer {
    Answer::sign_error("Http头Authorization值格式错误，请参考《微信支付商户REST API签名规则》")
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"mchid="1",serial_no="2",timestamp="3",nonce_str="4",signature="5==""#;

    #[test]
    fn the_five_parts_come_in_any_order() {
        let read = Authorization::read_pairs(GOOD).unwrap();
        assert_eq!((read.mchid, read.signature), ("1", "5=="));
        let turned = r#"signature="5", nonce_str="4",timestamp="3",serial_no="2",mchid="1""#;
        assert_eq!(Authorization::read_pairs(turned).unwrap().serial, "2");
    }

    #[test]
    fn anything_else_is_malformed() {
        for text in [
            "",
            r#"mchid="1""#,
            &GOOD.replace("\"1\"", "1"),
            &GOOD.replace("\"1\"", "\"\""),
            &GOOD.replace("serial_no", "serial"),
            &GOOD.replace("serial_no", "mchid"),
            &format!("{GOOD},"),
            &format!("{GOOD},extra=\"1\""),
            &GOOD.replace("\"4\"", &format!("\"{}\"", "4".repeat(129))),
        ] {
            assert!(Authorization::read_pairs(text).is_none(), "{text}");
        }
    }

    #[test]
    fn the_mismatch_shows_what_was_expected() {
        let message = Message {
            method: "POST",
            target: "/v3/transfer/batches",
            timestamp: "1709745440",
            nonce: "5hMYYOOJpzdAfboMUB7QiPmfxmhVehVk",
            body: b"",
        };
        // The lengths are those of a real answer to this message.
        let detail = message.mismatch().value()["detail"]["sign_information"].clone();
        assert_eq!(detail["sign_message_length"], 71);
        assert_eq!(
            detail["truncated_sign_message"],
            "POST\n/v3/transfer/batches\n1709745440\n5hMYYOOJpzdAfboMUB7QiPmfxmhVehVk\n\n"
        );
        let body = br#"{"amount":1}"#;
        let detail = Message { body, ..message }.mismatch().value();
        let shown = &detail["detail"]["sign_information"]["truncated_sign_message"];
        assert!(shown.as_str().unwrap().ends_with("Vk\n{\"amount\n"));
    }
}
