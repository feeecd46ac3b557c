//! Which requests of the log are wanted.

use http::HeaderMap;

use super::brief;
use crate::sandbox::{
    RecordedRequest, control::call::MCHID, dispatch::response::ApiResponse,
    state::path_pattern::PathPattern,
};

/// What a request must have. Without any, all are wanted.
pub(in crate::sandbox::control) struct Filter<'a> {
    path: Option<PathPattern>,
    method: Option<&'a str>,
    status: Option<Status>,
    mchid: Option<&'a str>,
    text: Option<&'a str>,
}

#[derive(Clone, Copy)]
enum Status {
    None,
    Is(u16),
    /// The first digit.
    Class(u16),
}

impl<'a> Filter<'a> {
    /// Reads the values of a query.
    pub(in crate::sandbox::control) fn new(
        query: impl Fn(&str) -> Option<&'a str>,
    ) -> Result<Self, ApiResponse> {
        Ok(Self {
            path: query("path").map(PathPattern::new),
            method: query("method"),
            status: query("status").map(Status::new).transpose()?,
            mchid: query(MCHID),
            text: query("text"),
        })
    }

    /// Removes all other requests.
    pub(in crate::sandbox::control) fn keep(&self, requests: &mut Vec<RecordedRequest>) {
        requests.retain(|request| self.wants(request));
    }

    // The quick ones first.
    fn wants(&self, request: &RecordedRequest) -> bool {
        let is_of = |mchid| brief::mchid(request).is_some_and(|own| own == mchid);
        let is_named = |method: &str| request.method().as_str().eq_ignore_ascii_case(method);
        self.status.is_none_or(|status| status.is_of(request))
            && self.method.is_none_or(is_named)
            && self
                .path
                .as_ref()
                .is_none_or(|path| path.is(request.path()))
            && self.mchid.is_none_or(is_of)
            && self.text.is_none_or(|text| has(request, text))
    }
}

impl Status {
    fn new(text: &str) -> Result<Self, ApiResponse> {
        let number = |text: &str| text.parse().ok();
        let status = match text {
            "none" => Some(Self::None),
            _ => match text.strip_suffix("xx") {
                Some(class) => number(class).filter(|class| *class < 10).map(Self::Class),
                None => number(text).map(Self::Is),
            },
        };
        status.ok_or_else(|| {
            ApiResponse::bad_parameter(&format!(
                "invalid status {text:.32}: expected a number, a class such as 4xx, or none"
            ))
        })
    }

    fn is_of(self, request: &RecordedRequest) -> bool {
        let status = request.status().map(|status| status.as_u16());
        match self {
            Self::None => status.is_none(),
            Self::Is(wanted) => status == Some(wanted),
            Self::Class(class) => status.is_some_and(|status| status / 100 == class),
        }
    }
}

/// Returns whether a text is in what was received or sent.
fn has(request: &RecordedRequest, text: &str) -> bool {
    let in_headers =
        |headers: &HeaderMap| headers.values().any(|value| is_in(value.as_bytes(), text));
    is_in(request.target().as_bytes(), text)
        || is_in(request.body(), text)
        || request
            .response_body()
            .is_some_and(|body| is_in(body, text))
        || in_headers(request.headers())
        || request.response_headers().is_some_and(in_headers)
}

/// Ignores the case of ASCII letters.
// Bytes and not text: ten thousand bodies are searched while the page waits.
fn is_in(bytes: &[u8], text: &str) -> bool {
    let text = text.as_bytes();
    let Some(first) = text.first() else {
        return true;
    };
    let is_first = |byte: &u8| byte.eq_ignore_ascii_case(first);
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(is_first) {
        rest = rest.get(at..).unwrap_or_default();
        let found = rest.get(..text.len());
        if found.is_some_and(|found| found.eq_ignore_ascii_case(text)) {
            return true;
        }
        rest = rest.get(1..).unwrap_or_default();
    }
    false
}
