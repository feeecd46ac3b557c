//! A refusal of a flow, which either version of the API can say.

use std::borrow::Cow;

use http::StatusCode;

use crate::error::{Cause, Error};
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
        Cause::request(message).not_sent()
    }
}

impl From<Refusal> for ApiResponse {
    fn from(refusal: Refusal) -> Self {
        let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_REQUEST);
        Self::error(status, refusal.code, &refusal.message)
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
