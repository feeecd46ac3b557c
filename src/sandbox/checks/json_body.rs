//! APIv3's rules for a JSON body: `application/json`, one object, UTF-8 of at most three bytes a
//! character, no `null`.

use http::{HeaderMap, Method, header::CONTENT_TYPE};
use serde_json::{Map, Value};

use crate::{catalog::Operation, sandbox::dispatch::response::ApiResponse};

/// The largest JSON that is read.
// Checks and flows walk it several times, some with the world locked, and an order keeps it. No documented
// body comes near it.
const MAX_JSON: usize = 256 << 10;
/// The largest JSON of a batch, which can have 1,000 transfers with a sealed name each.
const MAX_BATCH: usize = 2 << 20;

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
    let max = match op.template().ends_with("/batches") {
        true => MAX_BATCH,
        false => MAX_JSON,
    };
    parse_at_most(max, headers, body)
}

/// Parses the body of a request as a JSON object.
pub(crate) fn parse(headers: &HeaderMap, body: &[u8]) -> Result<Map<String, Value>, ApiResponse> {
    parse_at_most(MAX_JSON, headers, body)
}

fn parse_at_most(
    max: usize,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Map<String, Value>, ApiResponse> {
    check_content_type(headers)?;
    if body.len() > max {
        return Err(ApiResponse::too_large());
    }
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

/// Refuses JSON of an upload that is too large to be parsed.
pub(crate) fn check_size(json: &[u8]) -> Result<(), ApiResponse> {
    match json.len() > MAX_JSON {
        true => Err(ApiResponse::too_large()),
        false => Ok(()),
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

/// A value that is refused.
struct Refused<'a> {
    /// The segments of its pointer, the last one first.
    // Made on the way out: a pointer to every value would take time in the square of the body.
    path: Vec<String>,
    value: &'a Value,
    issue: &'static str,
}

impl Refused<'_> {
    fn inside(mut self, segment: impl ToString) -> Self {
        self.path.push(segment.to_string());
        self
    }

    fn into_response(self) -> ApiResponse {
        let segments = self.path.iter().rev();
        let pointer: String = segments.map(|segment| format!("/{segment}")).collect();
        ApiResponse::param_error(&pointer, self.value, self.issue, "body")
    }
}

fn check_values(map: &Map<String, Value>) -> Result<(), ApiResponse> {
    check_members(map).map_err(Refused::into_response)
}

fn check_members(map: &Map<String, Value>) -> Result<(), Refused<'_>> {
    map.iter()
        .try_for_each(|(name, value)| check_value(value).map_err(|refused| refused.inside(name)))
}

// The recursion is bounded: serde_json refuses to parse more than 128 levels.
fn check_value(value: &Value) -> Result<(), Refused<'_>> {
    let issue = match value {
        Value::Null => "must not be null",
        Value::String(text) if text.chars().any(|c| c.len_utf8() > 3) => {
            "must not contain characters of four bytes in UTF-8, such as emoji"
        }
        Value::Array(items) => {
            return items.iter().enumerate().try_for_each(|(index, item)| {
                check_value(item).map_err(|refused| refused.inside(index))
            });
        }
        Value::Object(map) => return check_members(map),
        _ => return Ok(()),
    };
    Err(Refused {
        path: Vec::new(),
        value,
        issue,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::catalog;

    #[test]
    fn null_and_emoji_errors_name_the_field() {
        for (body, field) in [
            (json!({ "a": { "b": [1, null] } }), "/a/b/1"),
            (json!({ "a": [[{ "b": null }], 2] }), "/a/0/0/b"),
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

    #[test]
    fn large_json_is_refused_before_it_is_parsed() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, "application/json".parse().unwrap());
        let body = |size: usize| format!("{{{}}}", " ".repeat(size - 2));
        for (template, max) in [
            ("v3/pay/transactions/native", MAX_JSON),
            ("v3/transfer/batches", MAX_BATCH),
            ("v3/partner-transfer/batches", MAX_BATCH),
        ] {
            let op = catalog::find(&Method::POST, template).unwrap();
            assert!(of_operation(op, &headers, body(max).as_bytes()).is_ok());
            let refused = of_operation(op, &headers, body(max + 1).as_bytes()).unwrap_err();
            assert_eq!(refused.status(), http::StatusCode::PAYLOAD_TOO_LARGE);
            assert_eq!(refused.body_json()["code"], "INVALID_REQUEST");
        }
    }
}
