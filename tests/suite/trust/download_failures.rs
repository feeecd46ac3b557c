//! Failed certificate downloads. A failure says nothing about the merchant's mode and is retried soon.

use std::{
    error::Error as _,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use serde_json::json;
use wechatpay_chain::{CertificateMode, Client, Error, Options, Outcome};

use super::platform::{APIV3_KEY, Platform, body, expired, new, old, response_with};
use crate::fixtures::{
    keys,
    mode::BOTH,
    server::{MockResponse, Reply, vacant_port},
};

/// Longer than the pause after a first failure.
const PAUSE: Duration = Duration::from_millis(1_100);

/// A serial that no certificate has.
const UNKNOWN_SERIAL: &str = "5157000000000000000000000000000000000000";

/// Every way a download can fail, with a part of the source's text. Without a response, the connection
/// closes.
fn failures() -> Vec<(&'static str, Option<MockResponse>, &'static str)> {
    let refusal = |status, code: &str| -> MockResponse {
        MockResponse::plain(status, format!(r#"{{"code":"{code}","message":"x"}}"#))
    };
    let signed = |status, code: &str| -> MockResponse {
        MockResponse::signed(status, format!(r#"{{"code":"{code}","message":"x"}}"#))
    };
    let garbage = response_with(&[new()], new()).with("Wechatpay-Signature", "AAAA");
    let unknown =
        MockResponse::signed_by(200, body(&[new()], APIV3_KEY), (UNKNOWN_SERIAL, new().pair));
    let forged = new().signs(r#"{"code":"RESOURCE_NOT_EXISTS","message":"x"}"#);
    let responses = vec![
        ("403", refusal(403, "NO_AUTH"), "403 NO_AUTH"),
        ("500", refusal(500, "SYSTEM_ERROR"), "500 SYSTEM_ERROR"),
        (
            "500, signed",
            signed(500, "SYSTEM_ERROR"),
            "500 SYSTEM_ERROR",
        ),
        (
            "500 with the 404's code",
            refusal(500, "RESOURCE_NOT_EXISTS"),
            "500 RESOURCE",
        ),
        (
            "403 with the 404's code",
            refusal(403, "RESOURCE_NOT_EXISTS"),
            "403 RESOURCE",
        ),
        (
            "404 with another code",
            refusal(404, "NOT_FOUND"),
            "404 NOT_FOUND",
        ),
        (
            "404, lower case",
            refusal(404, "resource_not_exists"),
            "404 resource",
        ),
        ("404 in HTML", MockResponse::plain(404, "<html>"), "404"),
        (
            "404 with half a signature",
            MockResponse::plain(404, r#"{"code":"RESOURCE_NOT_EXISTS","message":"x"}"#)
                .header("Wechatpay-Nonce", "x"),
            "is missing",
        ),
        ("401", refusal(401, "SIGN_ERROR"), "401 SIGN_ERROR"),
        (
            "429",
            refusal(429, "FREQUENCY_LIMITED"),
            "429 FREQUENCY_LIMITED",
        ),
        ("502", MockResponse::plain(502, "<html>"), "502"),
        (
            "a success with a code",
            forged,
            "is not the documented JSON",
        ),
        (
            "broken JSON",
            new().signs(r#"{"data":[{"#),
            "is not the documented JSON",
        ),
        (
            "an empty body",
            new().signs(""),
            "is not the documented JSON",
        ),
        ("no data", new().signs("{}"), "is not the documented JSON"),
        ("a garbage signature", garbage, "signature"),
        (
            "by an unknown serial",
            unknown,
            "which is not trusted (trusted: ",
        ),
        (
            "unsigned",
            MockResponse::plain(200, body(&[new()], APIV3_KEY)),
            "has no signature",
        ),
        (
            "no certificates, unsigned",
            MockResponse::plain(200, r#"{"data":[]}"#),
            "has no signature",
        ),
        (
            "no certificates, by an unknown serial",
            MockResponse::signed_by(200, r#"{"data":[]}"#, (UNKNOWN_SERIAL, new().pair)),
            "which is not trusted (trusted: ",
        ),
        (
            "an expired list",
            response_with(&[expired()], expired()),
            "is not in force",
        ),
        (
            "encrypted with another key",
            new().signs(&body(&[new()], "0123456789abcdef0123456789abcdef")),
            "the `apiv3_key` is not the one",
        ),
    ];
    let responses = responses.into_iter();
    responses
        .map(|(name, response, text)| (name, Some(response), text))
        .chain([("a connection that closes", None, "connection")])
        .collect()
}

fn reply(response: &Option<MockResponse>) -> Reply {
    response.clone().map_or(Reply::Close, Reply::Response)
}

/// Checks the error of a client without any key whose download failed, and returns its source.
#[track_caller]
fn assert_no_key(name: &str, err: &Error) -> String {
    assert!(err.is_config() && !err.is_api(), "{name}: {err:?}");
    assert!(
        err.api().is_none() && err.status().is_none(),
        "{name}: {err:?}"
    );
    assert_eq!(err.outcome(), Outcome::NotSent, "{name}: {err:?}");
    let text = err.to_string();
    assert!(
        text.starts_with("POST v3/x: no platform key to verify responses and encrypt fields with, so nothing was sent: "),
        "{name}: {text}"
    );
    assert!(text.contains("`platform_key`"), "{name}: {text}");
    err.source().map(ToString::to_string).unwrap_or_default()
}

#[test]
fn client_without_a_key_says_to_configure_one() {
    for (name, failure, text) in failures() {
        let platform = Platform::start(move |_| reply(&failure), |_| new().signs("{}"));
        for mode in BOTH {
            let client = platform.builder().build().unwrap();
            let err = mode.post(&client.chain("v3/x"), ()).unwrap_err();
            let source = assert_no_key(name, &err);
            assert!(
                source.starts_with("GET v3/certificates: "),
                "{name}: {source}"
            );
            assert!(source.contains(text), "{name}: {source}");
            // Fields that are encrypted need the key before the request is drafted.
            let client = platform.builder().build().unwrap();
            let options = Options::new()
                .json(json!({ "name": "张三" }))
                .encrypt(["/name"]);
            let err = mode.post(&client.chain("v3/x"), options).unwrap_err();
            assert!(assert_no_key(name, &err).contains(text), "{name}");
        }
        assert_eq!(platform.server.requests().len(), 4, "{name}: more was sent");
        assert_eq!(platform.downloads(), 4, "{name}");
    }
}

#[test]
fn failed_download_does_not_stop_calls_with_a_key() {
    for (name, failure, text) in failures() {
        let platform = Platform::start(
            move |_| reply(&failure),
            |_| MockResponse::signed(200, "{}"),
        );
        for mode in BOTH {
            let client = platform
                .builder()
                .platform_key(keys::PLATFORM_ID, keys::platform().public())
                .certificate_mode(CertificateMode::Background(Duration::ZERO))
                .build()
                .unwrap();
            let err = client.refresh_certificates().unwrap_err();
            assert!(err.to_string().contains(text), "{name}: {err}");
            for _ in 0..3 {
                mode.post(&client.chain("v3/x"), ()).unwrap();
            }
        }
    }
}

#[test]
fn verified_list_of_expired_certificates_is_a_failure() {
    let body = body(&[expired()], APIV3_KEY);
    let platform = Platform::start(
        move |_| MockResponse::signed(200, &*body),
        |_| MockResponse::signed(200, "{}"),
    );
    let client = platform
        .builder()
        .platform_key(keys::PLATFORM_ID, keys::platform().public())
        .build()
        .unwrap();
    let err = client.refresh_certificates().unwrap_err();
    assert!(err.to_string().contains("has expired"), "{err}");
}

#[test]
fn refused_connection_is_a_download_failure() {
    let nowhere = format!("http://127.0.0.1:{}/", vacant_port());
    let platform = Platform::start(|_| Reply::Close, |_| Reply::Close);
    for mode in BOTH {
        let client = platform.builder().base_uri(&*nowhere).build().unwrap();
        let err = mode.post(&client.chain("v3/x"), ()).unwrap_err();
        let source = assert_no_key("refused", &err);
        assert!(source.starts_with("GET v3/certificates: "), "{source}");
    }
    assert_eq!(platform.server.connections(), 0);
}

#[test]
fn download_longer_than_the_call_is_a_failure() {
    let platform = Platform::start(|_| Reply::Silence, |_| new().signs("{}"));
    let encrypted = || {
        Options::new()
            .json(json!({ "name": "x" }))
            .encrypt(["/name"])
    };
    for mode in BOTH {
        for options in [Options::new(), encrypted()] {
            let client = platform.builder().build().unwrap();
            let options = options.timeout(Duration::from_millis(200));
            let err = mode.post(&client.chain("v3/x"), options).unwrap_err();
            let source = assert_no_key("silence", &err);
            assert!(source.contains("no response within"), "{source}");
        }
    }
    assert_eq!(platform.server.requests().len(), platform.downloads());
}

#[test]
fn no_certificates_differ_from_a_failure() {
    let none = r#"{"code":"RESOURCE_NOT_EXISTS","message":"无可用的平台证书"}"#;
    // The signed response uses a key that the client, which has no key, cannot know.
    for response in [
        MockResponse::plain(404, none),
        MockResponse::signed(404, none),
    ] {
        let platform = Platform::start(move |_| response.clone(), |_| new().signs("{}"));
        for mode in BOTH {
            let client = platform.builder().build().unwrap();
            for _ in 0..3 {
                let err = mode.post(&client.chain("v3/x"), ()).unwrap_err();
                assert_eq!(assert_no_key("mode", &err), "");
                let text = err.to_string();
                assert!(text.contains("has no platform certificates for"), "{text}");
            }
            assert!(client.refresh_certificates().unwrap().is_public_key_mode());
        }
    }
    // A signature by a known key must be valid.
    let forged = MockResponse::signed_over(404, none, b"{}");
    let platform = Platform::start(move |_| forged.clone(), |_| MockResponse::signed(200, "{}"));
    let client = platform
        .builder()
        .platform_key(keys::PLATFORM_ID, keys::platform().public())
        .build()
        .unwrap();
    assert!(client.refresh_certificates().unwrap_err().is_verification());
}

/// A server whose download fails until the returned flag is set.
fn recovering(failure: MockResponse) -> (Platform, Arc<AtomicBool>) {
    let healthy = Arc::new(AtomicBool::new(false));
    let platform = Platform::start(
        {
            let healthy = Arc::clone(&healthy);
            move |_| match healthy.load(SeqCst) {
                true => response_with(&[old(), new()], new()),
                false => failure.clone(),
            }
        },
        |_| new().signs("{}"),
    );
    (platform, healthy)
}

#[test]
fn failed_download_is_retried_soon() {
    let failure = MockResponse::plain(500, r#"{"code":"SYSTEM_ERROR","message":"x"}"#);
    for mode in BOTH {
        // Without any key, and with one that did not sign the response.
        for has_key in [false, true] {
            let (platform, healthy) = recovering(failure.clone());
            let mut builder = platform.builder();
            if has_key {
                builder = builder.platform_certificate(old().certificate());
            }
            let client = builder.build().unwrap();
            let err = mode.post(&client.chain("v3/x"), ()).unwrap_err();
            let source = err.source().unwrap().to_string();
            assert!(source.contains("500 SYSTEM_ERROR"), "{source}");
            assert!(!err.is_api(), "{err:?}");
            healthy.store(true, SeqCst);
            thread::sleep(PAUSE);
            mode.post(&client.chain("v3/x"), ()).unwrap();
            assert_eq!(platform.downloads(), 2);
        }
    }
}

#[test]
fn call_downloads_its_key_despite_a_failed_renewal() {
    for mode in BOTH {
        let renewals = Arc::new(AtomicUsize::new(0));
        let platform = Platform::start(
            {
                let renewals = Arc::clone(&renewals);
                move |_| match renewals.fetch_add(1, SeqCst) {
                    0 => MockResponse::plain(500, r#"{"code":"SYSTEM_ERROR","message":"x"}"#),
                    _ => response_with(&[old(), new()], old()),
                }
            },
            {
                let renewals = Arc::clone(&renewals);
                move |_| {
                    // Respond only after the renewal has failed.
                    while renewals.load(SeqCst) == 0 {
                        thread::sleep(Duration::from_millis(5));
                    }
                    new().signs("{}")
                }
            },
        );
        let client: Client = platform
            .builder()
            .platform_certificate(old().certificate())
            .certificate_mode(CertificateMode::Background(Duration::from_secs(3600)))
            .build()
            .unwrap();
        mode.post(&client.chain("v3/x"), ()).unwrap();
        assert_eq!(platform.downloads(), 2);
    }
}
