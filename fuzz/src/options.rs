//! Prepares requests with any options.

use http::{
    Method,
    header::{AUTHORIZATION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING},
};
use serde_json::{Map, Value};
use wechatpay_chain::{
    Options,
    fuzz::{parse_xml, verify_v2_request},
};

use crate::{
    at_once, check_error,
    draw::Draw,
    request::{APIV2_KEY, check, client, client_v2},
};

const CHAINS: [&str; 6] = [
    "v3/x",
    "v3/x/{id}",
    "v3/x{?id}",
    "brand/x",
    "v2/x",
    "v2/pay/{id}",
];
const METHODS: [Method; 3] = [Method::GET, Method::POST, Method::DELETE];

/// Prepares a request with options from any JSON. It is what the map says, or an error.
pub fn options(data: &[u8]) {
    let mut draw = Draw::new(data);
    let chain = *draw.one(&CHAINS);
    let method = draw.one(&METHODS).clone();
    let Ok(value) = serde_json::from_slice::<Value>(draw.rest()) else {
        return;
    };
    let is_v2 = chain.starts_with("v2/");
    let client = if is_v2 { client_v2() } else { client() };
    let given = Options::from(&value);
    assert!(format!("{given:?}").len() < 4096 + 8 * data.len());
    let request = match at_once(client.chain(chain).prepare_async(method, given)) {
        Ok(request) => request,
        Err(err) => return check_error(&err),
    };
    check(&request);
    let headers = request.headers();
    for name in [HOST, CONTENT_LENGTH, TRANSFER_ENCODING] {
        assert!(!headers.contains_key(name));
    }
    assert_eq!(headers.contains_key(AUTHORIZATION), !is_v2);
    let option = |name: &str| value.get(name).filter(|value| !value.is_null());
    let body = request.body();
    if let Some(json) = option("json") {
        assert_eq!(
            serde_json::from_slice::<Value>(body).ok().as_ref(),
            Some(json)
        );
    } else if let Some(text) = option("body") {
        assert_eq!(text.as_str().map(str::as_bytes), Some(body));
    } else if let Some(fields) = option("xml") {
        check_fields(body, fields);
    } else if !is_v2 {
        assert!(body.is_empty());
    }
}

/// Checks that the body has these fields, and a sign that matches.
fn check_fields(body: &[u8], given: &Value) {
    let sent = parse_xml(body, body.len()).unwrap_or_else(|err| panic!("{given}: {err}"));
    verify_v2_request(&sent, APIV2_KEY).unwrap_or_else(|err| panic!("{given}: {err}"));
    let none = Map::new();
    for (name, value) in given.as_object().unwrap_or(&none) {
        match (name.as_str(), value) {
            ("sign", _) | ("nonce_str", Value::Null) => {}
            (name, Value::String(text)) => assert_eq!(sent[name], **text),
            (name, _) => assert!(sent[name].is_string()),
        }
    }
}
