//! What holds for every prepared request, whatever it is made from.

use std::{convert::Infallible, sync::LazyLock};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::header::AUTHORIZATION;
use wechatpay_chain::{Client, Error, PreparedRequest, Signature, Signer};

pub(crate) const APIV2_KEY: &str = "192006250b4c09247ec02edce69f6a2d";

const HOSTS: [&str; 9] = [
    "api.mch.weixin.qq.com",
    "api2.mch.weixin.qq.com",
    "apihk.mch.weixin.qq.com",
    "apius.mch.weixin.qq.com",
    "apieu.mch.weixin.qq.com",
    "fraud.mch.weixin.qq.com",
    "payapp.weixin.qq.com",
    "api.wechatpay.cn",
    "api2.wechatpay.cn",
];

/// Returns the message as its signature, so that it can be read from the header.
struct Mirror;

impl Signer for Mirror {
    type Error = Infallible;

    async fn sign(&self, message: &[u8]) -> Result<Signature, Infallible> {
        Ok(Signature::new(
            "3775B6A45ACD588826D15E583A95F5DD00000000",
            message.to_vec(),
        ))
    }
}

/// A client for APIv3.
pub(crate) fn client() -> &'static Client {
    static CLIENT: LazyLock<Client> = LazyLock::new(|| {
        Client::builder()
            .mchid("1900000109")
            .brand_id("10001")
            .signer(Mirror)
            .build()
            .expect("a complete configuration")
    });
    &CLIENT
}

/// A client for APIv2 that accepts the fields of any merchant.
pub(crate) fn client_v2() -> &'static Client {
    static CLIENT: LazyLock<Client> = LazyLock::new(|| {
        Client::builder()
            .apiv2_key(APIV2_KEY)
            .build()
            .expect("a complete configuration")
    });
    &CLIENT
}

/// Whether a request is refused because its URL is too long, which values of any size can make it.
pub(crate) fn is_too_long(err: &Error) -> bool {
    err.to_string()
        .contains("bytes long; at most 65534 can be sent")
}

/// Checks the request, and returns its target.
pub(crate) fn check(request: &PreparedRequest) -> &str {
    let url = request.url();
    let after = url.strip_prefix("https://").expect(url);
    let (host, _) = after.split_once('/').expect(url);
    assert!(HOSTS.contains(&host), "{url}");
    let target = &after[host.len()..];
    check_target(target);
    let sign = |header: &str| {
        let (_, sign) = header.split_once("signature=\"")?;
        STANDARD.decode(sign.strip_suffix('"')?).ok()
    };
    if let Some(header) = request.headers().get(AUTHORIZATION) {
        let message = header.to_str().ok().and_then(sign).expect("a signature");
        let begin = format!("{}\n{target}\n", request.method());
        let rest = message.strip_prefix(begin.as_bytes()).expect(url);
        let end = [b"\n", request.body(), b"\n"].concat();
        let stamp = rest.strip_suffix(&end[..]).expect(url);
        assert_eq!(stamp.iter().filter(|byte| **byte == b'\n').count(), 1);
    }
    target
}

fn check_target(target: &str) {
    for (at, byte) in target.bytes().enumerate() {
        let is_allowed = match byte {
            b'%' => hex(target.as_bytes(), at).is_some(),
            b'"' | b'#' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' => false,
            _ => byte.is_ascii_graphic(),
        };
        assert!(is_allowed, "byte {at} of {target}");
    }
    let path = target.split('?').next().unwrap_or_default();
    assert!(path.len() > 1 && !path.contains("//"), "{target}");
    for segment in path.split('/') {
        let segment = decode(segment);
        assert!(segment != b"." && segment != b"..", "{target}");
        let is_allowed = |byte: &u8| !byte.is_ascii_control() && *byte != b'\\';
        assert!(segment.iter().all(is_allowed), "{target}");
    }
}

/// The pairs of a query, decoded.
pub(crate) fn pairs(query: &str) -> Vec<(String, String)> {
    let text = |part| String::from_utf8(decode(part)).expect("UTF-8");
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (text(name), text(value))
        })
        .collect()
}

/// Decodes triplets, once. Any other `%` stays.
pub(crate) fn decode(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let (mut decoded, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let triplet = hex(bytes, at).filter(|_| bytes[at] == b'%');
        decoded.push(triplet.unwrap_or(bytes[at]));
        at += if triplet.is_some() { 3 } else { 1 };
    }
    decoded
}

fn hex(bytes: &[u8], at: usize) -> Option<u8> {
    let digits = std::str::from_utf8(bytes.get(at + 1..at + 3)?).ok()?;
    let are_digits = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    u8::from_str_radix(digits, 16).ok().filter(|_| are_digits)
}
