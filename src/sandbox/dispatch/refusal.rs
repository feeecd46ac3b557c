//! A refusal of a flow, which either version of the API can say.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use crate::error::{ApiError, Cause, Error, ErrorKind};
use crate::sandbox::{dispatch::response::ApiResponse, v2::V2Error};

/// Why a flow refuses a request, or an action of the handle.
// The rules of orders do not know who asks: APIv3, APIv2 or the handle. Each has its own form of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    /// The status on APIv3. On APIv2 it is always 200.
    pub(crate) status: u16,
    /// The code on APIv3.
    pub(crate) code: &'static str,
    /// The code on APIv2.
    pub(crate) v2_code: &'static str,
    pub(crate) message: Cow<'static, str>,
}

impl Refusal {
    pub(crate) fn new(
        status: u16,
        code: &'static str,
        v2_code: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            status,
            code,
            v2_code,
            message: message.into(),
        }
    }

    /// 400 `INVALID_REQUEST`, in both versions.
    pub(crate) fn invalid_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(400, "INVALID_REQUEST", "INVALID_REQUEST", message)
    }

    /// 404 `RESOURCE_NOT_EXISTS`, in both versions.
    pub(crate) fn not_found(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(404, "RESOURCE_NOT_EXISTS", "RESOURCE_NOT_EXISTS", message)
    }

    /// 429 `FREQUENCY_LIMITED`: a merchant has as many of these as the sandbox keeps.
    pub(crate) fn too_many(limit: usize, what: &str) -> Self {
        let message = format!(
            "频率超限: the sandbox keeps {limit} {what} of a merchant, and all of them are under way"
        );
        Self::new(429, "FREQUENCY_LIMITED", "FREQUENCY_LIMITED", message)
    }

    /// Returns the refusal as an error of the handle.
    pub(crate) fn into_error(self) -> Error {
        let message = format!("{} {}: {}", self.status, self.code, self.message);
        let api = ApiError {
            status: self.status(),
            code: self.code.to_owned(),
            message: self.message.into_owned(),
            detail: None,
            headers: HeaderMap::new(),
            request_id: None,
            body: Bytes::new(),
            verified: false,
            retry_after: None,
        };
        Cause::request(message).with_api(api).not_sent()
    }

    fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST)
    }
}

/// Says that there is no such merchant.
pub(crate) fn no_merchant(mchid: &str) -> Refusal {
    Refusal::not_found(format!(
        "the sandbox has no merchant {mchid:.32}: `merchants`, or GET config, lists those that it has"
    ))
}

/// The answer to a control request whose method of the handle failed.
impl From<Error> for ApiResponse {
    fn from(err: Error) -> Self {
        let internal = !matches!(err.kind(), ErrorKind::Request | ErrorKind::Config);
        match err.api() {
            Some(api) => Self::error(api.status(), api.code(), api.message()),
            None if internal => Self::system_error(&err.to_string()),
            None => Self::error(StatusCode::BAD_REQUEST, "PARAM_ERROR", &err.to_string()),
        }
    }
}

/// Returns what the same request made before, or `None` if its number is new. `made` is what has the number.
///
/// # Errors
/// Refuses with `number_used` a number that a different request used.
pub(crate) fn repeated<T: Clone>(
    made: Option<&T>,
    is_same: impl FnOnce(&T) -> bool,
    number_used: impl FnOnce() -> Refusal,
) -> Result<Option<T>, Refusal> {
    match made {
        Some(made) if !is_same(made) => Err(number_used()),
        made => Ok(made.cloned()),
    }
}

impl From<Refusal> for ApiResponse {
    fn from(refusal: Refusal) -> Self {
        Self::error(refusal.status(), refusal.code, &refusal.message)
    }
}

impl From<Refusal> for V2Error {
    fn from(refusal: Refusal) -> Self {
        Self::Result {
            code: refusal.v2_code,
            message: refusal.message.into_owned(),
        }
    }
}
