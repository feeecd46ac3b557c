//! The errors of APIv3, with the texts that WeChat Pay sends.

use std::{borrow::Cow, fmt::Display};

use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    catalog::Kind,
    sandbox::{checks::titles::title, dispatch::response::ApiResponse},
};

/// How many characters of a request's value an error shows.
// What WeChat Pay does is not known. The sandbox keeps its responses, and so do logs.
const MAX_SHOWN: usize = 1_000;

impl ApiResponse {
    /// An error in WeChat Pay's format.
    pub(crate) fn error(status: StatusCode, code: &str, message: &str) -> Self {
        Self::json(status, &json!({ "code": code, "message": message }))
    }

    /// An error in WeChat Pay's format with a `detail` object. A long value of it is cut.
    pub(crate) fn error_with_detail(
        status: StatusCode,
        code: &str,
        message: &str,
        mut detail: Value,
    ) -> Self {
        // These two show what the request had, which may be as long as the request.
        for name in ["field", "value"] {
            if let Some(value) = detail.get_mut(name) {
                cut(value);
            }
        }
        let message: Cow<'_, str> = match message.char_indices().nth(MAX_SHOWN) {
            Some((end, _)) => format!("{}…", &message[..end]).into(),
            None => message.into(),
        };
        Self::json(
            status,
            &json!({ "code": code, "message": message, "detail": detail }),
        )
    }

    /// 400 `PARAM_ERROR` for one field, in the sandbox's own words. `location` is `body`, `query`, `url`
    /// or `header`. A body as a whole has no field: then `field` is empty.
    // For rules whose real text is not known. The others have functions of their own below.
    pub(crate) fn param_error(field: &str, value: &Value, issue: &str, location: &str) -> Self {
        let name = if field.is_empty() { location } else { field };
        Self::error_with_detail(
            StatusCode::BAD_REQUEST,
            "PARAM_ERROR",
            &format!("参数错误: {name} {issue}"),
            json!({ "field": field, "value": value, "issue": issue, "location": location }),
        )
    }

    /// 400 `PARAM_ERROR` for a required field that is missing. `pointer` is its JSON pointer in the body.
    pub(crate) fn missing(pointer: &str) -> Self {
        Self::missing_from("body", pointer)
    }

    /// Like [`missing`](Self::missing), for `body`, `query` or `uri_template`.
    pub(crate) fn missing_from(location: &str, pointer: &str) -> Self {
        let title = title(pointer);
        Self::rule_error(
            &format!(
                "输入源“/{location}{pointer}”映射到字段“{title}”必填性规则校验失败，此字段为必填项"
            ),
            json!({ "location": location }),
        )
    }

    /// 400 `PARAM_ERROR` for a field of the body whose JSON type is not the documented one.
    pub(crate) fn wrong_type(pointer: &str, expected: Kind, value: &Value) -> Self {
        let (title, expected) = (title(pointer), type_name(expected));
        Self::rule_error(
            &format!(
                "无法将 JSON 输入源“/body{pointer}”映射到目标字段“{title}”中，此字段需要一个合法的{expected}"
            ),
            json!({ "location": "body", "value": value }),
        )
    }

    /// 400 `PARAM_ERROR` for a variable of the path or the query whose text is not of the documented type.
    pub(crate) fn wrong_text(location: &str, pointer: &str, expected: Kind, value: &str) -> Self {
        let title = title(pointer);
        let expected: &dyn Display = match expected {
            // Seen on the wire: none of these is negative.
            Kind::Integer => &" 64 位无符号整数",
            other => &type_name(other),
        };
        Self::rule_error(
            &format!(
                "无法将输入源“/{location}{pointer}”映射到目标字段“{title}”中，此字段需要一个合法的{expected}"
            ),
            json!({ "location": location, "value": value }),
        )
    }

    /// 400 `PARAM_ERROR` for a string of the body that is shorter than `min` characters, or longer than
    /// `max`.
    pub(crate) fn wrong_length(pointer: &str, length: usize, min: usize, max: usize) -> Self {
        let issue = if length < min {
            format!("字符数 {length}，小于最小值 {min}")
        } else {
            format!("字符数 {length}，大于最大值 {max}")
        };
        Self::string_rule(pointer, &issue, &length.into())
    }

    /// 400 `PARAM_ERROR` for a string of the body that does not match a regular expression.
    pub(crate) fn no_match(pointer: &str, pattern: &str, value: &Value) -> Self {
        let issue = format!("字符串必须匹配正则表达式“{pattern}”");
        Self::string_rule(pointer, &issue, value)
    }

    /// 400 `PARAM_ERROR` of an endpoint of the sandbox itself, in its own words.
    pub(crate) fn bad_parameter(message: &str) -> Self {
        Self::error(StatusCode::BAD_REQUEST, "PARAM_ERROR", message)
    }

    /// 400 `INVALID_REQUEST`: well formed, but against a rule.
    pub(crate) fn invalid_request(message: &str) -> Self {
        Self::error(StatusCode::BAD_REQUEST, "INVALID_REQUEST", message)
    }

    /// 413 `INVALID_REQUEST`: the body is larger than what is read.
    pub(crate) fn too_large() -> Self {
        Self::error(
            StatusCode::PAYLOAD_TOO_LARGE,
            "INVALID_REQUEST",
            "请求体过大",
        )
    }

    /// 401 `SIGN_ERROR`.
    pub(crate) fn sign_error(message: &str) -> Self {
        Self::error(StatusCode::UNAUTHORIZED, "SIGN_ERROR", message)
    }

    /// 500 `SYSTEM_ERROR`: the sandbox itself failed.
    pub(crate) fn system_error(reason: &str) -> Self {
        Self::error(
            StatusCode::INTERNAL_SERVER_ERROR,
            "SYSTEM_ERROR",
            &format!("系统错误: {reason}"),
        )
    }

    fn string_rule(pointer: &str, issue: &str, value: &Value) -> Self {
        let title = title(pointer);
        Self::rule_error(
            &format!("输入源“/body{pointer}”映射到值字段“{title}”字符串规则校验失败，{issue}"),
            json!({ "location": "body", "value": value }),
        )
    }

    fn rule_error(message: &str, detail: Value) -> Self {
        Self::error_with_detail(StatusCode::BAD_REQUEST, "PARAM_ERROR", message, detail)
    }
}

/// Cuts a value to the first characters of its text.
fn cut(value: &mut Value) {
    let text = match &*value {
        Value::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_string()),
    };
    if let Some((end, _)) = text.char_indices().nth(MAX_SHOWN) {
        *value = format!("{}…", &text[..end]).into();
    }
}

/// Returns the expected type as WeChat Pay's errors name it, with the space that goes before it.
// The integer and the object were seen on the wire. The others follow their example.
fn type_name(kind: Kind) -> impl Display {
    match kind {
        Kind::Integer => " 64 位有符号整数",
        Kind::Number => "浮点数",
        Kind::Boolean => "布尔值",
        Kind::Object => " Json 对象",
        kind if kind.is_list() => " Json 数组",
        _ => "字符串",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_shows_the_beginning_of_a_long_value() {
        let long = "茶".repeat(MAX_SHOWN + 1);
        let list = Value::from(vec![1; 100_000]);
        for (value, begins) in [(Value::from(long.as_str()), "茶茶"), (list, "[1,1,")] {
            for error in [
                ApiResponse::param_error("attach", &value, "is wrong", "body"),
                ApiResponse::wrong_type("/attach", Kind::Boolean, &value),
                ApiResponse::no_match("/attach", "^a$", &value),
            ] {
                let shown = &error.body_json()["detail"]["value"];
                let shown = shown.as_str().unwrap();
                assert!(shown.starts_with(begins) && shown.ends_with('…'), "{shown}");
                assert_eq!(shown.chars().count(), MAX_SHOWN + 1);
            }
        }
        // A text instead of an object, say.
        let error = ApiResponse::param_error("", &Value::Null, "must be a JSON object", "body");
        assert_eq!(
            error.body_json()["message"],
            "参数错误: body must be a JSON object"
        );
        // The name of a field is the request's own, too, where it is not documented.
        let error = ApiResponse::param_error(&long, &Value::Null, "must not be null", "body");
        assert!(error.body().len() < 7 * MAX_SHOWN, "{}", error.body().len());
        let value = serde_json::json!({ "a": [1, "b"] });
        let error = ApiResponse::wrong_type("/a", Kind::Integer, &value).body_json();
        assert_eq!(error["detail"]["value"], value);
    }
}
