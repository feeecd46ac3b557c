//! The request signature, verified by openssl, by the npm package `wechatpay-axios-plugin`, and by a
//! server over the received bytes.

use std::{fs, process::Command};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use rsa::pkcs8::{EncodePublicKey as _, LineEnding};
use serde_json::{Value, json};
use wechatpay_chain::{Chain, Client, Method, PreparedRequest};

use super::recorded;
use crate::fixtures::{
    keys, material,
    mode::BOTH,
    npm,
    scratch::Scratch,
    server::{Request, Server},
};

/// A request that is hard to sign: it has a query, non-ASCII characters and a body.
fn prepared() -> PreparedRequest {
    let client = keys::builder().build().expect("a client");
    client
        .chain("v3/pay/{id}/query{?name,list*}")
        .prepare(
            Method::POST,
            json!({
                "id": "a b/粤",
                "name": "100% & more",
                "list": ["x", "y"],
                "json": { "description": "腾讯充值中心-QQ会员充值 \"quoted\" \\ \u{1F600}", "amount": { "total": 1 } },
            }),
        )
        .expect("a request")
}

fn field(request: &PreparedRequest, name: &str) -> String {
    let header = request.headers()["authorization"].to_str().expect("text");
    let (_, rest) = header.split_once(&format!("{name}=\"")).expect("the field");
    rest.split('"').next().unwrap_or_default().to_owned()
}

fn target(request: &PreparedRequest) -> &str {
    request
        .url()
        .strip_prefix("https://api.mch.weixin.qq.com")
        .expect("the host")
}

fn public_pem() -> String {
    let public = keys::merchant().rsa.to_public_key();
    public.to_public_key_pem(LineEnding::LF).expect("PEM")
}

#[test]
fn openssl_verifies_the_signature() {
    if !material::has_program("openssl") {
        return;
    }
    let request = prepared();
    let scratch = Scratch::new();
    let mut message = format!(
        "POST\n{}\n{}\n{}\n",
        target(&request),
        field(&request, "timestamp"),
        field(&request, "nonce_str")
    )
    .into_bytes();
    message.extend_from_slice(request.body());
    message.push(b'\n');
    let signature = BASE64_STANDARD
        .decode(field(&request, "signature"))
        .expect("base64");
    let verify = |message: &[u8]| {
        let output = Command::new("openssl")
            .args(["dgst", "-sha256", "-verify"])
            .arg(scratch.written("public.pem", public_pem()))
            .arg("-signature")
            .arg(scratch.written("signature", &signature))
            .arg(scratch.written("message", message))
            .output()
            .expect("openssl runs");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    assert_eq!(verify(&message), "Verified OK");
    message[0] ^= 1;
    assert_eq!(verify(&message), "Verification failure");
}

/// Parses the Authorization header as a server would, and verifies it with the package's formatter and
/// RSA.
const SCRIPT: &str = r"
const { Formatter, Rsa } = require('wechatpay-axios-plugin');
const { readFileSync } = require('fs');
const { method, target, authorization, body, key } = JSON.parse(readFileSync(0));
const parts = /^WECHATPAY2-SHA256-RSA2048 mchid=\x22(\d+)\x22,serial_no=\x22(\w+)\x22,timestamp=\x22(\d+)\x22,nonce_str=\x22(\w+)\x22,signature=\x22([^\x22]+)\x22$/.exec(authorization);
const [, mchid, serial, timestamp, nonce, signature] = parts;
const same = Formatter.authorization(mchid, nonce, signature, timestamp, serial) === authorization;
const check = (text) => Rsa.verify(Formatter.request(method, target, timestamp, nonce, text), signature, Rsa.from(key, 'public'));
console.log(JSON.stringify({ same, good: check(body), altered: check(body + ' ') }));
";

#[test]
fn npm_package_verifies_the_signature() {
    let Some(modules) = npm::installed("wechatpay-axios-plugin@0.9.6") else {
        return;
    };
    let request = prepared();
    let input = json!({
        "method": request.method().as_str(),
        "target": target(&request),
        "authorization": request.headers()["authorization"].to_str().expect("text"),
        "body": std::str::from_utf8(request.body()).expect("text"),
        "key": public_pem(),
    });
    let scratch = Scratch::new();
    let input = scratch.written("input.json", input.to_string());
    let output = Command::new("node")
        .args(["-e", SCRIPT])
        .env("NODE_PATH", modules)
        .stdin(fs::File::open(input).expect("a file"))
        .output()
        .expect("node runs");
    let stdout = String::from_utf8_lossy(&output.stdout);
    let verdict: Value = serde_json::from_str(&stdout)
        .unwrap_or_else(|_| panic!("{stdout}{}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(
        verdict,
        json!({ "same": true, "good": true, "altered": false })
    );
}

/// An operation in its three forms.
struct Operation {
    name: String,
    method: Method,
    options: Value,
    forms: Vec<(&'static str, Chain)>,
}

/// Operations that need no file of test vectors.
fn built_in(client: &Client) -> Vec<Operation> {
    let operation = |method: Method, path: &'static str, options: Value| Operation {
        name: path.to_owned(),
        method,
        options,
        forms: vec![
            (
                "seg",
                path.split('/')
                    .skip(1)
                    .fold(client.seg("v3"), |chain, piece| chain.seg(piece)),
            ),
            ("chain", client.chain(path)),
            ("index", client[path].clone()),
        ],
    };
    vec![
        operation(
            Method::POST,
            "v3/payscore/serviceorder/{out_order_no}/sync",
            json!({
                "out_order_no": "1234323JKHDFE1243252",
                "json": { "appid": "wxd678efh567hg6787", "service_id": "500001",
                          "type": "Order_Paid", "detail": { "paid_time": "20091225091210" } },
            }),
        ),
        operation(
            Method::GET,
            "v3/pay/transactions/out-trade-no/{out_trade_no}",
            json!({ "out_trade_no": "a b+c/粤", "query": { "mchid": keys::MCHID, "list": [1, true, null] } }),
        ),
        operation(Method::DELETE, "v3/x/{id}", json!({ "id": 7 })),
        operation(Method::PUT, "v3/x/{id}", json!({ "id": 7, "json": [] })),
        operation(
            Method::PATCH,
            "v3/x/{id}",
            json!({ "id": 7, "body": "{ \"sent\": \"verbatim\" }" }),
        ),
    ]
}

/// Every twentieth documented APIv3 operation.
fn documented(client: &Client) -> Vec<Operation> {
    let lines = material::lines("tests/vectors/requests.jsonl").unwrap_or_default();
    let lines = lines.iter().filter(|line| {
        let op = line["op"].as_str().unwrap_or_default();
        let path = line["path"].as_str().unwrap_or_default();
        path.starts_with("v3/")
            && line["options"].get("base_uri").is_none()
            && !recorded::STRAY.iter().any(|(stray, _)| *stray == op)
    });
    lines
        .step_by(20)
        .map(|line| Operation {
            name: line["op"].as_str().unwrap_or_default().to_owned(),
            method: line["verb"]
                .as_str()
                .unwrap_or_default()
                .parse()
                .expect("a verb"),
            options: Value::Object(recorded::options(line)),
            forms: recorded::forms(client, line).into(),
        })
        .collect()
}

fn compare(sent: &Request, prepared: &PreparedRequest, server: &Server) {
    assert_eq!(sent.method, prepared.method().as_str());
    let url = format!("{}{}", server.url().trim_end_matches('/'), sent.target);
    assert_eq!(url, prepared.url());
    assert_eq!(sent.body, prepared.body());
    for (name, value) in prepared.headers() {
        if name != "authorization" {
            let value = value.to_str().expect("text");
            assert!(
                sent.all(name.as_str()).contains(&value),
                "{name}: {value}: {sent:?}"
            );
        }
    }
    let fields = sent.authorization(keys::merchant());
    assert_eq!(
        (fields["mchid"].as_str(), fields["serial_no"].as_str()),
        (keys::MCHID, keys::SERIAL)
    );
}

#[test]
fn received_request_equals_the_prepared_one() {
    let server = Server::always_ok();
    let client = server.client();
    let mut operations = built_in(&client);
    operations.extend(documented(&client));
    let mut sent = 0;
    for operation in &operations {
        for (form, chain) in &operation.forms {
            let prepared = chain
                .prepare(operation.method.clone(), &operation.options)
                .unwrap_or_else(|err| panic!("{} {form}: {err}", operation.name));
            for mode in BOTH {
                mode.send(chain, &operation.method, &operation.options)
                    .unwrap_or_else(|err| panic!("{} {form} {mode:?}: {err}", operation.name));
                let arrived = server.requests();
                sent += 1;
                assert_eq!(arrived.len(), sent);
                compare(&arrived[sent - 1], &prepared, &server);
            }
        }
    }
    println!(
        "{} operations, {sent} requests sent and verified",
        operations.len()
    );
}

#[test]
fn documented_headers_are_sent_and_can_be_replaced() {
    let server = Server::always_ok();
    let client = server.client();
    client.chain("v3/x").get(()).unwrap();
    client
        .chain("v3/x")
        .post(json!({ "json": { "b": 1, "a": [] } }))
        .unwrap();
    client
        .chain("v3/x")
        .post(json!({ "json": {}, "headers": {
            "Accept": "text/plain",
            "User-Agent": "shop/1",
            "Content-Type": "application/json; charset=utf-8",
            "Wechatpay-Serial": "PUB_KEY_ID_OTHER",
            "Idempotency-Key": "k-1",
            "X-Two": ["1", "2"],
        }}))
        .unwrap();
    let [get, post, replaced] = &server.requests()[..] else {
        panic!("not three requests");
    };
    const ACCEPTED: &str = "application/json, text/plain, application/x-gzip, application/pdf, image/png, image/*;q=0.5";
    assert_eq!(get.header("accept"), Some(ACCEPTED));
    assert!(
        get.header("user-agent")
            .unwrap()
            .starts_with("wechatpay-chain/")
    );
    assert_eq!(get.header("wechatpay-serial"), Some(keys::PLATFORM_ID));
    assert_eq!(get.header("content-type"), None);
    assert_eq!(get.header("content-length"), None);
    assert_eq!(get.header("accept-encoding"), None);
    assert_eq!(
        get.header("host").unwrap(),
        format!("127.0.0.1:{}", server.port())
    );

    assert_eq!(post.header("content-type"), Some("application/json"));
    assert_eq!(post.body, br#"{"b":1,"a":[]}"#);
    assert_eq!(post.header("wechatpay-serial"), Some(keys::PLATFORM_ID));

    assert_eq!(replaced.header("accept"), Some("text/plain"));
    assert_eq!(replaced.header("user-agent"), Some("shop/1"));
    assert_eq!(
        replaced.header("content-type"),
        Some("application/json; charset=utf-8")
    );
    assert_eq!(
        replaced.header("wechatpay-serial"),
        Some("PUB_KEY_ID_OTHER")
    );
    assert_eq!(replaced.header("idempotency-key"), Some("k-1"));
    assert_eq!(replaced.all("x-two"), ["1", "2"]);
    for request in [get, post, replaced] {
        let fields = request.authorization(keys::merchant());
        assert_eq!(fields["mchid"], keys::MCHID);
        assert_eq!(fields["serial_no"], keys::SERIAL);
    }
}
