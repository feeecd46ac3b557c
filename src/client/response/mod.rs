//! The response of a call.
//!
//! | module | what |
//! | --- | --- |
//! | `receive` | reads a response, verifies it, stores its body |
//! | `body` | writes a body: decodes and hashes it |
//! | `file` | a file that appears when it is complete, and not before |

mod body;
mod file;
mod receive;

pub use self::body::SinkFile;
pub(super) use self::{
    file::FileClaim,
    receive::{Proof, ResponseHead, collect, discard, open_sink, receive},
};

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{
    base::{json, xml},
    error::{BoxError, Cause, Error, ErrorKind, Outcome, Result},
    protocol::response::{
        raw::{RawResponse, request_id},
        verification::Verification,
    },
};

/// A successful response: one that verified, or one that WeChat Pay documents as unsigned.
///
/// # Examples
///
#[cfg_attr(feature = "sandbox", doc = "```")]
#[cfg_attr(not(feature = "sandbox"), doc = "```ignore")]
/// use wechatpay_chain::{Value, json, sandbox::Sandbox};
///
/// # fn main() -> wechatpay_chain::Result<()> {
/// let sandbox = Sandbox::start()?;
/// let client = sandbox.client_builder().build()?;
/// let response = client.chain("v3/pay/transactions/native").post(json!({ "json": {
///     "appid": sandbox.appid(), "mchid": sandbox.mchid(), "description": "A cup of tea",
///     "out_trade_no": "tea-0001", "notify_url": "https://example.com/notify",
///     "amount": { "total": 100 }, // fen
/// }}))?;
/// assert!(response.verification().is_verified());
/// let order: Value = response.json()?;
/// println!("{}", order["code_url"]);
/// # Ok(())
/// # }
/// ```
pub struct Response {
    raw: RawResponse,
    verification: Verification,
    file: Option<SinkFile>,
}

impl Response {
    fn new(raw: RawResponse, verification: Verification) -> Self {
        Self {
            raw,
            verification,
            file: None,
        }
    }

    fn with_file(mut self, file: Option<SinkFile>) -> Self {
        self.file = file;
        self
    }

    /// Returns the HTTP status, which is a 2xx.
    pub fn status(&self) -> StatusCode {
        self.raw.status
    }

    /// Returns `true` for a 202: the request is accepted but not processed yet. Query again later,
    /// with the same parameters.
    pub fn is_accepted(&self) -> bool {
        self.raw.status == StatusCode::ACCEPTED
    }

    /// Returns the headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.raw.headers
    }

    /// Returns the `Request-ID` header, which WeChat Pay's support asks for.
    pub fn request_id(&self) -> Option<&str> {
        request_id(&self.raw.headers)
    }

    /// Returns how the response was verified.
    pub fn verification(&self) -> &Verification {
        &self.verification
    }

    /// Returns the file that the option `sink` created from the body.
    pub fn file(&self) -> Option<&SinkFile> {
        self.file.as_ref()
    }

    /// Returns the body. Empty for a 204, and if the body went into a `sink`.
    ///
    /// A body with `Content-Encoding: gzip` is returned decoded, and [`headers`](Self::headers) no
    /// longer mention the encoding. The decoded size counts against the client's `max_response`.
    pub fn bytes(&self) -> &Bytes {
        &self.raw.body
    }

    /// Returns the body as text.
    ///
    /// # Errors
    /// Returns an error if the body is not UTF-8. Its outcome is [`Done`](Outcome::Done), since the
    /// call itself succeeded.
    pub fn text(&self) -> Result<&str> {
        std::str::from_utf8(&self.raw.body)
            .map_err(|err| self.decode_error("is not UTF-8", Some(err.into())))
    }

    /// Deserializes the JSON body into your own type or a [`Value`].
    ///
    /// WeChat Pay sometimes truncates a customer's text in the middle of an emoji, which leaves half a
    /// surrogate pair, such as `\ud83c`. That half is replaced by U+FFFD. serde_json itself refuses such
    /// a body, so prefer this method to parsing [`bytes`](Self::bytes).
    ///
    /// # Errors
    /// Returns an error if the body is not UTF-8, not JSON, or does not match the type. Its outcome is
    /// [`Done`](Outcome::Done), since the call itself succeeded.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        if self.raw.body.is_empty() {
            return Err(self.decode_error("is empty, not JSON", None));
        }
        json::parse(&self.raw.body)
            .map_err(|fault| self.decode_error(&format!("is not the expected JSON: {fault}"), None))
    }

    /// Parses the XML body of an APIv2 response into its fields: strings, and maps and lists where it
    /// nests.
    ///
    /// # Errors
    /// Returns an error if the body is not XML. Its outcome is [`Done`](Outcome::Done), since the call
    /// itself succeeded.
    pub fn xml(&self) -> Result<Map<String, Value>> {
        // No limit of its own: the size was limited when the body was read.
        xml::parse(&self.raw.body, self.raw.body.len())
            .map_err(|fault| self.decode_error("is not XML", Some(fault.into())))
    }

    fn decode_error(&self, what: &str, source: Option<BoxError>) -> Error {
        let cause = Cause::new(
            ErrorKind::Decode,
            format!(
                "the response body ({} bytes, HTTP status {}) {what}",
                self.raw.body.len(),
                self.raw.status.as_u16(),
            ),
        );
        let cause = match source {
            Some(source) => cause.with_source(source),
            None => cause,
        };
        cause.with_outcome(Outcome::Done).into()
    }
}

/// Shows the length of the body only, since it may hold personal data.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.raw.status)
            .field("request_id", &self.request_id())
            .field("verification", &self.verification)
            .field("body", &format_args!("{} bytes", self.raw.body.len()))
            .finish()
    }
}
