//! Paths that are refused, and hosts that receive no signed request.

use serde_json::{Value, json};
use wechatpay_chain::{Client, Method, Options};

use super::{Case, call, call_of};

/// A path, as one argument of `chain`.
fn path(name: &'static str, path: &'static str, options: Value, text: &'static str) -> Case {
    call(
        name,
        text,
        Method::GET,
        move |client| client.chain(path),
        move || options.clone(),
    )
}

/// A value in `{+value}`.
fn raw(name: &'static str, value: &'static str, text: &'static str) -> Case {
    path(name, "v3/x/{+value}/y", json!({ "value": value }), text)
}

fn segment(name: &'static str, segment: &'static str, text: &'static str) -> Case {
    call(
        name,
        text,
        Method::GET,
        move |client| client.seg("v3").seg(segment).seg("x"),
        || (),
    )
}

pub fn cases() -> Vec<Case> {
    let mut cases = pieces();
    cases.extend(variables());
    cases.extend(expanded());
    cases.extend(hosts());
    cases
}

fn pieces() -> Vec<Case> {
    vec![
        segment(
            "seg with a slash",
            "a/b",
            "seg(\"a/b\"): a segment cannot contain `/`: use chain(…) for a path, and a template variable for a value",
        ),
        segment(
            "seg with a query",
            "a?b=c",
            "seg(\"a?b=c\"): a segment cannot contain `?`",
        ),
        segment(
            "seg with a fragment",
            "a#b",
            "seg(\"a#b\"): a segment cannot contain `#`",
        ),
        segment(
            "an empty seg",
            "",
            "seg(\"\"): the segment is empty: name the segment, or remove the call",
        ),
        segment(
            "seg with `..`",
            "..",
            "the path has the segment `..`, which would lead to a different path",
        ),
        path(
            "an empty chain",
            "",
            json!({}),
            "chain(\"\"): the path is empty: name at least one segment",
        ),
        path(
            "a lone slash",
            "/",
            json!({}),
            "chain(\"/\"): the path is empty",
        ),
        path(
            "a path that starts with two slashes",
            "//evil.example/v3/x",
            json!({}),
            "a path that begins with `//` names a host without a scheme",
        ),
        path(
            "an unclosed variable",
            "v3/x/<id",
            json!({}),
            "`<` begins a variable without a name or without an end: write <name> or {name}",
        ),
        path(
            "an unclosed brace",
            "v3/x/{id",
            json!({}),
            "invalid path template: `{` at byte 5 is never closed",
        ),
        path(
            "an unmatched closing brace",
            "v3/x}/y",
            json!({}),
            "invalid path template: unmatched `}` at byte 4",
        ),
        path(
            "an unknown operator",
            "v3/{!id}",
            json!({"id": 1}),
            "unknown operator `!` at byte 4",
        ),
        path(
            "a variable without a name",
            "v3/{}",
            json!({}),
            "missing variable name at byte 4",
        ),
        path(
            "a variable of two words",
            "v3/{a b}",
            json!({}),
            "invalid character ' ' in a variable name at byte 5",
        ),
        path(
            "a prefix of 0",
            "v3/{id:0}",
            json!({"id": "x"}),
            "invalid prefix at byte 7; expected 1 to 9999",
        ),
        path(
            "an incomplete percent-encoding",
            "v3/x%2",
            json!({}),
            "`%` at byte 4 is not followed by two hexadecimal digits",
        ),
        call(
            "an index nested too deeply",
            "indexed 64 levels deep: write the path as one literal, or use chain(…)",
            Method::GET,
            |client: &Client| {
                let mut chain = &client["v3"];
                for _ in 0..100 {
                    chain = &chain["x"];
                }
                chain.clone()
            },
            || (),
        ),
    ]
}

fn variables() -> Vec<Case> {
    const PATH: &str = "v3/x/{id}/y";
    vec![
        path(
            "a missing variable",
            PATH,
            json!({}),
            "GET v3/x/{id}/y: missing path variable: `id` is not set; set it in the options",
        ),
        path(
            "a null variable",
            PATH,
            json!({"id": null}),
            "missing path variable: `id` is null",
        ),
        path(
            "an empty variable",
            PATH,
            json!({"id": ""}),
            "missing path variable: `id` is an empty string",
        ),
        path(
            "an empty list",
            PATH,
            json!({"id": []}),
            "missing path variable: `id` is an empty array",
        ),
        path(
            "an empty object",
            PATH,
            json!({"id": {}}),
            "missing path variable: `id` is an empty object",
        ),
        path(
            "two missing variables",
            "v3/{a}/{b}",
            json!({}),
            "missing path variable: `a` is not set, `b` is not set",
        ),
        path(
            "a list of lists",
            PATH,
            json!({"id": [["13800138000"]]}),
            "the value of `id` at byte 6 is nested; its items cannot be arrays or objects",
        ),
        path(
            "a prefix of a list",
            "v3/{id:3}",
            json!({"id": ["a"]}),
            "`id` at byte 4 has a prefix, but its value is an array or an object",
        ),
        path(
            "a misspelt variable",
            "v3/x/{out_trade_no}",
            json!({"out_tarde_no": "1"}),
            "the option `out_tarde_no` is neither a known option nor a variable of the path: did you mean `out_trade_no`?",
        ),
        path(
            "a variable that the path does not have",
            "v3/x",
            json!({"id": "1"}),
            "the option `id` is neither a known option nor a variable of the path, which has no variables",
        ),
    ]
}

/// Checks on the expanded path.
fn expanded() -> Vec<Case> {
    vec![
        raw(
            "a value with `..` segments",
            "../../v3/refund",
            "has the segment `..`, which would lead to a different path",
        ),
        raw(
            "a value with percent-encoded `..`",
            "%2e%2E",
            "has the segment `%2e%2E`, which would lead to a different path",
        ),
        raw(
            "a value of one dot",
            ".",
            "has the segment `.`, which would lead to a different path",
        ),
        raw(
            "a value with an empty segment",
            "a//b",
            "has an empty segment (`//`): a value is missing, or a slash is doubled",
        ),
        raw(
            "a value with a fragment",
            "a#b",
            "contains a `#`: a fragment is never sent",
        ),
        raw("a backslash", "a\\b", "contains a backslash"),
        raw(
            "a percent-encoded line break",
            "a%0d%0ab",
            "contains the control character 0x0d: trim the value it comes from",
        ),
        path(
            "a value with a line break",
            "v3/x/{id}",
            json!({"id": "42\n"}),
            "contains the control character 0x0a: trim the value it comes from",
        ),
        path(
            "a value of two dots",
            "v3/x/{id}/y",
            json!({"id": ".."}),
            "has the segment `..`, which would lead to a different path",
        ),
        path(
            "a value with `..` after encoded slashes",
            "v3/x/{id}/y",
            json!({"id": "a/../../z"}),
            "has the segment `..`, which would lead to a different path",
        ),
        raw(
            "a value with percent-encoded `..` after an encoded slash",
            "a%2f%2e%2E",
            "has the segment `%2e%2E`, which would lead to a different path",
        ),
        path(
            "a value of a NUL",
            "v3/x/{id}",
            json!({"id": "\u{0}"}),
            "contains the control character 0x00",
        ),
        path(
            "two slashes in the path",
            "v3//x",
            json!({}),
            "has an empty segment (`//`)",
        ),
        path(
            "two queries",
            "v3/x?a=1",
            json!({"query": {"b": 2}}),
            "both the path and the option `query` have a query: set only one",
        ),
        path(
            "two queries, one from the template",
            "v3/x{?a}",
            json!({"a": 1, "query": {"b": 2}}),
            "both the path and the option `query` have a query: set only one",
        ),
        call_of(
            "a path that is too long",
            &["request"],
            "the path and query are 70004 bytes long; at most 65534 can be sent",
            true,
            |server| server.client().chain(format!("v3/{}", "x".repeat(70_000))),
        ),
        path(
            "a fragment after the query",
            "v3/x?a=1#b",
            json!({}),
            "a fragment is never sent",
        ),
    ]
}

fn hosts() -> Vec<Case> {
    const UNTRUSTED: &str = "is neither a host of WeChat Pay nor one of this client, so no signed request is sent to it; to allow it, use trust_host";
    let base = |name, uri: &'static str, text| path(name, "v3/x", json!({ "base_uri": uri }), text);
    vec![
        path(
            "an untrusted host",
            "https://evil.example/v3/x",
            json!({}),
            UNTRUSTED,
        ),
        path(
            "an untrusted host from a variable",
            "{+url}",
            json!({"url": "https://evil.example/v3/x"}),
            UNTRUSTED,
        ),
        base(
            "an untrusted host as base_uri",
            "https://evil.example/",
            UNTRUSTED,
        ),
        path(
            "a host with a longer domain",
            "https://api.mch.weixin.qq.com.evil.example/v3/x",
            json!({}),
            UNTRUSTED,
        ),
        path(
            "a host with a prefix",
            "https://evil-api.mch.weixin.qq.com/v3/x",
            json!({}),
            UNTRUSTED,
        ),
        path(
            "this machine, another port",
            "http://127.0.0.1:1/v3/x",
            json!({}),
            UNTRUSTED,
        ),
        path(
            "plain http",
            "http://api.mch.weixin.qq.com/v3/x",
            json!({}),
            "`http://api.mch.weixin.qq.com` is plain http, which is allowed only for the client's base URI and for trusted hosts",
        ),
        path(
            "another port",
            "https://api.mch.weixin.qq.com:8443/v3/x",
            json!({}),
            "has a port other than 443 and the base URI's; to allow it, use trust_host",
        ),
        path(
            "user info",
            "https://api.mch.weixin.qq.com@evil.example/v3/x",
            json!({}),
            "a URL with user info (`user@host`) is not allowed: remove the user info",
        ),
        path(
            "a backslash after the host",
            "{+url}",
            json!({"url": "https://api.mch.weixin.qq.com\\@evil.example/"}),
            "a URL with user info (`user@host`) is not allowed",
        ),
        base(
            "base_uri with a query",
            "https://api.mch.weixin.qq.com/?a",
            "option `base_uri`: the base URI at `https://api.mch.weixin.qq.com` has a query or a fragment",
        ),
        base(
            "base_uri without a scheme",
            "api.mch.weixin.qq.com",
            "option `base_uri`: the URL `api.mch.weixin.qq.com` has no scheme",
        ),
        path(
            "the invoice host, signed",
            "https://pay.wechatpay.cn/invoice",
            json!({}),
            UNTRUSTED,
        ),
        call(
            "an untrusted host, unsigned",
            UNTRUSTED,
            Method::GET,
            |client| client.chain("https://evil.example/file"),
            || Options::new().unsigned(true),
        ),
        call(
            "the invoice host over plain http",
            UNTRUSTED,
            Method::GET,
            |client| client.chain("http://pay.wechatpay.cn/file"),
            || Options::new().unsigned(true),
        ),
        call(
            "an unsigned write",
            "option `unsigned` requires GET: a POST is always signed",
            Method::POST,
            |client| client.chain("v3/x"),
            || Options::new().unsigned(true),
        ),
    ]
}
