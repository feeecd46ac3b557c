//! A request that passed the checks, as handlers see it.

use std::sync::Arc;

use axum::{
    body::{Body, to_bytes},
    extract::{FromRequest, FromRequestParts, RawPathParams},
};
use bytes::Bytes;
use http::{HeaderMap, Request, header::CONTENT_TYPE};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::{answer::Answer, check, world::World};

pub(super) struct Call {
    world: Arc<World>,
    headers: HeaderMap,
    params: Vec<(String, String)>,
    query: Vec<(String, String)>,
    body: Bytes,
}

impl FromRequest<Arc<World>> for Call {
    type Rejection = Answer;

    async fn from_request(request: Request<Body>, world: &Arc<World>) -> Result<Self, Answer> {
        let (mut parts, body) = request.into_parts();
        // The server read it already, and capped it.
        let body = to_bytes(body, usize::MAX)
            .await
            .map_err(|_| Answer::invalid_request("请求体读取失败"))?;
        check::request(world, &parts, &body)?;
        let params = match RawPathParams::from_request_parts(&mut parts, world).await {
            Ok(params) => params
                .iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            Err(_) => {
                return Err(Answer::param_error(
                    "path",
                    &Value::Null,
                    "must be UTF-8",
                    "url",
                ));
            }
        };
        Ok(Self {
            world: Arc::clone(world),
            headers: parts.headers,
            params,
            query: read_query(parts.uri.query().unwrap_or_default())?,
            body,
        })
    }
}

impl Call {
    pub(super) fn world(&self) -> &World {
        &self.world
    }

    /// The path's variable of this name.
    pub(super) fn param(&self, name: &str) -> &str {
        find(&self.params, name).unwrap_or_default()
    }

    /// The query's value of this name.
    pub(super) fn query(&self, name: &str) -> Result<&str, Answer> {
        self.optional_query(name)
            .ok_or_else(|| Answer::param_error(name, &Value::Null, "is required", "query"))
    }

    /// The same, or none; an empty one counts as none.
    pub(super) fn optional_query(&self, name: &str) -> Option<&str> {
        find(&self.query, name).filter(|value| !value.is_empty())
    }

    /// The body as a JSON object that keeps to APIv3's rules: `application/json`, UTF-8 of at most
    /// three bytes a character, no `null`.
    pub(super) fn json(&self) -> Result<Map<String, Value>, Answer> {
        let content_type = self.headers.get(CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok());
        let mime = content_type.and_then(|value| value.split(';').next());
        if !mime.is_some_and(|mime| mime.trim().eq_ignore_ascii_case("application/json")) {
            return Err(Answer::param_error(
                "Content-Type",
                &content_type.into(),
                "must be application/json",
                "header",
            ));
        }
        let refuse = |issue: &str| Answer::param_error("", &Value::Null, issue, "body");
        let text = std::str::from_utf8(&self.body).map_err(|_| refuse("must be UTF-8"))?;
        match serde_json::from_str(text) {
            Ok(Value::Object(map)) => {
                check_values(&map)?;
                Ok(map)
            }
            Ok(_) => Err(refuse("must be a JSON object")),
            Err(err) => Err(refuse(&format!("must be JSON: {err}"))),
        }
    }
}

fn find<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let (_, value) = pairs.iter().find(|(key, _)| key == name)?;
    Some(value)
}

fn read_query(query: &str) -> Result<Vec<(String, String)>, Answer> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(name)?, decode(value)?))
        })
        .collect()
}

fn decode(text: &str) -> Result<String, Answer> {
    let text = text.replace('+', " ");
    match percent_decode_str(&text).decode_utf8() {
        Ok(decoded) => Ok(decoded.into_owned()),
        Err(_) => Err(Answer::param_error(
            "query",
            &text.as_str().into(),
            "must be UTF-8",
            "query",
        )),
    }
}

fn check_values(map: &Map<String, Value>) -> Result<(), Answer> {
    map.iter()
        .try_for_each(|(name, value)| check_value(&format!("/{name}"), value))
}

fn check_value(at: &str, value: &Value) -> Result<(), Answer> {
    match value {
        Value::Null => Err(Answer::param_error(at, value, "must not be null", "body")),
        Value::String(text) if text.chars().any(|c| c.len_utf8() > 3) => Err(Answer::param_error(
            at,
            value,
            "must not hold characters of four bytes in UTF-8, such as emoji",
            "body",
        )),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .try_for_each(|(index, item)| check_value(&format!("{at}/{index}"), item)),
        Value::Object(map) => map
            .iter()
            .try_for_each(|(name, value)| check_value(&format!("{at}/{name}"), value)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_query_is_decoded_as_a_form_is() {
        let pairs = read_query("a=1&b=%E4%B8%AD+x&c&&d=").unwrap();
        let found = |name| find(&pairs, name);
        assert_eq!(found("a"), Some("1"));
        assert_eq!(found("b"), Some("中 x"));
        assert_eq!(found("c"), Some(""));
        assert_eq!(found("e"), None);
        assert!(read_query("a=%ff").is_err());
    }

    #[test]
    fn null_and_emoji_are_refused_where_they_stand() {
        for (body, field) in [
            (json!({ "a": { "b": [1, null] } }), "/a/b/1"),
            (json!({ "a": "\u{1F600}" }), "/a"),
        ] {
            let answer = check_values(body.as_object().unwrap()).unwrap_err().value();
            assert_eq!(answer["code"], "PARAM_ERROR");
            assert_eq!(answer["detail"]["field"], field);
        }
        assert!(check_values(json!({ "a": "酒店" }).as_object().unwrap()).is_ok());
    }
}
