//! A request that passed the checks on headers and signature, as handlers receive it.

use std::sync::Arc;

use axum::{
    body::{Body, to_bytes},
    extract::{FromRequest, FromRequestParts, RawPathParams},
};
use bytes::Bytes;
use http::{HeaderMap, Request};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::{
    checks::{self, json_body},
    response::ApiResponse,
    state::SandboxState,
};

/// A verified request.
///
/// A handler that takes one cannot run before the checks: extracting it is what runs them.
pub(super) struct ApiRequest {
    state: Arc<SandboxState>,
    headers: HeaderMap,
    // Lists, not maps: there are at most a handful, and the first of two equal names counts.
    path_params: Vec<(String, String)>,
    query: Vec<(String, String)>,
    body: Bytes,
}

impl FromRequest<Arc<SandboxState>> for ApiRequest {
    type Rejection = ApiResponse;

    async fn from_request(
        request: Request<Body>,
        state: &Arc<SandboxState>,
    ) -> Result<Self, ApiResponse> {
        let (mut parts, body) = request.into_parts();
        let body = body_bytes(body).await?;
        // The signature comes first: without a valid one, a request is not worth an error about its
        // parameters.
        checks::check_request(state, &parts, &body)?;
        let path_params = match RawPathParams::from_request_parts(&mut parts, state).await {
            Ok(params) => params
                .iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            Err(_) => {
                return Err(ApiResponse::param_error(
                    "path",
                    &Value::Null,
                    "must be UTF-8",
                    "url",
                ));
            }
        };
        Ok(Self {
            state: Arc::clone(state),
            headers: parts.headers,
            path_params,
            query: parse_query(parts.uri.query().unwrap_or_default())?,
            body,
        })
    }
}

impl ApiRequest {
    pub(super) fn state(&self) -> &SandboxState {
        &self.state
    }

    /// Returns the value of a variable in the path.
    // The route names its variables and so does the handler next to it: a missing one is a mistake
    // in this crate, and an empty value finds no order.
    pub(super) fn path_param(&self, name: &str) -> &str {
        find(&self.path_params, name).unwrap_or_default()
    }

    /// Returns a required value of the query.
    pub(super) fn query(&self, name: &str) -> Result<&str, ApiResponse> {
        self.optional_query(name)
            .ok_or_else(|| ApiResponse::param_error(name, &Value::Null, "is required", "query"))
    }

    /// Returns an optional value of the query. An empty value counts as absent.
    pub(super) fn optional_query(&self, name: &str) -> Option<&str> {
        find(&self.query, name).filter(|value| !value.is_empty())
    }

    /// Parses the body as a JSON object by APIv3's rules: see [`json_body`].
    pub(super) fn json(&self) -> Result<Map<String, Value>, ApiResponse> {
        json_body::parse(&self.headers, &self.body)
    }
}

/// Collects the body of a request.
// The limit is not here: the server has read the body already, and capped it.
pub(super) async fn body_bytes(body: Body) -> Result<Bytes, ApiResponse> {
    to_bytes(body, usize::MAX)
        .await
        .map_err(|_| ApiResponse::invalid_request("请求体读取失败"))
}

fn find<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let (_, value) = pairs.iter().find(|(key, _)| key == name)?;
    Some(value)
}

fn parse_query(query: &str) -> Result<Vec<(String, String)>, ApiResponse> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(name)?, decode(value)?))
        })
        .collect()
}

fn decode(text: &str) -> Result<String, ApiResponse> {
    // The query of a form: `+` is a space. The signature does not see this, it covers the raw bytes.
    let text = text.replace('+', " ");
    match percent_decode_str(&text).decode_utf8() {
        Ok(decoded) => Ok(decoded.into_owned()),
        Err(_) => Err(ApiResponse::param_error(
            "query",
            &text.as_str().into(),
            "must be UTF-8",
            "query",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_decodes_plus_and_percent() {
        let pairs = parse_query("a=1&b=%E4%B8%AD+x&c&&d=").unwrap();
        let found = |name| find(&pairs, name);
        assert_eq!(found("a"), Some("1"));
        assert_eq!(found("b"), Some("中 x"));
        assert_eq!(found("c"), Some(""));
        assert_eq!(found("e"), None);
        assert!(parse_query("a=%ff").is_err());
    }
}
