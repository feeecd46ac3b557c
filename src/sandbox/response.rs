//! The response of a handler, before it is signed: a JSON body, no body, or a WeChat Pay error.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header::CONTENT_TYPE};
use serde_json::{Value, json};

/// What a handler returns.
///
/// A refusal is a response like any other, so a handler and its checks return it with `?`.
pub(super) type HandlerResult = Result<ApiResponse, ApiResponse>;

/// An unsigned response.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ApiResponse {
    status: StatusCode,
    body: Bytes,
}

impl ApiResponse {
    /// 200 with this body.
    pub(super) fn ok(body: &Value) -> Self {
        Self::json(StatusCode::OK, body)
    }

    /// 204 without a body.
    pub(super) fn no_content() -> Self {
        Self {
            status: StatusCode::NO_CONTENT,
            body: Bytes::new(),
        }
    }

    /// An error in WeChat Pay's format.
    pub(super) fn error(status: StatusCode, code: &str, message: &str) -> Self {
        Self::json(status, &json!({ "code": code, "message": message }))
    }

    /// An error in WeChat Pay's format with a `detail` object.
    pub(super) fn error_with_detail(
        status: StatusCode,
        code: &str,
        message: &str,
        detail: &Value,
    ) -> Self {
        Self::json(
            status,
            &json!({ "code": code, "message": message, "detail": detail }),
        )
    }

    /// 400 `PARAM_ERROR` for one field. `location` is `body`, `query`, `url` or `header`.
    pub(super) fn param_error(field: &str, value: &Value, issue: &str, location: &str) -> Self {
        Self::error_with_detail(
            StatusCode::BAD_REQUEST,
            "PARAM_ERROR",
            &format!("参数错误: {field} {issue}"),
            &json!({ "field": field, "value": value, "issue": issue, "location": location }),
        )
    }

    /// 400 `INVALID_REQUEST`: well formed, but against a rule.
    pub(super) fn invalid_request(message: &str) -> Self {
        Self::error(StatusCode::BAD_REQUEST, "INVALID_REQUEST", message)
    }

    /// 401 `SIGN_ERROR`.
    pub(super) fn sign_error(message: &str) -> Self {
        Self::error(StatusCode::UNAUTHORIZED, "SIGN_ERROR", message)
    }

    /// 500 `SYSTEM_ERROR`: the sandbox itself failed.
    pub(super) fn system_error(reason: &str) -> Self {
        Self::error(
            StatusCode::INTERNAL_SERVER_ERROR,
            "SYSTEM_ERROR",
            &format!("系统错误: {reason}"),
        )
    }

    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    /// The body, parsed again. `null` for a response without a body.
    // Only the handle's errors and tests need it, so a response does not carry the `Value` along.
    pub(super) fn body_json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    fn json(status: StatusCode, body: &Value) -> Self {
        Self {
            status,
            body: body.to_string().into(),
        }
    }
}

impl IntoResponse for ApiResponse {
    fn into_response(self) -> Response {
        // 204 has no body, and so no type.
        let has_body = !self.body.is_empty();
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        if has_body {
            response.headers_mut().insert(
                CONTENT_TYPE,
                HeaderValue::from_static("application/json; charset=utf-8"),
            );
        }
        response
    }
}
