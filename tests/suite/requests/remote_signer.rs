//! Remote keys: a signer and a verifier behind a socket. Also key rotation while calls run.

use std::{
    io::{self, Read as _, Write as _},
    net::TcpListener,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use wechatpay_chain::{
    Client, ClientBuilder, Method, Outcome, RetryPolicy, Signature, Signer, Verifier,
};

use crate::fixtures::{
    keys::{self, Pair},
    mode::{BOTH, in_parallel, runtime},
    server::{MockResponse, Server},
};

/// Starts a signing service. It reads a length and a message, and writes a signature of 256 bytes.
fn service() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            thread::spawn(move || {
                let mut length = [0; 4];
                if stream.read_exact(&mut length).is_err() {
                    return;
                }
                let mut message = vec![0; u32::from_be_bytes(length) as usize];
                stream.read_exact(&mut message).expect("a message");
                let _ = stream.write_all(&keys::merchant().sign(&message));
            });
        }
    });
    port
}

struct RemoteSigner {
    port: u16,
    serial: &'static str,
}

impl Signer for RemoteSigner {
    type Error = io::Error;

    async fn sign(&self, message: &[u8]) -> Result<Signature, Self::Error> {
        tokio::time::sleep(Duration::from_millis(1)).await;
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
        stream
            .write_all(&(message.len() as u32).to_be_bytes())
            .await?;
        stream.write_all(message).await?;
        let mut bytes = vec![0; 256];
        stream.read_exact(&mut bytes).await?;
        Ok(Signature::new(self.serial.to_owned(), bytes))
    }
}

#[derive(Clone, Default)]
struct RemoteVerifier {
    calls: Arc<AtomicUsize>,
    fails: bool,
    preferred: Option<String>,
}

impl Verifier for RemoteVerifier {
    type Error = &'static str;

    async fn verify(
        &self,
        serial: &str,
        message: &[u8],
        signature: &[u8],
    ) -> Result<bool, Self::Error> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(1)).await;
        if self.fails {
            return Err("the HSM is on fire");
        }
        Ok(serial == keys::PLATFORM_ID && keys::platform().verifies(message, signature))
    }

    fn preferred_serial(&self) -> Option<String> {
        self.preferred.clone()
    }
}

fn base_builder(server: &Server) -> ClientBuilder {
    Client::builder()
        .mchid(keys::MCHID)
        .base_uri(server.url())
        .retry(RetryPolicy::none())
        .no_proxy()
}

fn signed_by(signer: impl Signer, server: &Server) -> Client {
    let builder = base_builder(server).signer(signer);
    let builder = builder.platform_key(keys::PLATFORM_ID, keys::platform().public());
    builder.build().expect("a client")
}

fn verified_by(verifier: RemoteVerifier, server: &Server) -> Client {
    let builder = base_builder(server)
        .serial(keys::SERIAL)
        .private_key(keys::merchant().private());
    builder.verifier(verifier).build().expect("a client")
}

#[test]
fn remote_signer_signs_every_kind_of_call() {
    let server = Server::always_ok();
    let signer = RemoteSigner {
        port: service(),
        serial: keys::SERIAL,
    };
    let client = signed_by(signer, &server);
    let chain = client.chain("v3/x");
    for mode in BOTH {
        mode.get(&chain, ()).unwrap();
        mode.post(&chain, json!({ "json": { "a": 1 } })).unwrap();
    }
    // `prepare` blocks like a blocking verb, in a plain thread and inside a runtime.
    let blocking = chain.prepare(Method::POST, json!({ "json": {} })).unwrap();
    let single = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let inside = single.block_on(async {
        chain.get(()).unwrap();
        chain.prepare(Method::POST, json!({ "json": {} })).unwrap()
    });
    let asynchronous = runtime()
        .block_on(chain.prepare_async(Method::POST, json!({ "json": {} })))
        .unwrap();
    for prepared in [blocking, inside, asynchronous] {
        let header = prepared.headers()["authorization"].to_str().unwrap();
        assert!(
            header.contains(&format!("serial_no=\"{}\"", keys::SERIAL)),
            "{header}"
        );
    }
    let requests = server.requests();
    assert_eq!(requests.len(), 5);
    for request in requests {
        assert_eq!(
            request.authorization(keys::merchant())["serial_no"],
            keys::SERIAL
        );
    }
}

/// A signer that fails or never returns.
struct FailingSigner {
    hangs: bool,
}

impl Signer for FailingSigner {
    type Error = io::Error;

    async fn sign(&self, _: &[u8]) -> Result<Signature, Self::Error> {
        if self.hangs {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
        Err(io::Error::other("the HSM is on fire"))
    }
}

#[test]
fn failing_signer_sends_nothing() {
    let server = Server::always_ok();
    let chain = signed_by(FailingSigner { hangs: false }, &server).chain("v3/x");
    let check = |err: wechatpay_chain::Error| {
        assert!(err.is_signing(), "{err:?}");
        assert_eq!(err.outcome(), Outcome::NotSent);
        assert_eq!(err.to_string(), "POST v3/x: the signer failed");
        let source = std::error::Error::source(&err).unwrap();
        assert_eq!(source.to_string(), "the HSM is on fire");
    };
    for mode in BOTH {
        check(mode.post(&chain, ()).unwrap_err());
    }
    check(chain.prepare(Method::POST, ()).unwrap_err());
    check(
        runtime()
            .block_on(chain.prepare_async(Method::POST, ()))
            .unwrap_err(),
    );

    // A serial that is invalid in a header is a signing error too.
    let signer = RemoteSigner {
        port: service(),
        serial: "7\",mchid=\"1",
    };
    let err = signed_by(signer, &server)
        .chain("v3/x")
        .post(())
        .unwrap_err();
    assert!(
        err.is_signing()
            && err
                .to_string()
                .contains("the signer returned an invalid serial \"7\\\",mchid=\\\"1\""),
        "{err}"
    );
    assert_eq!(err.outcome(), Outcome::NotSent);
    assert_eq!(server.connections(), 0);
}

#[test]
fn hanging_signer_ends_with_the_timeout() {
    let server = Server::always_ok();
    let chain = signed_by(FailingSigner { hangs: true }, &server).chain("v3/x");
    for mode in BOTH {
        let err = mode.post(&chain, json!({ "timeout": 0.1 })).unwrap_err();
        assert!(err.is_timeout(), "{err:?}");
        assert_eq!(err.outcome(), Outcome::NotSent);
    }
    assert_eq!(server.connections(), 0);
}

/// A signer that signs once, then fails or never returns.
struct SignsOnce {
    used: AtomicBool,
    then: FailingSigner,
}

impl Signer for SignsOnce {
    type Error = io::Error;

    async fn sign(&self, message: &[u8]) -> Result<Signature, Self::Error> {
        if self.used.swap(true, Ordering::SeqCst) {
            return self.then.sign(message).await;
        }
        Ok(Signature::new(keys::SERIAL, keys::merchant().sign(message)))
    }
}

#[test]
fn signing_error_on_retry_keeps_the_first_outcome() {
    let retry = RetryPolicy::default()
        .backoff(Duration::from_millis(1), Duration::from_millis(1))
        .repeat_rate_limited_writes(true);
    let cases = [
        (Method::GET, 502, Outcome::Unknown),
        (Method::GET, 307, Outcome::Unknown),
        (Method::POST, 429, Outcome::Rejected),
    ];
    for hangs in [false, true] {
        in_parallel(&cases, |mode, (method, status, outcome)| {
            let status = *status;
            let server =
                Server::start(move |_| MockResponse::plain(status, "").header("Location", "/v3/y"));
            let builder = base_builder(&server).retry(retry.clone());
            let builder = builder.signer(SignsOnce {
                used: AtomicBool::new(false),
                then: FailingSigner { hangs },
            });
            let builder = builder.platform_key(keys::PLATFORM_ID, keys::platform().public());
            let chain = builder.build().unwrap().chain("v3/x");
            let options = json!({ "timeout": 2, "allow_redirects": true });
            let err = mode.send(&chain, method, options).unwrap_err();
            assert!(
                if hangs {
                    err.is_timeout()
                } else {
                    err.is_signing()
                },
                "{err:?}"
            );
            assert_eq!(err.outcome(), *outcome, "{method} {status}: {err:?}");
            assert_eq!(server.requests().len(), 1);
        });
    }
}

#[test]
fn remote_verifier_decides_about_responses() {
    let server = Server::start(|request| match request.path() {
        "/v3/forged" => MockResponse::signed_over(200, "{}", b"other"),
        "/v3/unsigned" => MockResponse::plain(200, "{}"),
        "/v3/unknown" => MockResponse::signed(200, "{}").with("Wechatpay-Serial", "SOMEONE"),
        "/v3/refused" => MockResponse::signed(400, r#"{"code":"PARAM_ERROR","message":"x"}"#),
        _ => MockResponse::signed(200, "{}"),
    });
    let verifier = RemoteVerifier {
        preferred: Some(keys::PLATFORM_ID.into()),
        ..Default::default()
    };
    let client = verified_by(verifier.clone(), &server);
    for mode in BOTH {
        let post = |path: &str| mode.post(&client.chain(path), ());
        assert!(post("v3/good").unwrap().verification().is_verified());
        for path in ["v3/forged", "v3/unknown"] {
            let err = post(path).unwrap_err();
            assert!(
                err.is_verification() && err.to_string().contains("does not match"),
                "{err}"
            );
            assert_eq!(err.outcome(), Outcome::Unknown);
        }
        assert!(post("v3/unsigned").unwrap_err().is_verification());
        let err = post("v3/refused").unwrap_err();
        assert_eq!(err.outcome(), Outcome::Rejected);
        assert!(err.api().unwrap().is_verified());
    }
    // An unsigned response is not passed to the verifier.
    assert_eq!(verifier.calls.load(Ordering::SeqCst), 8);
    assert!(
        server
            .requests()
            .iter()
            .all(|r| r.header("wechatpay-serial") == Some(keys::PLATFORM_ID))
    );
}

#[test]
fn failing_verifier_leaves_the_outcome_unknown() {
    let server = Server::always_ok();
    let client = verified_by(
        RemoteVerifier {
            fails: true,
            ..Default::default()
        },
        &server,
    );
    for mode in BOTH {
        let err = mode.post(&client.chain("v3/x"), ()).unwrap_err();
        assert!(err.is_verification(), "{err:?}");
        assert_eq!(err.outcome(), Outcome::Unknown);
        assert_eq!(err.to_string(), "POST v3/x: the verifier failed");
        let source = std::error::Error::source(&err).unwrap();
        assert_eq!(source.to_string(), "the HSM is on fire");
    }
    assert!(
        server
            .requests()
            .iter()
            .all(|r| r.header("wechatpay-serial").is_none())
    );
}

#[test]
fn rotation_during_calls_keeps_key_and_serial_together() {
    const OTHER: &str = "5157F09EFDC096DE15EBE81A47057A7200000000";
    static OTHER_PAIR: OnceLock<Pair> = OnceLock::new();
    let server = Server::always_ok();
    let client = server.client();
    let (stop, rotations) = (AtomicBool::new(false), AtomicUsize::new(0));
    let key_of = |serial: &str| -> &'static Pair {
        match serial {
            keys::SERIAL => keys::merchant(),
            OTHER => OTHER_PAIR.get_or_init(Pair::generate),
            other => panic!("an unknown serial {other}"),
        }
    };
    // Generating the key takes a while.
    key_of(OTHER);
    thread::scope(|scope| {
        let rotating = scope.spawn(|| {
            while !stop.load(Ordering::SeqCst) {
                let serial = [OTHER, keys::SERIAL][rotations.load(Ordering::SeqCst) % 2];
                client.rotate_key(serial, key_of(serial).private()).unwrap();
                rotations.fetch_add(1, Ordering::SeqCst);
                thread::sleep(Duration::from_millis(1));
            }
        });
        let callers = [0, 1].map(|_| {
            scope.spawn(|| {
                let mut rounds = 0;
                while rounds < 50 || rotations.load(Ordering::SeqCst) < 20 {
                    for mode in BOTH {
                        mode.post(&client.chain("v3/x"), json!({ "json": {} }))
                            .unwrap();
                    }
                    rounds += 1;
                }
            })
        });
        for callers in callers {
            callers.join().unwrap();
        }
        stop.store(true, Ordering::SeqCst);
        rotating.join().unwrap();
    });
    let requests = server.requests();
    assert!(requests.len() >= 200);
    let mut seen = [0, 0];
    for request in requests {
        let header = request.header("authorization").unwrap();
        let other = header.contains(OTHER);
        seen[usize::from(other)] += 1;
        request.authorization(key_of(if other { OTHER } else { keys::SERIAL }));
    }
    assert!(seen[0] > 0 && seen[1] > 0, "{seen:?}");
}
