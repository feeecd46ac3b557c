//! An independent client for the sandbox: raw HTTP, signed and verified by the openssl command line.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    process::{Command, Stdio},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use wechatpay_chain::sandbox::Sandbox;

use crate::fixtures::{material, scratch::Scratch};

/// A sandbox, and a client that writes HTTP byte for byte and leaves the cryptography to openssl.
// Neither shares code with the sandbox, so a mistake in the library cannot cancel itself out.
pub struct OpensslClient {
    pub sandbox: Sandbox,
    scratch: Scratch,
}

/// A valid request, for a test to change.
#[derive(Clone)]
pub struct RawRequest {
    pub method: &'static str,
    pub target: String,
    pub scheme: &'static str,
    pub mchid: String,
    pub serial: String,
    pub timestamp: i64,
    pub nonce: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    /// Signed in place of `body`.
    pub signed_body: Option<Vec<u8>>,
    /// Sent in place of a valid header.
    pub authorization: Option<String>,
}

pub struct RawResponse {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl OpensslClient {
    /// Starts a sandbox. Returns `None` if openssl is not installed.
    pub fn start() -> Option<Self> {
        Self::of(Sandbox::start().unwrap())
    }

    /// Returns the client of a sandbox's first merchant.
    pub fn of(sandbox: Sandbox) -> Option<Self> {
        if !material::has_program("openssl") {
            return None;
        }
        let scratch = Scratch::new();
        scratch.written("merchant.pem", sandbox.private_key_pem().unwrap());
        scratch.written("platform.pem", sandbox.platform_key_pem());
        Some(Self { sandbox, scratch })
    }

    pub fn request(
        &self,
        method: &'static str,
        target: &str,
        body: impl Into<Vec<u8>>,
    ) -> RawRequest {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        RawRequest {
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
                ("User-Agent", "openssl".to_owned()),
                ("Content-Type", "application/json".to_owned()),
            ],
            body: body.into(),
            signed_body: None,
            authorization: None,
        }
    }

    pub fn post(&self, target: &str, body: &Value) -> RawRequest {
        self.request("POST", target, body.to_string())
    }

    pub fn send(&self, request: &RawRequest) -> RawResponse {
        self.try_send(request).unwrap()
    }

    /// Returns `None` if the connection was closed before the response was complete.
    pub fn try_send(&self, request: &RawRequest) -> Option<RawResponse> {
        let authorization = request.authorization.clone().unwrap_or_else(|| {
            let head = format!(
                "{}\n{}\n{}\n{}\n",
                request.method, request.target, request.timestamp, request.nonce
            );
            let body = request.signed_body.as_ref().unwrap_or(&request.body);
            let message = [head.as_bytes(), body, b"\n"].concat();
            let signature = STANDARD.encode(self.openssl_sign(&message));
            format!(
                "{} mchid=\"{}\",nonce_str=\"{}\",signature=\"{signature}\",timestamp=\"{}\",serial_no=\"{}\"",
                request.scheme, request.mchid, request.nonce, request.timestamp, request.serial
            )
        });
        let mut head = format!("{} {} HTTP/1.1\r\n", request.method, request.target);
        for (name, value) in &request.headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += &format!(
            "Authorization: {authorization}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            request.body.len()
        );
        let mut stream = TcpStream::connect(self.address()).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        // Fails if the server refuses before it has read everything, which is fine.
        let _ = stream.write_all(&request.body);
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        RawResponse::parse(&bytes)
    }

    pub fn address(&self) -> &str {
        let uri = self.sandbox.base_uri();
        Box::leak(uri.into_boxed_str())
            .trim_start_matches("http://")
            .trim_end_matches('/')
    }

    /// Returns the file of the merchant's private key.
    pub fn key(&self) -> String {
        let key = self.scratch.file("merchant.pem");
        key.to_str().unwrap().to_owned()
    }

    pub fn openssl_sign(&self, message: &[u8]) -> Vec<u8> {
        openssl(&["dgst", "-sha256", "-sign", &self.key()], message)
    }

    /// Returns whether openssl verifies the response with the platform key.
    pub fn verifies(&self, response: &RawResponse) -> bool {
        let header = |name| response.header(name).unwrap_or_default();
        let (timestamp, nonce) = (header("wechatpay-timestamp"), header("wechatpay-nonce"));
        let Ok(signature) = STANDARD.decode(header("wechatpay-signature")) else {
            return false;
        };
        let file = self.scratch.file(&format!("{nonce}.signature"));
        fs::write(&file, signature).unwrap();
        let key = self.scratch.file("platform.pem");
        let message = [
            format!("{timestamp}\n{nonce}\n").as_bytes(),
            &response.body,
            b"\n",
        ]
        .concat();
        let output = openssl(
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
        output.starts_with(b"Verified OK")
    }
}

impl RawResponse {
    /// Returns `None` if the response is not complete.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&bytes[..end]).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let headers: Vec<(String, String)> = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let response = Self {
            status,
            headers,
            body: bytes[end + 4..].to_vec(),
        };
        let length = response.header("content-length");
        let is_complete = length.is_none_or(|length| length == response.body.len().to_string());
        is_complete.then_some(response)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(header, _)| header == name)
            .map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }
}

pub fn openssl(args: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new("openssl")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // openssl exits without reading its input if a file is invalid, such as an empty signature.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap().stdout
}

/// Returns the real time, in seconds since 1970.
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap().as_secs().try_into().unwrap()
}

/// Returns the body of a Native prepayment.
pub fn prepayment(client: &OpensslClient, out_trade_no: &str) -> Value {
    json!({
        "appid": client.sandbox.appid(),
        "mchid": client.sandbox.mchid(),
        "description": "茶",
        "out_trade_no": out_trade_no,
        "notify_url": "https://example.com/notify",
        "amount": { "total": 100 },
    })
}

pub const NATIVE: &str = "/v3/pay/transactions/native";
