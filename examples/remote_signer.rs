//! A central signing service. It holds the merchant key, and the programs that call WeChat Pay request
//! signatures from it over HTTP. Run it with
//!
//! ```text
//! cargo run --example remote_signer --features sandbox
//! ```
//!
//! The service knows what it signs, because the first two lines of a message are the method and the
//! path. It can therefore restrict each program: the one here may create orders but not close them. To
//! replace the key, change the service only: each signature carries the serial of its key.
//!
//! In this example the service uses plain HTTP and runs in the same process. A real one uses TLS,
//! authenticates its callers properly, and keeps the key in a KMS or an HSM.
//!
//! In a crate of your own it needs
//!
//! ```toml
//! [dependencies]
//! axum = { version = "0.8", default-features = false, features = ["http1", "tokio"] }
//! base64 = "0.23"
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

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{DefaultBodyLimit, State},
    routing::post,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hyper_util::{
    client::legacy::{Client as HttpClient, connect::HttpConnector},
    rt::TokioExecutor,
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
    http::{HeaderMap, Request, StatusCode, header::AUTHORIZATION},
    json,
    sandbox::Sandbox,
};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Authenticates the programs to the service.
const TOKEN: &str = "Bearer the-shop-at-the-corner";
/// The limit on a request to the service. The client's limit on a response, 10 MiB by default, is also
/// the limit on a message to verify, which base64 makes a third longer.
const MAX_BODY: usize = 20 * 1024 * 1024;
/// The limit on a response of the service, which has at most a signature.
const MAX_RESPONSE: usize = 64 * 1024;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let sandbox = Sandbox::start()?;
    let service = Arc::new(Service::new(&sandbox)?);
    let address = serve(Arc::clone(&service)).await?;
    println!("sandbox         {}", sandbox.base_uri());
    println!("signing service http://{address}/\n");

    // This client holds no private key.
    let remote = Remote::new(address, &sandbox);
    let client = Client::builder()
        .mchid(sandbox.mchid())
        .signer(remote.clone())
        .verifier(remote)
        .base_uri(sandbox.base_uri())
        .no_proxy()
        .build()?;

    println!("call                         mode      result");
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
    let order = chain.clone();
    // Blocking verbs work too, here on tokio's blocking pool.
    let response = tokio::task::spawn_blocking(move || order.get(query)).await??;
    let state: Value = response.json()?;
    println!(
        "GET  out-trade-no/{{no}}       blocking  {}",
        state["trade_state"]
    );

    // The service refuses to sign this one, so nothing is sent to WeChat Pay.
    let close = json!({ "no": "tea-0001", "json": { "mchid": sandbox.mchid() } });
    let err = chain.seg("close").post_async(close).await.unwrap_err();
    let source = std::error::Error::source(&err).map(ToString::to_string);
    println!(
        "POST out-trade-no/{{no}}/close async     {:?}: {}",
        err.outcome(),
        source.unwrap_or_default()
    );

    println!(
        "\nthe service signed {} requests and verified {} responses",
        service.signed.load(Ordering::Relaxed),
        service.verified.load(Ordering::Relaxed)
    );
    Ok(())
}

/// The client's side: forwards messages to the service.
#[derive(Clone)]
struct Remote {
    service: SocketAddr,
    http: HttpClient<HttpConnector, Body>,
    /// The platform key and its ID. It is public: requests name it in `Wechatpay-Serial`, and it
    /// encrypts sensitive fields.
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

    async fn post(&self, path: &str, body: Value) -> Result<Value, BoxError> {
        let request = Request::post(format!("http://{}/{path}", self.service))
            .header(AUTHORIZATION, TOKEN)
            .body(Body::from(body.to_string()))?;
        let response = self.http.request(request).await?;
        let status = response.status();
        let body = to_bytes(Body::new(response.into_body()), MAX_RESPONSE).await?;
        let text = String::from_utf8_lossy(&body);
        if status != StatusCode::OK {
            return Err(format!("the signing service refused: {text}").into());
        }
        Ok(text.parse()?)
    }
}

impl Signer for Remote {
    type Error = BoxError;

    async fn sign(&self, message: &[u8]) -> Result<Signature, BoxError> {
        let response = self
            .post("sign", json!({ "message": STANDARD.encode(message) }))
            .await?;
        let text = |name: &str| {
            response[name]
                .as_str()
                .ok_or(format!("the response has no {name}"))
        };
        // The serial belongs to the key that made this signature. The next one may have another.
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
        let body = json!({
            "serial": serial,
            "message": STANDARD.encode(message),
            "signature": STANDARD.encode(signature),
        });
        Ok(self.post("verify", body).await? == true)
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

/// The service: the keys, and the rules for what it signs.
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
        let platform = rsa::PublicKey::from_public_key_pem(&sandbox.platform_key_pem())?;
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
}

type Refusal = (StatusCode, String);

async fn sign(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
    body: String,
) -> Result<String, Refusal> {
    let body = authenticated(&headers, &body)?;
    let message = bytes(&body, "message")?;
    let mut lines = message.split(|byte| *byte == b'\n');
    let mut line = || String::from_utf8_lossy(lines.next().unwrap_or_default());
    let (method, target) = (line(), line());
    if !target.starts_with("/v3/pay/transactions/") || target.ends_with("/close") {
        let text = format!("this program may not sign {method} {target}");
        return Err((StatusCode::FORBIDDEN, text));
    }
    service.signed.fetch_add(1, Ordering::Relaxed);
    let signature = service.key.sign(&message).to_bytes();
    Ok(json!({ "serial": service.serial, "signature": STANDARD.encode(signature) }).to_string())
}

async fn verify(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
    body: String,
) -> Result<String, Refusal> {
    let body = authenticated(&headers, &body)?;
    let (message, signature) = (bytes(&body, "message")?, bytes(&body, "signature")?);
    service.verified.fetch_add(1, Ordering::Relaxed);
    let serial = body["serial"].as_str().unwrap_or_default();
    let is_valid = service.platform.get(serial).is_some_and(|key| {
        RsaSignature::try_from(&*signature)
            .is_ok_and(|signature| key.verify(&message, &signature).is_ok())
    });
    Ok(is_valid.to_string())
}

/// Checks the caller's token and parses the body.
fn authenticated(headers: &HeaderMap, body: &str) -> Result<Value, Refusal> {
    if headers
        .get(AUTHORIZATION)
        .is_none_or(|token| token != TOKEN)
    {
        return Err((StatusCode::UNAUTHORIZED, "unknown program".to_owned()));
    }
    body.parse()
        .map_err(|err| (StatusCode::BAD_REQUEST, format!("invalid JSON: {err}")))
}

fn bytes(body: &Value, name: &str) -> Result<Vec<u8>, Refusal> {
    let text = body[name].as_str().unwrap_or_default();
    STANDARD
        .decode(text)
        .map_err(|err| (StatusCode::BAD_REQUEST, format!("invalid {name}: {err}")))
}

async fn serve(service: Arc<Service>) -> io::Result<SocketAddr> {
    let router = Router::new()
        .route("/sign", post(sign))
        .route("/verify", post(verify))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(service);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}
