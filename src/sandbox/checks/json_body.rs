//! APIv3's rules for a JSON body: `application/json`, one object, UTF-8 of at most three bytes a
//! character, no `null`.

use http::{HeaderMap, Method, header::CONTENT_TYPE};
use serde_json::{Map, Value};

use crate::{catalog::Operation, sandbox::response::ApiResponse};

/// Returns the JSON body of a request of this operation. Empty if the operation takes none and the request
/// has none.
pub(crate) fn of_operation(
    op: &Operation,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Map<String, Value>, ApiResponse> {
    // A GET has no body to read, whatever the client sends. The signature covers it all the same.
    if op.method() == Method::GET {
        return Ok(Map::new());
    }
    let json = op.request().get("json");
    let takes_body = json.is_some_and(|json| json.fields().iter().any(|field| field.is_required()));
    if body.is_empty() && !takes_body {
        return Ok(Map::new());
    }
    parse(headers, body)
}

/// Parses the body of a request as a JSON object.
pub(crate) fn parse(headers: &HeaderMap, body: &[u8]) -> Result<Map<String, Value>, ApiResponse> {
    check_content_type(headers)?;
    let refuse = |issue: &str| ApiResponse::param_error("", &Value::Null, issue, "body");
    let text = std::str::from_utf8(body).map_err(|_| refuse("must be UTF-8"))?;
    match serde_json::from_str(text) {
        Ok(Value::Object(map)) => {
            check_values(&map)?;
            Ok(map)
        }
        Ok(_) => Err(refuse("must be a JSON object")),
        Err(err) => Err(refuse(&format!("must be JSON: {err}"))),
    }
}

fn check_content_type(headers: &HeaderMap) -> Result<(), ApiResponse> {
    let content_type = headers.get(CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok());
    let mime = content_type.and_then(|value| value.split(';').next());
    if mime.is_some_and(|mime| mime.trim().eq_ignore_ascii_case("application/json")) {
        return Ok(());
    }
    Err(ApiResponse::param_error(
        "Content-Type",
        &content_type.into(),
        "must be application/json",
        "header",
    ))
}

fn check_values(map: &Map<String, Value>) -> Result<(), ApiResponse> {
    map.iter()
        .try_for_each(|(name, value)| check_value(&format!("/{name}"), value))
}

// The recursion is bounded: serde_json refuses to parse more than 128 levels.
fn check_value(pointer: &str, value: &Value) -> Result<(), ApiResponse> {
    match value {
        Value::Null => Err(ApiResponse::param_error(
            pointer,
            value,
            "must not be null",
            "body",
        )),
        Value::String(text) if text.chars().any(|c| c.len_utf8() > 3) => {
            Err(ApiResponse::param_error(
                pointer,
                value,
                "must not contain characters of four bytes in UTF-8, such as emoji",
                "body",
            ))
        }
        Value::Array(items) => items
            .iter()
            .enumerate()
            .try_for_each(|(index, item)| check_value(&format!("{pointer}/{index}"), item)),
        Value::Object(map) => map
            .iter()
            .try_for_each(|(name, value)| check_value(&format!("{pointer}/{name}"), value)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn null_and_emoji_errors_name_the_field() {
        for (body, field) in [
            (json!({ "a": { "b": [1, null] } }), "/a/b/1"),
            (json!({ "a": "\u{1F600}" }), "/a"),
        ] {
            let error = check_values(body.as_object().unwrap())
                .unwrap_err()
                .body_json();
            assert_eq!(error["code"], "PARAM_ERROR");
            assert_eq!(error["detail"]["field"], field);
        }
        assert!(check_values(json!({ "a": "酒店" }).as_object().unwrap()).is_ok());
    }
}
