//! The error that WeChat Pay responds with.

use std::{error::Error as StdError, fmt, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::Value;

/// An error that WeChat Pay responded with.
///
/// Its parts are kept as they arrived. A proxy on the way may have responded instead, for example
/// in HTML; then the code is empty and [`body`](ApiError::body) returns that response.
///
/// `Display` shows the code, the message and the status.
///
/// ```
/// use wechatpay_chain::Error;
///
/// fn is_missing(err: &Error) -> bool {
///     // Anyone on the way can forge an unsigned "no such order".
///     err.api().is_some_and(|api| api.is_verified() && api.code() == "ORDER_NOT_EXIST")
/// }
/// ```
#[derive(Clone)]
pub struct ApiError {
    pub(crate) status: StatusCode,
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) detail: Option<Value>,
    pub(crate) headers: HeaderMap,
    pub(crate) request_id: Option<String>,
    pub(crate) body: Bytes,
    pub(crate) verified: bool,
    pub(crate) retry_after: Option<Duration>,
}

impl ApiError {
    /// Returns the HTTP status. APIv2 responds with 200 even to failures.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the code, such as `PARAM_ERROR` (APIv2: `err_code`, or else `return_code`). Empty if
    /// the response had none.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// Returns the message (APIv2: `err_code_des`, or else `return_msg`). Empty if the response had
    /// none.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns the `detail` of an APIv3 error, often an object like `{field, value, issue, location}`.
    pub fn detail(&self) -> Option<&Value> {
        self.detail.as_ref()
    }

    /// Returns the headers of the response, such as `Date`. Empty for a notification's failure.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Returns the `Request-ID` header, which WeChat Pay's support asks for.
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// Returns how long the server asks to wait before the next attempt (`Retry-After`).
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Returns the body as it arrived. It may hold personal data.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Returns `true` if the response carried a signature that verified. Otherwise do not base a
    /// business decision on it: anyone on the network may have written it.
    pub fn is_verified(&self) -> bool {
        self.verified
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.code.is_empty() {
            one_line(f, &self.code)?;
            f.write_str(": ")?;
        }
        if !self.message.is_empty() {
            one_line(f, &self.message)?;
            f.write_str(" ")?;
        }
        write!(f, "(HTTP status {})", self.status.as_u16())
    }
}

impl StdError for ApiError {}

/// Writes text from outside so that it can neither start a new log line nor fill the log.
fn one_line(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    for c in text.chars().take(256) {
        match c.is_control() {
            true => write!(f, "{}", c.escape_default())?,
            false => write!(f, "{c}")?,
        }
    }
    Ok(())
}

impl fmt::Debug for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The message is left out: it may quote a value of the request.
        let cut = |text: &str| text.chars().take(64).collect::<String>();
        f.debug_struct("ApiError")
            .field("status", &self.status)
            .field("code", &cut(&self.code))
            .field("request_id", &self.request_id.as_deref().map(cut))
            .field("body", &format_args!("{} bytes", self.body.len()))
            .field("verified", &self.verified)
            .finish()
    }
}
