//! Calls that outlive their runtime, and calls in runtimes without timers or I/O.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
    thread,
    time::Duration,
};

use serde_json::json;
use tokio::runtime::{Builder, Runtime};
use wechatpay_chain::{
    Call, CertificateMode, Client, Error, Media, Method, Options, Outcome, Result, RetryPolicy,
    Signature, Signer,
};

use super::{block_on, current_thread, multi_thread, within};
use crate::fixtures::{
    keys,
    scratch::Scratch,
    server::{MockResponse, Reply, Server, now},
};

fn poll_in(runtime: &Runtime, call: &mut Pin<Box<Call>>) {
    let _inside = runtime.enter();
    let polled = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(polled.is_pending(), "{polled:?}");
}

/// Finishes a call whose runtime has ended, in one of three other executors.
fn finish(call: Pin<Box<Call>>, executor: usize) -> Error {
    match executor % 3 {
        0 => block_on(call),
        1 => current_thread().block_on(call),
        _ => multi_thread(1).block_on(call),
    }
    .unwrap_err()
}

/// Polls the call in the runtime until `condition` holds.
fn poll_until(runtime: &Runtime, call: &mut Pin<Box<Call>>, condition: impl Fn() -> bool) {
    runtime.block_on(async {
        while !condition() {
            std::future::poll_fn(|cx| {
                assert!(call.as_mut().poll(cx).is_pending());
                Poll::Ready(())
            })
            .await;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
}

#[test]
fn sent_call_is_unknown_when_its_runtime_ends() {
    let server = Server::start(|_| Reply::Silence);
    let client = server.client();
    for executor in 0..3 {
        for runtime in [current_thread(), multi_thread(2)] {
            let before = server.requests().len();
            let mut call = Box::pin(client.chain("v3/x").post_async(json!({ "json": {} })));
            poll_until(&runtime, &mut call, || server.requests().len() > before);
            drop(runtime);
            let err = within(120, move || finish(call, executor));
            assert_eq!(err.outcome(), Outcome::Unknown, "{err:?}");
            assert!(err.is_transport(), "{err:?}");
            assert!(err.to_string().contains("has been shut down"), "{err}");
        }
    }
    assert_eq!(server.requests().len(), 6);
}

#[test]
fn unsent_call_is_not_sent_when_its_runtime_ends() {
    let server = Server::always_ok();
    // With the default retries, which cannot help here.
    let client = keys::builder().base_uri(server.url()).build().unwrap();
    let scratch = Scratch::new();
    for executor in 0..3 {
        for options in [
            Options::new(),
            Options::new().media(Media::from_bytes("a.png", "abc")),
        ] {
            // A runtime that is never driven opens no connection.
            let runtime = current_thread();
            let mut call = Box::pin(client.chain("v3/x").post_async(options));
            poll_in(&runtime, &mut call);
            drop(runtime);
            let err = within(120, move || finish(call, executor));
            assert_eq!(err.outcome(), Outcome::NotSent, "{err:?}");
            assert!(err.to_string().contains("has been shut down"), "{err}");
        }
        // The runtime ends before the call starts, so not even the sink's temporary file can be created.
        for sink in [None, Some(scratch.file("x"))] {
            let runtime = current_thread();
            let handle = runtime.handle().clone();
            drop(runtime);
            let options = match sink {
                Some(sink) => Options::new().sink(sink),
                None => Options::new(),
            };
            let mut call = Box::pin(client.chain("v3/x").get_async(options));
            let err = {
                let _inside = handle.enter();
                poll_once(&mut call)
            };
            let err = err.unwrap_or_else(|| within(120, move || finish(call, executor)));
            assert_eq!(err.outcome(), Outcome::NotSent, "{err:?}");
        }
    }
    assert!(server.requests().is_empty());
    assert!(scratch.names().is_empty());
    // The failures do not count against the host.
    client.chain("v3/x").get(()).unwrap();
}

/// Polls once and returns the error, or `None` if the call is pending.
fn poll_once(call: &mut Pin<Box<Call>>) -> Option<Error> {
    match call.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => Some(result.unwrap_err()),
        Poll::Pending => None,
    }
}

#[test]
fn call_between_two_attempts_keeps_the_first_outcome() {
    let server = Server::start(|_| MockResponse::plain(502, ""));
    let retry = RetryPolicy::default();
    let client = keys::builder().base_uri(server.url()).retry(retry).build();
    let chain = client.unwrap().chain("v3/x");
    let runtime = multi_thread(1);
    let mut call = Box::pin(chain.get_async(()));
    // The first attempt has failed or is about to.
    poll_until(&runtime, &mut call, || !server.requests().is_empty());
    drop(runtime);
    let err = within(120, move || finish(call, 0));
    assert_eq!(err.outcome(), Outcome::Unknown, "{err:?}");
}

#[test]
fn ending_a_runtime_never_makes_a_call_panic() {
    let server = Server::start(|_| Reply::Silence);
    // With retries, because their pauses are timers too.
    let client = keys::builder().base_uri(server.url()).build().unwrap();
    within(120, move || {
        for round in 0..40 {
            let runtime = multi_thread(2);
            let handle = runtime.handle().clone();
            let chain = client.chain("v3/x");
            let started = Arc::new(AtomicBool::new(false));
            let polled = Arc::clone(&started);
            let polling = thread::spawn(move || {
                let mut call = Box::pin(chain.get_async(()));
                let _inside = handle.enter();
                let mut cx = Context::from_waker(Waker::noop());
                loop {
                    match call.as_mut().poll(&mut cx) {
                        Poll::Ready(result) => return result.unwrap_err(),
                        Poll::Pending => polled.store(true, Ordering::SeqCst),
                    }
                    thread::yield_now();
                }
            });
            while !started.load(Ordering::SeqCst) {
                thread::yield_now();
            }
            for _ in 0..round % 8 {
                thread::yield_now();
            }
            runtime.shutdown_background();
            let err = polling.join().expect("no panic");
            assert!(
                matches!(err.outcome(), Outcome::NotSent | Outcome::Unknown),
                "{err:?}"
            );
        }
    });
}

#[test]
fn call_in_a_parked_runtime_still_times_out() {
    let server = Server::start(|_| Reply::Silence);
    let chain = server.client().chain("v3/x");
    let runtime = current_thread();
    let options = || Options::new().timeout(Duration::from_millis(50));
    let mut call = Box::pin(chain.post_async(options()));
    poll_in(&runtime, &mut call);
    // The runtime exists, but nothing drives it.
    let err = within(120, move || finish(call, 0));
    assert!(err.is_timeout(), "{err:?}");
    assert_eq!(err.outcome(), Outcome::NotSent);
    drop(runtime);
}

#[test]
fn call_works_in_a_runtime_without_timers() {
    let server = Server::always_ok();
    let url = server.url().replace("127.0.0.1", "localhost");
    let client = keys::builder().base_uri(url).build().unwrap();
    within(120, move || {
        let runtime = Builder::new_current_thread().enable_io().build().unwrap();
        runtime
            .block_on(client.chain("v3/x").get_async(()))
            .unwrap();
    });
}

#[test]
fn notification_by_unknown_key_waits_three_seconds_in_any_runtime() {
    let server = Server::start(|_| Reply::Silence);
    let client = || {
        keys::builder()
            .base_uri(server.url())
            .retry(RetryPolicy::none())
            .certificate_mode(CertificateMode::OnDemand)
            .build()
            .unwrap()
    };
    let headers = || {
        [
            (
                "Wechatpay-Serial",
                "5157F09EFDC096DE15EBE81A47057A7232F1B8E1".to_owned(),
            ),
            ("Wechatpay-Timestamp", now().to_string()),
            ("Wechatpay-Nonce", "nonce".to_owned()),
            ("Wechatpay-Signature", "A".repeat(344)),
        ]
    };
    let without_timers = || Builder::new_current_thread().build().unwrap();
    let threads = [current_thread(), without_timers()].map(|runtime| {
        let (client, headers) = (client(), headers());
        thread::spawn(move || {
            let received = runtime.block_on(async { client.notification(headers, b"{}") });
            received.unwrap_err()
        })
    });
    for thread in threads {
        let err = within(120, move || thread.join().expect("no panic"));
        assert!(err.is_verification(), "{err:?}");
        // If the call had waited for the download's own timeout of 30 s, that would be the source.
        assert!(std::error::Error::source(&err).is_none(), "{err:?}");
    }
    // The async method needs no timers either.
    let (client, headers) = (client(), headers());
    let err = within(120, move || {
        without_timers()
            .block_on(client.notification_async(headers, b"{}"))
            .unwrap_err()
    });
    assert!(err.is_verification(), "{err:?}");
}

/// A signer that waits on a timer of its runtime.
struct SlowSigner;

impl Signer for SlowSigner {
    type Error = &'static str;

    async fn sign(&self, message: &[u8]) -> Result<Signature, Self::Error> {
        tokio::time::sleep(Duration::from_secs(3600)).await;
        Ok(Signature::new(keys::SERIAL, keys::merchant().sign(message)))
    }
}

#[test]
fn signer_in_an_ended_runtime_is_a_signing_error() {
    let server = Server::always_ok();
    let client = Client::builder()
        .mchid(keys::MCHID)
        .signer(SlowSigner)
        .platform_key(keys::PLATFORM_ID, keys::platform().public())
        .base_uri(server.url())
        .no_proxy()
        .build()
        .unwrap();
    let runtime = current_thread();
    let chain = client.chain("v3/x");
    let mut call = Box::pin(chain.post_async(()));
    let mut prepare = Box::pin(chain.prepare_async(Method::POST, ()));
    poll_in(&runtime, &mut call);
    {
        let _inside = runtime.enter();
        let polled = prepare
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending());
    }
    drop(runtime);
    let err = within(120, move || finish(call, 0));
    assert_eq!(err.outcome(), Outcome::NotSent, "{err:?}");
    let err = within(120, move || block_on(prepare).unwrap_err());
    assert!(err.is_signing(), "{err:?}");
    assert_eq!(err.outcome(), Outcome::NotSent);
    assert!(server.requests().is_empty());
}

#[test]
fn runtime_without_io_is_an_error_naming_enable_io() {
    let server = Server::always_ok();
    let client = server.client();
    let err = within(120, move || {
        let runtime = Builder::new_current_thread().build().unwrap();
        let call = client.chain("v3/x").get_async(());
        runtime.block_on(call).unwrap_err()
    });
    assert!(err.is_connect(), "{err:?}");
    assert_eq!(err.outcome(), Outcome::NotSent);
    let source = std::error::Error::source(&err).expect("a source");
    assert!(source.to_string().contains("enable_io"), "{source}");
}
