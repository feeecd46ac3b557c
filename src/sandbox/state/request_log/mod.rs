//! The log of requests that arrived, for a test's assertions and for the inspector.

mod recorded;

pub use self::recorded::RecordedRequest;
pub(crate) use self::recorded::Sent;

use std::collections::VecDeque;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};

/// How many requests are kept.
const MAX_REQUESTS: usize = 10_000;
/// How many bytes of memory they and their responses take.
// A second limit, because so many uploads of 16 MB would fill the memory.
const MAX_BYTES: usize = 64 << 20;
/// About how many bytes a request takes beside what it has, and a header beside its name and value.
// A client may send a hundred headers without values: of ten thousand such requests, these are most.
const PER_REQUEST: usize = 512;
const PER_HEADER: usize = 112;

/// The latest requests, oldest first.
#[derive(Default)]
pub(crate) struct RequestLog {
    // Their IDs have no gaps, so that one is found without a search.
    requests: VecDeque<RecordedRequest>,
    bytes: usize,
    next_id: u64,
}

impl RequestLog {
    /// Records a request that arrived now, at `clock_at` by the sandbox's clock in milliseconds. Returns its ID,
    /// for [`end`](Self::end).
    // An ID and not an index: while a request is in progress, older ones are dropped.
    pub(crate) fn record(
        &mut self,
        method: Method,
        target: String,
        headers: &HeaderMap,
        body: Bytes,
        clock_at: u64,
    ) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        let request = RecordedRequest::new(id, method, target, headers, body, clock_at);
        self.bytes += request.bytes();
        self.requests.push_back(request);
        self.trim();
        id
    }

    /// Records what became of a request: its response, if one was sent, and the fault that met it.
    pub(crate) fn end(&mut self, id: u64, response: Option<Sent>, fault: Option<&'static str>) {
        let Some(at) = self.position(id) else {
            return;
        };
        if let Some(request) = self.requests.get_mut(at) {
            let before = request.bytes();
            request.end(response, fault);
            self.bytes = (self.bytes + request.bytes()).saturating_sub(before);
        }
        self.trim();
    }

    /// Returns a request by its ID, unless it was dropped already.
    pub(crate) fn get(&self, id: u64) -> Option<RecordedRequest> {
        self.requests.get(self.position(id)?).cloned()
    }

    pub(crate) fn all(&self) -> Vec<RecordedRequest> {
        self.requests.iter().cloned().collect()
    }

    pub(crate) fn clear(&mut self) {
        self.requests.clear();
        self.bytes = 0;
    }

    fn position(&self, id: u64) -> Option<usize> {
        let first = self.requests.front()?.id();
        usize::try_from(id.checked_sub(first)?).ok()
    }

    fn trim(&mut self) {
        while self.requests.len() > MAX_REQUESTS || self.bytes > MAX_BYTES {
            let Some(oldest) = self.requests.pop_front() else {
                break;
            };
            self.bytes = self.bytes.saturating_sub(oldest.bytes());
        }
    }
}

/// Returns about how many bytes headers take.
fn header_memory(headers: &HeaderMap) -> usize {
    header_bytes(headers) + headers.len() * PER_HEADER
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
    use http::{Response, StatusCode, header::AUTHORIZATION};

    use super::*;

    fn record(log: &mut RequestLog, body: Bytes) -> u64 {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, "secret".parse().unwrap());
        log.record(Method::GET, "/v3/x?a=1".to_owned(), &headers, body, 0)
    }

    #[test]
    fn log_is_limited_in_number_and_bytes() {
        let mut log = RequestLog::default();
        for _ in 0..MAX_REQUESTS + 10 {
            record(&mut log, Bytes::new());
        }
        assert_eq!(log.all().len(), MAX_REQUESTS);
        for _ in 0..3 {
            record(&mut log, vec![0; MAX_BYTES / 2 - 1_000].into());
        }
        assert_eq!(log.all().len(), 2);
        let line = "x".repeat(MAX_BYTES / 2 - 600);
        for _ in 0..3 {
            log.record(
                Method::GET,
                line.clone(),
                &HeaderMap::new(),
                Bytes::new(),
                0,
            );
        }
        assert_eq!(log.all().len(), 2);
        for _ in 0..3 {
            let mut headers = HeaderMap::new();
            headers.insert("x-long", line.parse().unwrap());
            log.record(Method::GET, String::new(), &headers, Bytes::new(), 0);
        }
        // With its header, one is over the half.
        assert_eq!(log.all().len(), 1);
        let mut headers = HeaderMap::new();
        for number in 0..100 {
            let name = HeaderName::try_from(format!("x-{number}")).unwrap();
            headers.insert(name, HeaderValue::from_static(""));
        }
        for _ in 0..MAX_REQUESTS {
            log.record(Method::GET, String::new(), &headers, Bytes::new(), 0);
        }
        // Each takes about 12 kB.
        let kept = log.all().len();
        assert!((4_000..7_000).contains(&kept), "{kept}");
        log.clear();
        assert_eq!((log.bytes, log.all().len()), (0, 0));
    }

    #[test]
    fn status_is_recorded_for_its_request() {
        let mut log = RequestLog::default();
        let first = record(&mut log, Bytes::new());
        record(&mut log, Bytes::new());
        let sent = Sent::new(&Response::new(Bytes::new()), 0);
        log.end(first, Some(sent), None);
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
        log.record(Method::GET, path, &HeaderMap::new(), Bytes::new(), 0);
        let shown = format!("{:?}", log.all()[2]);
        assert!(
            shown.contains("users/{openid}/coupons") && !shown.contains("oUser"),
            "{shown}"
        );
    }

    #[test]
    fn response_counts_and_is_cut_at_a_megabyte() {
        let mut log = RequestLog::default();
        let mut ids = Vec::new();
        let large = Bytes::from(vec![b' '; (1 << 20) + 1]);
        for _ in 0..72 {
            ids.push(record(&mut log, Bytes::new()));
            let response = Response::new(large.clone());
            log.end(
                ids[ids.len() - 1],
                Some(Sent::new(&response, large.len())),
                Some("delay"),
            );
        }
        // The 64th would be over the limit with its request.
        assert_eq!(log.all().len(), 63);
        assert!(log.get(ids[8]).is_none());
        let last = log.get(ids[71]).unwrap();
        assert_eq!(last.response_body().unwrap().len(), 1 << 20);
        assert_eq!(last.response_length(), large.len());
        assert_eq!((last.fault(), last.id()), (Some("delay"), ids[71]));
        // Of a request that was dropped, nothing is kept.
        log.end(ids[0], None, Some("hangup"));
        log.end(999, None, Some("hangup"));
        assert_eq!(
            log.bytes,
            log.all().iter().map(RecordedRequest::bytes).sum::<usize>()
        );
        log.clear();
        log.end(ids[71], None, None);
        assert_eq!((log.bytes, log.all().len()), (0, 0));
    }

    #[test]
    fn request_keeps_nothing_of_the_buffer_that_it_arrived_in() {
        let buffer = Bytes::from_static(b"one two three {}");
        let value = |range| HeaderValue::from_maybe_shared(buffer.slice(range)).unwrap();
        let mut headers = HeaderMap::new();
        headers.append("x-several", value(0..3));
        headers.append("x-other", value(8..13));
        headers.append("x-several", value(4..7));
        let mut log = RequestLog::default();
        let target = "/v3/x".to_owned();
        let id = log.record(Method::POST, target, &headers, buffer.slice(14..), 0);
        let request = log.get(id).unwrap();
        assert_eq!(request.headers(), &headers);
        assert_eq!(&request.body()[..], b"{}");
        let is_in_buffer = |bytes: &[u8]| buffer.as_ptr_range().contains(&bytes.as_ptr());
        assert!(is_in_buffer(headers["x-other"].as_bytes()));
        let kept = request.headers().values().map(HeaderValue::as_bytes);
        assert!(!kept.chain([&request.body()[..]]).any(is_in_buffer));
    }
}
