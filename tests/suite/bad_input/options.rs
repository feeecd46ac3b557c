//! Options that are unknown, have the wrong type, or cannot be combined.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use wechatpay_chain::{Method, Options};

use super::{Case, call};

fn post(name: &'static str, options: Value, text: &'static str) -> Case {
    call(
        name,
        text,
        Method::POST,
        |client| client.chain("v3/x/{id}"),
        move || {
            let mut options = options.clone();
            if let Some(map) = options.as_object_mut() {
                map.insert("id".into(), json!("7"));
            }
            options
        },
    )
}

fn header(name: &'static str, header: &'static str, value: &'static str, text: String) -> Case {
    call(
        name,
        text,
        Method::POST,
        |client| client.chain("v3/x"),
        move || json!({ "headers": { header: value } }),
    )
}

pub fn cases() -> Vec<Case> {
    let mut cases = types();
    cases.extend(combinations());
    cases.extend(headers());
    cases
}

fn types() -> Vec<Case> {
    let mut deep = json!("x");
    for _ in 0..70 {
        deep = json!({ "a": deep });
    }
    vec![
        post(
            "a misspelt option",
            json!({"timeot": 5}),
            "the option `timeot` is neither a known option nor a variable of the path: did you mean `timeout`?",
        ),
        post(
            "an option in capitals",
            json!({"JSON": {}}),
            "did you mean `json`?",
        ),
        post(
            "a Guzzle option",
            json!({"verify": false}),
            "the option `verify` is neither a known option nor a variable of the path: TLS is always verified",
        ),
        post(
            "a form",
            json!({"form_params": {}}),
            "WeChat Pay takes `json` or `xml`",
        ),
        post(
            "a list of options",
            json!(["13800138000"]),
            "the options are an array of 1 items: expected a JSON object, or () for none",
        ),
        post(
            "a string of options",
            json!("13800138000"),
            "the options are a string of 11 bytes",
        ),
        post(
            "timeout as text",
            json!({"timeout": "5"}),
            "option `timeout` is a string of 1 bytes: expected a number of seconds, or 0 for no limit",
        ),
        post(
            "negative timeout",
            json!({"timeout": -1}),
            "option `timeout` is -1: expected a number of seconds",
        ),
        post(
            "timeout out of range",
            json!({"timeout": 1e300}),
            "option `timeout` is 1e+300: expected a number of seconds",
        ),
        post(
            "connect_timeout as a flag",
            json!({"connect_timeout": true}),
            "option `connect_timeout` is a boolean: expected a number of seconds",
        ),
        post(
            "security as a number",
            json!({"security": 1}),
            "option `security` is a number: expected true or false",
        ),
        post(
            "allow_redirects as an object",
            json!({"allow_redirects": {"max": 5}}),
            "option `allow_redirects` is an object of 1 keys: expected true or false",
        ),
        post(
            "sink as a flag",
            json!({"sink": true}),
            "option `sink` is a boolean: expected a string",
        ),
        post(
            "body as an object",
            json!({"body": {"phone": "13800138000"}}),
            "option `body` is an object of 1 keys: expected a string",
        ),
        post(
            "base_uri as a number",
            json!({"base_uri": 1}),
            "option `base_uri` is a number: expected a string",
        ),
        post(
            "headers as text",
            json!({"headers": "X-A: 13800138000"}),
            "option `headers` is a string of 16 bytes: expected an object of names and values",
        ),
        post(
            "a header as an object",
            json!({"headers": {"X-A": {}}}),
            "option `headers`: the value of X-A is an object: expected a string",
        ),
        post(
            "query as a flag",
            json!({"query": true}),
            "the option `query` is a boolean: expected an object, or a query as a string",
        ),
        post(
            "query nested too deeply",
            json!({"query": deep}),
            "the option `query` is nested deeper than 64 levels",
        ),
        call(
            "json that does not serialize",
            "option `json` is not a JSON value: key must be a string",
            Method::POST,
            |client| client.chain("v3/x"),
            || Options::new().json(BTreeMap::from([(vec![1], 2)])),
        ),
    ]
}

fn combinations() -> Vec<Case> {
    vec![
        post(
            "json and body",
            json!({"json": {}, "body": ""}),
            "options `json` and `body` exclude each other: a request has one body",
        ),
        post(
            "json and xml",
            json!({"json": {}, "xml": {}}),
            "options `json` and `xml` exclude each other",
        ),
        post(
            "xml and body",
            json!({"xml": {}, "body": "x"}),
            "options `xml` and `body` exclude each other",
        ),
        post(
            "xml in APIv3",
            json!({"xml": {"mch_id": "1"}}),
            "option `xml` requires APIv2, whose paths start with `v2/`: use `json` on APIv3",
        ),
        post(
            "nonceless in APIv3",
            json!({"nonceless": true}),
            "option `nonceless` requires APIv2, whose paths start with `v2/`: remove it",
        ),
        call(
            "json in APIv2",
            "option `json` requires APIv3: use `xml` for a path that starts with `v2/`",
            Method::POST,
            |client| client.chain("v2/pay/unifiedorder"),
            || json!({"json": {}}),
        ),
        call(
            "a GET with json",
            "options `json` and `body` require a method with a body: use `query` for a GET",
            Method::GET,
            |client| client.chain("v3/x"),
            || json!({"json": {"a": 1}}),
        ),
        call(
            "a GET with a body",
            "options `json` and `body` require a method with a body: use `query` for a GET",
            Method::GET,
            |client| client.chain("v3/x"),
            || json!({"body": "x"}),
        ),
    ]
}

fn headers() -> Vec<Case> {
    const RESERVED: [&str; 9] = [
        "Authorization",
        "HOST",
        "content-length",
        "Transfer-Encoding",
        "Connection",
        "Expect",
        "Proxy-Authorization",
        "TE",
        "Upgrade",
    ];
    let mut cases = RESERVED
        .map(|name| {
            header(
                name,
                name,
                "hunter2",
                format!("option `headers` must not set {name}: the client sets it itself"),
            )
        })
        .into_iter()
        .collect::<Vec<_>>();
    cases.extend([
        header("a line break in a header", "X-A", "a\r\nAuthorization: hunter2", "option `headers`: the value of X-A (25 bytes) contains a line break or another control character: remove it".into()),
        header("a line break in a header's name", "X-A\r\nX-B", "a", "option `headers`: invalid name \"X-A\\\\r\\\\nX-B\": expected letters, digits and `-` only".into()),
        header("a header without a name", "", "a", "option `headers`: invalid name \"\"".into()),
        header("a header's name with a space", "X A", "a", "option `headers`: invalid name \"X A\"".into()),
        header("a NUL in a header", "X-A", "a\0", "option `headers`: the value of X-A (2 bytes) contains a line break or another control character".into()),
        call("a reserved header through the setter", "option `headers` must not set Authorization", Method::POST, |client| client.chain("v3/x"), || {
            Options::new().header("Authorization", "hunter2")
        }),
    ]);
    cases
}
