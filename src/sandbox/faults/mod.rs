//! Faults on request: what can go wrong between a client and WeChat Pay.

mod responses;

pub(super) use responses::{cut_response, error_response, flood_response, raw_response};

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

/// How many faults can wait. One more drops the oldest.
const MAX_WAITING: usize = 1_000;

/// A fault for one request: see [`Sandbox::inject`](super::Sandbox::inject).
///
/// Unless a variant says otherwise, the sandbox carries out the operation and then damages the
/// response. That is the hard case in production: the client sees a failure, but the order exists.
///
/// ```
/// use wechatpay_chain::{
///     Outcome, json,
///     sandbox::{Fault, Sandbox},
/// };
///
/// # fn main() -> wechatpay_chain::Result<()> {
/// let sandbox = Sandbox::start()?;
/// let client = sandbox.client_builder().build()?;
/// sandbox.inject(Fault::LostResponse);
///
/// let err = client.chain("v3/pay/transactions/native").post(json!({ "json": {
///     "appid": sandbox.appid(),
///     "mchid": sandbox.mchid(),
///     "description": "A cup of tea",
///     "out_trade_no": "tea-0001",
///     "notify_url": "https://example.com/notify",
///     "amount": { "total": 100 },
/// }})).unwrap_err();
/// // The client cannot know that the order was created.
/// assert_eq!(err.outcome(), Outcome::Unknown);
/// assert_eq!(sandbox.order_state("tea-0001").as_deref(), Some("NOTPAY"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Fault {
    /// A signature that does not match.
    BadSignature,
    /// No signature headers.
    NoSignature,
    /// WeChat Pay's own test of whether a client verifies signatures: a signature that begins with
    /// `WECHATPAY/SIGNTEST/`.
    Probe,
    /// A serial that does not name a key of the platform.
    UnknownSerial,
    /// A timestamp this many seconds after the real time (before it, if negative), with a valid
    /// signature.
    Timestamp(i64),
    /// A signed error response. The operation is not carried out.
    Error {
        /// The status, such as 500 or 429.
        status: StatusCode,
        /// The error code, such as `SYSTEM_ERROR`.
        code: String,
        /// The error message.
        message: String,
        /// The seconds in a `Retry-After` header.
        retry_after: Option<u32>,
    },
    /// An unsigned response, such as a proxy on the way might send. The operation is not carried
    /// out.
    Raw {
        /// The status, such as 502 or 301.
        status: StatusCode,
        /// The headers, such as a content type or a location.
        headers: HeaderMap,
        /// The body, such as an HTML page.
        body: Bytes,
    },
    /// A response that is delayed by this time.
    Delay(Duration),
    /// A connection that is cut after this many bytes of the response's body.
    Cut(usize),
    /// A connection that is closed without a response. The operation is not carried out.
    Hangup,
    /// A connection that is closed without a response after the operation.
    LostResponse,
    /// An unsigned response whose body has this many bytes and no `Content-Length`.
    Flood(usize),
}

/// The faults that wait for their request, each with the prefix of the path that it is for.
// One queue for all prefixes: a test reads the order of its `inject` calls from top to bottom.
#[derive(Clone, Debug, Default)]
pub(super) struct Faults {
    waiting: VecDeque<(String, Fault)>,
}

impl Faults {
    /// Adds a fault for the next request whose path begins with `prefix`.
    pub(super) fn add(&mut self, prefix: String, fault: Fault) {
        self.waiting.push_back((prefix, fault));
        if self.waiting.len() > MAX_WAITING {
            self.waiting.pop_front();
        }
    }

    /// Removes and returns the first fault for this path.
    pub(super) fn take(&mut self, path: &str) -> Option<Fault> {
        let is_for_path = |(prefix, _): &(String, Fault)| path.starts_with(prefix.as_str());
        let index = self.waiting.iter().position(is_for_path)?;
        self.waiting.remove(index).map(|(_, fault)| fault)
    }

    pub(super) fn clear(&mut self) {
        self.waiting.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fault_is_taken_once_by_its_path() {
        let mut faults = Faults::default();
        faults.add("/v3/pay".to_owned(), Fault::Probe);
        faults.add(String::new(), Fault::Hangup);
        assert!(matches!(faults.take("/v3/x"), Some(Fault::Hangup)));
        assert!(faults.take("/v3/x").is_none());
        assert!(matches!(faults.take("/v3/pay/x"), Some(Fault::Probe)));
        assert!(faults.take("/v3/pay/x").is_none());
    }
}
