//! The sandbox on the wire: requests written by hand, signed and verified by openssl's command line.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    process::{Command, Stdio},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant, SystemTime},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use wechatpay_chain::sandbox::{Fault, Sandbox};

use super::{material, scratch::Scratch};

/// The sandbox with its keys in files, for openssl.
struct Wire {
    sandbox: Sandbox,
    scratch: Scratch,
}

/// A request, right unless a test bends it.
#[derive(Clone)]
struct Plea {
    method: &'static str,
    target: String,
    scheme: &'static str,
    mchid: String,
    serial: String,
    timestamp: i64,
    nonce: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    signed_body: Option<Vec<u8>>,
    authorization: Option<String>,
}

struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Wire {
    /// `None` where there is no openssl.
    fn start() -> Option<Self> {
        if !material::has_program("openssl") {
            return None;
        }
        let sandbox = Sandbox::start().unwrap();
        let scratch = Scratch::new();
        scratch.written("merchant.pem", sandbox.private_key_pem().unwrap());
        scratch.written("platform.pem", sandbox.platform_public_key_pem());
        Some(Self { sandbox, scratch })
    }

    fn plea(&self, method: &'static str, target: &str, body: impl Into<Vec<u8>>) -> Plea {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Plea {
            method,
            target: target.to_owned(),
            scheme: "WECHATPAY2-SHA256-RSA2048",
            mchid: self.sandbox.mchid().to_owned(),
            serial: self.sandbox.serial().to_owned(),
            timestamp: now(),
            nonce: format!("NONCE{count:027}"),
            headers: vec![
                ("Host", self.address().to_owned()),
                ("Accept", "application/json".to_owned()),
                ("User-Agent", "by hand".to_owned()),
                ("Content-Type", "application/json".to_owned()),
            ],
            body: body.into(),
            signed_body: None,
            authorization: None,
        }
    }

    fn post(&self, target: &str, body: &Value) -> Plea {
        self.plea("POST", target, body.to_string())
    }

    fn send(&self, plea: &Plea) -> Reply {
        self.try_send(plea).unwrap()
    }

    /// `None`: the connection was closed before the answer was whole.
    fn try_send(&self, plea: &Plea) -> Option<Reply> {
        let authorization = plea.authorization.clone().unwrap_or_else(|| {
            let head = format!(
                "{}\n{}\n{}\n{}\n",
                plea.method, plea.target, plea.timestamp, plea.nonce
            );
            let body = plea.signed_body.as_ref().unwrap_or(&plea.body);
            let message = [head.as_bytes(), body, b"\n"].concat();
            let signature = STANDARD.encode(self.openssl_sign(&message));
            format!(
                "{} mchid=\"{}\",nonce_str=\"{}\",signature=\"{signature}\",timestamp=\"{}\",serial_no=\"{}\"",
                plea.scheme, plea.mchid, plea.nonce, plea.timestamp, plea.serial
            )
        });
        let mut request = format!("{} {} HTTP/1.1\r\n", plea.method, plea.target);
        for (name, value) in &plea.headers {
            request += &format!("{name}: {value}\r\n");
        }
        request += &format!(
            "Authorization: {authorization}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            plea.body.len()
        );
        let mut stream = TcpStream::connect(self.address()).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        // The server may refuse before it has read all of it.
        let _ = stream.write_all(&plea.body);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        Reply::read(&answer)
    }

    fn address(&self) -> &str {
        let uri = self.sandbox.base_uri();
        Box::leak(uri.into_boxed_str())
            .trim_start_matches("http://")
            .trim_end_matches('/')
    }

    fn openssl_sign(&self, message: &[u8]) -> Vec<u8> {
        let key = self.scratch.file("merchant.pem");
        openssl(
            &["dgst", "-sha256", "-sign", key.to_str().unwrap()],
            message,
        )
    }

    /// Whether openssl finds the answer signed by the platform.
    fn verifies(&self, reply: &Reply) -> bool {
        let header = |name| reply.header(name).unwrap_or_default();
        let (timestamp, nonce) = (header("wechatpay-timestamp"), header("wechatpay-nonce"));
        let Ok(signature) = STANDARD.decode(header("wechatpay-signature")) else {
            return false;
        };
        let file = self.scratch.file(&format!("{nonce}.signature"));
        fs::write(&file, signature).unwrap();
        let key = self.scratch.file("platform.pem");
        let message = [
            format!("{timestamp}\n{nonce}\n").as_bytes(),
            &reply.body,
            b"\n",
        ]
        .concat();
        let said = openssl(
            &[
                "dgst",
                "-sha256",
                "-verify",
                key.to_str().unwrap(),
                "-signature",
                file.to_str().unwrap(),
            ],
            &message,
        );
        fs::remove_file(&file).unwrap();
        said.starts_with(b"Verified OK")
    }
}

impl Reply {
    fn read(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&bytes[..end]).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let headers: Vec<(String, String)> = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let reply = Self {
            status,
            headers,
            body: bytes[end + 4..].to_vec(),
        };
        let length = reply.header("content-length");
        let whole = length.is_none_or(|length| length == reply.body.len().to_string());
        whole.then_some(reply)
    }

    fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(header, _)| header == name)
            .map(|(_, value)| value.as_str())
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }
}

fn openssl(args: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new("openssl")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // openssl reads nothing where a file that it is given is no good, such as an empty signature.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap().stdout
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap().as_secs().try_into().unwrap()
}

fn native(wire: &Wire, number: &str) -> Value {
    json!({
        "appid": wire.sandbox.appid(),
        "mchid": wire.sandbox.mchid(),
        "description": "茶",
        "out_trade_no": number,
        "notify_url": "https://example.com/notify",
        "amount": { "total": 100 },
    })
}

const NATIVE: &str = "/v3/pay/transactions/native";

#[test]
fn openssl_signs_and_verifies() {
    let Some(wire) = Wire::start() else {
        return;
    };
    let mchid = wire.sandbox.mchid();
    let prepaid = wire.send(&wire.post(NATIVE, &native(&wire, "wire-0001")));
    assert_eq!(prepaid.status, 200, "{}", prepaid.json());
    assert!(wire.verifies(&prepaid));
    let header = |name| prepaid.header(name);
    assert_eq!(
        header("wechatpay-serial"),
        Some(wire.sandbox.platform_key_id())
    );
    assert_eq!(
        header("wechatpay-signature-type"),
        Some("WECHATPAY2-SHA256-RSA2048")
    );
    assert_eq!(header("keep-alive"), Some("timeout=8"));
    assert!(header("request-id").is_some());

    // The target is verified as it came, however it is encoded.
    let target = format!("/v3/pay/transactions/out-trade-no/wire%2D0001?mchid={mchid}&x=%7e%20+");
    let queried = wire.send(&wire.plea("GET", &target, ""));
    assert_eq!(queried.json()["trade_state"], "NOTPAY");
    assert!(wire.verifies(&queried));

    let close = "/v3/pay/transactions/out-trade-no/wire-0001/close";
    let closed = wire.send(&wire.post(close, &json!({ "mchid": mchid })));
    assert_eq!((closed.status, closed.body.len()), (204, 0));
    assert!(wire.verifies(&closed));

    let refused = wire.send(&wire.plea("GET", "/v3/no/such?x=1", ""));
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (404, "RESOURCE_NOT_EXISTS")
    );
    assert!(wire.verifies(&refused));
    let refused = wire.send(&wire.plea("GET", NATIVE, ""));
    assert_eq!(
        (refused.status, refused.header("allow")),
        (405, Some("POST"))
    );
    assert!(wire.verifies(&refused));

    let recorded = wire.sandbox.requests();
    assert_eq!(recorded[1].target(), target);
    assert_eq!(recorded[2].status(), Some(StatusCode::NO_CONTENT));
    assert!(recorded[0].headers().contains_key("authorization"));
}

#[test]
fn each_check_has_its_own_answer() {
    let Some(wire) = Wire::start() else {
        return;
    };
    let good = wire.post(NATIVE, &native(&wire, "wire-0002"));
    let bend = |how: &dyn Fn(&mut Plea)| {
        let mut plea = wire.post(NATIVE, &native(&wire, "wire-0002"));
        how(&mut plea);
        plea
    };
    let without = |name: &'static str| bend(&|plea| plea.headers.retain(|(n, _)| *n != name));
    let with = |name: &'static str, value: &str| {
        let mut plea = without(name);
        plea.headers.push((name, value.to_owned()));
        plea
    };
    let body = |body: &[u8]| wire.plea("POST", NATIVE, body);
    let json = |pointer: &str, value: Value| {
        let mut body = native(&wire, "wire-0002");
        *body.pointer_mut(pointer).unwrap() = value;
        wire.post(NATIVE, &body)
    };
    let cases = [
        (
            "no Accept",
            without("Accept"),
            400,
            "INVALID_REQUEST",
            "Accept",
        ),
        (
            "no User-Agent",
            without("User-Agent"),
            400,
            "INVALID_REQUEST",
            "User-Agent",
        ),
        ("no Host", without("Host"), 421, "INVALID_REQUEST", "Host"),
        (
            "foreign Host",
            with("Host", "evil.example"),
            421,
            "INVALID_REQUEST",
            "Host",
        ),
        (
            "no scheme",
            bend(&|plea| plea.authorization = Some("x".to_owned())),
            401,
            "SIGN_ERROR",
            "格式错误",
        ),
        (
            "another scheme",
            bend(&|plea| plea.scheme = "Bearer"),
            401,
            "SIGN_ERROR",
            "认证类型",
        ),
        (
            "a quote in a value",
            bend(&|plea| plea.nonce = "a\"b".to_owned()),
            401,
            "SIGN_ERROR",
            "格式错误",
        ),
        (
            "old",
            bend(&|plea| plea.timestamp -= 310),
            401,
            "SIGN_ERROR",
            "5分钟",
        ),
        (
            "future",
            bend(&|plea| plea.timestamp += 310),
            401,
            "SIGN_ERROR",
            "5分钟",
        ),
        (
            "another merchant",
            bend(&|plea| plea.mchid = "1900000109".to_owned()),
            401,
            "SIGN_ERROR",
            "商户号",
        ),
        (
            "another serial",
            bend(&|plea| plea.serial = "0".repeat(40)),
            401,
            "SIGN_ERROR",
            "序列号",
        ),
        (
            "another body signed",
            bend(&|plea| plea.signed_body = Some(b"{}".to_vec())),
            401,
            "SIGN_ERROR",
            "验签失败",
        ),
        (
            "unknown platform key",
            with("Wechatpay-Serial", "PUB_KEY_ID_X"),
            400,
            "PARAM_ERROR",
            "Wechatpay-Serial",
        ),
        (
            "no Content-Type",
            without("Content-Type"),
            400,
            "PARAM_ERROR",
            "Content-Type",
        ),
        (
            "a form",
            with("Content-Type", "text/plain"),
            400,
            "PARAM_ERROR",
            "Content-Type",
        ),
        ("no body", body(b""), 400, "PARAM_ERROR", "JSON"),
        (
            "half a body",
            body(b"{\"appid\":"),
            400,
            "PARAM_ERROR",
            "JSON",
        ),
        ("a list", body(b"[]"), 400, "PARAM_ERROR", "object"),
        (
            "not UTF-8",
            body(b"{\"a\":\"\xff\"}"),
            400,
            "PARAM_ERROR",
            "UTF-8",
        ),
        (
            "too deep",
            body("[".repeat(100_000).as_bytes()),
            400,
            "PARAM_ERROR",
            "JSON",
        ),
        (
            "null",
            json("/amount", Value::Null),
            400,
            "PARAM_ERROR",
            "null",
        ),
        (
            "emoji",
            json("/description", "\u{1F600}".into()),
            400,
            "PARAM_ERROR",
            "emoji",
        ),
        (
            "another app",
            json("/appid", "wx1".into()),
            400,
            "APPID_MCHID_NOT_MATCH",
            "wx1",
        ),
        (
            "another mchid",
            json("/mchid", "1".into()),
            400,
            "PARAM_ERROR",
            "/mchid",
        ),
        (
            "no mchid in the query",
            wire.plea("GET", "/v3/pay/transactions/out-trade-no/x", ""),
            400,
            "PARAM_ERROR",
            "mchid",
        ),
        (
            "an unknown order",
            wire.plea(
                "GET",
                &format!(
                    "/v3/pay/transactions/out-trade-no/x?mchid={}",
                    wire.sandbox.mchid()
                ),
                "",
            ),
            404,
            "ORDER_NOT_EXIST",
            "订单不存在",
        ),
        (
            "a path that is not UTF-8",
            wire.plea("GET", "/v3/pay/transactions/id/%ff?mchid=1", ""),
            400,
            "PARAM_ERROR",
            "UTF-8",
        ),
        (
            "17 MB",
            body(&vec![b' '; 17 << 20]),
            413,
            "INVALID_REQUEST",
            "过大",
        ),
    ];
    for (name, plea, status, code, part) in cases {
        let reply = wire.send(&plea);
        let message = reply.json()["message"].to_string();
        assert_eq!(
            (reply.status, reply.code().as_str()),
            (status, code),
            "{name}: {message}"
        );
        assert!(message.contains(part), "{name}: {message}");
        // A stranger's request is answered without a signature.
        assert_eq!(wire.verifies(&reply), status != 421, "{name}");
    }

    assert_eq!(wire.send(&good).status, 200);
    let replayed = wire.send(&good);
    assert_eq!(
        (replayed.status, replayed.code().as_str()),
        (401, "SIGN_ERROR")
    );
    assert!(
        replayed.json()["message"]
            .as_str()
            .unwrap()
            .contains("nonce_str")
    );
}

#[test]
fn a_wrong_signature_is_told_what_was_expected() {
    let Some(wire) = Wire::start() else {
        return;
    };
    let mut plea = wire.plea(
        "POST",
        "/v3/pay/transactions/native?a=%41",
        br#"{"appid":"x"}"#,
    );
    plea.signed_body = Some(Vec::new());
    let reply = wire.send(&plea);
    let shown = format!(
        "POST\n{}\n{}\n{}\n{{\"appid\"\n",
        plea.target, plea.timestamp, plea.nonce
    );
    let length = shown.len() - "{\"appid\"".len() + plea.body.len();
    assert_eq!(
        reply.json()["detail"],
        json!({
            "field": "signature",
            "issue": "sign not match",
            "location": "authorization",
            "sign_information": {
                "method": "POST",
                "url": plea.target,
                "truncated_sign_message": shown,
                "sign_message_length": length,
            },
        })
    );
}

#[test]
fn each_fault_is_what_it_says() {
    let Some(wire) = Wire::start() else {
        return;
    };
    let sandbox = &wire.sandbox;
    let target = format!(
        "/v3/pay/transactions/out-trade-no/wire-0003?mchid={}",
        sandbox.mchid()
    );
    let query = || wire.plea("GET", &target, "");
    assert_eq!(
        wire.send(&wire.post(NATIVE, &native(&wire, "wire-0003")))
            .status,
        200
    );
    let spoilt = |fault: Fault| {
        sandbox.inject(fault);
        let reply = wire.send(&query());
        assert_eq!(reply.json()["trade_state"], "NOTPAY");
        assert!(wire.verifies(&wire.send(&query())), "one fault, one answer");
        reply
    };

    assert!(!wire.verifies(&spoilt(Fault::BadSignature)));
    assert!(
        spoilt(Fault::NoSignature)
            .headers
            .iter()
            .all(|(name, _)| !name.starts_with("wechatpay-"))
    );
    let probe = spoilt(Fault::Probe);
    assert!(
        probe
            .header("wechatpay-signature")
            .unwrap()
            .starts_with("WECHATPAY/SIGNTEST/")
    );
    let unknown = spoilt(Fault::UnknownSerial);
    assert_ne!(
        unknown.header("wechatpay-serial"),
        Some(sandbox.platform_key_id())
    );
    let old = spoilt(Fault::Timestamp(-310));
    assert!(wire.verifies(&old));
    let timestamp: i64 = old.header("wechatpay-timestamp").unwrap().parse().unwrap();
    assert!((now() - 310).abs_diff(timestamp) < 60);
    let before = Instant::now();
    spoilt(Fault::Delay(Duration::from_millis(300)));
    assert!(before.elapsed() >= Duration::from_millis(300));

    sandbox.inject(Fault::Error {
        status: StatusCode::TOO_MANY_REQUESTS,
        code: "FREQUENCY_LIMITED".to_owned(),
        message: "频率超限".to_owned(),
        retry_after: Some(7),
    });
    let limited = wire.send(&query());
    assert_eq!(
        (limited.status, limited.header("retry-after")),
        (429, Some("7"))
    );
    assert!(wire.verifies(&limited));
    sandbox.inject(Fault::Raw {
        status: StatusCode::BAD_GATEWAY,
        headers: HeaderMap::new(),
        body: "<html>".into(),
    });
    let html = wire.send(&query());
    assert_eq!(
        (html.status, html.body.as_slice()),
        (502, b"<html>".as_slice())
    );

    sandbox.inject(Fault::Cut(5));
    assert!(wire.try_send(&query()).is_none());
    sandbox.inject(Fault::Flood(3_000_000));
    assert!(wire.send(&query()).body.len() > 3_000_000);

    // What was done although no answer came, and what was not.
    for (fault, number, state) in [
        (Fault::Hangup, "wire-0004", None),
        (Fault::LostAnswer, "wire-0005", Some("NOTPAY")),
    ] {
        sandbox.inject_at(NATIVE, fault);
        assert!(
            wire.try_send(&wire.post(NATIVE, &native(&wire, number)))
                .is_none()
        );
        assert_eq!(sandbox.order_state(number).as_deref(), state);
        assert_eq!(sandbox.requests().last().unwrap().status(), None);
    }
}

#[test]
fn dropping_it_is_prompt_also_with_an_idle_connection() {
    let sandbox = Sandbox::start().unwrap();
    let other = Sandbox::start().unwrap();
    assert_ne!(sandbox.base_uri(), other.base_uri());
    assert_ne!(sandbox.serial(), other.serial());
    let uri = sandbox.base_uri();
    let address = uri.trim_start_matches("http://").trim_end_matches('/');
    let mut idle = TcpStream::connect(address).unwrap();
    idle.write_all(b"POST /v3/x HTTP/1.1\r\n").unwrap();
    drop(sandbox);
    // Closed or reset, and whole: the port itself may be another's by now.
    let _ = idle.read_to_end(&mut Vec::new());
}

#[test]
fn time_moves_for_orders_and_not_for_signatures() {
    let Some(wire) = Wire::start() else {
        return;
    };
    wire.send(&wire.post(NATIVE, &native(&wire, "wire-0006")));
    wire.sandbox.advance(Duration::from_secs(2 * 3600));
    let err = wire.sandbox.user_pays("wire-0006").unwrap_err();
    assert!(err.to_string().contains("2 hours"), "{err}");
    let again = wire.send(&wire.post(NATIVE, &native(&wire, "wire-0006")));
    assert_eq!(again.status, 200);
    let signed: i64 = again
        .header("wechatpay-timestamp")
        .unwrap()
        .parse()
        .unwrap();
    assert!(now().abs_diff(signed) < 60);
    wire.sandbox.user_pays("wire-0006").unwrap();
    assert_eq!(wire.sandbox.order_state("wire-0006").unwrap(), "SUCCESS");
    assert!(wire.sandbox.user_pays("no-such").is_err());
    assert!(wire.sandbox.user_confirms("no-such").is_err());
}
