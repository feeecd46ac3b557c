//! A central signing service: it keeps the merchant key, and the programs that call WeChat Pay ask it
//! for signatures over HTTP. Run it with
//!
//! ```text
//! cargo run --example remote_signer --features sandbox
//! ```
//!
//! The service sees what it signs: the first two lines of a message are the method and the path. It can
//! therefore limit each program to what that program is for: the one here may take payments but not
//! close orders. A new key needs a change in the service only, because each signature carries the serial
//! of its key.
//!
//! The service in this example speaks plain HTTP inside one process. A real one uses TLS, authenticates
//! its callers with more than a fixed token, and keeps the key in a KMS or an HSM.
//!
//! In a crate of your own it needs
//!
//! ```toml
//! [dependencies]
//! base64 = "0.23"
//! bytes = "1"
//! http-body-util = "0.1"
//! hyper = { version = "1", features = ["http1", "server"] }
//! hyper-util = { version = "0.1", features = ["client-legacy", "http1", "tokio"] }
//! rsa = { version = "0.10", features = ["encoding", "pkcs1v15"] }
//! tokio = { version = "1", features = ["macros", "net", "rt-multi-thread"] }
//! wechatpay-chain = { version = "0.1", features = ["sandbox"] }
//! ```

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    client::legacy::{Client as HttpClient, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use rsa::{
    pkcs1v15::{Signature as RsaSignature, SigningKey, VerifyingKey},
    pkcs8::{DecodePrivateKey as _, DecodePublicKey as _},
    sha2::Sha256,
    signature::{SignatureEncoding as _, Signer as _, Verifier as _},
};
use tokio::net::TcpListener;
use wechatpay_chain::{
    Client, PublicKey, Signature, Signer, Value, Verifier,
    http::{Method, Request, Response, StatusCode, header::AUTHORIZATION},
    json,
    sandbox::Sandbox,
};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Authenticates the programs to the service.
const TOKEN: &str = "Bearer the-shop-at-the-corner";
/// The longest message that is signed or verified: the cap on a response.
const MAX_MESSAGE: usize = 10 * 1024 * 1024;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let sandbox = Sandbox::start()?;
    let service = Arc::new(Service::new(&sandbox)?);
    let address = serve(Arc::clone(&service)).await?;
    println!("sandbox         {}", sandbox.base_uri());
    println!("signing service http://{address}/\n");

    // This program has no private key.
    let remote = Remote::new(address, &sandbox);
    let client = Client::builder()
        .mchid(sandbox.mchid())
        .signer(remote.clone())
        .verifier(remote)
        .base_uri(sandbox.base_uri())
        .no_proxy()
        .build()?;

    println!("call                         in        outcome");
    let order = json!({ "json": {
        "appid": sandbox.appid(),
        "mchid": sandbox.mchid(),
        "description": "A cup of tea",
        "out_trade_no": "tea-0001",
        "notify_url": "https://example.com/notify",
        "amount": { "total": 100, "currency": "CNY" }, // fen
    }});
    let response = client
        .chain("v3/pay/transactions/native")
        .post_async(&order)
        .await?;
    let code: Value = response.json()?;
    println!(
        "POST native                  async     {}",
        code["code_url"]
    );

    sandbox.user_pays("tea-0001")?;
    let query = json!({ "no": "tea-0001", "query": { "mchid": sandbox.mchid() } });
    let chain = client.chain("v3/pay/transactions/out-trade-no/{no}");
    let blocking = chain.clone();
    // Blocking verbs work too, here on a thread for blocking work.
    let response = tokio::task::spawn_blocking(move || blocking.get(query)).await??;
    let state: Value = response.json()?;
    println!(
        "GET  out-trade-no/{{no}}       blocking  {}",
        state["trade_state"]
    );

    let close = json!({ "no": "tea-0001", "json": { "mchid": sandbox.mchid() } });
    let err = chain.seg("close").post_async(close).await.unwrap_err();
    let cause = std::error::Error::source(&err).map(ToString::to_string);
    println!(
        "POST out-trade-no/{{no}}/close async     {:?}: {}",
        err.outcome(),
        cause.unwrap_or_default()
    );

    println!(
        "\nthe service signed {} requests and verified {} responses",
        service.signed(),
        service.verified()
    );
    Ok(())
}

/// The program's side: asks the service.
#[derive(Clone)]
struct Remote {
    service: SocketAddr,
    http: HttpClient<HttpConnector, Full<Bytes>>,
    /// Not a secret: its ID is sent in `Wechatpay-Serial`, and the key encrypts sensitive fields.
    platform: (String, PublicKey),
}

impl Remote {
    fn new(service: SocketAddr, sandbox: &Sandbox) -> Self {
        Self {
            service,
            http: HttpClient::builder(TokioExecutor::new()).build_http(),
            platform: (sandbox.platform_key_id().to_owned(), sandbox.platform_key()),
        }
    }

    async fn ask(&self, what: &str, question: Value) -> Result<Value, BoxError> {
        let request = Request::post(format!("http://{}/{what}", self.service))
            .header(AUTHORIZATION, TOKEN)
            .body(Full::from(question.to_string()))?;
        let response = self.http.request(request).await?;
        let status = response.status();
        let body = Limited::new(response.into_body(), 64 * 1024)
            .collect()
            .await?
            .to_bytes();
        if status != StatusCode::OK {
            let text = String::from_utf8_lossy(&body);
            return Err(format!("the signing service refused: {text}").into());
        }
        Ok(serde_json::from_slice(&body)?)
    }
}

impl Signer for Remote {
    type Error = BoxError;

    async fn sign(&self, message: &[u8]) -> Result<Signature, BoxError> {
        let response = self
            .ask("sign", json!({ "message": STANDARD.encode(message) }))
            .await?;
        let text = |key: &str| {
            response[key]
                .as_str()
                .ok_or(format!("the service's response has no {key}"))
        };
        // The serial of the key that made it, which may have changed by the next call.
        Ok(Signature::new(
            text("serial")?,
            STANDARD.decode(text("signature")?)?,
        ))
    }
}

impl Verifier for Remote {
    type Error = BoxError;

    async fn verify(
        &self,
        serial: &str,
        message: &[u8],
        signature: &[u8],
    ) -> Result<bool, BoxError> {
        let question = json!({
            "serial": serial,
            "message": STANDARD.encode(message),
            "signature": STANDARD.encode(signature),
        });
        Ok(self.ask("verify", question).await? == true)
    }

    fn preferred_serial(&self) -> Option<String> {
        Some(self.platform.0.clone())
    }

    fn encryption_key(&self, serial: Option<&str>) -> Option<(String, PublicKey)> {
        let (id, key) = &self.platform;
        serial
            .is_none_or(|serial| serial == id)
            .then(|| (id.clone(), key.clone()))
    }
}

/// The service: has the keys, and decides what is signed.
struct Service {
    serial: String,
    key: SigningKey<Sha256>,
    platform: BTreeMap<String, VerifyingKey<Sha256>>,
    signed: AtomicU32,
    verified: AtomicU32,
}

impl Service {
    fn new(sandbox: &Sandbox) -> Result<Self, BoxError> {
        let key = rsa::PrivateKey::from_pkcs8_pem(&sandbox.private_key_pem()?)?;
        let platform = rsa::PublicKey::from_public_key_pem(&sandbox.platform_public_key_pem())?;
        let platform = (
            sandbox.platform_key_id().to_owned(),
            VerifyingKey::new(platform),
        );
        Ok(Self {
            serial: sandbox.serial().to_owned(),
            key: SigningKey::new(key),
            platform: BTreeMap::from([platform]),
            signed: AtomicU32::new(0),
            verified: AtomicU32::new(0),
        })
    }

    fn signed(&self) -> u32 {
        self.signed.load(Ordering::Relaxed)
    }

    fn verified(&self) -> u32 {
        self.verified.load(Ordering::Relaxed)
    }

    async fn respond(&self, request: Request<Incoming>) -> (StatusCode, String) {
        let known = request
            .headers()
            .get(AUTHORIZATION)
            .is_some_and(|token| token == TOKEN);
        if !known || request.method() != Method::POST {
            return (StatusCode::FORBIDDEN, "unknown caller".into());
        }
        let path = request.uri().path().to_owned();
        let body = Limited::new(request.into_body(), 2 * MAX_MESSAGE)
            .collect()
            .await;
        let question = body
            .ok()
            .and_then(|body| serde_json::from_slice::<Value>(&body.to_bytes()).ok());
        let result = question.and_then(|question| match &*path {
            "/sign" => Some(self.sign(&bytes(&question, "message")?)),
            "/verify" => Some(Ok(self.verify(&question)?.into())),
            _ => None,
        });
        match result {
            Some(Ok(response)) => (StatusCode::OK, response.to_string()),
            Some(Err(refusal)) => (StatusCode::FORBIDDEN, refusal),
            None => (StatusCode::BAD_REQUEST, "invalid request".into()),
        }
    }

    fn sign(&self, message: &[u8]) -> Result<Value, String> {
        let mut lines = message.split(|byte| *byte == b'\n');
        let mut line = || String::from_utf8_lossy(lines.next().unwrap_or_default());
        let (method, target) = (line(), line());
        if !target.starts_with("/v3/pay/transactions/") || target.ends_with("/close") {
            return Err(format!("{method} {target} is not signed for this program"));
        }
        self.signed.fetch_add(1, Ordering::Relaxed);
        let signature = self.key.sign(message).to_bytes();
        Ok(json!({ "serial": self.serial, "signature": STANDARD.encode(signature) }))
    }

    fn verify(&self, question: &Value) -> Option<bool> {
        self.verified.fetch_add(1, Ordering::Relaxed);
        let (message, signature) = (bytes(question, "message")?, bytes(question, "signature")?);
        let Some(key) = self.platform.get(question["serial"].as_str()?) else {
            return Some(false);
        };
        let signature = RsaSignature::try_from(&*signature).ok()?;
        Some(key.verify(&message, &signature).is_ok())
    }
}

fn bytes(question: &Value, key: &str) -> Option<Vec<u8>> {
    STANDARD.decode(question[key].as_str()?).ok()
}

async fn serve(service: Arc<Service>) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = Arc::clone(&service);
            tokio::spawn(async move {
                let handler = service_fn(move |request| {
                    let service = Arc::clone(&service);
                    async move {
                        let (status, body) = service.respond(request).await;
                        let mut response = Response::new(Full::<Bytes>::from(body));
                        *response.status_mut() = status;
                        Ok::<_, std::convert::Infallible>(response)
                    }
                });
                let _ = http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), handler)
                    .await;
            });
        }
    });
    Ok(address)
}
