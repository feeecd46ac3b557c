//! Wrong lines: signed by openssl, sent, and named by the sandbox.

use std::{collections::BTreeSet, process::Command};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::{client, failed, header, inspected};
use crate::{
    fixtures::material,
    sandbox::openssl_client::{OpensslClient, RawRequest},
};

/// Signs a message in which `{t}` and `{n}` are the timestamp and the nonce of the header, and sends it with
/// the request. Returns what the sandbox found.
fn found(client: &OpensslClient, mut request: RawRequest, message: &[u8]) -> Value {
    let t = request.timestamp.to_string();
    let message = replaced(
        &replaced(message, b"{t}", t.as_bytes()),
        b"{n}",
        request.nonce.as_bytes(),
    );
    let signature = STANDARD.encode(client.openssl_sign(&message));
    request.authorization = Some(header(&request, &signature));
    assert_eq!(client.send(&request).status, 401);
    let inspected = inspected(&client.sandbox);
    assert_eq!(failed(&inspected), ["signature"]);
    let found = inspected["found"].clone();
    let shown = found["message"].as_str().map(str::as_bytes);
    let shown =
        shown.unwrap_or_else(|| panic!("{}: {inspected}", String::from_utf8_lossy(&message)));
    let right = inspected["message"].as_str().unwrap().as_bytes();
    if found["id"] != "hash_bytes" {
        assert_eq!(shown, message);
    }
    let at = shown
        .iter()
        .zip(right)
        .position(|(one, other)| one != other);
    let at = at.unwrap_or(shown.len().min(right.len()));
    assert_eq!(found["difference_at"], at);
    assert!(found["change"].as_str().unwrap().ends_with('.'), "{found}");
    assert!(found["change_zh"].is_string());
    found
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    match bytes.windows(from.len()).position(|window| window == from) {
        Some(at) => [&bytes[..at], to, &bytes[at + from.len()..]].concat(),
        None => bytes.to_vec(),
    }
}

#[test]
fn wrong_frame_method_and_nonce_are_named() {
    let Some(client) = client() else { return };
    for (id, message) in [
        ("frame_no_last_newline", "POST\n/v3/x\n{t}\n{n}\n{\"a\":1}"),
        ("frame_no_body_line", "POST\n/v3/x\n{t}\n{n}\n"),
        ("frame_crlf", "POST\r\n/v3/x\r\n{t}\r\n{n}\r\n{\"a\":1}\r\n"),
        (
            "frame_literal_newlines",
            "POST\\n/v3/x\\n{t}\\n{n}\\n{\"a\":1}\\n",
        ),
        ("frame_spaces", "POST /v3/x {t} {n} {\"a\":1} "),
        ("frame_no_newlines", "POST/v3/x{t}{n}{\"a\":1}"),
        (
            "frame_nonce_before_timestamp",
            "POST\n/v3/x\n{n}\n{t}\n{\"a\":1}\n",
        ),
        (
            "frame_url_before_method",
            "/v3/x\nPOST\n{t}\n{n}\n{\"a\":1}\n",
        ),
        ("frame_of_response", "{t}\n{n}\n{\"a\":1}\n"),
        ("method", "GET\n/v3/x\n{t}\n{n}\n{\"a\":1}\n"),
        ("method", "post\n/v3/x\n{t}\n{n}\n{\"a\":1}\n"),
        ("nonce_empty", "POST\n/v3/x\n{t}\n\n{\"a\":1}\n"),
        (
            "timestamp_in_milliseconds",
            "POST\n/v3/x\n{t}000\n{n}\n{\"a\":1}\n",
        ),
        (
            "timestamp_in_milliseconds",
            "POST\n/v3/x\n{t}987\n{n}\n{\"a\":1}\n",
        ),
    ] {
        let request = client.request("POST", "/v3/x", "{\"a\":1}");
        assert_eq!(found(&client, request, message.as_bytes())["id"], id);
    }
    for (id, nonce, signed) in [
        ("nonce_capitals", "ab-CD", "AB-CD"),
        ("nonce_small_letters", "ab-CD", "ab-cd"),
        ("nonce_without_hyphens", "ab-CD", "abCD"),
    ] {
        let mut request = client.request("GET", "/v3/x", "");
        request.nonce = nonce.to_owned();
        let message = format!("GET\n/v3/x\n{{t}}\n{signed}\n\n");
        assert_eq!(found(&client, request, message.as_bytes())["id"], id);
    }
    for by in [-5, -1, 1, 5] {
        let request = client.request("GET", "/v3/x", "");
        let message = format!("GET\n/v3/x\n{}\n{{n}}\n\n", request.timestamp + by);
        let found = found(&client, request, message.as_bytes());
        assert_eq!(found["id"], "timestamp_taken_twice");
    }
}

#[test]
fn wrong_url_is_named() {
    let Some(client) = client() else { return };
    let own = client.address();
    let with_own = format!("http://{own}/v3/x");
    for (id, sent, signed) in [
        ("url_without_query", "/v3/x?a=1&b=2", "/v3/x"),
        ("url_query_alone", "/v3/x?a=1", "a=1"),
        ("url_empty_query", "/v3/x?", "/v3/x"),
        ("url_empty_query", "/v3/x", "/v3/x?"),
        ("url_decoded", "/v3/x/a%20b?c=%E8%8C%B6", "/v3/x/a b?c=茶"),
        ("url_encoded", "/v3/x/a|b?c=1:2", "/v3/x/a%7Cb?c=1%3A2"),
        ("url_encoded_as_form", "/v3/x?c=1:2%20x", "/v3/x?c=1%3A2+x"),
        ("url_plus_for_space", "/v3/x?c=1:2%20x", "/v3/x?c=1:2+x"),
        ("url_plus_for_space", "/v3/x?c=1:2+x", "/v3/x?c=1:2%20x"),
        ("url_small_hex", "/v3/x?c=A%3A%E8", "/v3/x?c=A%3a%e8"),
        ("url_capital_hex", "/v3/x?c=a:%3a%e8", "/v3/x?c=a:%3A%E8"),
        ("url_without_slash", "/v3/x?a=1", "v3/x?a=1"),
        ("url_two_slashes", "/v3/x?a=1", "//v3/x?a=1"),
        ("url_trailing_slash", "/v3/x?a=1", "/v3/x/?a=1"),
        ("url_trailing_slash", "/v3/x/", "/v3/x"),
        ("url_without_version", "/v3/x?a=1", "/x?a=1"),
        ("url_without_prefix", "/hk/v3/x?a=1", "/v3/x?a=1"),
        (
            "url_with_host",
            "/v3/x",
            "https://api.mch.weixin.qq.com/v3/x",
        ),
        ("url_with_host", "/v3/x", "api.mch.weixin.qq.com/v3/x"),
        ("url_with_host", "/v3/x", &with_own),
        ("url_query_order", "/v3/x?b=2&a=1&c=3", "/v3/x?c=3&b=2&a=1"),
        ("url_query_order", "/v3/x?b&a&c&e&d", "/v3/x?a&b&c&d&e"),
        ("url_query_order", "/v3/x?b&a&c&e&d", "/v3/x?d&e&c&a&b"),
        (
            "url_template",
            "/v3/pay/transactions/id/42?mchid=1",
            "/v3/pay/transactions/id/{transaction_id}?mchid=1",
        ),
    ] {
        let request = client.request("GET", sent, "");
        let message = format!("GET\n{signed}\n{{t}}\n{{n}}\n\n");
        let found = found(&client, request, message.as_bytes());
        assert_eq!(found["id"], id, "{sent} {signed}");
    }
}

#[test]
fn wrong_body_is_named() {
    let Some(client) = client() else { return };
    let long = "\r\n--b\r\n";
    let form = format!(
        "--b\r\nContent-Disposition: form-data; name=\"meta\"\r\nContent-Type: application/json\r\n\r\n{{}}{long}\
         Content-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\n\r\n1\r\n--b--\r\n"
    );
    let latin1: String = "{\"a\":\"茶\"}".bytes().map(char::from).collect();
    for (id, sent, signed) in [
        ("body_empty", "{\"a\":1}", ""),
        ("body_empty_object", "", "{}"),
        ("body_null", "", "null"),
        ("body_newline_added", "{\"a\":1}", "{\"a\":1}\n"),
        ("body_crlf_added", "{\"a\":1}", "{\"a\":1}\r\n"),
        ("body_newline_removed", "{\"a\":1}\n", "{\"a\":1}"),
        ("body_newline_removed", "{\"a\":1}\r\n", "{\"a\":1}"),
        ("body_trimmed", " {\"a\":1}\n", "{\"a\":1}"),
        ("body_lf", "{\r\n\"a\":1}", "{\n\"a\":1}"),
        ("body_crlf", "{\n\"a\":1}", "{\r\n\"a\":1}"),
        ("body_bom", "{\"a\":1}", "\u{feff}{\"a\":1}"),
        ("body_bom", "\u{feff}{\"a\":1}", "{\"a\":1}"),
        ("body_question_marks", "{\"a\":\"茶😀\"}", "{\"a\":\"???\"}"),
        ("body_latin1", "{\"a\":\"茶\"}", &latin1),
        ("body_json_in_json", "{\"a\":1}", "\"{\\\"a\\\":1}\""),
        ("body_json_sent_in_json", "\"{\\\"a\\\":1}\"", "{\"a\":1}"),
        ("body_whole_form", &form, &form),
    ] {
        let mut request = client.request("POST", "/v3/x", sent);
        if id == "body_whole_form" {
            request.headers.pop();
            let content_type = "multipart/form-data; boundary=b".to_owned();
            request.headers.push(("Content-Type", content_type));
        }
        let message = format!("POST\n/v3/x\n{{t}}\n{{n}}\n{signed}\n");
        let found = found(&client, request, message.as_bytes());
        assert_eq!(found["id"], id, "{sent:?} {signed:?}");
    }
    let request = client.request("GET", "/v3/x?a=1", "");
    let found = found(&client, request, b"GET\n/v3/x\n{t}\n{n}\na=1\n");
    assert_eq!(found["id"], "body_query");
}

/// Prints every form of the JSON in its input, as Python's own serializer writes it.
const FORMS: &str = r#"
import json, sys
value = json.load(sys.stdin)
layouts = {
    "compact": {"separators": (",", ":")}, "spaced": {}, "indent2": {"indent": 2},
    "indent4": {"indent": 4}, "tabs": {"indent": "\t"},
}
units = lambda text, chars: "".join(f"\\u{ord(c):04x}" if c in chars else c for c in text)
slashes = lambda text: text.replace("/", "\\/")
escapes = {
    "": (False, lambda text: text), "unicode": (True, lambda text: text), "slashes": (False, slashes),
    "php": (True, slashes), "html": (False, lambda text: units(text, "<>&\u2028\u2029")),
    "gson": (False, lambda text: units(text, "<>&='\u2028\u2029")),
}
forms = {}
for layout, options in layouts.items():
    for order in ("", "sorted"):
        for escape, (ascii, change) in escapes.items():
            name = "_".join(part for part in ("json", layout, order, escape) if part)
            written = json.dumps(value, sort_keys=order != "", ensure_ascii=ascii, **options)
            forms[name] = change(written)
print(json.dumps(forms))
"#;

#[test]
fn other_form_of_the_same_json_is_named() {
    let Some(client) = client() else { return };
    if !material::has_program("python3") {
        return;
    }
    let sent = "{\"b\" :\"茶😀/<&='>\\\"\\\\\\u2028\\n\\u0001\\f\",\"a\":{ \"n\":1.0,\"l\":[1,-2e3,true,null],\"e\":{},\"f\":[]}}";
    let written = material::run(Command::new("python3").args(["-c", FORMS]), sent.as_bytes());
    let forms: Value = serde_json::from_slice(&written.unwrap()).unwrap();
    let forms = forms.as_object().unwrap();
    assert_eq!(forms.len(), 60);
    let distinct: BTreeSet<_> = forms.values().map(|form| form.as_str().unwrap()).collect();
    assert_eq!(distinct.len(), 60);
    for (id, form) in forms {
        let request = client.request("POST", "/v3/x", sent);
        // Python writes the number as 1.0 and -2000.0.
        let form = form.as_str().unwrap().replace("-2000.0", "-2e3");
        let message = format!("POST\n/v3/x\n{{t}}\n{{n}}\n{form}\n");
        let found = found(&client, request, message.as_bytes());
        assert_eq!(found["id"], **id, "{form}");
    }
}
