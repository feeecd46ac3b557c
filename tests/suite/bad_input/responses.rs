//! Responses that do not verify or cannot be read.

use std::io::Write as _;

use wechatpay_chain::{Method, Outcome};

use super::{Case, reply};
use crate::fixtures::{
    keys,
    server::{MockResponse, Reply, now},
};

const BODY: &str = r#"{"code_url":"weixin://x"}"#;

/// A response to a write that does not verify.
fn unverified(name: &'static str, text: &'static str, response: fn() -> MockResponse) -> Case {
    reply(
        name,
        &["verification"],
        Outcome::Unknown,
        text,
        Method::POST,
        response,
    )
}

fn valid() -> MockResponse {
    MockResponse::signed(200, BODY)
}

/// Bytes that are not a valid response.
fn broken(name: &'static str, text: &'static str, raw: &'static str) -> Case {
    reply(
        name,
        &["transport"],
        Outcome::Unknown,
        text,
        Method::POST,
        move || {
            Reply::Raw(Box::new(move |stream| {
                let _ = stream.write_all(raw.as_bytes());
            }))
        },
    )
}

pub fn cases() -> Vec<Case> {
    let mut cases = signatures();
    cases.extend(timestamps());
    cases.extend(sizes());
    cases.extend(transport());
    cases
}

fn signatures() -> Vec<Case> {
    vec![
        unverified(
            "no signature",
            "POST v3/x: the response (200, 25 bytes) has no signature: either it is not from WeChat Pay, or something on the way dropped its headers",
            || MockResponse::plain(200, BODY),
        ),
        unverified(
            "signature of another body",
            "the signature by serial PUB_KEY_ID_0119000001092024000000000000 does not match the body (25 bytes); common causes: the body was parsed and serialized again",
            || MockResponse::signed_over(200, BODY, b"{}"),
        ),
        unverified(
            "error with the signature of another body",
            "the signature by serial PUB_KEY_ID_0119000001092024000000000000 does not match the body (37 bytes)",
            || MockResponse::signed_over(400, r#"{"code":"ORDER_CLOSED","message":"x"}"#, b"{}"),
        ),
        unverified("no timestamp", "Wechatpay-Timestamp is missing", || {
            valid().without("Wechatpay-Timestamp")
        }),
        unverified("no nonce", "Wechatpay-Nonce is missing", || {
            valid().without("Wechatpay-Nonce")
        }),
        unverified(
            "no signature, but a serial",
            "Wechatpay-Signature is missing",
            || valid().without("Wechatpay-Signature"),
        ),
        unverified("no serial", "Wechatpay-Serial is missing", || {
            valid().without("Wechatpay-Serial")
        }),
        unverified(
            "an empty nonce",
            "Wechatpay-Nonce is empty or not ASCII",
            || valid().with("Wechatpay-Nonce", ""),
        ),
        unverified(
            "two nonces",
            "Wechatpay-Nonce is given more than once",
            || valid().header("Wechatpay-Nonce", "x"),
        ),
        unverified(
            "an unknown serial",
            "signed by serial 5157F09EFDC096DE15EBE81A47057A7200000000, which is not trusted (trusted: PUB_KEY_ID_0119000001092024000000000000); if it is WeChat Pay's, add its certificate or public key",
            || {
                valid().with(
                    "Wechatpay-Serial",
                    "5157F09EFDC096DE15EBE81A47057A7200000000",
                )
            },
        ),
        unverified(
            "the merchant's own serial",
            "signed by serial 3775B6A45ACD588826D15E583A95F5DD0000FACE, which is not trusted (trusted: PUB_KEY_ID_0119000001092024000000000000)",
            || valid().with("Wechatpay-Serial", keys::SERIAL),
        ),
        unverified(
            "signature is not base64",
            "Wechatpay-Signature is not base64",
            || valid().with("Wechatpay-Signature", "*"),
        ),
        unverified(
            "signature of the wrong length",
            "the signature by serial PUB_KEY_ID_0119000001092024000000000000 does not match the body (25 bytes)",
            || valid().with("Wechatpay-Signature", "AAAA"),
        ),
        reply(
            "a probe",
            &["verification", "probe"],
            Outcome::Unknown,
            "the signature is a probe by WeChat Pay (WECHATPAY/SIGNTEST/), which tests whether signatures are verified: it is never valid",
            Method::POST,
            || valid().with("Wechatpay-Signature", "WECHATPAY/SIGNTEST/2wKWqMOnVt5Uig=="),
        ),
    ]
}

fn timestamps() -> Vec<Case> {
    const SKEWED: &[&str] = &["verification", "clock_skew"];
    vec![
        reply(
            "response from the past",
            SKEWED,
            Outcome::Unknown,
            "s behind this machine's clock; the limit is 300 s: either the message is a replay, or a clock is wrong (check it against NTP)",
            Method::POST,
            || MockResponse::signed_at(200, BODY, now() - 310),
        ),
        reply(
            "response from the future",
            SKEWED,
            Outcome::Unknown,
            "s ahead of this machine's clock; the limit is 300 s",
            Method::GET,
            || MockResponse::signed_at(200, BODY, now() + 310),
        ),
        unverified(
            "timestamp with a sign",
            "invalid Wechatpay-Timestamp \"+1700000000\": expected seconds since 1970",
            || valid().with("Wechatpay-Timestamp", "+1700000000"),
        ),
        unverified(
            "timestamp out of range",
            "invalid Wechatpay-Timestamp \"99999999999999999999999\": expected seconds since 1970",
            || valid().with("Wechatpay-Timestamp", "99999999999999999999999"),
        ),
    ]
}

fn sizes() -> Vec<Case> {
    vec![
        reply(
            "body over the limit",
            &["too_large"],
            Outcome::Unknown,
            "the response's body is 10485761 bytes long; the limit is 10485760",
            Method::POST,
            || {
                Reply::Raw(Box::new(|stream| {
                    let _ =
                        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10485761\r\n\r\nx");
                }))
            },
        ),
        reply(
            "head over the limit",
            &["too_large"],
            Outcome::Unknown,
            "the response's headers exceed 65536 bytes, or are more than 100",
            Method::POST,
            || valid().header("X-Long", "x".repeat(200_000)),
        ),
        reply(
            "too many headers",
            &["too_large"],
            Outcome::Unknown,
            "the response's headers exceed 65536 bytes, or are more than 100",
            Method::POST,
            || (0..101).fold(valid(), |response, n| response.header(&format!("X-{n}"), n)),
        ),
    ]
}

fn transport() -> Vec<Case> {
    vec![
        reply(
            "connection closed",
            &["transport"],
            Outcome::Unknown,
            "the server closed the connection before responding",
            Method::POST,
            || Reply::Close,
        ),
        reply(
            "connection reset",
            &["transport"],
            Outcome::Unknown,
            "the server reset the connection before responding",
            Method::POST,
            || Reply::Reset,
        ),
        broken(
            "not HTTP",
            "the server's response is not valid HTTP/1.1",
            "SSH-2.0-OpenSSH_9.6\r\n\r\n",
        ),
        broken(
            "protocol switch",
            "the server tried to switch to another protocol (101)",
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        ),
        broken(
            "truncated body",
            "the connection failed before the end of the response's body",
            "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}",
        ),
        broken(
            "truncated head",
            "the server closed the connection before responding",
            "HTTP/1.1 200 OK\r\nContent-",
        ),
    ]
}
