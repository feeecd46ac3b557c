use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::SinkFile;
use crate::{
    base::{json, xml},
    error::{BoxError, Cause, Error, Kind, Outcome, Result},
    protocol::answer::{Answer, Verification, request_id},
};

/// An answer that verified, or that WeChat Pay documents as unsigned.
pub struct Response {
    answer: Answer,
    verification: Verification,
    file: Option<SinkFile>,
}

impl Response {
    pub(super) fn new(answer: Answer, verification: Verification) -> Self {
        Self {
            answer,
            verification,
            file: None,
        }
    }

    pub(super) fn with_file(mut self, file: Option<SinkFile>) -> Self {
        self.file = file;
        self
    }

    /// The HTTP status: a 2xx.
    pub fn status(&self) -> StatusCode {
        self.answer.status
    }

    /// Whether it is a 202: accepted, and not done yet. Ask again later, with the same parameters.
    pub fn is_accepted(&self) -> bool {
        self.answer.status == StatusCode::ACCEPTED
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.answer.headers
    }

    /// The `Request-ID`, which WeChat Pay's support asks for.
    pub fn request_id(&self) -> Option<&str> {
        request_id(&self.answer.headers)
    }

    /// How the answer's origin was made sure of.
    pub fn verification(&self) -> &Verification {
        &self.verification
    }

    /// The file that the option `sink` made of the body.
    pub fn file(&self) -> Option<&SinkFile> {
        self.file.as_ref()
    }

    /// The body; empty for a 204, and for one that went into a `sink`. One that came with
    /// `Content-Encoding: gzip` is decoded, and [`headers`](Self::headers) no longer say so; what
    /// comes out of it counts against the client's `max_response`.
    pub fn bytes(&self) -> &Bytes {
        &self.answer.body
    }

    /// The body as text.
    ///
    /// # Errors
    /// Where it is not UTF-8. The call itself was [`Done`](Outcome::Done).
    pub fn text(&self) -> Result<&str> {
        std::str::from_utf8(&self.answer.body)
            .map_err(|err| self.undecoded("is not UTF-8", Some(err.into())))
    }

    /// The body as a type of yours, or as a [`serde_json::Value`].
    ///
    /// A customer's text that was cut in the middle of an emoji may end in half a surrogate pair,
    /// such as `\ud83c`: that half reads as U+FFFD. serde_json itself refuses such a body, so use
    /// this instead of parsing [`bytes`](Self::bytes).
    ///
    /// # Errors
    /// Where it is not UTF-8, not JSON, or not of that shape. The call itself was [`Done`](Outcome::Done).
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        if self.answer.body.is_empty() {
            return Err(self.undecoded("is empty, not JSON", None));
        }
        json::parse(&self.answer.body).map_err(|fault| {
            self.undecoded(&format!("is not the JSON that is asked for: {fault}"), None)
        })
    }

    /// The fields of an APIv2 answer: strings, and maps and lists where it nests.
    ///
    /// # Errors
    /// Where it is not XML. The call itself was [`Done`](Outcome::Done).
    pub fn xml(&self) -> Result<Map<String, Value>> {
        xml::parse(&self.answer.body, self.answer.body.len())
            .map_err(|fault| self.undecoded("is not XML", Some(fault.into())))
    }

    fn undecoded(&self, what: &str, source: Option<BoxError>) -> Error {
        let fault = Cause::new(
            Kind::Decode,
            format!(
                "the answer ({}, {} bytes) {what}",
                self.answer.status.as_u16(),
                self.answer.body.len()
            ),
        );
        let fault = match source {
            Some(source) => fault.with_source(source),
            None => fault,
        };
        fault.with_outcome(Outcome::Done).into()
    }
}

/// Shows the body's length, not the body.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.answer.status)
            .field("request_id", &self.request_id())
            .field("verification", &self.verification)
            .field("body", &format_args!("{} bytes", self.answer.body.len()))
            .finish()
    }
}
