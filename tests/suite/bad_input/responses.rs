//! Answers that are not believed, or cannot be read.

use std::io::Write as _;

use wechatpay_chain::{Method, Outcome};

use super::{Case, answered};
use crate::fixtures::{
    keys,
    server::{MockResponse, Reply, now},
};

const BODY: &str = r#"{"code_url":"weixin://x"}"#;

/// A response to a write that is not believed.
fn unbelieved(name: &'static str, text: &'static str, response: fn() -> MockResponse) -> Case {
    answered(
        name,
        &["signature"],
        Outcome::Unknown,
        text,
        Method::POST,
        response,
    )
}

fn good() -> MockResponse {
    MockResponse::signed(200, BODY)
}

/// Bytes that are no answer.
fn broken(name: &'static str, text: &'static str, raw: &'static str) -> Case {
    answered(
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
    cases.extend(times());
    cases.extend(sizes());
    cases.extend(wires());
    cases
}

fn signatures() -> Vec<Case> {
    vec![
        unbelieved(
            "no signature",
            "POST v3/answered: the response (200, 25 bytes) has no signature: either it is not from WeChat Pay, or something on the way dropped its headers",
            || MockResponse::plain(200, BODY),
        ),
        unbelieved(
            "another body's signature",
            "the signature by serial PUB_KEY_ID_0119000001092024000000000000 does not match the body (25 bytes); common causes: the body was parsed and serialized again",
            || MockResponse::signed_over(200, BODY, b"{}"),
        ),
        unbelieved(
            "an error with another's signature",
            "the signature by serial PUB_KEY_ID_0119000001092024000000000000 does not match the body (37 bytes)",
            || MockResponse::signed_over(400, r#"{"code":"ORDER_CLOSED","message":"x"}"#, b"{}"),
        ),
        unbelieved("no timestamp", "Wechatpay-Timestamp is missing", || {
            good().without("Wechatpay-Timestamp")
        }),
        unbelieved("no nonce", "Wechatpay-Nonce is missing", || {
            good().without("Wechatpay-Nonce")
        }),
        unbelieved(
            "no signature, but a serial",
            "Wechatpay-Signature is missing",
            || good().without("Wechatpay-Signature"),
        ),
        unbelieved("no serial", "Wechatpay-Serial is missing", || {
            good().without("Wechatpay-Serial")
        }),
        unbelieved(
            "an empty nonce",
            "Wechatpay-Nonce is empty or not ASCII",
            || good().with("Wechatpay-Nonce", ""),
        ),
        unbelieved(
            "two nonces",
            "Wechatpay-Nonce is given more than once",
            || good().header("Wechatpay-Nonce", "x"),
        ),
        unbelieved(
            "an unknown serial",
            "signed by serial 5157F09EFDC096DE15EBE81A47057A7200000000, which is not trusted (trusted: PUB_KEY_ID_0119000001092024000000000000); if it is WeChat Pay's, add its certificate or public key",
            || {
                good().with(
                    "Wechatpay-Serial",
                    "5157F09EFDC096DE15EBE81A47057A7200000000",
                )
            },
        ),
        unbelieved(
            "the merchant's own serial",
            "signed by serial 3775B6A45ACD588826D15E583A95F5DD0000FACE, which is not trusted (trusted: PUB_KEY_ID_0119000001092024000000000000)",
            || good().with("Wechatpay-Serial", keys::SERIAL),
        ),
        unbelieved("no base64", "Wechatpay-Signature is not base64", || {
            good().with("Wechatpay-Signature", "*")
        }),
        unbelieved(
            "a signature of nothing",
            "the signature by serial PUB_KEY_ID_0119000001092024000000000000 does not match the body (25 bytes)",
            || good().with("Wechatpay-Signature", "AAAA"),
        ),
        answered(
            "a probe",
            &["signature", "probe"],
            Outcome::Unknown,
            "the signature is a probe by WeChat Pay (WECHATPAY/SIGNTEST/), which tests whether signatures are verified: it is never valid",
            Method::POST,
            || good().with("Wechatpay-Signature", "WECHATPAY/SIGNTEST/2wKWqMOnVt5Uig=="),
        ),
    ]
}

fn times() -> Vec<Case> {
    const SKEWED: &[&str] = &["signature", "clock_skew"];
    vec![
        answered(
            "an old answer",
            SKEWED,
            Outcome::Unknown,
            "s behind this machine's clock; the limit is 300 s: either the message is a replay, or a clock is wrong (check it against NTP)",
            Method::POST,
            || MockResponse::signed_at(200, BODY, now() - 310),
        ),
        answered(
            "an answer of the future",
            SKEWED,
            Outcome::Unknown,
            "s ahead of this machine's clock; the limit is 300 s",
            Method::GET,
            || MockResponse::signed_at(200, BODY, now() + 310),
        ),
        unbelieved(
            "a time that is none",
            "invalid Wechatpay-Timestamp \"+1700000000\": expected seconds since 1970",
            || good().with("Wechatpay-Timestamp", "+1700000000"),
        ),
        unbelieved(
            "a time beyond all",
            "invalid Wechatpay-Timestamp \"99999999999999999999999\": expected seconds since 1970",
            || good().with("Wechatpay-Timestamp", "99999999999999999999999"),
        ),
    ]
}

fn sizes() -> Vec<Case> {
    vec![
        answered(
            "a body over the cap",
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
        answered(
            "a head over the cap",
            &["too_large"],
            Outcome::Unknown,
            "the response's headers exceed 65536 bytes, or are more than 100",
            Method::POST,
            || good().header("X-Long", "x".repeat(200_000)),
        ),
        answered(
            "too many headers",
            &["too_large"],
            Outcome::Unknown,
            "the response's headers exceed 65536 bytes, or are more than 100",
            Method::POST,
            || (0..101).fold(good(), |response, n| response.header(&format!("X-{n}"), n)),
        ),
    ]
}

fn wires() -> Vec<Case> {
    vec![
        answered(
            "no answer",
            &["transport"],
            Outcome::Unknown,
            "the server closed the connection before responding",
            Method::POST,
            || Reply::Close,
        ),
        answered(
            "a reset",
            &["transport"],
            Outcome::Unknown,
            "the server reset the connection before responding",
            Method::POST,
            || Reply::Reset,
        ),
        broken(
            "no HTTP",
            "the server's response is not valid HTTP/1.1",
            "SSH-2.0-OpenSSH_9.6\r\n\r\n",
        ),
        broken(
            "another protocol",
            "the server tried to switch to another protocol (101)",
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        ),
        broken(
            "a body cut short",
            "the connection failed before the end of the response's body",
            "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}",
        ),
        broken(
            "a head cut short",
            "the server closed the connection before responding",
            "HTTP/1.1 200 OK\r\nContent-",
        ),
    ]
}
