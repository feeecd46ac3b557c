//! Broken connections and timeouts: what is repeated, and the outcome.

use std::{
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::{net::TcpSocket, runtime::Builder};
use wechatpay_chain::{Chain, Client, Options, Outcome, RetryPolicy, Signature, Signer};

use crate::fixtures::{
    keys,
    mode::{BOTH, runtime},
    server::{MockResponse, Reply, Server, vacant_port},
};

#[test]
fn dropped_call_closes_its_connection() {
    let server = Server::start(|request| match request.number {
        0 => Reply::Silence,
        _ => MockResponse::signed(200, "{}").into(),
    });
    let chain = server.client().chain("v3/x");
    drop(chain.post_async(()));
    assert_eq!(
        server.connections(),
        0,
        "nothing is sent before the first poll"
    );

    runtime().block_on(async {
        let arrived = async {
            while server.requests().is_empty() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::select! {
            response = chain.post_async(json!({ "json": {} })) => panic!("{response:?}"),
            () = arrived => {}
        }
    });
    server.wait_until("the dropped call's connection is closed", |seen| {
        seen.closed == 1
    });
    assert_eq!(server.requests().len(), 1);

    for mode in BOTH {
        mode.post(&chain, ()).unwrap();
    }
    let connections = server
        .requests()
        .iter()
        .map(|r| r.connection)
        .collect::<Vec<_>>();
    assert_eq!(connections[0], 0);
    assert!(connections[1..].iter().all(|n| *n > 0), "{connections:?}");
}

#[test]
fn silent_server_ends_in_timeout_with_outcome_unknown() {
    let server = Server::start(|_| Reply::Silence);
    for mode in BOTH {
        let chain = server.client().chain("v3/x");
        let start = Instant::now();
        let err = mode.post(&chain, json!({ "timeout": 0.8 })).unwrap_err();
        assert!(start.elapsed() >= Duration::from_millis(800));
        assert!(err.is_timeout(), "{err:?}");
        assert_eq!(err.outcome(), Outcome::Unknown);
        assert_eq!(
            err.to_string(),
            "POST v3/x: no response within the call's timeout of 800ms"
        );

        let builder = keys::builder().base_uri(server.url());
        let client = builder.timeout(Duration::from_millis(800)).build().unwrap();
        let err = mode.get(&client.chain("v3/x"), ()).unwrap_err();
        assert!(
            err.is_timeout() && err.outcome() == Outcome::Unknown,
            "{err:?}"
        );
        // Writes are not repeated, and nothing is repeated after the timeout.
        server.wait_until("the connections are closed", |seen| {
            seen.closed == seen.opened
        });
    }
    assert_eq!(server.requests().len(), 4);
}

#[test]
fn slow_response_body_ends_with_the_timeout() {
    for mode in BOTH {
        let server = Server::start(|_| {
            Reply::Raw(Box::new(|stream| {
                use std::io::Write as _;
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
                while stream.write_all(b"x").is_ok() {
                    thread::sleep(Duration::from_millis(20));
                }
            }))
        });
        let err = mode
            .post(&server.client().chain("v3/x"), json!({ "timeout": 1 }))
            .unwrap_err();
        assert!(
            err.is_timeout() && err.outcome() == Outcome::Unknown,
            "{err:?}"
        );
        server.wait_until("the connection is closed", |seen| seen.closed == 1);
    }
}

const LIMITED: &str = r#"{"code":"RATELIMIT_EXCEEDED","message":"x"}"#;

/// A port whose accept queue is full, so that a TCP handshake gets no reply.
pub struct FullPort {
    pub port: u16,
    _held: Box<dyn Send>,
}

pub fn full_port() -> FullPort {
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let (port, held) = runtime.block_on(async {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        let mut held = Vec::new();
        for _ in 0..8 {
            let connecting = tokio::net::TcpStream::connect(address);
            match tokio::time::timeout(Duration::from_millis(100), connecting).await {
                Ok(stream) => held.push(stream.unwrap()),
                Err(_) => break,
            }
        }
        (address.port(), (listener, held))
    });
    FullPort {
        port,
        _held: Box::new((runtime, held)),
    }
}

#[test]
fn connect_timeout_has_outcome_not_sent() {
    let full = full_port();
    let client = keys::builder()
        .base_uri(format!("http://127.0.0.1:{}/", full.port))
        .retry(RetryPolicy::none())
        .build()
        .unwrap();
    for mode in BOTH {
        let post = |options| mode.post(&client.chain("v3/x"), options).unwrap_err();
        let err = post(json!({ "connect_timeout": 0.2 }));
        assert!(err.is_timeout(), "{err:?}");
        assert_eq!(err.outcome(), Outcome::NotSent);
        assert_eq!(
            err.to_string(),
            "POST v3/x: no connection to 127.0.0.1 within 0.2 s: the TCP handshake did not complete"
        );

        // Without a connect timeout, connecting is limited by the call's timeout.
        let err = post(json!({ "connect_timeout": 0, "timeout": 0.8 }));
        assert!(err.is_timeout(), "{err:?}");
        assert_eq!(err.outcome(), Outcome::NotSent);
        assert!(
            err.to_string()
                .contains("no response within the call's timeout of 800ms"),
            "{err}"
        );
    }
}

#[test]
fn silent_proxy_ends_with_the_connect_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = Client::builder()
        .mchid(keys::MCHID)
        .serial(keys::SERIAL)
        .private_key(keys::merchant().private())
        .platform_key(keys::PLATFORM_ID, keys::platform().public())
        .proxy(format!("http://{}", listener.local_addr().unwrap()))
        .build()
        .unwrap();
    for mode in BOTH {
        let err = mode
            .post(&client.chain("v3/x"), json!({ "connect_timeout": 0.2 }))
            .unwrap_err();
        assert!(err.is_timeout(), "{err:?}");
        assert_eq!(err.outcome(), Outcome::NotSent);
        assert!(
            err.to_string()
                .ends_with("within 0.2 s: the proxy did not respond"),
            "{err}"
        );
    }
}

#[test]
fn refused_connections_are_retried_with_outcome_not_sent() {
    let port = vacant_port();
    let client = keys::builder()
        .base_uri(format!("http://127.0.0.1:{port}/"))
        .retry(RetryPolicy::default().backoff(Duration::from_millis(1), Duration::from_millis(1)))
        .build()
        .unwrap();
    for mode in BOTH {
        let err = mode.post(&client.chain("v3/x"), ()).unwrap_err();
        assert!(err.is_connect(), "{err:?}");
        assert_eq!((err.outcome(), err.attempts()), (Outcome::NotSent, 3));
        assert_eq!(
            err.to_string(),
            format!("POST v3/x: cannot open a TCP connection to 127.0.0.1:{port}")
        );
    }
}

/// Counts signatures.
struct Counting(Arc<AtomicUsize>);

impl Signer for Counting {
    type Error = std::convert::Infallible;

    async fn sign(&self, message: &[u8]) -> Result<Signature, Self::Error> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(Signature::new(keys::SERIAL, keys::merchant().sign(message)))
    }
}

fn counting(server: &Server) -> (Chain, Arc<AtomicUsize>) {
    let signed = Arc::new(AtomicUsize::new(0));
    let client = Client::builder()
        .mchid(keys::MCHID)
        .signer(Counting(Arc::clone(&signed)))
        .platform_key(keys::PLATFORM_ID, keys::platform().public())
        .no_proxy()
        .base_uri(server.url())
        .retry(RetryPolicy::none())
        .build()
        .unwrap();
    (client.chain("v3/x"), signed)
}

#[test]
fn request_on_a_closed_connection_arrives_once() {
    let server = Server::start(|_| MockResponse::signed(200, "{}").then_close());
    let (chain, signed) = counting(&server);
    // This runtime is parked while the server closes the connection, so the pool does not notice.
    // A request written to that connection would be lost with an unknown outcome.
    let parked = Builder::new_current_thread().enable_all().build().unwrap();
    for round in 1..=5 {
        parked
            .block_on(chain.post_async(json!({ "json": {} })))
            .unwrap();
        server.wait_until("the server has closed", |seen| seen.closed == round);
    }
    let requests = server.requests();
    assert_eq!(requests.len(), 5, "each request arrives once");
    let mut nonces = requests
        .iter()
        .map(|request| request.authorization(keys::merchant())["nonce_str"].clone())
        .collect::<Vec<_>>();
    nonces.sort();
    nonces.dedup();
    assert_eq!(nonces.len(), 5);
    // A request that was not written is signed again, at most once.
    let signed = signed.load(Ordering::SeqCst);
    assert!((5..10).contains(&signed), "{signed} signatures");
}

#[test]
fn closed_idle_connection_is_replaced_without_an_error() {
    let server = Server::start(|_| MockResponse::signed(200, "{}").then_close());
    for mode in BOTH {
        let chain = server.client().chain("v3/x");
        for _ in 0..10 {
            let before = server.requests().len();
            mode.post(&chain, ()).unwrap();
            assert_eq!(server.requests().len(), before + 1);
            server.wait_until("the server has closed", |seen| seen.closed == seen.opened);
        }
    }
}

#[test]
fn received_write_is_never_repeated() {
    // On a new and on a reused connection, with the most permissive retry policy.
    for reused in [false, true] {
        for mode in BOTH {
            for reply in [|| Reply::Reset, || Reply::Close] {
                let server = Server::start(move |request| {
                    if reused && request.number == 0 {
                        MockResponse::signed(200, "{}").into()
                    } else {
                        reply()
                    }
                });
                let client = keys::builder()
                    .base_uri(server.url())
                    .retry(
                        RetryPolicy::default()
                            .attempts(5)
                            .repeat_rate_limited_writes(true),
                    )
                    .build()
                    .unwrap();
                let chain = client.chain("v3/x");
                if reused {
                    mode.post(&chain, ()).unwrap();
                }
                let err = mode.post(&chain, json!({ "json": {"n": 1} })).unwrap_err();
                assert!(err.is_transport(), "{err:?}");
                assert_eq!((err.outcome(), err.attempts()), (Outcome::Unknown, 1));
                let requests = server.requests();
                assert_eq!(requests.len(), 1 + usize::from(reused));
                assert_eq!(server.connections(), 1);
            }
        }
    }
}

#[test]
fn read_on_a_broken_connection_is_repeated() {
    for mode in BOTH {
        let server = Server::start(|request| match request.number {
            0 => Reply::Reset,
            1 => Reply::Close,
            _ => MockResponse::signed(200, "{}").into(),
        });
        let client = keys::builder()
            .base_uri(server.url())
            .retry(
                RetryPolicy::default().backoff(Duration::from_millis(1), Duration::from_millis(1)),
            )
            .build()
            .unwrap();
        mode.get(&client.chain("v3/x"), ()).unwrap();
        assert_eq!(server.requests().len(), 3);
    }
}

#[test]
fn partly_read_body_has_outcome_unknown() {
    // The server closes the connection in the middle of a large body, without a response.
    for mode in BOTH {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = thread::spawn(move || {
            use std::io::Read as _;
            let (mut stream, _) = listener.accept().unwrap();
            let mut some = [0; 1000];
            stream.read_exact(&mut some).unwrap();
            drop(stream);
            listener.set_nonblocking(true).unwrap();
            thread::sleep(Duration::from_millis(100));
            assert!(listener.accept().is_err(), "the write was repeated");
        });
        let client = keys::builder()
            .base_uri(format!("http://127.0.0.1:{port}/"))
            .build()
            .unwrap();
        let options = Options::new().body(vec![b'x'; 20_000_000]);
        let err = mode.post(&client.chain("v3/x"), options).unwrap_err();
        assert!(err.is_transport(), "{err:?}");
        assert_eq!((err.outcome(), err.attempts()), (Outcome::Unknown, 1));
        server.join().unwrap();
    }
}

#[test]
fn gateway_errors_repeat_reads_but_not_writes() {
    for mode in BOTH {
        let server = Server::start(|request| match request.number {
            0 => MockResponse::plain(502, ""),
            1 => MockResponse::plain(429, LIMITED),
            _ => MockResponse::signed(200, "{}"),
        });
        let client = keys::builder()
            .base_uri(server.url())
            .retry(
                RetryPolicy::default().backoff(Duration::from_millis(1), Duration::from_millis(2)),
            )
            .build()
            .unwrap();
        mode.get(&client.chain("v3/x"), ()).unwrap();
        let mut nonces = server
            .requests()
            .iter()
            .map(|request| request.authorization(keys::merchant())["nonce_str"].clone())
            .collect::<Vec<_>>();
        assert_eq!(nonces.len(), 3);
        nonces.dedup();
        assert_eq!(nonces.len(), 3, "each attempt has its own signature");

        let server = Server::start(|_| MockResponse::plain(502, ""));
        let client = keys::builder().base_uri(server.url()).build().unwrap();
        let err = mode.post(&client.chain("v3/x"), ()).unwrap_err();
        assert_eq!((err.attempts(), err.outcome()), (1, Outcome::Unknown));
        assert_eq!(server.requests().len(), 1);
    }
}

#[test]
fn excessive_retry_after_is_not_waited_for() {
    for mode in BOTH {
        for (seconds, timeout) in [
            ("18446744073709551615", 30),
            ("18446744073709551615", 0),
            ("86400", 30),
            ("86400", 0),
        ] {
            let server = Server::start(move |_| {
                MockResponse::signed(429, LIMITED).header("Retry-After", seconds)
            });
            let client = keys::builder().base_uri(server.url()).build().unwrap();
            let err = mode
                .get(&client.chain("v3/x"), json!({ "timeout": timeout }))
                .unwrap_err();
            assert_eq!(err.api().unwrap().status(), 429, "{err:?}");
            assert_eq!((err.attempts(), err.outcome()), (1, Outcome::Rejected));
            assert_eq!(server.requests().len(), 1);
        }
    }
}
