//! What a handler answers: a JSON body or none, or one of WeChat Pay's errors.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header::CONTENT_TYPE};
use serde_json::{Value, json};

/// A handler's result. Both sides are answers, so that a refusal travels by `?`.
pub(super) type Answered = Result<Answer, Answer>;

/// One answer, not signed yet.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Answer {
    status: StatusCode,
    body: Bytes,
}

impl Answer {
    /// 200 with this body.
    pub(super) fn ok(body: &Value) -> Self {
        Self::json(StatusCode::OK, body)
    }

    /// 204.
    pub(super) fn no_content() -> Self {
        Self {
            status: StatusCode::NO_CONTENT,
            body: Bytes::new(),
        }
    }

    /// An error as WeChat Pay writes it.
    pub(super) fn error(status: StatusCode, code: &str, message: &str) -> Self {
        Self::json(status, &json!({ "code": code, "message": message }))
    }

    /// The same with `detail`.
    pub(super) fn error_with(
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

    /// 400 `PARAM_ERROR` that names the field. `location` is `body`, `query`, `url` or `header`.
    pub(super) fn param_error(field: &str, value: &Value, issue: &str, location: &str) -> Self {
        Self::error_with(
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

    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    /// The body read back, for what reports an answer in words.
    pub(super) fn value(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    fn json(status: StatusCode, body: &Value) -> Self {
        Self {
            status,
            body: body.to_string().into(),
        }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
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
