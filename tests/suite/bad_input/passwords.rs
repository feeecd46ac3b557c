//! Passwords in URLs, which no error, `Debug` or cause may show, however wrong the URL is.

use std::error::Error as _;

use serde_json::json;
use wechatpay_chain::{Client, Error, Method, Options, Transport};

use crate::fixtures::{
    keys,
    mode::BOTH,
    server::{MockResponse, Server},
};

const PASSWORD: &str = "hunter2";

/// What may stand between a scheme and a path; `PW` is the password.
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

/// All that an error says, to a person and to a log.
#[track_caller]
fn silent(what: &str, url: &str, err: &Error) {
    let mut told = format!("{err} {err:?} {err:#?}");
    let mut source = err.source();
    while let Some(cause) = source {
        told += &format!(" {cause} {cause:?}");
        source = cause.source();
    }
    assert!(!told.contains(PASSWORD), "{what} of {url}: {told}");
}

#[test]
fn no_password_in_a_url_is_shown() {
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
                Err(err) => silent("the builder", &url, &err),
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
                silent("a call", &url, &err);
            }
        }
        let chain = client.chain(&url);
        assert!(!format!("{chain:?}").contains(PASSWORD), "{chain:?}");
        let proxied = Transport::builder().proxy(url.as_str());
        assert!(!format!("{proxied:?}").contains(PASSWORD), "{url}");
        match proxied.build() {
            Ok(transport) => assert!(!format!("{transport:?}").contains(PASSWORD), "{url}"),
            Err(err) => silent("a transport", &url, &err),
        }
        if let Err(err) = Client::builder().proxy(url.as_str()).build() {
            silent("a client's proxy", &url, &err);
        }
    }
    assert!(server.requests().is_empty());
}

/// Read as a URL is, the host of this one is `user`, and the password would go to it.
#[test]
fn a_base_uri_whose_path_may_hold_a_password_is_refused() {
    let uri = format!("https://user/{PASSWORD}@example.com/");
    let err = keys::builder().base_uri(&uri).build().unwrap_err();
    assert!(err.to_string().contains("an `@` after its host"), "{err}");
    silent("the builder", &uri, &err);
    let chain = Server::always_ok().client().chain("v3/x");
    let err = chain.prepare(Method::GET, json!({ "base_uri": uri }));
    assert!(err.unwrap_err().is_request());
}

#[test]
fn no_password_in_a_url_that_a_response_names_is_shown() {
    let urls = urls();
    // A line break is no header; the rest of what a response may hold is in the list.
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
            let names =
                json!({ "download_url": url, "hash_type": "SHA1", "hash_value": "0".repeat(40) });
            MockResponse::signed(200, names.to_string())
        }
    });
    let client = server.client();
    for _ in 0..number {
        let moved = client
            .chain("v3/moved")
            .get(json!({ "allow_redirects": true }));
        silent("a redirect", "a response", &moved.unwrap_err());
        if let Err(err) = client.chain("v3/bill/tradebill").download(()) {
            silent("a file", "a response", &err);
            assert!(!err.is_request(), "{err:?}");
        }
    }
}

/// `is_request` says that nothing was sent.
#[test]
fn what_is_at_fault_after_sending_is_no_fault_of_the_request() {
    let server = Server::start(|_| {
        let names = json!({ "download_url": "https://stranger.example/v3/file" });
        MockResponse::signed(200, names.to_string())
    });
    for mode in BOTH {
        let chain = server.client().chain("v3/bill/tradebill");
        let err = match mode {
            crate::fixtures::mode::Mode::Blocking => chain.download(()),
            crate::fixtures::mode::Mode::Async => {
                crate::fixtures::mode::runtime().block_on(chain.download_async(()))
            }
        };
        let err = err.unwrap_err();
        assert!(err.is_decode() && !err.is_request(), "{err:?}");
        assert_eq!(err.outcome(), wechatpay_chain::Outcome::Done);
        assert!(err.to_string().contains("stranger.example"), "{err}");
    }
}
