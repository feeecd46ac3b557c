//! The backup host: when it is turned to, how long it is kept, and that it is no loop.

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
fn a_host_that_cannot_be_reached_gives_way_to_the_backup() {
    let full = connections::full();
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
fn the_backup_is_kept_while_its_time_runs_and_signs_its_own_path() {
    for mode in BOTH {
        let port = vacant_port();
        let backup = Server::always_ok();
        let client = builder(format!("{}hk/", at(port)), &backup)
            .backup_base_uri(format!("{}global/", backup.url()))
            .build()
            .unwrap();
        let chain = client.chain("v3/x/{id}");
        mode.post(&chain, json!({ "id": "N1" })).unwrap();
        // The own host is back, and left alone for a while.
        let own = Server::at(port, |_| MockResponse::signed(200, "{}"));
        for _ in 0..3 {
            mode.get(&chain, json!({ "id": "N2", "query": { "a": 1 } }))
                .unwrap();
        }
        assert_eq!(own.connections(), 0);
        let requests = backup.requests();
        assert_eq!(requests[0].target, "/global/v3/x/N1");
        assert_eq!(requests[3].target, "/global/v3/x/N2?a=1");
        for request in requests {
            // Over the target that the backup has.
            request.authorization(keys::merchant());
        }
    }
}

#[test]
fn a_backup_that_goes_away_is_left_for_the_own_host() {
    for mode in BOTH {
        let port = vacant_port();
        let backup_port = vacant_port();
        let backup = Server::at(backup_port, |_| MockResponse::signed(200, "{}"));
        let client = builder(at(port), &backup).build().unwrap();
        let chain = client.chain("v3/x");
        mode.post(&chain, ()).unwrap();
        drop(backup);
        let own = Server::at(port, |_| MockResponse::signed(200, "{}"));
        mode.post(&chain, ()).unwrap();
        own.only_request();
        // And it stays there, though the backup comes up again.
        let backup = Server::at(backup_port, |_| MockResponse::signed(200, "{}"));
        mode.post(&chain, ()).unwrap();
        assert_eq!((own.requests().len(), backup.connections()), (2, 0));
    }
}

#[test]
fn what_was_answered_or_written_stays_with_its_host() {
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
        let own = Server::start(move |_| reply());
        let backup = Server::always_ok();
        let client = builder(own.url(), &backup).build().unwrap();
        let chain = client.chain("v3/x");
        let options = json!({ "timeout": 2 });
        let err = mode.post(&chain, &options).unwrap_err();
        assert_eq!(err.outcome(), Outcome::Unknown, "{err:?}");
        assert_eq!(own.requests().len(), 1);
        mode.get(&chain, &options).unwrap_err();
        assert_eq!(backup.connections(), 0, "{err:?}");
    });
}

#[test]
fn a_host_whose_tls_fails_was_reached() {
    // It speaks no TLS: an attack, or a fault that the backup is not for.
    let own = Server::start(|_| Reply::Close);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            let _ = std::io::Write::write_all(&mut stream, b"220 mail.example ESMTP\r\n");
            let _ = std::io::Read::read(&mut stream, &mut [0; 512]);
        }
    });
    let client = builder(format!("https://127.0.0.1:{port}/"), &own)
        .build()
        .unwrap();
    for mode in BOTH {
        let err = mode.post(&client.chain("v3/x"), ()).unwrap_err();
        assert!(err.is_connect(), "{err:?}");
        assert_eq!((err.outcome(), err.attempts()), (Outcome::NotSent, 3));
    }
    assert_eq!(own.connections(), 0);
}

/// Counts its signatures: one for each host that is tried.
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
fn two_hosts_that_are_down_are_tried_once_an_attempt_and_no_more() {
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
fn a_call_to_another_host_stays_there() {
    for mode in BOTH {
        let backup = Server::always_ok();
        let own = Server::always_ok();
        let client = builder(own.url(), &backup)
            .trust_host("127.0.0.1")
            .build()
            .unwrap();
        let options = json!({ "base_uri": at(vacant_port()) });
        let err = mode.post(&client.chain("v3/x"), options).unwrap_err();
        assert!(err.is_connect(), "{err:?}");
        assert_eq!((own.connections(), backup.connections()), (0, 0));
        mode.post(&client.chain("v3/x"), ()).unwrap();
        own.only_request();
    }
}
