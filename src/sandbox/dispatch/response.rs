//! The response of a handler, before it is signed: a status, headers and a body.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header::CONTENT_TYPE};
use serde_json::{Value, json};

use crate::base::crypto::digest::{self, Sha1};

/// What a handler returns.
///
/// A refusal is a response like any other, so a handler and its checks return it with `?`.
pub(crate) type HandlerResult = Result<ApiResponse, ApiResponse>;

/// Says how an operation was answered: see [`AnswerKind`].
pub(crate) const ANSWER: HeaderName = HeaderName::from_static("sandbox-answer");
pub(crate) const EVENT_STREAM: &str = "text/event-stream";
const STATEMENT_SHA1: HeaderName = HeaderName::from_static("wechatpay-statement-sha1");

/// An unsigned response.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ApiResponse {
    status: StatusCode,
    // A list and no map: it makes a response, and every `Result` with one, half the size.
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Bytes,
    signed: Signed,
}

/// What the signature of APIv3 covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Signed {
    Body,
    /// The body, with a certificate of the list in it.
    Certificates,
    /// The hash of a statement, which is in a header of its own.
    StatementHash,
    Nothing,
}

/// Where the response of an operation comes from, as the header `Sandbox-Answer` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AnswerKind {
    /// A flow with states.
    Stateful,
    /// The documented fields, filled in.
    Shaped,
}

impl ApiResponse {
    /// 200 with this body.
    pub(crate) fn ok(body: &Value) -> Self {
        Self::json(StatusCode::OK, body)
    }

    /// 202 with this body: accepted, not done.
    pub(crate) fn accepted(body: &Value) -> Self {
        Self::json(StatusCode::ACCEPTED, body)
    }

    /// 204 without a body.
    pub(crate) fn no_content() -> Self {
        // 204 has no body, and so no type.
        Self::new(StatusCode::NO_CONTENT, Bytes::new(), None)
    }

    /// 200 with a file. WeChat Pay signs no files.
    pub(crate) fn file(bytes: Bytes, content_type: &'static str) -> Self {
        Self::new(StatusCode::OK, bytes, Some(content_type)).unsigned()
    }

    /// A body without a content type.
    pub(crate) fn bytes(status: StatusCode, body: Bytes) -> Self {
        Self::new(status, body, None)
    }

    /// 200 with a statement. The signature covers its hash.
    pub(crate) fn statement(bytes: Bytes, content_type: &'static str) -> Self {
        let mut hash = Sha1::new();
        hash.update(&bytes);
        let sha1 = HeaderValue::from_str(&digest::hex_lower(&hash.finish()));
        let mut response = Self::new(StatusCode::OK, bytes, Some(content_type));
        response.signed = Signed::StatementHash;
        match sha1 {
            Ok(sha1) => response.with_header(STATEMENT_SHA1, sha1),
            Err(_) => response,
        }
    }

    /// A text that is not signed: APIv2's XML, or a page for a browser.
    pub(crate) fn text(status: StatusCode, text: String, content_type: &'static str) -> Self {
        Self::new(status, text.into(), Some(content_type)).unsigned()
    }

    /// 200 with the events from now on, which the server adds.
    pub(crate) fn events() -> Self {
        Self::new(StatusCode::OK, Bytes::new(), Some(EVENT_STREAM)).unsigned()
    }

    /// Returns whether the events follow.
    pub(crate) fn opens_events(&self) -> bool {
        let is_stream = |(name, value): &(HeaderName, HeaderValue)| {
            *name == CONTENT_TYPE && *value == EVENT_STREAM
        };
        self.headers.iter().any(is_stream)
    }

    /// Adds a header, in place of an earlier one with this name.
    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.set_header(name, value);
        self
    }

    /// Like [`with_header`](Self::with_header).
    pub(crate) fn set_header(&mut self, name: HeaderName, value: HeaderValue) {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value));
    }

    /// Says in a header where this response comes from.
    pub(crate) fn answered(self, kind: AnswerKind) -> Self {
        let value = match kind {
            AnswerKind::Stateful => "stateful",
            AnswerKind::Shaped => "shaped",
        };
        self.with_header(ANSWER, HeaderValue::from_static(value))
    }

    /// Leaves out APIv3's signature.
    pub(crate) fn unsigned(mut self) -> Self {
        self.signed = Signed::Nothing;
        self
    }

    /// Signs with one of the platform certificates, of which this is the list: also for a client that asked
    /// for the public key.
    pub(crate) fn signed_like_certificates(mut self) -> Self {
        self.signed = Signed::Certificates;
        self
    }

    pub(crate) fn lists_certificates(&self) -> bool {
        self.signed == Signed::Certificates
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn body(&self) -> &Bytes {
        &self.body
    }

    pub(crate) fn is_signed(&self) -> bool {
        self.signed != Signed::Nothing
    }

    /// Returns what the signature covers in place of the body, if it does not cover the body.
    pub(crate) fn signed_text(&self) -> Option<String> {
        let is_hash = |(name, _): &&(HeaderName, HeaderValue)| *name == STATEMENT_SHA1;
        let found = self.headers.iter().find(is_hash);
        let (_, sha1) = found.filter(|_| self.signed == Signed::StatementHash)?;
        Some(json!({ "sha1": sha1.to_str().ok()? }).to_string())
    }

    /// The body, parsed again. `null` for a response without a body.
    // Only tests need it, so a response does not carry the `Value` along.
    #[cfg(test)]
    pub(crate) fn body_json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// Returns the HTTP response as it is, without a signature.
    pub(crate) fn into_response(self) -> Response<Bytes> {
        let mut response = Response::new(self.body);
        *response.status_mut() = self.status;
        response.headers_mut().extend(self.headers);
        response
    }

    fn new(status: StatusCode, body: Bytes, content_type: Option<&'static str>) -> Self {
        let content_type = content_type.map(HeaderValue::from_static);
        Self {
            status,
            headers: content_type
                .map(|value| (CONTENT_TYPE, value))
                .into_iter()
                .collect(),
            body,
            signed: Signed::Body,
        }
    }

    pub(super) fn json(status: StatusCode, body: &Value) -> Self {
        Self::new(
            status,
            body.to_string().into(),
            Some("application/json; charset=utf-8"),
        )
    }
}
