//! Calls that wait for a certificate download, and calls that must not.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::runtime::Builder;
use wechatpay_chain::{CertificateMode, Client, Outcome};
#[cfg(feature = "documents")]
use wechatpay_chain::{Method, Value};

use super::platform::{Platform, new, old, response_with};
#[cfg(feature = "documents")]
use crate::fixtures::mode::Mode;
use crate::fixtures::{
    mode::{BOTH, runtime},
    server::Reply,
};

/// How long a slow download takes.
const SLOW: Duration = Duration::from_millis(600);

/// A server with a slow download. The new certificate signs all other responses.
fn slow() -> Platform {
    Platform::start(
        |_| {
            thread::sleep(SLOW);
            response_with(&[old(), new()], old())
        },
        |_| new().signs("{}"),
    )
}

fn trusting_old(platform: &Platform) -> Client {
    let builder = platform.builder();
    builder
        .platform_certificate(old().certificate())
        .build()
        .unwrap()
}

#[test]
fn hundred_calls_with_an_unknown_serial_share_one_download() {
    let platform = slow();
    let client = trusting_old(&platform);
    let chain = client.chain("v3/x");
    let tasks = (0..80).map(|_| runtime().spawn(chain.post_async(())));
    let tasks = tasks.collect::<Vec<_>>();
    thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| chain.get(()).unwrap());
        }
    });
    for task in tasks {
        runtime().block_on(task).unwrap().unwrap();
    }
    assert_eq!(platform.downloads(), 1);
    assert_eq!(client.platform_keys()[1].responses(), 100);
    assert_eq!(platform.server.requests().len(), 101);
}

#[test]
fn missing_serial_is_downloaded_once_a_minute() {
    let platform = Platform::start(|_| response_with(&[old()], old()), |_| new().signs("{}"));
    let client = trusting_old(&platform);
    for mode in BOTH {
        for _ in 0..5 {
            let err = mode.post(&client.chain("v3/x"), ()).unwrap_err();
            assert!(
                err.is_verification() && err.outcome() == Outcome::Unknown,
                "{err:?}"
            );
            assert!(err.unverified_body().is_some());
        }
    }
    assert_eq!(platform.downloads(), 1);
}

#[test]
fn download_continues_after_its_first_call_times_out() {
    let platform = slow();
    let client = trusting_old(&platform);
    let chain = client.chain("v3/x");
    // The first call with the unknown serial times out. A response arrived, so the outcome is unknown.
    for mode in BOTH {
        let err = mode.post(&chain, json!({ "timeout": 0.2 })).unwrap_err();
        assert!(err.is_timeout(), "{err:?}");
        assert_eq!((err.outcome(), err.attempts()), (Outcome::Unknown, 1));
    }
    chain.post(()).unwrap();
    assert_eq!(platform.downloads(), 1);
}

#[test]
fn parked_runtime_does_not_block_other_calls() {
    let platform = slow();
    let client = trusting_old(&platform);
    let parked = Builder::new_current_thread().enable_all().build().unwrap();
    let task = parked.spawn(client.chain("v3/parked").post_async(()));
    // Long enough to start the download, but not to finish it.
    parked.block_on(async { tokio::time::sleep(SLOW / 2).await });
    assert_eq!(platform.downloads(), 1);
    for mode in BOTH {
        mode.post(&client.chain("v3/x"), json!({ "timeout": 60 }))
            .unwrap();
    }
    assert_eq!(platform.downloads(), 1);
    parked.block_on(task).unwrap().unwrap();
}

#[test]
fn download_has_its_own_timeout() {
    let platform = Platform::start(|_| Reply::Silence, |_| old().signs("{}"));
    let client = platform
        .builder()
        .platform_certificate(old().certificate())
        .timeout(Duration::from_millis(300))
        .build()
        .unwrap();
    let err = client.refresh_certificates().unwrap_err();
    assert!(err.is_timeout(), "{err:?}");
    client.chain("v3/x").get(()).unwrap();
}

#[test]
fn calls_do_not_wait_for_a_background_renewal() {
    for mode in BOTH {
        let released = Arc::new(AtomicBool::new(false));
        let platform = Platform::start(
            {
                let released = Arc::clone(&released);
                move |_| {
                    while !released.load(SeqCst) {
                        thread::sleep(Duration::from_millis(5));
                    }
                    response_with(&[old(), new()], old())
                }
            },
            |_| old().signs("{}"),
        );
        let client = platform
            .builder()
            .platform_certificate(old().certificate())
            .certificate_mode(CertificateMode::Background(Duration::from_secs(3600)))
            .build()
            .unwrap();
        // The download is held until all these calls have their responses.
        for _ in 0..20 {
            mode.get(&client.chain("v3/x"), ()).unwrap();
        }
        assert_eq!(client.platform_keys().len(), 1);
        released.store(true, SeqCst);
        let start = Instant::now();
        while client.platform_keys().len() < 2 {
            assert!(start.elapsed() < Duration::from_secs(60), "never renewed");
            thread::sleep(Duration::from_millis(5));
        }
        mode.get(&client.chain("v3/x"), ()).unwrap();
        assert_eq!(platform.downloads(), 1);
    }
}

#[test]
fn failed_renewal_does_not_affect_calls() {
    let platform = Platform::start(|_| Reply::Close, |_| old().signs("{}"));
    let client = platform
        .builder()
        .platform_certificate(old().certificate())
        .certificate_mode(CertificateMode::Background(Duration::ZERO))
        .build()
        .unwrap();
    for mode in BOTH {
        for _ in 0..10 {
            mode.get(&client.chain("v3/x"), ()).unwrap();
        }
    }
    platform
        .server
        .wait_until("a renewal", |_| platform.downloads() > 0);
}

#[cfg(feature = "documents")]
#[test]
fn documented_sealed_field_waits_for_the_first_key() {
    let path = "v3/profitsharing/receivers/add";
    for mode in BOTH {
        let platform = slow();
        let builder = platform.builder().encrypt_documented(true);
        let client = builder.build().unwrap();
        let prepare = |name: &str| {
            let chain = client.chain(path);
            let options = json!({ "json": { "name": name, "type": "MERCHANT_ID" } });
            match mode {
                Mode::Blocking => chain.prepare(Method::POST, options),
                Mode::Async => runtime().block_on(chain.prepare_async(Method::POST, options)),
            }
        };
        // Nothing is sealed, so no key is needed to make the request.
        prepare("").unwrap();
        assert_eq!(platform.downloads(), 0);
        let prepared = prepare("张三").unwrap();
        assert_eq!(platform.downloads(), 1);
        let serial = prepared.headers()["wechatpay-serial"].to_str().unwrap();
        assert!([old().serial, new().serial].contains(&serial));
        let body: Value = serde_json::from_slice(prepared.body()).unwrap();
        assert_eq!(body["name"].as_str().unwrap().len(), 344);
        assert_eq!(body["type"], "MERCHANT_ID");
    }
}
