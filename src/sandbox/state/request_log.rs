//! The log of requests that arrived, for a test's assertions.

use std::{collections::VecDeque, fmt};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header::AUTHORIZATION};

use super::path_pattern::template_of;

/// How many requests are kept.
const MAX_REQUESTS: usize = 1_000;
/// How many bytes of them are kept.
// A second limit, because a thousand uploads of 16 MB would fill the memory.
const MAX_BYTES: usize = 32 << 20;

/// A request as it arrived, and the status of its response.
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
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RecordedRequest {
    id: u64,
    method: Method,
    target: String,
    headers: HeaderMap,
    body: Bytes,
    status: Option<StatusCode>,
}

impl RecordedRequest {
    /// Returns its number in the order of arrival.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// Returns the method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// Returns the path and query, byte for byte as they arrived.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Returns the path without the query.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// Returns the headers, Authorization included.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Returns the body.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// Returns the status of the response, or `None` if none was sent: the request is still in progress, or
    /// the connection was closed without a response.
    pub fn status(&self) -> Option<StatusCode> {
        self.status
    }

    /// Returns about how many bytes it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.target.len() + header_bytes(&self.headers) + self.body.len()
    }
}

impl fmt::Debug for RecordedRequest {
    /// Shows the documented template of the path, the names of the headers and the length of the body.
    // A failed assertion prints this, often into a public CI log: no values, no Authorization. The query
    // of APIv2 has a sign and data of customers, and a path can have an openid.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<_> = self
            .headers
            .keys()
            .filter(|name| *name != AUTHORIZATION)
            .collect();
        let template = template_of(&self.method, self.path());
        f.debug_struct("RecordedRequest")
            .field("method", &self.method)
            .field("path", &template.unwrap_or("(not documented)"))
            .field("headers", &headers)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .field("status", &self.status)
            .finish()
    }
}

/// The latest requests, oldest first.
#[derive(Default)]
pub(crate) struct RequestLog {
    requests: VecDeque<RecordedRequest>,
    bytes: usize,
    next_id: u64,
}

impl RequestLog {
    /// Records a request. Returns its ID, for [`record_status`](Self::record_status).
    // An ID and not an index: while a request is in progress, older ones are dropped.
    pub(crate) fn record(
        &mut self,
        method: Method,
        target: String,
        headers: HeaderMap,
        body: Bytes,
    ) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        let request = RecordedRequest {
            id,
            method,
            target,
            headers,
            body,
            status: None,
        };
        self.bytes += request.bytes();
        self.requests.push_back(request);
        while self.requests.len() > MAX_REQUESTS || self.bytes > MAX_BYTES {
            let Some(oldest) = self.requests.pop_front() else {
                break;
            };
            self.bytes = self.bytes.saturating_sub(oldest.bytes());
        }
        id
    }

    /// Records the status of the response to a request.
    pub(crate) fn record_status(&mut self, id: u64, status: StatusCode) {
        // From the end: the request is among the latest.
        if let Some(request) = self.requests.iter_mut().rev().find(|r| r.id == id) {
            request.status = Some(status);
        }
    }

    /// Returns a request by its ID, unless it was dropped already.
    pub(crate) fn get(&self, id: u64) -> Option<RecordedRequest> {
        self.requests.iter().rev().find(|r| r.id == id).cloned()
    }

    pub(crate) fn all(&self) -> Vec<RecordedRequest> {
        self.requests.iter().cloned().collect()
    }

    pub(crate) fn clear(&mut self) {
        self.requests.clear();
        self.bytes = 0;
    }
}

/// Returns how many bytes the names and values of headers have.
pub(crate) fn header_bytes(headers: &HeaderMap) -> usize {
    headers.iter().map(line_bytes).sum()
}

/// Returns how many bytes a header has.
pub(crate) fn line_bytes((name, value): (&HeaderName, &HeaderValue)) -> usize {
    name.as_str().len() + value.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(log: &mut RequestLog, body: Bytes) -> u64 {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, "secret".parse().unwrap());
        log.record(Method::GET, "/v3/x?a=1".to_owned(), headers, body)
    }

    #[test]
    fn log_is_limited_in_number_and_bytes() {
        let mut log = RequestLog::default();
        for _ in 0..MAX_REQUESTS + 10 {
            record(&mut log, Bytes::new());
        }
        assert_eq!(log.all().len(), MAX_REQUESTS);
        for _ in 0..3 {
            record(&mut log, vec![0; MAX_BYTES / 2 - 100].into());
        }
        assert_eq!(log.all().len(), 2);
        let line = "x".repeat(MAX_BYTES / 2);
        for _ in 0..3 {
            log.record(Method::GET, line.clone(), HeaderMap::new(), Bytes::new());
        }
        assert_eq!(log.all().len(), 2);
        for _ in 0..3 {
            let mut headers = HeaderMap::new();
            headers.insert("x-long", line.parse().unwrap());
            log.record(Method::GET, String::new(), headers, Bytes::new());
        }
        // With its name, one is over the half.
        assert_eq!(log.all().len(), 1);
        log.clear();
        assert_eq!((log.bytes, log.all().len()), (0, 0));
    }

    #[test]
    fn status_is_recorded_for_its_request() {
        let mut log = RequestLog::default();
        let first = record(&mut log, Bytes::new());
        record(&mut log, Bytes::new());
        log.record_status(first, StatusCode::OK);
        let all = log.all();
        assert_eq!(all[0].status(), Some(StatusCode::OK));
        assert_eq!(all[1].status(), None);
        assert_eq!(all[0].path(), "/v3/x");
        let shown = format!("{all:?}");
        assert!(
            !shown.contains("secret") && !shown.contains("a=1"),
            "{shown}"
        );
        let path = "/v3/marketing/favor/users/oUser/coupons".to_owned();
        log.record(Method::GET, path, HeaderMap::new(), Bytes::new());
        let shown = format!("{:?}", log.all()[2]);
        assert!(
            shown.contains("users/{openid}/coupons") && !shown.contains("oUser"),
            "{shown}"
        );
    }
}
