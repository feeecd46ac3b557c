//! Compares the sandbox's requests per second with their floor: to verify one RSA signature and to make one.
//! Run it with `cargo bench --bench sandbox --features sandbox`.
//!
//! The requests are signed before the clock starts and go over one connection, so that the figure is the
//! sandbox's and not the client's.

use std::{
    env,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::{
    rand::SystemRandom,
    signature::{
        KeyPair, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey,
    },
};
use serde_json::{Value, json};
use wechatpay_chain::sandbox::Sandbox;

fn main() {
    let quick = !env::args().any(|argument| argument == "--bench");
    let (rounds, requests) = if quick { (1, 4) } else { (9, 1_000) };
    let client = Client::start();
    println!("requests per second (medians of {rounds} rounds of {requests} requests)");
    let floor = median(rounds, |_| client.floor(requests));
    println!("{:<36}{floor:>9.0}", "verify and sign alone");
    for (name, request) in [
        (
            "an order, with states",
            Client::prepayment as fn(&Client, &str) -> Vec<u8>,
        ),
        ("an application, filled in", Client::application),
    ] {
        // The first request looks up the routes and the tables.
        client.send(&[request(&client, "warm-up")]);
        let rate = median(rounds, |round| {
            let signed = (0..requests).map(|at| request(&client, &format!("bench-{round}-{at}")));
            let signed: Vec<_> = signed.collect();
            client.send(&signed)
        });
        println!("{name:<36}{rate:>9.0}  {:.2} of it", rate / floor);
    }
}

fn median(rounds: usize, mut rate: impl FnMut(usize) -> f64) -> f64 {
    let mut rates: Vec<f64> = (0..rounds).map(&mut rate).collect();
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

/// A sandbox, and its merchant's key.
struct Client {
    sandbox: Sandbox,
    key: RsaKeyPair,
}

impl Client {
    fn start() -> Self {
        let sandbox = Sandbox::start().expect("a sandbox");
        let pem = sandbox.private_key_pem().expect("a key");
        let base64: String = pem
            .lines()
            .filter(|line| !line.starts_with("---"))
            .collect();
        let der = STANDARD.decode(base64).expect("PEM");
        let key = RsaKeyPair::from_pkcs8(&der).expect("PKCS#8");
        Self { sandbox, key }
    }

    fn prepayment(&self, number: &str) -> Vec<u8> {
        let body = json!({
            "appid": self.sandbox.appid(),
            "mchid": self.sandbox.mchid(),
            "description": "A cup of tea",
            "out_trade_no": number,
            "notify_url": "https://example.com/notify",
            "amount": { "total": 100 },
        });
        self.signed("/v3/pay/transactions/native", &body)
    }

    fn application(&self, number: &str) -> Vec<u8> {
        let body = json!({ "out_order_no": number, "openid": "oTea", "service_id": "1" });
        self.signed("/v3/hire-power-bank/insurance-orders", &body)
    }

    /// Returns the bytes of a signed POST.
    fn signed(&self, path: &str, body: &Value) -> Vec<u8> {
        let (body, nonce) = (body.to_string(), nonce());
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let timestamp = since.expect("a time").as_secs();
        let message = format!("POST\n{path}\n{timestamp}\n{nonce}\n{body}\n");
        let signature = STANDARD.encode(self.sign(message.as_bytes()));
        let (mchid, serial) = (self.sandbox.mchid(), self.sandbox.serial());
        format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nAccept: */*\r\nUser-Agent: bench\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\
             Authorization: WECHATPAY2-SHA256-RSA2048 mchid=\"{mchid}\",serial_no=\"{serial}\",\
             nonce_str=\"{nonce}\",timestamp=\"{timestamp}\",signature=\"{signature}\"\r\n\r\n{body}",
            host(&self.sandbox),
            body.len(),
        )
        .into_bytes()
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let mut signature = vec![0; self.key.public().modulus_len()];
        let random = SystemRandom::new();
        let signed = self
            .key
            .sign(&RSA_PKCS1_SHA256, &random, message, &mut signature);
        signed.expect("a signature");
        signature
    }

    /// Verifies and signs so often, and returns the rate.
    fn floor(&self, count: usize) -> f64 {
        let message = [b'a'; 300];
        let signature = self.sign(&message);
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, self.key.public_key());
        let start = Instant::now();
        for _ in 0..count {
            key.verify(&message, &signature).expect("valid");
            self.sign(&message);
        }
        count as f64 / start.elapsed().as_secs_f64()
    }

    /// Sends the requests one after the other, and returns the rate.
    // A connection for each round: an idle one is closed while the next requests are signed.
    fn send(&self, requests: &[Vec<u8>]) -> f64 {
        let stream = TcpStream::connect(host(&self.sandbox)).expect("a connection");
        stream.set_nodelay(true).expect("no delay");
        let mut connection = BufReader::new(stream);
        let start = Instant::now();
        for request in requests {
            connection.get_mut().write_all(request).expect("sent");
            receive(&mut connection);
        }
        requests.len() as f64 / start.elapsed().as_secs_f64()
    }
}

/// Reads a response, which must be a success.
fn receive(connection: &mut BufReader<TcpStream>) {
    let (mut status, mut length) = (String::new(), 0);
    connection.read_line(&mut status).expect("a status");
    loop {
        let mut line = String::new();
        connection.read_line(&mut line).expect("a header");
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().expect("a length");
        }
    }
    let mut body = vec![0; length];
    connection.read_exact(&mut body).expect("a body");
    let body = String::from_utf8_lossy(&body);
    assert!(status.starts_with("HTTP/1.1 200"), "{status}{body}");
}

fn host(sandbox: &Sandbox) -> String {
    let uri = sandbox.base_uri();
    uri.trim_start_matches("http://")
        .trim_end_matches('/')
        .to_owned()
}

fn nonce() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("random bytes");
    STANDARD.encode(bytes).replace(['+', '/', '='], "x")
}
