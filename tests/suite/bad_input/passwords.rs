//! Passwords in URLs. No error, source or `Debug` output may show them, however invalid the URL is.

use std::error::Error as _;

use serde_json::json;
use wechatpay_chain::{Client, Error, Method, Options, Transport};

use crate::fixtures::{
    keys,
    mode::{BOTH, Mode, runtime},
    server::{MockResponse, Server},
};

const PASSWORD: &str = "hunter2";

/// Authorities with a password, which `PW` stands for.
const AUTHORITIES: [&str; 16] = [
    "user:PW@example.com",
    ":PW@example.com",
    "user:PW@example.com:99999",
    "user:PW@[::1",
    "user:PW@",
    "user:PW%40example.com",
    "user:PW:more@example.com",
    "user:PW@at@example.com",
    "user:PW/slash@example.com",
    "user:p/PW@example.com",
    "user:p?PW@example.com",
    "user:p#PW@example.com",
    "user:p\\PW@example.com",
    "us er:PW@example.com",
    "user:PW@exa mple.com",
    "用户:PW@example.com",
];

fn urls() -> Vec<String> {
    let mut urls = Vec::new();
    for authority in AUTHORITIES {
        let authority = authority.replace("PW", PASSWORD);
        for scheme in [
            "https://", "http://", "ftp://", "https:/", "https:", "//", "",
        ] {
            for path in [
                "",
                "/",
                "/v3/x",
                "/v3/../x",
                "/v3/x?a=1",
                "/v3/x#a",
                "/{id}",
            ] {
                urls.push(format!("{scheme}{authority}{path}"));
            }
        }
    }
    urls
}

/// Checks that neither an error nor its sources show the password, in any format.
#[track_caller]
fn assert_no_password(what: &str, url: &str, err: &Error) {
    let mut text = format!("{err} {err:?} {err:#?}");
    let mut source = err.source();
    while let Some(cause) = source {
        text += &format!(" {cause} {cause:?}");
        source = cause.source();
    }
    assert!(!text.contains(PASSWORD), "{what} of {url}: {text}");
}

#[test]
fn errors_show_no_password_of_a_given_url() {
    let server = Server::always_ok();
    let client = server.client();
    for url in urls() {
        for built in [
            keys::builder().base_uri(&url).build(),
            keys::builder().backup_base_uri(&url).build(),
            keys::builder().trust_host(&url).build(),
            keys::builder().base_uri(&url).trust_host(&url).build(),
        ] {
            match built {
                Ok(client) => assert!(!format!("{client:?}").contains(PASSWORD), "{url}"),
                Err(err) => assert_no_password("the builder", &url, &err),
            }
        }
        for prepared in [
            client.chain(&url).prepare(Method::GET, ()),
            client.chain("v3/x").chain(&url).prepare(Method::GET, ()),
            client.seg(&url).prepare(Method::GET, ()),
            client
                .chain("{+url}")
                .prepare(Method::GET, json!({ "url": url })),
            client
                .chain("v3/x")
                .prepare(Method::GET, json!({ "base_uri": url })),
            client
                .chain(&url)
                .prepare(Method::GET, Options::new().unsigned(true)),
        ] {
            if let Err(err) = prepared {
                assert_no_password("a call", &url, &err);
            }
        }
        let chain = client.chain(&url);
        assert!(!format!("{chain:?}").contains(PASSWORD), "{chain:?}");
        let proxied = Transport::builder().proxy(url.as_str());
        assert!(!format!("{proxied:?}").contains(PASSWORD), "{url}");
        match proxied.build() {
            Ok(transport) => assert!(!format!("{transport:?}").contains(PASSWORD), "{url}"),
            Err(err) => assert_no_password("a transport", &url, &err),
        }
        if let Err(err) = Client::builder().proxy(url.as_str()).build() {
            assert_no_password("a client's proxy", &url, &err);
        }
    }
    assert!(server.requests().is_empty());
}

/// Parsed as a URL, the host of this one is `user`, which would receive the password.
#[test]
fn base_uri_with_a_password_in_its_path_is_refused() {
    let uri = format!("https://user/{PASSWORD}@example.com/");
    let err = keys::builder().base_uri(&uri).build().unwrap_err();
    assert!(err.to_string().contains("an `@` after its host"), "{err}");
    assert_no_password("the builder", &uri, &err);
    let chain = Server::always_ok().client().chain("v3/x");
    let err = chain.prepare(Method::GET, json!({ "base_uri": uri }));
    assert!(err.unwrap_err().is_request());
}

#[test]
fn errors_show_no_password_of_a_url_in_a_response() {
    let urls = urls();
    // The test server writes headers as ASCII.
    let headers = urls.iter().filter(|url| url.is_ascii()).cloned();
    let headers = headers.collect::<Vec<_>>();
    let number = headers.len();
    let server = Server::start(move |request| match request.path() {
        "/v3/moved" => {
            let location = &headers[request.number % number];
            MockResponse::plain(302, "").header("Location", location)
        }
        _ => {
            let url = &urls[request.number % urls.len()];
            let body =
                json!({ "download_url": url, "hash_type": "SHA1", "hash_value": "0".repeat(40) });
            MockResponse::signed(200, body.to_string())
        }
    });
    let client = server.client();
    for _ in 0..number {
        let moved = client
            .chain("v3/moved")
            .get(json!({ "allow_redirects": true }));
        assert_no_password("a redirect", "a response", &moved.unwrap_err());
        if let Err(err) = client.chain("v3/bill/tradebill").download(()) {
            assert_no_password("a file", "a response", &err);
            assert!(!err.is_request(), "{err:?}");
        }
    }
}

/// `is_request` means that nothing was sent.
#[test]
fn request_errors_require_that_nothing_was_sent() {
    let server = Server::start(|_| {
        let body = json!({ "download_url": "https://stranger.example/v3/file" });
        MockResponse::signed(200, body.to_string())
    });
    for mode in BOTH {
        let chain = server.client().chain("v3/bill/tradebill");
        let err = match mode {
            Mode::Blocking => chain.download(()),
            Mode::Async => runtime().block_on(chain.download_async(())),
        };
        let err = err.unwrap_err();
        assert!(err.is_decode() && !err.is_request(), "{err:?}");
        assert_eq!(err.outcome(), wechatpay_chain::Outcome::Done);
        assert!(err.to_string().contains("stranger.example"), "{err}");
    }
}
