//! A request in the log, with what became of it.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header::AUTHORIZATION};

use super::{PER_REQUEST, header_memory};
use crate::{
    catalog::Operation,
    sandbox::state::{clock::real_millis, path_pattern::operation_of},
};

/// How much of a response's body is kept.
const MAX_RESPONSE_BODY: usize = 1 << 20;

/// The largest body of a request that is copied.
const MAX_COPIED: usize = 64 << 10;

/// A request as it arrived, and the response to it.
///
/// ```
/// use wechatpay_chain::{json, sandbox::Sandbox};
///
/// # fn main() -> wechatpay_chain::Result<()> {
/// let sandbox = Sandbox::start()?;
/// let client = sandbox.client_builder().build()?;
/// let query = json!({ "out_trade_no": "tea-0001", "query": { "mchid": sandbox.mchid() } });
/// client.chain("v3/pay/transactions/out-trade-no/<out_trade_no>").get(query).unwrap_err();
///
/// let request = &sandbox.requests()[0];
/// assert_eq!(request.path(), "/v3/pay/transactions/out-trade-no/tea-0001");
/// assert_eq!(request.status().map(|status| status.as_u16()), Some(404));
/// let body = request.response_body().unwrap();
/// assert!(std::str::from_utf8(body).unwrap().contains("ORDER_NOT_EXIST"));
/// # Ok(())
/// # }
/// ```
// Cheap to clone: the log is copied for every look at it.
#[derive(Clone)]
pub struct RecordedRequest {
    arrival: Arc<Arrival>,
    /// `None` while the request is in progress.
    ending: Option<Arc<Ending>>,
}

struct Arrival {
    id: u64,
    method: Method,
    target: String,
    headers: HeaderMap,
    body: Bytes,
    /// In milliseconds since 1970.
    at: u64,
    /// The same by the sandbox's clock.
    clock_at: u64,
    since: Instant,
}

/// What became of a request.
pub(crate) struct Ending {
    /// `None` if the connection was closed without one.
    response: Option<Sent>,
    /// The name of the fault that met it.
    fault: Option<&'static str>,
    took: Duration,
}

/// A response, as it was sent.
pub(crate) struct Sent {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    /// How many bytes the whole body has.
    length: usize,
}

impl Sent {
    /// Notes a response. `length` is that of the whole body, of which `response` may have the beginning.
    pub(crate) fn new(response: &Response<Bytes>, length: usize) -> Self {
        let body = response.body();
        let body = match body.get(..MAX_RESPONSE_BODY) {
            // A copy, because a view of it would keep the whole.
            Some(beginning) if body.len() > MAX_RESPONSE_BODY => Bytes::copy_from_slice(beginning),
            _ => body.clone(),
        };
        Self {
            status: response.status(),
            headers: response.headers().clone(),
            body,
            length,
        }
    }
}

impl RecordedRequest {
    pub(super) fn new(
        id: u64,
        method: Method,
        target: String,
        headers: &HeaderMap,
        body: Bytes,
        clock_at: u64,
    ) -> Self {
        let arrival = Arrival {
            id,
            method,
            target,
            headers: copied(headers),
            body: match body.len() > MAX_COPIED {
                true => body,
                false => Bytes::copy_from_slice(&body),
            },
            at: real_millis(),
            clock_at,
            since: Instant::now(),
        };
        Self {
            arrival: Arc::new(arrival),
            ending: None,
        }
    }

    pub(super) fn end(&mut self, response: Option<Sent>, fault: Option<&'static str>) {
        self.ending = Some(Arc::new(Ending {
            response,
            fault,
            took: self.arrival.since.elapsed(),
        }));
    }

    /// Returns its number in the order of arrival.
    pub(crate) fn id(&self) -> u64 {
        self.arrival.id
    }

    /// Returns the method.
    pub fn method(&self) -> &Method {
        &self.arrival.method
    }

    /// Returns the path and query, byte for byte as they arrived.
    pub fn target(&self) -> &str {
        &self.arrival.target
    }

    /// Returns the path without the query.
    pub fn path(&self) -> &str {
        self.target().split('?').next().unwrap_or_default()
    }

    /// Returns the headers, Authorization included.
    pub fn headers(&self) -> &HeaderMap {
        &self.arrival.headers
    }

    /// Returns the body.
    pub fn body(&self) -> &Bytes {
        &self.arrival.body
    }

    /// Returns the status of the response, or `None` if none was sent: the request is still in progress, or
    /// the connection was closed without a response.
    pub fn status(&self) -> Option<StatusCode> {
        self.sent().map(|sent| sent.status)
    }

    /// Returns the headers of the response, without those of the connection such as `Date` and
    /// `Content-Length`. Returns `None` if none was sent.
    pub fn response_headers(&self) -> Option<&HeaderMap> {
        self.sent().map(|sent| &sent.headers)
    }

    /// Returns the body of the response: its first megabyte, if it is longer. Returns `None` if none was sent.
    pub fn response_body(&self) -> Option<&Bytes> {
        self.sent().map(|sent| &sent.body)
    }

    /// Returns how many bytes the whole body of the response has.
    pub(crate) fn response_length(&self) -> usize {
        self.sent().map_or(0, |sent| sent.length)
    }

    /// Returns the time of arrival, in milliseconds since 1970.
    pub(crate) fn at(&self) -> u64 {
        self.arrival.at
    }

    /// Returns the same by the sandbox's clock.
    pub(crate) fn clock_at(&self) -> u64 {
        self.arrival.clock_at
    }

    /// Returns how long it took, once the response was made.
    pub(crate) fn took(&self) -> Option<Duration> {
        self.ending.as_ref().map(|ending| ending.took)
    }

    /// Returns the name of the fault that met it.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        self.ending.as_ref()?.fault
    }

    /// Returns about how many bytes it takes.
    pub(crate) fn bytes(&self) -> usize {
        let sent = self.sent();
        let sent = sent.map_or(0, |sent| header_memory(&sent.headers) + sent.body.len());
        let headers = header_memory(self.headers());
        PER_REQUEST + self.target().len() + headers + self.body().len() + sent
    }

    fn sent(&self) -> Option<&Sent> {
        self.ending.as_ref()?.response.as_ref()
    }
}

/// Returns a copy whose values share one allocation of their own.
// What arrives is a view into the connection's buffer, which is several times as large: ten thousand
// connections would leave all of theirs behind.
fn copied(headers: &HeaderMap) -> HeaderMap {
    let mut bytes = Vec::with_capacity(headers.values().map(HeaderValue::len).sum());
    for value in headers.values() {
        bytes.extend_from_slice(value.as_bytes());
    }
    let mut rest = Bytes::from(bytes);
    let mut copied = HeaderMap::with_capacity(headers.keys_len());
    for (name, value) in headers {
        // It was a value before.
        if let Ok(value) = HeaderValue::from_maybe_shared(rest.split_to(value.len())) {
            copied.append(name, value);
        }
    }
    copied
}

impl fmt::Debug for RecordedRequest {
    /// Shows the documented template of the path, the names of the headers and the length of the body.
    // A failed assertion prints this, often into a public CI log: no values, no Authorization. The query
    // of APIv2 has a sign and data of customers, and a path can have an openid.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<_> = self
            .headers()
            .keys()
            .filter(|name| *name != AUTHORIZATION)
            .collect();
        let operation = operation_of(self.method(), self.path());
        let template = operation.map_or("(not documented)", Operation::template);
        f.debug_struct("RecordedRequest")
            .field("method", self.method())
            .field("path", &template)
            .field("headers", &headers)
            .field("body", &format_args!("{} bytes", self.body().len()))
            .field("status", &self.status())
            .finish()
    }
}
