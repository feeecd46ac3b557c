//! Failover to the backup host: when it happens and how long it lasts.

use std::{
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use serde_json::json;
use wechatpay_chain::{Client, ClientBuilder, Outcome, RetryPolicy, Signature, Signer, Transport};

use super::connections;
use crate::fixtures::{
    keys,
    mode::{BOTH, in_parallel},
    server::{MockResponse, Reply, Server, vacant_port},
};

const BLINK: Duration = Duration::from_millis(1);

fn builder(base: impl Into<String>, backup: &Server) -> ClientBuilder {
    keys::builder()
        .base_uri(base)
        .backup_base_uri(backup.url())
        .connect_timeout(Duration::from_secs(1))
        .retry(RetryPolicy::default().backoff(BLINK, BLINK))
}

fn at(port: u16) -> String {
    format!("http://127.0.0.1:{port}/")
}

#[test]
fn unreachable_primary_fails_over_to_the_backup() {
    let full = connections::full_port();
    for base in [
        at(vacant_port()),
        "http://wechatpay.invalid/".to_owned(),
        at(full.port),
    ] {
        for mode in BOTH {
            let backup = Server::always_ok();
            let client = builder(&base, &backup).build().unwrap();
            mode.post(&client.chain("v3/x"), json!({ "json": { "n": 1 } }))
                .unwrap_or_else(|err| panic!("{base}: {err:?}"));
            let request = backup.only_request();
            request.authorization(keys::merchant());
            let host = format!("127.0.0.1:{}", backup.port());
            assert_eq!(request.header("host"), Some(&*host));
        }
    }
}

#[test]
fn backup_stays_in_use_and_signs_its_own_path() {
    for mode in BOTH {
        let port = vacant_port();
        let backup = Server::always_ok();
        let client = builder(format!("{}hk/", at(port)), &backup)
            .backup_base_uri(format!("{}global/", backup.url()))
            .build()
            .unwrap();
        let chain = client.chain("v3/x/{id}");
        mode.post(&chain, json!({ "id": "N1" })).unwrap();
        // The primary host is back, but the client stays with the backup for a while.
        let primary = Server::at(port, |_| MockResponse::signed(200, "{}"));
        for _ in 0..3 {
            mode.get(&chain, json!({ "id": "N2", "query": { "a": 1 } }))
                .unwrap();
        }
        assert_eq!(primary.connections(), 0);
        let requests = backup.requests();
        assert_eq!(requests[0].target, "/global/v3/x/N1");
        assert_eq!(requests[3].target, "/global/v3/x/N2?a=1");
        for request in requests {
            // The signature covers the path on the backup.
            request.authorization(keys::merchant());
        }
    }
}

#[test]
fn unreachable_backup_falls_back_to_the_primary() {
    for mode in BOTH {
        let port = vacant_port();
        let backup_port = vacant_port();
        let backup = Server::at(backup_port, |_| MockResponse::signed(200, "{}"));
        let client = builder(at(port), &backup).build().unwrap();
        let chain = client.chain("v3/x");
        mode.post(&chain, ()).unwrap();
        drop(backup);
        let primary = Server::at(port, |_| MockResponse::signed(200, "{}"));
        mode.post(&chain, ()).unwrap();
        primary.only_request();
        // It stays with the primary even though the backup is reachable again.
        let backup = Server::at(backup_port, |_| MockResponse::signed(200, "{}"));
        mode.post(&chain, ()).unwrap();
        assert_eq!((primary.requests().len(), backup.connections()), (2, 0));
    }
}

#[test]
fn requests_that_reached_the_primary_stay_there() {
    let replies: [fn() -> Reply; 6] = [
        || MockResponse::plain(500, "").into(),
        || MockResponse::plain(502, "<html>").into(),
        || MockResponse::plain(503, "").into(),
        || Reply::Reset,
        || Reply::Close,
        || Reply::Silence,
    ];
    in_parallel(&replies, |mode, reply| {
        let reply = *reply;
        let primary = Server::start(move |_| reply());
        let backup = Server::always_ok();
        let client = builder(primary.url(), &backup).build().unwrap();
        let chain = client.chain("v3/x");
        let options = json!({ "timeout": 2 });
        let err = mode.post(&chain, &options).unwrap_err();
        assert_eq!(err.outcome(), Outcome::Unknown, "{err:?}");
        assert_eq!(primary.requests().len(), 1);
        mode.get(&chain, &options).unwrap_err();
        assert_eq!(backup.connections(), 0, "{err:?}");
    });
}

#[test]
fn tls_failure_does_not_fail_over() {
    // A server that does not speak TLS was reached. It may be an attacker, so the backup is not used.
    let primary = Server::start(|_| Reply::Close);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            let _ = std::io::Write::write_all(&mut stream, b"220 mail.example ESMTP\r\n");
            let _ = std::io::Read::read(&mut stream, &mut [0; 512]);
        }
    });
    let client = builder(format!("https://127.0.0.1:{port}/"), &primary)
        .build()
        .unwrap();
    for mode in BOTH {
        let err = mode.post(&client.chain("v3/x"), ()).unwrap_err();
        assert!(err.is_connect(), "{err:?}");
        assert_eq!((err.outcome(), err.attempts()), (Outcome::NotSent, 3));
    }
    assert_eq!(primary.connections(), 0);
}

/// Counts signatures: one per host tried.
struct Counting(Arc<AtomicUsize>);

impl Signer for Counting {
    type Error = std::convert::Infallible;

    async fn sign(&self, message: &[u8]) -> Result<Signature, Self::Error> {
        self.0.fetch_add(1, SeqCst);
        Ok(Signature::new(keys::SERIAL, keys::merchant().sign(message)))
    }
}

fn counting(policy: RetryPolicy) -> (Client, Arc<AtomicUsize>) {
    let tried = Arc::new(AtomicUsize::new(0));
    let client = Client::builder()
        .mchid(keys::MCHID)
        .signer(Counting(Arc::clone(&tried)))
        .platform_key(keys::PLATFORM_ID, keys::platform().public())
        .transport(Transport::builder().no_proxy().build().unwrap())
        .base_uri(at(vacant_port()))
        .backup_base_uri(at(vacant_port()))
        .retry(policy)
        .build()
        .unwrap();
    (client, tried)
}

#[test]
fn two_unreachable_hosts_are_each_tried_once_per_attempt() {
    for mode in BOTH {
        let (client, tried) = counting(RetryPolicy::none());
        let err = mode.post(&client.chain("v3/x"), ()).unwrap_err();
        assert!(err.is_connect(), "{err:?}");
        assert_eq!((err.outcome(), err.attempts()), (Outcome::NotSent, 1));
        assert_eq!(tried.load(SeqCst), 2);

        let (client, tried) = counting(RetryPolicy::default().backoff(BLINK, BLINK));
        let err = mode.post(&client.chain("v3/x"), ()).unwrap_err();
        assert_eq!((err.outcome(), err.attempts()), (Outcome::NotSent, 3));
        assert_eq!(tried.load(SeqCst), 6);
    }
}

#[test]
fn call_with_its_own_base_uri_does_not_fail_over() {
    for mode in BOTH {
        let backup = Server::always_ok();
        let primary = Server::always_ok();
        let client = builder(primary.url(), &backup)
            .trust_host("127.0.0.1")
            .build()
            .unwrap();
        let options = json!({ "base_uri": at(vacant_port()) });
        let err = mode.post(&client.chain("v3/x"), options).unwrap_err();
        assert!(err.is_connect(), "{err:?}");
        assert_eq!((primary.connections(), backup.connections()), (0, 0));
        mode.post(&client.chain("v3/x"), ()).unwrap();
        primary.only_request();
    }
}
