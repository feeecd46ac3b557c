//! The log of what arrived, for a test's assertions.

use std::{collections::VecDeque, fmt};

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header::AUTHORIZATION};

/// How many requests are kept, and how many bytes of their bodies.
const KEPT: usize = 1_000;
const KEPT_BYTES: usize = 32 << 20;

/// One request as it arrived, and what it was answered.
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
    /// The method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The path with its query, byte for byte as it came.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The path alone.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The headers, Authorization included.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The body.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The status it was answered, or `None`: not yet, or the connection was closed without one.
    pub fn status(&self) -> Option<StatusCode> {
        self.status
    }
}

impl fmt::Debug for RecordedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<_> = self
            .headers
            .keys()
            .filter(|name| *name != AUTHORIZATION)
            .collect();
        f.debug_struct("RecordedRequest")
            .field("method", &self.method)
            .field("target", &self.target)
            .field("headers", &headers)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .field("status", &self.status)
            .finish()
    }
}

/// The latest requests.
#[derive(Default)]
pub(super) struct Requests {
    kept: VecDeque<RecordedRequest>,
    bytes: usize,
    next: u64,
}

impl Requests {
    /// Writes down a request that arrived; the number is for [`answered`](Self::answered).
    pub(super) fn arrived(
        &mut self,
        method: Method,
        target: String,
        headers: HeaderMap,
        body: Bytes,
    ) -> u64 {
        let id = self.next;
        self.next += 1;
        self.bytes += body.len();
        self.kept.push_back(RecordedRequest {
            id,
            method,
            target,
            headers,
            body,
            status: None,
        });
        while self.kept.len() > KEPT || self.bytes > KEPT_BYTES {
            let Some(oldest) = self.kept.pop_front() else {
                break;
            };
            self.bytes -= oldest.body.len();
        }
        id
    }

    /// Writes down what it was answered.
    pub(super) fn answered(&mut self, id: u64, status: StatusCode) {
        // The one looked for is among the last.
        if let Some(request) = self.kept.iter_mut().rev().find(|request| request.id == id) {
            request.status = Some(status);
        }
    }

    pub(super) fn all(&self) -> Vec<RecordedRequest> {
        self.kept.iter().cloned().collect()
    }

    pub(super) fn clear(&mut self) {
        self.kept.clear();
        self.bytes = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrived(requests: &mut Requests, body: Bytes) -> u64 {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, "secret".parse().unwrap());
        requests.arrived(Method::GET, "/v3/x?a=1".to_owned(), headers, body)
    }

    #[test]
    fn the_log_is_bounded_by_number_and_by_bytes() {
        let mut requests = Requests::default();
        for _ in 0..KEPT + 10 {
            arrived(&mut requests, Bytes::new());
        }
        assert_eq!(requests.all().len(), KEPT);
        for _ in 0..3 {
            arrived(&mut requests, vec![0; KEPT_BYTES / 2].into());
        }
        assert_eq!(requests.all().len(), 2);
        requests.clear();
        assert_eq!((requests.bytes, requests.all().len()), (0, 0));
    }

    #[test]
    fn the_answer_is_written_beside_its_request() {
        let mut requests = Requests::default();
        let first = arrived(&mut requests, Bytes::new());
        arrived(&mut requests, Bytes::new());
        requests.answered(first, StatusCode::OK);
        let all = requests.all();
        assert_eq!(all[0].status(), Some(StatusCode::OK));
        assert_eq!(all[1].status(), None);
        assert_eq!(all[0].path(), "/v3/x");
        assert!(!format!("{all:?}").contains("secret"));
    }
}
