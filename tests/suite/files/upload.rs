//! Uploads, parsed by python's multipart parser.

use std::{
    io::Write as _,
    process::{Command, Stdio},
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};
use wechatpay_chain::{Media, Method, Options, Outcome};

use crate::fixtures::{
    keys,
    scratch::Scratch,
    server::{MockResponse, Request, Server},
};

/// Parses multipart with python's email package and computes digests with its hashlib.
const PARSER: &str = r#"
import sys, json, hashlib, email.parser, email.policy
head, body = sys.stdin.buffer.read().split(b'\n', 1)
raw = b'Content-Type: ' + head + b'\r\n\r\n' + body
message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(raw)
parts = []
for part in message.iter_parts():
    data = part.get_payload(decode=True)
    raw = str(part['Content-Disposition'])
    parts.append({'name': part.get_param('name', header='content-disposition'),
        'filename': part.get_filename(), 'type': part.get('Content-Type'), 'text': data.decode('latin-1'),
        'sha256': hashlib.sha256(data).hexdigest(), 'md5': hashlib.md5(data).hexdigest()})
print(json.dumps({'parts': parts, 'defects': [str(d) for d in message.defects]}))
"#;

fn python(script: &str, input: &[u8]) -> Value {
    let mut child = Command::new("python3")
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 is installed");
    child.stdin.take().unwrap().write_all(input).unwrap();
    let out = child.wait_with_output().unwrap();
    assert!(out.status.success());
    serde_json::from_slice(&out.stdout).expect("JSON")
}

fn parts(request: &Request) -> Vec<Value> {
    let content_type = request.header("content-type").expect("a type");
    let input = [content_type.as_bytes(), b"\n", &request.body].concat();
    let read = python(PARSER, &input);
    assert_eq!(read["defects"], json!([]), "{read}");
    read["parts"].as_array().unwrap().clone()
}

/// Checks that the signature covers `signed` and nothing else.
fn check_signature(request: &Request, signed: &str) {
    let mut request = request.clone();
    request.body = signed.as_bytes().to_vec();
    request.authorization(keys::merchant());
}

/// 300,001 bytes that contain every byte value and the start of a boundary line.
fn content() -> Vec<u8> {
    let mut bytes = (0..300_001u32)
        .map(|n| (n * 7 % 256) as u8)
        .collect::<Vec<_>>();
    bytes[1000..1004].copy_from_slice(b"\r\n--");
    bytes
}

#[test]
fn uploaded_file_arrives_with_a_signed_meta_part() {
    let server = Server::start(|_| MockResponse::signed(200, r#"{"media_id":"1"}"#));
    let scratch = Scratch::new();
    let path = scratch.written("营业执照.jpg", content());
    let reported = Arc::new(Mutex::new(Vec::new()));
    let chain = server.client().chain("v3/merchant/media/upload");
    chain
        .post(
            Options::new()
                .media(Media::from_file(&path).unwrap())
                .on_progress({
                    let reported = Arc::clone(&reported);
                    move |bytes, total| reported.lock().unwrap().push((bytes, total))
                }),
        )
        .unwrap();
    chain
        .post(Options::new().media(Media::from_bytes("营业执照.jpg", content())))
        .unwrap();

    for request in server.requests() {
        let parts = parts(&request);
        assert_eq!(parts.len(), 2);
        let meta = parts[0]["text"].as_str().unwrap();
        let meta: String = meta.chars().map(|c| char::from(c as u8)).collect();
        let meta = String::from_utf8(meta.chars().map(|c| c as u8).collect()).unwrap();
        check_signature(&request, &meta);
        assert_eq!(parts[0]["name"], "meta");
        assert_eq!(parts[0]["filename"], Value::Null);
        assert_eq!(parts[0]["type"], "application/json");
        assert_eq!(parts[1]["name"], "file");
        assert_eq!(parts[1]["type"], "image/jpeg");
        let meta: Value = serde_json::from_str(&meta).unwrap();
        assert_eq!(
            meta,
            json!({"filename": "营业执照.jpg", "sha256": parts[1]["sha256"]})
        );
        let raw =
            b"name=\"file\"; filename=\"\xe8\x90\xa5\xe4\xb8\x9a\xe6\x89\xa7\xe7\x85\xa7.jpg\"\r\n";
        assert!(request.body.windows(raw.len()).any(|part| part == raw));
    }
    let reported = reported.lock().unwrap();
    assert!(reported.len() > 2 && reported.is_sorted());
    assert_eq!(reported.last(), Some(&(300_001, Some(300_001))));
}

#[test]
fn prepared_upload_shows_the_signed_meta() {
    let chain = keys::builder()
        .build()
        .unwrap()
        .chain("v3/marketing/bank/packages/{id}/tasks");
    let media = Media::from_bytes("list.csv", "a,b\n").meta_field("bank_type", "CFT");
    let options = Options::new().var("id", "8473295").media(media.clone());
    let request = chain.prepare(Method::POST, &options).unwrap();
    let expected = format!(
        r#"{{"filename":"list.csv","sha256":"{}","bank_type":"CFT"}}"#,
        media.sha256()
    );
    assert_eq!(request.body(), expected.as_bytes());
    let content_type = |request: &wechatpay_chain::PreparedRequest| {
        request.headers()["content-type"]
            .to_str()
            .unwrap()
            .to_owned()
    };
    let again = chain.prepare(Method::POST, &options).unwrap();
    assert!(content_type(&request).starts_with("multipart/form-data; boundary="));
    assert_ne!(
        content_type(&request),
        content_type(&again),
        "each request has its own boundary"
    );

    let own = "multipart/form-data; boundary=7a1841ac2a9a17de556b64112ac949dbd38ef9eb";
    let request = chain
        .prepare(Method::POST, options.header("Content-Type", own))
        .unwrap();
    assert_eq!(content_type(&request), own);
}

#[test]
fn given_boundary_is_used() {
    let server = Server::always_ok();
    let media = Media::from_bytes("a\"b\\c\r\nX: y.png", "png").meta(json!({ "own": true }));
    server
        .client()
        .chain("v3/a")
        .post(
            Options::new()
                .media(media)
                .header("Content-Type", "multipart/form-data; boundary=own"),
        )
        .unwrap();
    let request = server.only_request();
    let parts = parts(&request);
    assert_eq!(parts[0]["text"], r#"{"own":true}"#);
    assert_eq!(parts[1]["filename"], "a%22b%5Cc%0D%0AX: y.png");
    check_signature(&request, r#"{"own":true}"#);
}

#[test]
fn file_changed_after_its_digest_is_not_uploaded() {
    let server = Server::always_ok();
    let scratch = Scratch::new();
    let path = scratch.written("a.png", content());
    let media = Media::from_file(&path).unwrap();
    let chain = server.client().chain("v3/merchant/media/upload");
    let upload = || chain.post(Options::new().media(media.clone()));
    upload().unwrap();

    let mut other = content();
    other[200_000] ^= 1;
    scratch.written("a.png", &other);
    let err = upload().unwrap_err();
    assert!(
        err.outcome() == Outcome::Unknown && err.is_transport(),
        "{err:?}"
    );
    let source = std::error::Error::source(&err)
        .map(|s| format!("{s:?}"))
        .unwrap_or_default();
    assert!(source.contains("has changed"), "{source}");

    scratch.written("a.png", &other[1..]);
    let err = upload().unwrap_err();
    assert!(
        err.outcome() == Outcome::NotSent && err.is_file(),
        "{err:?}"
    );
    std::fs::remove_file(&path).unwrap();
    assert!(upload().unwrap_err().is_file());
    assert!(
        Media::from_file(&path)
            .unwrap_err()
            .to_string()
            .contains("a.png")
    );
    assert!(Media::from_file(scratch.path()).unwrap_err().is_file());
    // Only the first upload was complete.
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn apiv2_upload_sends_signed_form_fields() {
    let body = "<xml><return_code>FAIL</return_code><return_msg>no</return_msg></xml>";
    let server = Server::start(move |_| MockResponse::plain(200, body));
    let scratch = Scratch::new();
    let path = scratch.written("a.png", content());
    for sign_type in [None, Some("HMAC-SHA256")] {
        let options = Options::new()
            .xml(json!({ "mch_id": keys::MCHID, "sign_type": sign_type }))
            .media(Media::from_file(&path).unwrap());
        let chain = server.client().chain("v2/secapi/mch/uploadmedia");
        assert!(chain.post(options).unwrap_err().is_api());
    }
    let sign = r#"
import sys, json, hashlib, hmac
fields = json.load(sys.stdin)
fields.pop('sign', None)
text = '&'.join(f'{k}={fields[k]}' for k in sorted(fields)) + '&key=0123456789abcdef0123456789abcdef'
key = b'0123456789abcdef0123456789abcdef'
sign = hmac.new(key, text.encode(), 'sha256') if 'sign_type' in fields else hashlib.md5(text.encode())
print(json.dumps(sign.hexdigest().upper()))
"#;
    for request in server.requests() {
        let mut parts = parts(&request);
        let file = parts.pop().unwrap();
        assert_eq!(file["name"], "media");
        assert_eq!(file["filename"], "a.png");
        let fields = parts
            .iter()
            .map(|part| {
                (
                    part["name"].as_str().unwrap().to_owned(),
                    part["text"].clone(),
                )
            })
            .collect::<serde_json::Map<_, _>>();
        assert_eq!(fields["media_hash"], file["md5"]);
        assert!(fields.get("nonce_str").is_none());
        let expected = python(sign, serde_json::to_string(&fields).unwrap().as_bytes());
        assert_eq!(fields["sign"], expected);
        assert!(request.header("authorization").is_none());
    }
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn body_may_be_bytes_text_reader_or_file() {
    let server = Server::always_ok();
    let scratch = Scratch::new();
    let path = scratch.written("body.json", r#"{"a":1}"#);
    let chain = server.client().chain("v3/a");
    for options in [
        Options::new().body(r#"{"a":1}"#),
        Options::new().body(br#"{"a":1}"#.to_vec()),
        Options::new().body_reader(&br#"{"a":1}"#[..]),
        Options::new().body_file(&path),
        Options::from(json!({ "body": r#"{"a":1}"# })),
    ] {
        chain.post(options).unwrap();
    }
    for request in server.requests() {
        assert_eq!(request.body, br#"{"a":1}"#);
        request.authorization(keys::merchant());
    }
    for (options, text) in [
        (
            Options::new().body_reader(std::io::repeat(b' ')),
            "longer than",
        ),
        (Options::new().body_file(scratch.file("none")), "none"),
        (
            Options::new().body("").media(Media::from_bytes("a", "")),
            "exclude each other",
        ),
        (
            Options::new().json(1).media(Media::from_bytes("a", "")),
            "exclude each other",
        ),
        (
            Options::new()
                .media(Media::from_bytes("a", ""))
                .header("Content-Type", "text/plain"),
            "not multipart/form-data",
        ),
    ] {
        let err = chain.post(options).unwrap_err();
        assert!(err.is_request() && err.to_string().contains(text), "{err}");
    }
    let err = chain
        .patch(Options::new().media(Media::from_bytes("a", "")))
        .unwrap_err();
    assert!(
        err.to_string()
            .contains("option `media` requires POST or PUT, found PATCH"),
        "{err}"
    );
    assert_eq!(server.requests().len(), 5);
}

#[test]
fn repeated_upload_starts_from_the_beginning() {
    let server = Server::start(|request| match request.number {
        0 => MockResponse::signed(429, r#"{"code":"FREQUENCY_LIMITED","message":"slow"}"#),
        _ => MockResponse::signed(200, "{}"),
    });
    let scratch = Scratch::new();
    let media = Media::from_file(scratch.written("a.bmp", content())).unwrap();
    let client = keys::builder()
        .base_uri(server.url())
        .retry(wechatpay_chain::RetryPolicy::default().repeat_rate_limited_writes(true))
        .build()
        .unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let options = Options::new().media(media);
    runtime
        .block_on(client.chain("v3/a").post_async(options))
        .unwrap();
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].body, requests[1].body);
    assert_ne!(
        requests[0].header("authorization"),
        requests[1].header("authorization")
    );
}
