use std::{fmt, time::Duration};

use bytes::Bytes;
use http::StatusCode;
use serde_json::Value;

/// The error that WeChat Pay answered with.
///
/// Every part is as it came. A proxy on the way may have written it instead, in HTML or not at
/// all: then the code is empty and [`body`](ApiError::body) holds what came.
#[derive(Clone)]
pub struct ApiError {
    pub(crate) status: StatusCode,
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) detail: Option<Value>,
    pub(crate) request_id: Option<String>,
    pub(crate) body: Bytes,
    pub(crate) verified: bool,
    pub(crate) retry_after: Option<Duration>,
}

impl ApiError {
    /// The HTTP status. APIv2 answers 200 whatever happens.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The code, such as `PARAM_ERROR` (APIv2: `err_code`, else `return_code`); empty where the
    /// answer had none.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The message (APIv2: `err_code_des`, else `return_msg`); empty where the answer had none.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The `detail` of an APIv3 error: often `{field, value, issue, location}`.
    pub fn detail(&self) -> Option<&Value> {
        self.detail.as_ref()
    }

    /// The `Request-ID` header, which WeChat Pay's support asks for.
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// How long the server asks to wait before the next attempt: `Retry-After`, in seconds.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The body as it came.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Whether the answer carried a signature that verified. One without a signature is no
    /// business fact: anything on the way may have written it.
    pub fn is_verified(&self) -> bool {
        self.verified
    }
}

impl fmt::Debug for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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
