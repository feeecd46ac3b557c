//! Faults on request: what goes wrong between a client and WeChat Pay, on purpose.

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

/// How many faults wait at most; one more drops the oldest.
const WAITING: usize = 1_000;

/// Something to go wrong with one request: see [`Sandbox::inject`](super::Sandbox::inject).
///
/// Unless it says otherwise, the operation is carried out and its answer is then spoilt, as happens
/// in the field.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Fault {
    /// A signature that does not match.
    BadSignature,
    /// None of the signature headers.
    NoSignature,
    /// WeChat Pay's own test of whether its signatures are verified: one that begins with
    /// `WECHATPAY/SIGNTEST/`.
    Probe,
    /// A serial that names no key of the platform.
    UnknownSerial,
    /// A timestamp this many seconds after the real time, or before it; correctly signed.
    Timestamp(i64),
    /// An error answer, signed, in place of the operation.
    Error {
        /// Such as 500 or 429.
        status: StatusCode,
        /// Such as `SYSTEM_ERROR`.
        code: String,
        /// The message.
        message: String,
        /// Seconds for a `Retry-After` header.
        retry_after: Option<u32>,
    },
    /// An unsigned answer in place of the operation, as a proxy on the way would write it.
    Raw {
        /// Such as 502 or 301.
        status: StatusCode,
        /// Such as a content type or a location.
        headers: HeaderMap,
        /// Such as an HTML page.
        body: Bytes,
    },
    /// The answer comes this much later.
    Delay(Duration),
    /// The connection is cut after so many bytes of the answer's body.
    Cut(usize),
    /// The connection is closed without an answer, and without the operation.
    Hangup,
    /// The connection is closed without an answer after the operation.
    LostAnswer,
    /// The answer's body is this many bytes long, of no stated length, and unsigned.
    Flood(usize),
}

/// The faults that wait for their request.
#[derive(Default)]
pub(super) struct Faults(VecDeque<(String, Fault)>);

impl Faults {
    /// Adds one for the next request whose path begins so.
    pub(super) fn add(&mut self, path: String, fault: Fault) {
        self.0.push_back((path, fault));
        if self.0.len() > WAITING {
            self.0.pop_front();
        }
    }

    /// Takes the first one for this path.
    pub(super) fn take(&mut self, path: &str) -> Option<Fault> {
        let is_for = |(prefix, _): &(String, Fault)| path.starts_with(prefix.as_str());
        let index = self.0.iter().position(is_for)?;
        self.0.remove(index).map(|(_, fault)| fault)
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_taken_once_by_its_path() {
        let mut faults = Faults::default();
        faults.add("/v3/pay".to_owned(), Fault::Probe);
        faults.add(String::new(), Fault::Hangup);
        assert!(matches!(faults.take("/v3/x"), Some(Fault::Hangup)));
        assert!(faults.take("/v3/x").is_none());
        assert!(matches!(faults.take("/v3/pay/x"), Some(Fault::Probe)));
        assert!(faults.take("/v3/pay/x").is_none());
    }
}
