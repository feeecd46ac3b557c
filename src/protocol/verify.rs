//! Whether an answer, or a notification, is WeChat Pay's.

use std::time::{Duration, UNIX_EPOCH};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::HeaderMap;

use super::{
    path::shown,
    trust::{Purpose, Trust, TrustStore},
};
use crate::error::{Cause, Kind, cause::Result};

/// How far a timestamp may be from this machine's clock, in seconds.
pub(crate) const MOST_SKEW: u64 = 300;

const TIMESTAMP: &str = "wechatpay-timestamp";
const NONCE: &str = "wechatpay-nonce";
const SIGNATURE: &str = "wechatpay-signature";
/// Which platform key: asked for in a request, named in an answer.
pub(crate) const SERIAL: &str = "wechatpay-serial";

/// The headers that carry a signature.
pub(crate) const SIGNED: [&str; 4] = [TIMESTAMP, NONCE, SIGNATURE, SERIAL];

const PROBE: &str = "WECHATPAY/SIGNTEST/";

/// The four headers that carry a signature.
#[derive(Clone, Debug)]
pub(crate) struct Signed<'h> {
    timestamp: &'h str,
    nonce: &'h str,
    signature: &'h str,
    serial: &'h str,
}

impl<'h> Signed<'h> {
    /// `None` where not one of the headers is there.
    ///
    /// # Errors
    /// Where some are there and some are not.
    pub(crate) fn read(headers: &'h HeaderMap) -> Result<Option<Self>> {
        if !SIGNED.iter().any(|name| headers.contains_key(*name)) {
            return Ok(None);
        }
        let [timestamp, nonce, signature, serial] = SIGNED.map(|name| read(headers, name));
        Ok(Some(Self {
            timestamp: timestamp?,
            nonce: nonce?,
            signature: signature?,
            serial: serial?,
        }))
    }

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
        let good = trust
            .verify(self.serial, (&message, &signature), purpose)
            .await?;
        self.judged(good, body)
    }

    /// Verifies as [`verify`](Self::verify) does, by the keys of one store.
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
        let good = store.verify(self.serial, (&message, &signature), purpose, time)?;
        self.judged(good, body)
    }

    fn judged(&self, good: bool, body: &[u8]) -> Result<()> {
        if good {
            return Ok(());
        }
        Err(Cause::new(
            Kind::Signature,
            format!(
                "the signature does not match: {} bytes, by the serial {}; common causes: the body \
                 was parsed and serialized again before it was verified (pass the bytes as they \
                 came), a content encoding was undone or left, a proxy rewrote the body, the key \
                 under this serial is another one, or it is not WeChat Pay's",
                body.len(),
                shown(self.serial)
            ),
        ))
    }

    /// Checks how far the timestamp is from the time `now`.
    pub(crate) fn check_time(&self, now: u64) -> Result<()> {
        let digits = self.timestamp.bytes().all(|b| b.is_ascii_digit());
        let timestamp = match self.timestamp.parse::<u64>() {
            Ok(timestamp) if digits => timestamp,
            _ => {
                return Err(Cause::new(
                    Kind::Signature,
                    format!(
                        "Wechatpay-Timestamp {:?} is no number of seconds",
                        shown(self.timestamp)
                    ),
                ));
            }
        };
        let skew = timestamp.abs_diff(now);
        if skew > MOST_SKEW {
            let side = if timestamp < now {
                "behind"
            } else {
                "ahead of"
            };
            return Err(Cause::new(
                Kind::ClockSkew,
                format!(
                    "Wechatpay-Timestamp is {skew} s {side} this machine's clock, over {MOST_SKEW} s: \
                     an old message sent again, or a clock that is wrong (check it against NTP)"
                ),
            ));
        }
        Ok(())
    }

    fn decode(&self, now: u64) -> Result<Vec<u8>> {
        self.check_time(now)?;
        if self.signature.starts_with(PROBE) {
            return Err(Cause::new(
                Kind::Probe,
                "the signature is WeChat Pay's probe (WECHATPAY/SIGNTEST/), sent to see whether \
                 signatures are verified: it is never valid, and a true message follows",
            ));
        }
        STANDARD.decode(self.signature).map_err(|err| {
            Cause::new(Kind::Signature, "Wechatpay-Signature is not base64").with_source(err)
        })
    }

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
    let fault = |what: &str| Cause::new(Kind::Signature, format!("{} {what}", title()));
    let value = all.next().ok_or_else(|| fault("is missing"))?;
    if all.next().is_some() {
        return Err(fault("is given more than once"));
    }
    value
        .to_str()
        .ok()
        .filter(|value| !value.is_empty())
        .ok_or_else(|| fault("is empty or not plain text"))
}
