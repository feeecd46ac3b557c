//! Options that are none, of the wrong type, or of no use together.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use wechatpay_chain::{Method, Options};

use super::{Case, call};

fn posted(name: &'static str, options: Value, text: &'static str) -> Case {
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
    cases.extend(together());
    cases.extend(headers());
    cases
}

fn types() -> Vec<Case> {
    let mut deep = json!("x");
    for _ in 0..70 {
        deep = json!({ "a": deep });
    }
    vec![
        posted(
            "a misspelt option",
            json!({"timeot": 5}),
            "the option `timeot` is neither a known option nor a variable of the path: did you mean `timeout`?",
        ),
        posted(
            "an option in capitals",
            json!({"JSON": {}}),
            "did you mean `json`?",
        ),
        posted(
            "an option of Guzzle's",
            json!({"verify": false}),
            "the option `verify` is neither a known option nor a variable of the path: TLS is always verified",
        ),
        posted(
            "a form",
            json!({"form_params": {}}),
            "WeChat Pay takes `json` or `xml`",
        ),
        posted(
            "a list of options",
            json!(["13800138000"]),
            "the options are an array of 1 items: expected a JSON object, or () for none",
        ),
        posted(
            "a string of options",
            json!("13800138000"),
            "the options are a string of 11 bytes",
        ),
        posted(
            "timeout as text",
            json!({"timeout": "5"}),
            "option `timeout` is a string of 1 bytes: expected seconds, either 0 (no limit) or more",
        ),
        posted(
            "timeout below 0",
            json!({"timeout": -1}),
            "option `timeout` is -1: expected seconds",
        ),
        posted(
            "timeout without end",
            json!({"timeout": 1e300}),
            "option `timeout` is 1e+300: expected seconds",
        ),
        posted(
            "connect_timeout as a flag",
            json!({"connect_timeout": true}),
            "option `connect_timeout` is a boolean: expected seconds",
        ),
        posted(
            "security as a number",
            json!({"security": 1}),
            "option `security` is a number: expected true or false",
        ),
        posted(
            "allow_redirects as an object",
            json!({"allow_redirects": {"max": 5}}),
            "option `allow_redirects` is an object of 1 keys: expected true or false",
        ),
        posted(
            "sink as a flag",
            json!({"sink": true}),
            "option `sink` is a boolean: expected a string",
        ),
        posted(
            "body as an object",
            json!({"body": {"phone": "13800138000"}}),
            "option `body` is an object of 1 keys: expected a string",
        ),
        posted(
            "base_uri as a number",
            json!({"base_uri": 1}),
            "option `base_uri` is a number: expected a string",
        ),
        posted(
            "headers as text",
            json!({"headers": "X-A: 13800138000"}),
            "option `headers` is a string of 16 bytes: expected an object of names and values",
        ),
        posted(
            "a header as an object",
            json!({"headers": {"X-A": {}}}),
            "option `headers`: the value of X-A is an object: expected a string",
        ),
        posted(
            "query as a flag",
            json!({"query": true}),
            "the option `query` is a boolean: expected an object, or a query as a string",
        ),
        posted(
            "query without a floor",
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

fn together() -> Vec<Case> {
    vec![
        posted(
            "json and body",
            json!({"json": {}, "body": ""}),
            "options `json` and `body` exclude each other: a request has one body",
        ),
        posted(
            "json and xml",
            json!({"json": {}, "xml": {}}),
            "options `json` and `xml` exclude each other",
        ),
        posted(
            "xml and body",
            json!({"xml": {}, "body": "x"}),
            "options `xml` and `body` exclude each other",
        ),
        posted(
            "xml in APIv3",
            json!({"xml": {"mch_id": "1"}}),
            "option `xml` requires APIv2, whose paths start with `v2/`: use `json` on APIv3",
        ),
        posted(
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
        header("a header of two lines", "X-A", "a\r\nAuthorization: hunter2", "option `headers`: the value of X-A (25 bytes) contains a line break or another control character: remove it".into()),
        header("a header's name of two lines", "X-A\r\nX-B", "a", "option `headers`: invalid name \"X-A\\\\r\\\\nX-B\": expected letters, digits and `-` only".into()),
        header("a header without a name", "", "a", "option `headers`: invalid name \"\"".into()),
        header("a header's name with a space", "X A", "a", "option `headers`: invalid name \"X A\"".into()),
        header("a NUL in a header", "X-A", "a\0", "option `headers`: the value of X-A (2 bytes) contains a line break or another control character".into()),
        call("a header by a setter", "option `headers` must not set Authorization", Method::POST, |client| client.chain("v3/x"), || {
            Options::new().header("Authorization", "hunter2")
        }),
    ]);
    cases
}
