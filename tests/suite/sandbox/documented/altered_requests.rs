//! Requests in which one byte is not the one that was signed.

use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use ring::{
    rand::SystemRandom,
    signature::{RSA_PKCS1_SHA256, RsaKeyPair},
};
use serde_json::{Value, json};
use wechatpay_chain::sandbox::Sandbox;

use crate::sandbox::openssl_client::now;

const CHANGES: usize = 2_000;

/// The parts of a request that its signature covers, and the signature.
#[derive(Clone)]
struct Signed {
    method: Vec<u8>,
    path: Vec<u8>,
    query: Vec<u8>,
    body: Vec<u8>,
    nonce: Vec<u8>,
    timestamp: Vec<u8>,
    signature: Vec<u8>,
}

impl Signed {
    fn part(&mut self, index: usize) -> (&'static str, &mut Vec<u8>) {
        match index {
            0 => ("method", &mut self.method),
            1 => ("path", &mut self.path),
            2 => ("query", &mut self.query),
            3 => ("body", &mut self.body),
            4 => ("nonce", &mut self.nonce),
            5 => ("timestamp", &mut self.timestamp),
            _ => ("signature", &mut self.signature),
        }
    }
}

struct Signer {
    sandbox: Sandbox,
    key: RsaKeyPair,
}

impl Signer {
    fn new() -> Self {
        let sandbox = Sandbox::start().unwrap();
        let pem = sandbox.private_key_pem().unwrap();
        let base64: String = pem
            .lines()
            .filter(|line| !line.starts_with("---"))
            .collect();
        let key = RsaKeyPair::from_pkcs8(&STANDARD.decode(base64).unwrap()).unwrap();
        Self { sandbox, key }
    }

    /// Returns a valid prepayment with this number.
    fn prepayment(&self, out_trade_no: &str) -> Signed {
        let body = json!({
            "appid": self.sandbox.appid(),
            "mchid": self.sandbox.mchid(),
            "description": "茶",
            "out_trade_no": out_trade_no,
            "notify_url": "https://example.com/notify",
            "amount": { "total": 100 },
        });
        let path = "/v3/pay/transactions/native";
        let (query, nonce, timestamp) = ("shop=12&till=3", format!("N{out_trade_no}"), now());
        let message = format!("POST\n{path}?{query}\n{timestamp}\n{nonce}\n{body}\n");
        let mut signature = vec![0; self.key.public().modulus_len()];
        let (padding, random) = (&RSA_PKCS1_SHA256, SystemRandom::new());
        self.key
            .sign(padding, &random, message.as_bytes(), &mut signature)
            .unwrap();
        Signed {
            method: b"POST".to_vec(),
            path: path.into(),
            query: query.into(),
            body: body.to_string().into_bytes(),
            nonce: nonce.into_bytes(),
            timestamp: timestamp.to_string().into_bytes(),
            signature: STANDARD.encode(signature).into_bytes(),
        }
    }

    /// Returns the status and the error code. Status 0: the connection was closed without a response.
    fn send(&self, request: &Signed) -> (u16, String) {
        let uri = self.sandbox.base_uri();
        let host = uri.trim_start_matches("http://").trim_end_matches('/');
        let authorization = [
            b"Authorization: WECHATPAY2-SHA256-RSA2048 mchid=\"",
            self.sandbox.mchid().as_bytes(),
            b"\",serial_no=\"",
            self.sandbox.serial().as_bytes(),
            b"\",nonce_str=\"",
            &request.nonce,
            b"\",timestamp=\"",
            &request.timestamp,
            b"\",signature=\"",
            &request.signature,
            b"\"\r\n",
        ]
        .concat();
        let head = format!(
            "Host: {host}\r\nAccept: */*\r\nUser-Agent: x\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n",
            request.body.len()
        );
        let bytes = [
            &request.method,
            b" ".as_slice(),
            &request.path,
            b"?",
            &request.query,
            b" HTTP/1.1\r\n",
            head.as_bytes(),
            &authorization,
            b"\r\n",
            &request.body,
        ]
        .concat();
        let mut stream = TcpStream::connect(host).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        // Fails if the server refuses before it has read everything, which is fine.
        let _ = stream.write_all(&bytes);
        let mut response = Vec::new();
        // A reset is fine too; a sandbox that says nothing is not.
        if let Err(err) = stream.read_to_end(&mut response) {
            let hangs = matches!(err.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
            assert!(!hangs, "no response: {err}");
        }
        let response = String::from_utf8_lossy(&response);
        let (head, body) = response.split_once("\r\n\r\n").unwrap_or_default();
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        let body: Value = serde_json::from_str(body).unwrap_or_default();
        let code = body["code"].as_str().unwrap_or_default().to_owned();
        (status.unwrap_or_default(), code)
    }
}

/// SplitMix64, so that a failure can be repeated.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }
}

#[test]
fn one_changed_byte_is_refused() {
    let signer = Signer::new();
    let mut numbers = Numbers(20_260_101);
    let mut sign_errors = 0;
    for count in 0..CHANGES {
        let number = format!("altered-{count:06}");
        let valid = signer.prepayment(&number);
        let mut altered = valid.clone();
        let (part, bytes) = altered.part(count % 7);
        let at = numbers.below(bytes.len());
        // Any other byte, printable or not.
        let was = bytes[at];
        bytes[at] = was.wrapping_add(1 + numbers.below(255) as u8);
        let change = format!("{part}[{at}]: {was:#04x} to {:#04x}", bytes[at]);

        let (status, code) = signer.send(&altered);
        // 0 and a 400 without a code: it is not HTTP.
        let is_refused = (status, code.as_str()) == (401, "SIGN_ERROR")
            || code.is_empty() && (status == 0 || status == 400);
        assert!(is_refused, "{change}: {status} {code}");
        sign_errors += usize::from(status == 401);
        assert_eq!(signer.sandbox.order_state(&number), None, "{change}");
        // The refused request has not used up the nonce, and the request was valid but for the change.
        if count % 100 == 0 {
            assert_eq!(signer.send(&valid).0, 200, "{change}");
            assert_eq!(
                signer.sandbox.order_state(&number).as_deref(),
                Some("NOTPAY")
            );
        }
    }
    // Most of them reach the check of the signature.
    assert!(sign_errors > CHANGES / 2, "only {sign_errors}");
}
