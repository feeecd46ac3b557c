//! The signature of a response or a notification: the four headers that carry it, the bytes that it
//! covers, and the age at which it stops counting.
//!
//! WeChat Pay signs three lines, each ended by `\n`: the timestamp, the nonce and the body, all
//! exactly as received. Neither the status, nor the URL, nor any other header is covered, so nothing
//! in this crate may conclude from those what only a signature can prove.

use std::time::{Duration, UNIX_EPOCH};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::HeaderMap;

use super::{Trust, key::Purpose, store::TrustStore};
use crate::error::{Cause, ErrorKind, cause::Result, value::shown};

/// The largest accepted difference between a timestamp and this machine's clock, in seconds.
///
/// WeChat Pay's documents require this window. Without it, a recorded response or notification
/// would verify forever: the signature itself never expires.
pub(crate) const MAX_SKEW: u64 = 300;

const TIMESTAMP: &str = "wechatpay-timestamp";
const NONCE: &str = "wechatpay-nonce";
const SIGNATURE: &str = "wechatpay-signature";
/// The header that names a platform key: in a request the wanted one, in a response the one used.
pub(crate) const SERIAL: &str = "wechatpay-serial";

/// The names of the headers that carry a signature.
pub(crate) const NAMES: [&str; 4] = [TIMESTAMP, NONCE, SIGNATURE, SERIAL];

/// The beginning of a deliberately invalid signature. WeChat Pay sends such messages now and then
/// to find merchants that do not verify.
const PROBE: &str = "WECHATPAY/SIGNTEST/";

/// The values of the four headers that carry a signature.
#[derive(Clone, Debug)]
pub(crate) struct SignatureHeaders<'h> {
    timestamp: &'h str,
    nonce: &'h str,
    signature: &'h str,
    serial: &'h str,
}

impl<'h> SignatureHeaders<'h> {
    /// Returns `None` if all four headers are absent.
    ///
    /// # Errors
    /// Returns an error if only some are present, or if one is repeated, empty or not ASCII. A
    /// partial signature must not count as "unsigned": an attacker could then turn a refused
    /// message into an unsigned one by dropping a header.
    pub(crate) fn read(headers: &'h HeaderMap) -> Result<Option<Self>> {
        // A notification may arrive without any of them from anyone; a response lacks all of them if
        // it is documented as unsigned, or if it is not from WeChat Pay.
        if !NAMES.iter().any(|name| headers.contains_key(*name)) {
            return Ok(None);
        }
        let [timestamp, nonce, signature, serial] = NAMES.map(|name| read(headers, name));
        Ok(Some(Self {
            timestamp: timestamp?,
            nonce: nonce?,
            signature: signature?,
            serial: serial?,
        }))
    }

    /// Returns the serial or public key ID of the key that signed.
    pub(crate) fn serial(&self) -> &'h str {
        self.serial
    }

    /// Verifies the signature over `body` at the time `now` (seconds since 1970).
    pub(crate) async fn verify(
        &self,
        trust: &Trust,
        body: &[u8],
        now: u64,
        purpose: Purpose,
    ) -> Result<()> {
        let signature = self.decode(now)?;
        let message = self.message(body);
        let matches = trust
            .verify(self.serial, (&message, &signature), purpose)
            .await?;
        self.check(matches, body)
    }

    /// Verifies like [`verify`](Self::verify), with the keys of one store.
    pub(crate) fn verify_by(
        &self,
        store: &TrustStore,
        body: &[u8],
        now: u64,
        purpose: Purpose,
    ) -> Result<()> {
        let signature = self.decode(now)?;
        let message = self.message(body);
        let time = UNIX_EPOCH + Duration::from_secs(now);
        let matches = store.verify(self.serial, (&message, &signature), purpose, time)?;
        self.check(matches, body)
    }

    fn check(&self, matches: bool, body: &[u8]) -> Result<()> {
        if matches {
            return Ok(());
        }
        Err(Cause::new(
            ErrorKind::Verification,
            format!(
                "the signature by serial {} does not match the body ({} bytes); common causes: the \
                 body was parsed and serialized again (pass the bytes as received), a \
                 Content-Encoding was decoded or left in place, a proxy rewrote the body, the key \
                 configured for this serial is a different one, or the message is not from WeChat \
                 Pay",
                shown(self.serial),
                body.len(),
            ),
        ))
    }

    /// Checks that the timestamp is within [`MAX_SKEW`] of the time `now`.
    pub(crate) fn check_time(&self, now: u64) -> Result<()> {
        // `parse` alone would accept a leading `+`, which is not what was signed.
        let is_decimal = self.timestamp.bytes().all(|b| b.is_ascii_digit());
        let timestamp = match self.timestamp.parse::<u64>() {
            Ok(timestamp) if is_decimal => timestamp,
            _ => {
                return Err(Cause::new(
                    ErrorKind::Verification,
                    format!(
                        "invalid Wechatpay-Timestamp {:?}: expected seconds since 1970",
                        shown(self.timestamp)
                    ),
                ));
            }
        };
        let skew = timestamp.abs_diff(now);
        if skew > MAX_SKEW {
            let side = if timestamp < now {
                "behind"
            } else {
                "ahead of"
            };
            return Err(Cause::new(
                ErrorKind::ClockSkew,
                format!(
                    "Wechatpay-Timestamp is {skew} s {side} this machine's clock; the limit is \
                     {MAX_SKEW} s: either the message is a replay, or a clock is wrong (check it \
                     against NTP)"
                ),
            ));
        }
        Ok(())
    }

    fn decode(&self, now: u64) -> Result<Vec<u8>> {
        // The time comes first: an old message is refused without any work on keys.
        self.check_time(now)?;
        if self.signature.starts_with(PROBE) {
            return Err(Cause::new(
                ErrorKind::Probe,
                "the signature is a probe by WeChat Pay (WECHATPAY/SIGNTEST/), which tests whether \
                 signatures are verified: it is never valid, and the genuine message follows",
            ));
        }
        STANDARD.decode(self.signature).map_err(|err| {
            Cause::new(ErrorKind::Verification, "Wechatpay-Signature is not base64")
                .with_source(err)
        })
    }

    /// Returns the bytes that the signature covers.
    fn message(&self, body: &[u8]) -> Vec<u8> {
        let mut message =
            Vec::with_capacity(self.timestamp.len() + self.nonce.len() + body.len() + 3);
        for part in [self.timestamp.as_bytes(), self.nonce.as_bytes(), body] {
            message.extend_from_slice(part);
            message.push(b'\n');
        }
        message
    }
}

/// Returns the only value of a header.
///
/// Two values are an error, not a choice: a proxy and this crate could choose differently.
fn read<'h>(headers: &'h HeaderMap, name: &'static str) -> Result<&'h str> {
    let mut all = headers.get_all(name).iter();
    let title = || {
        let mut title = String::with_capacity(name.len());
        for (at, part) in name.split('-').enumerate() {
            if at > 0 {
                title.push('-');
            }
            title.push_str(&part[..1].to_ascii_uppercase());
            title.push_str(&part[1..]);
        }
        title
    };
    let error = |what: &str| Cause::new(ErrorKind::Verification, format!("{} {what}", title()));
    let value = all.next().ok_or_else(|| error("is missing"))?;
    if all.next().is_some() {
        return Err(error("is given more than once"));
    }
    value
        .to_str()
        .ok()
        .filter(|value| !value.is_empty())
        .ok_or_else(|| error("is empty or not ASCII"))
}
