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

use super::platform::{Platform, brings, new, old};
use crate::fixtures::{
    mode::{BOTH, runtime},
    server::Reply,
};

const LONG: Duration = Duration::from_millis(600);

/// A download that takes its time; the other answers are the new certificate's.
fn slow() -> Platform {
    Platform::start(
        |_| {
            thread::sleep(LONG);
            brings(&[old(), new()], old())
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
fn a_hundred_calls_that_meet_an_unknown_serial_wait_for_one_download() {
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
fn a_serial_that_nobody_brings_is_asked_for_once_a_minute() {
    let platform = Platform::start(|_| brings(&[old()], old()), |_| new().signs("{}"));
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
fn a_call_that_gives_up_leaves_the_download_to_the_others() {
    let platform = slow();
    let client = trusting_old(&platform);
    let chain = client.chain("v3/x");
    // The first to meet the serial has no time, and what it wrote was answered by someone.
    for mode in BOTH {
        let err = mode.post(&chain, json!({ "timeout": 0.2 })).unwrap_err();
        assert!(err.is_timeout(), "{err:?}");
        assert_eq!((err.outcome(), err.attempts()), (Outcome::Unknown, 1));
    }
    chain.post(()).unwrap();
    assert_eq!(platform.downloads(), 1);
}

#[test]
fn a_runtime_that_rests_holds_nobody_up() {
    let platform = slow();
    let client = trusting_old(&platform);
    let parked = Builder::new_current_thread().enable_all().build().unwrap();
    let task = parked.spawn(client.chain("v3/parked").post_async(()));
    // Long enough to begin the download, and not to see its end.
    parked.block_on(async { tokio::time::sleep(LONG / 2).await });
    assert_eq!(platform.downloads(), 1);
    for mode in BOTH {
        mode.post(&client.chain("v3/x"), json!({ "timeout": 60 }))
            .unwrap();
    }
    assert_eq!(platform.downloads(), 1);
    parked.block_on(task).unwrap().unwrap();
}

#[test]
fn a_download_has_a_time_of_its_own() {
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
fn in_the_background_no_call_waits_for_a_renewal() {
    for mode in BOTH {
        let go_on = Arc::new(AtomicBool::new(false));
        let platform = Platform::start(
            {
                let go_on = Arc::clone(&go_on);
                move |_| {
                    while !go_on.load(SeqCst) {
                        thread::sleep(Duration::from_millis(5));
                    }
                    brings(&[old(), new()], old())
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
        // The download stands still until all of these have been answered.
        for _ in 0..20 {
            mode.get(&client.chain("v3/x"), ()).unwrap();
        }
        assert_eq!(client.platform_keys().len(), 1);
        go_on.store(true, SeqCst);
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
fn a_renewal_that_fails_is_no_affair_of_the_calls() {
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
