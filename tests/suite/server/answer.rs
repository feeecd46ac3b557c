//! What the server says, and the platform's signature over it.

use std::{
    collections::HashMap,
    sync::{Mutex, OnceLock, PoisonError},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};

use super::now;
use crate::keys::{self, Pair};

/// An answer, as it shall be written.
#[derive(Clone, Debug)]
pub struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    pub(super) closes: bool,
}

impl Answer {
    pub fn plain(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: vec![("Request-ID".into(), REQUEST_ID.into())],
            body: body.into(),
            closes: false,
        }
    }

    /// Signed with the platform's key, at this time.
    pub fn signed(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::signed_at(status, body, now())
    }

    pub fn signed_at(status: u16, body: impl Into<Vec<u8>>, timestamp: u64) -> Self {
        let body = body.into();
        let signature = sign(timestamp, &body);
        Self::plain(status, body)
            .header("Content-Type", "application/json")
            .signature(timestamp, &signature)
    }

    /// Signed with another key, at this time.
    pub fn signed_by(status: u16, body: impl Into<Vec<u8>>, (serial, key): (&str, &Pair)) -> Self {
        let (body, now) = (body.into(), now());
        let signature = sign_by(key, now, &body);
        Self::plain(status, body)
            .signature(now, &signature)
            .with("Wechatpay-Serial", serial)
    }

    /// Signed over other bytes than those of the body.
    pub fn signed_over(status: u16, body: impl Into<Vec<u8>>, over: &[u8]) -> Self {
        let now = now();
        Self::plain(status, body).signature(now, &sign(now, over))
    }

    fn signature(self, timestamp: u64, signature: &str) -> Self {
        self.header("Wechatpay-Timestamp", timestamp)
            .header("Wechatpay-Nonce", NONCE)
            .header("Wechatpay-Signature", signature)
            .header("Wechatpay-Signature-Type", "WECHATPAY2-SHA256-RSA2048")
            .header("Wechatpay-Serial", keys::PLATFORM_ID)
    }

    /// Sends these bytes in place of those that are signed.
    pub fn sent_as(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Adds a header.
    pub fn header(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.headers
            .retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self
    }

    /// Puts a header in place of one that is there.
    pub fn with(self, name: &str, value: impl ToString) -> Self {
        self.without(name).header(name, value)
    }

    /// Closes the connection after it, and says nothing of that beforehand.
    pub fn then_close(mut self) -> Self {
        self.closes = true;
        self
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} Reason\r\n", self.status);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let framed = self
            .headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("transfer-encoding"));
        if self.status != 204 && !framed {
            head.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

pub const REQUEST_ID: &str = "08F78BB5AE0610D902189CE2F3D1012886-268435462";
const NONCE: &str = "d824f2e086d3c1df967785d13fcd22ef";

/// The platform's signature over a body.
fn sign(timestamp: u64, body: &[u8]) -> String {
    sign_by(keys::platform(), timestamp, body)
}

/// The same body in the same second is signed once by each key. The cache goes by the key itself
/// and not by its serial, since a forger signs under another's serial.
fn sign_by(key: &Pair, timestamp: u64, body: &[u8]) -> String {
    type Made = HashMap<(Vec<u8>, Vec<u8>), String>;
    static MADE: OnceLock<Mutex<Made>> = OnceLock::new();
    let mut message = format!("{timestamp}\n{NONCE}\n").into_bytes();
    message.extend_from_slice(body);
    message.push(b'\n');
    MADE.get_or_init(Mutex::default)
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .entry((key.modulus(), message))
        .or_insert_with_key(|(_, message)| BASE64_STANDARD.encode(key.sign(message)))
        .clone()
}
