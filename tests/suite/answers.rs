//! What each kind of answer becomes: a verified success, or an error with the right outcome.

use std::{
    io::Write as _,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use wechatpay_chain::{
    Client, Error, Method, Options, Outcome, Response, Result, RetryPolicy, Verification,
};

use super::{
    keys,
    mode::{BOTH, Mode},
    server::{Answer, REQUEST_ID, Reply, Request, Server},
};

const REFUSAL: &str =
    r#"{"code":"PARAM_ERROR","message":"参数错误","detail":{"field":"/amount","issue":"over"}}"#;
const HTML: &str = "<html><body><h1>502 Bad Gateway</h1></body></html>";

/// One answer to one call.
fn ask(mode: Mode, method: &Method, answer: &Answer) -> Result<Response> {
    let answer = answer.clone();
    let server = Server::start(move |_| answer.clone());
    let asked = mode.send(&server.client().chain("v3/answers"), method, ());
    assert_eq!(server.requests().len(), 1);
    asked
}

/// What a call must end in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Verified,
    /// The API's own error.
    Api(Outcome),
    /// An answer that is not believed.
    Unbelieved,
}

fn end(asked: &Result<Response>) -> End {
    match asked {
        Ok(response) => {
            let serial = keys::PLATFORM_ID.to_owned();
            assert_eq!(*response.verification(), Verification::Verified { serial });
            End::Verified
        }
        Err(err) if err.is_api() => End::Api(err.outcome()),
        Err(err) => {
            assert!(err.is_signature(), "{err:?}");
            assert_eq!(err.outcome(), Outcome::Unknown, "{err:?}");
            assert!(err.api().is_none(), "shown as a business fact: {err:?}");
            assert!(err.unverified().is_some() && err.status().is_some());
            End::Unbelieved
        }
    }
}

#[test]
fn every_kind_of_answer_has_its_outcome() {
    use End::{Api, Unbelieved, Verified};
    use Outcome::{Rejected, Unknown};

    let forged = |status| Answer::signed_over(status, REFUSAL, b"something else");
    let cases = [
        ("200", Answer::signed(200, "{}"), Verified, Verified),
        ("202", Answer::signed(202, "{}"), Verified, Verified),
        ("204", Answer::signed(204, ""), Verified, Verified),
        (
            "200 unsigned",
            Answer::plain(200, "{}"),
            Unbelieved,
            Unbelieved,
        ),
        (
            "204 unsigned",
            Answer::plain(204, ""),
            Unbelieved,
            Unbelieved,
        ),
        ("200 forged", forged(200), Unbelieved, Unbelieved),
        ("400 forged", forged(400), Unbelieved, Unbelieved),
        ("401 forged", forged(401), Unbelieved, Unbelieved),
        ("500 forged", forged(500), Unbelieved, Unbelieved),
        (
            "400",
            Answer::signed(400, REFUSAL),
            Api(Rejected),
            Api(Rejected),
        ),
        (
            "404",
            Answer::signed(404, REFUSAL),
            Api(Rejected),
            Api(Rejected),
        ),
        (
            "400 unsigned",
            Answer::plain(400, REFUSAL),
            Api(Rejected),
            Api(Unknown),
        ),
        (
            "404 unsigned",
            Answer::plain(404, REFUSAL),
            Api(Rejected),
            Api(Unknown),
        ),
        (
            "401 unsigned",
            Answer::plain(401, REFUSAL),
            Api(Rejected),
            Api(Rejected),
        ),
        (
            "403 unsigned",
            Answer::plain(403, REFUSAL),
            Api(Rejected),
            Api(Rejected),
        ),
        (
            "429 unsigned",
            Answer::plain(429, REFUSAL),
            Api(Rejected),
            Api(Rejected),
        ),
        (
            "500",
            Answer::signed(500, REFUSAL),
            Api(Unknown),
            Api(Unknown),
        ),
        (
            "500 unsigned",
            Answer::plain(500, REFUSAL),
            Api(Unknown),
            Api(Unknown),
        ),
        (
            "502 HTML",
            Answer::plain(502, HTML),
            Api(Unknown),
            Api(Unknown),
        ),
        (
            "503 empty",
            Answer::plain(503, ""),
            Api(Unknown),
            Api(Unknown),
        ),
        (
            "302",
            Answer::plain(302, "").header("Location", "/v3/x"),
            Api(Unknown),
            Api(Unknown),
        ),
    ];
    for (name, answer, get, post) in cases {
        for mode in BOTH {
            let asked = ask(mode, &Method::GET, &answer);
            assert_eq!(end(&asked), get, "GET {name} {mode:?}: {asked:?}");
            let asked = ask(mode, &Method::POST, &answer);
            assert_eq!(end(&asked), post, "POST {name} {mode:?}: {asked:?}");
        }
    }
}

fn refused(answer: &Answer) -> Error {
    ask(Mode::Blocking, &Method::POST, answer).expect_err("an error")
}

#[test]
fn an_api_error_carries_all_that_came() {
    let err = refused(&Answer::signed(400, REFUSAL));
    let api = err.api().unwrap();
    assert_eq!(api.status(), 400);
    assert_eq!(err.status().unwrap(), 400);
    assert_eq!((api.code(), api.message()), ("PARAM_ERROR", "参数错误"));
    assert_eq!(api.detail().unwrap()["field"], "/amount");
    assert_eq!(api.request_id(), Some(REQUEST_ID));
    assert_eq!(api.body(), REFUSAL.as_bytes());
    assert!(api.is_verified() && err.unverified().is_none());
    assert_eq!(err.attempts(), 1);
    assert_eq!(
        err.to_string(),
        format!("POST v3/answers: 400 PARAM_ERROR: 参数错误 (Request-ID {REQUEST_ID})")
    );

    let err = refused(&Answer::plain(429, REFUSAL).header("Retry-After", "7"));
    let api = err.api().unwrap();
    assert_eq!(api.retry_after(), Some(Duration::from_secs(7)));
    assert!(!api.is_verified());
}

#[test]
fn an_error_in_html_or_without_a_body_is_kept_as_it_came() {
    let err = refused(&Answer::plain(502, HTML));
    let api = err.api().unwrap();
    assert_eq!((api.code(), api.message()), ("", ""));
    assert_eq!(api.body(), HTML.as_bytes());
    assert!(api.detail().is_none());
    let text = err.to_string();
    assert!(
        text.contains("502: not an answer of the API (50 bytes)"),
        "{text}"
    );
    assert!(!text.contains("<h1>"), "{text}");

    let err = refused(&Answer::plain(500, "").without("Request-ID"));
    let api = err.api().unwrap();
    assert_eq!(
        (api.code(), api.body(), api.request_id()),
        ("", &b""[..], None)
    );

    // JSON of another make is no more of an answer than HTML.
    let err = refused(&Answer::plain(500, r#"["code"]"#));
    assert_eq!(err.api().unwrap().code(), "");
}

#[test]
fn a_success_gives_its_body_in_every_form() {
    for mode in BOTH {
        let got = ask(
            mode,
            &Method::POST,
            &Answer::signed(200, r#"{"code_url":"weixin://x"}"#),
        );
        let got = got.unwrap();
        assert_eq!(got.status(), 200);
        assert!(!got.is_accepted() && got.verification().is_verified());
        assert_eq!(got.text().unwrap(), r#"{"code_url":"weixin://x"}"#);
        assert_eq!(got.json::<Value>().unwrap()["code_url"], "weixin://x");
        assert_eq!(got.request_id(), Some(REQUEST_ID));
        assert_eq!(got.headers()["content-type"], "application/json");

        let got = ask(mode, &Method::GET, &Answer::signed(202, "")).unwrap();
        assert!(got.is_accepted());

        let got = ask(mode, &Method::POST, &Answer::signed(204, "")).unwrap();
        assert_eq!(got.status(), 204);
        assert!(got.bytes().is_empty());
        assert_eq!(got.text().unwrap(), "");
        let err = got.json::<Value>().unwrap_err();
        assert!(err.is_decode(), "{err:?}");
        assert_eq!(err.outcome(), Outcome::Done);
    }
}

#[test]
fn what_cannot_be_decoded_was_done_all_the_same() {
    let got = ask(
        Mode::Blocking,
        &Method::POST,
        &Answer::signed(200, "<xml/>"),
    )
    .unwrap();
    let err = got.json::<Value>().unwrap_err();
    assert!(err.is_decode() && err.outcome() == Outcome::Done, "{err:?}");
    assert!(
        err.to_string()
            .contains("is not the JSON that is asked for"),
        "{err}"
    );

    let got = ask(
        Mode::Blocking,
        &Method::GET,
        &Answer::signed(200, vec![0xff, 0xfe]),
    )
    .unwrap();
    let err = got.text().unwrap_err();
    assert!(err.is_decode() && err.outcome() == Outcome::Done, "{err:?}");
}

#[test]
fn the_documented_unsigned_downloads_need_no_signature() {
    let server = Server::start(|_| Answer::plain(200, "a file"));
    let root = server.client();
    let below = keys::builder()
        .base_uri(format!("{}hk/", server.url()))
        .build()
        .unwrap();
    for mode in BOTH {
        for client in [&root, &below] {
            let get = |path: &str| mode.get(&client.chain(path), ());
            for path in [
                "v3/billdownload/file?token=x",
                "v3/merchant-service/images/abc",
                "v3/global/merchant-service/images/abc",
                "v3/new-tax-control-fapiao/download",
                "v3/transferdownload/elecvoucherfile",
                "v3/transferdownload/signfile",
            ] {
                let got = get(path).unwrap_or_else(|err| panic!("{err}"));
                assert_eq!(*got.verification(), Verification::DocumentedUnsigned);
                assert_eq!(got.text().unwrap(), "a file");
            }
            for path in [
                "v3/billdownload/files",
                "v3/x/v3/billdownload/file",
                "v3/bill/tradebill",
            ] {
                assert!(get(path).unwrap_err().is_signature(), "{path}");
            }
            let posted = mode.post(&client.chain("v3/billdownload/file"), ());
            assert!(posted.unwrap_err().is_signature());
        }
        // The download URL of an answer, as it came, with the base URI's own path in it.
        let url = format!("{}hk/v3/billdownload/file?token=a%2Fb", server.url());
        let got = mode
            .get(&below.chain("{+url}"), json!({ "url": url }))
            .unwrap();
        assert_eq!(*got.verification(), Verification::DocumentedUnsigned);
    }
    let last = server.requests().pop().unwrap();
    assert_eq!(last.target, "/hk/v3/billdownload/file?token=a%2Fb");
    last.authorization(keys::merchant());
}

#[test]
fn a_statement_is_verified_by_its_hash() {
    const STATEMENT: &str = "statement\n";
    const SHA1: &str = "2429777616b5df72adf056254168b88624b6214a";
    const OTHER: &str = "da39a3ee5e6b4b0d3255bfef95601890afd80709";
    let signed = |sha1: &str| {
        let over = format!("{{\"sha1\":\"{sha1}\"}}");
        Answer::signed_over(200, STATEMENT, over.as_bytes())
    };
    let get = |base: &str, path: &str, answer: Answer| {
        let server = Server::start(move |_| answer.clone());
        let client = keys::builder()
            .base_uri(format!("{}{base}", server.url()))
            .build()
            .unwrap();
        client.chain(path).get(())
    };
    let header = "Wechatpay-Statement-Sha1";
    for (base, path) in [("", "v3/global/statements"), ("hk", "v3/statements")] {
        let got = get(base, path, signed(SHA1).header(header, SHA1)).unwrap();
        assert!(got.verification().is_verified());
        assert_eq!(got.text().unwrap(), STATEMENT);

        // The signature holds for the header, and the body is another.
        let err = get(base, path, signed(OTHER).header(header, OTHER)).unwrap_err();
        assert!(
            err.is_signature()
                && err
                    .to_string()
                    .contains("does not match its Wechatpay-Statement-Sha1"),
            "{err}"
        );
        assert_eq!(err.outcome(), Outcome::Unknown);

        // The body fits the header, and the signature is of neither.
        let err = get(base, path, signed(OTHER).header(header, SHA1)).unwrap_err();
        assert!(err.is_signature(), "{err}");

        // Without the header the signature covers the body.
        let got = get(base, path, Answer::signed(200, STATEMENT)).unwrap();
        assert!(got.verification().is_verified());
    }
    // Elsewhere the header means nothing.
    let err = get("", "v3/bill/x", signed(SHA1).header(header, SHA1)).unwrap_err();
    assert!(err.is_signature(), "{err}");
}

fn redirecting(to: impl Fn(&Request) -> Option<String> + Send + Sync + 'static) -> Server {
    Server::start(move |request| match to(request) {
        Some(location) => Answer::plain(307, "").header("Location", location),
        None => Answer::signed(200, r#"{"arrived":true}"#),
    })
}

fn first_only(location: &str) -> impl Fn(&Request) -> Option<String> + Send + Sync + 'static {
    let location = location.to_owned();
    move |request| (request.path() == "/v3/from").then(|| location.clone())
}

fn follow() -> Options {
    Options::new().allow_redirects(true)
}

#[test]
fn a_redirect_is_followed_when_asked_for_on_get_and_signed_afresh() {
    for mode in BOTH {
        let server = redirecting(first_only("/v3/to?page=2&q=%20"));
        let chain = server.client().chain("v3/from");
        let err = mode.get(&chain, ()).unwrap_err();
        assert!(
            err.is_api()
                && err
                    .to_string()
                    .contains("a redirect, which is followed only"),
            "{err}"
        );
        assert_eq!(server.requests().len(), 1);

        let got = mode.get(&chain, follow()).unwrap();
        assert_eq!(got.json::<Value>().unwrap()["arrived"], true);
        let requests = server.requests();
        let targets = requests
            .iter()
            .map(|r| r.target.as_str())
            .collect::<Vec<_>>();
        assert_eq!(targets, ["/v3/from", "/v3/from", "/v3/to?page=2&q=%20"]);
        // Each is signed over its own target, with a nonce of its own.
        let first = requests[1].authorization(keys::merchant());
        let second = requests[2].authorization(keys::merchant());
        assert_ne!(first["nonce_str"], second["nonce_str"]);
    }
}

#[test]
fn a_redirect_may_go_to_a_trusted_host_and_to_no_stranger() {
    for mode in BOTH {
        let there = Server::agreeable();
        let here = redirecting(first_only(&format!("{}v3/there", there.url())));
        let trusting = keys::builder()
            .base_uri(here.url())
            .trust_host("127.0.0.1")
            .build()
            .unwrap();
        mode.get(&trusting.chain("v3/from"), follow()).unwrap();
        let arrived = there.only();
        assert_eq!(arrived.target, "/v3/there");
        assert_eq!(
            arrived.header("host").unwrap(),
            format!("127.0.0.1:{}", there.port())
        );
        arrived.authorization(keys::merchant());

        let err = mode
            .get(&here.client().chain("v3/from"), follow())
            .unwrap_err();
        assert!(err.is_transport(), "{err:?}");
        assert!(
            err.to_string()
                .contains("a redirect that is not followed: `http://127.0.0.1:"),
            "{err}"
        );
        assert!(
            err.to_string().contains("not a host of WeChat Pay"),
            "{err}"
        );
        assert_eq!(err.outcome(), Outcome::Unknown);
        assert_eq!(there.requests().len(), 1, "a stranger was asked");
    }
    for stranger in [
        "https://evil.example/v3/x",
        "//evil.example/v3/x",
        "http://api.mch.weixin.qq.com/v3/x",
        "https://user@api.mch.weixin.qq.com/v3/x",
        "https://api.mch.weixin.qq.com:8443/v3/x",
        "/v3/../x",
        "v3/relative",
        "javascript:alert(1)",
        "",
    ] {
        let here = redirecting(first_only(stranger));
        let err = here.client().chain("v3/from").get(follow()).unwrap_err();
        assert!(
            err.to_string().contains("a redirect that is not followed"),
            "{stranger}: {err}"
        );
        assert_eq!(here.requests().len(), 1, "{stranger}");
    }
}

#[test]
fn a_write_is_never_redirected() {
    for mode in BOTH {
        for status in [301, 302, 303, 307, 308] {
            let server =
                Server::start(move |_| Answer::plain(status, "").header("Location", "/v3/to"));
            let err = mode
                .post(&server.client().chain("v3/from"), follow())
                .unwrap_err();
            assert_eq!(err.outcome(), Outcome::Unknown, "{err}");
            assert_eq!(err.api().unwrap().status(), status);
            assert_eq!(server.requests().len(), 1);
        }
    }
}

#[test]
fn an_unsigned_file_may_be_elsewhere_and_a_signed_one_not() {
    // A proxy, so that nothing leaves this machine: it says where the client would go.
    let server = Server::start(
        |request| match (request.method.as_str(), &*request.target) {
            ("CONNECT", "pay.wechatpay.cn:443") => Answer::plain(403, ""),
            ("CONNECT", _) => Answer::plain(200, ""),
            _ => Answer::plain(302, "").header("Location", "https://pay.wechatpay.cn/file"),
        },
    );
    let client = Client::builder()
        .mchid(keys::MCHID)
        .serial(keys::SERIAL)
        .private_key(keys::merchant().private())
        .platform_key(keys::PLATFORM_ID, keys::platform().public())
        .base_uri(server.url())
        .proxy(server.url())
        .retry(RetryPolicy::none())
        .build()
        .unwrap();
    for mode in BOTH {
        let chain = client.chain("v3/from");
        let err = mode.get(&chain, follow().unsigned()).unwrap_err();
        assert!(err.is_connect(), "{err:?}");
        assert!(
            err.to_string()
                .contains("refused a tunnel to pay.wechatpay.cn:443"),
            "{err}"
        );
        let err = mode.get(&chain, follow()).unwrap_err();
        assert!(
            err.to_string().contains("a redirect that is not followed"),
            "{err}"
        );
    }
}

#[test]
fn redirects_in_a_circle_end() {
    let server = redirecting(|_| Some("/v3/from".into()));
    let err = server.client().chain("v3/from").get(follow()).unwrap_err();
    assert!(
        err.to_string().contains("more than 5 redirects in a row"),
        "{err}"
    );
    assert_eq!(server.requests().len(), 6);
}

#[test]
fn an_unsigned_get_carries_no_signature_and_says_so() {
    let server = Server::start(|request| {
        let status = if request.path() == "/v3/lacking" {
            404
        } else {
            200
        };
        Answer::plain(status, "an invoice")
    });
    for mode in BOTH {
        let unsigned = || Options::new().unsigned();
        let got = mode
            .get(&server.client().chain("v3/file"), unsigned())
            .unwrap();
        assert_eq!(*got.verification(), Verification::Unsigned);
        assert!(!got.verification().is_verified());
        assert_eq!(got.text().unwrap(), "an invoice");
        let err = mode
            .get(&server.client().chain("v3/lacking"), unsigned())
            .unwrap_err();
        assert_eq!(err.api().unwrap().status(), 404);
    }
    for request in server.requests() {
        assert!(request.header("authorization").is_none(), "{request:?}");
        assert!(request.header("wechatpay-serial").is_none(), "{request:?}");
    }
}

#[test]
fn an_answer_over_the_cap_is_not_read() {
    let capped = |server: &Server, cap| {
        keys::builder()
            .base_uri(server.url())
            .max_response(cap)
            .build()
            .unwrap()
            .chain("v3/large")
    };
    let server = Server::start(|_| Answer::signed(200, vec![b'x'; 1000]));
    for mode in BOTH {
        let got = mode.get(&capped(&server, 1000), ()).unwrap();
        assert_eq!(got.bytes().len(), 1000);
        let err = mode.post(&capped(&server, 999), ()).unwrap_err();
        assert!(err.is_too_large(), "{err:?}");
        assert_eq!(err.outcome(), Outcome::Unknown);
        assert_eq!(err.status().unwrap(), 200);
        assert!(
            err.to_string()
                .contains("is 1000 bytes long; at most 999 are read"),
            "{err}"
        );
    }
}

#[test]
fn fifty_megabytes_are_given_up_at_the_cap() {
    const CHUNK: usize = 64 * 1024;
    const CHUNKS: usize = 50 * 1024 * 1024 / CHUNK;
    for chunked in [true, false] {
        for mode in BOTH {
            let written = Arc::new(AtomicUsize::new(0));
            let count = Arc::clone(&written);
            let server = Server::start(move |_| {
                let count = Arc::clone(&count);
                let framing = if chunked {
                    "Transfer-Encoding: chunked".to_owned()
                } else {
                    "Connection: close".to_owned()
                };
                Reply::Raw(Box::new(move |stream| {
                    let head = format!("HTTP/1.1 200 OK\r\n{framing}\r\n\r\n");
                    let _ = stream.write_all(head.as_bytes());
                    let mut chunk = vec![b'x'; CHUNK];
                    if chunked {
                        chunk.splice(0..0, format!("{CHUNK:x}\r\n").into_bytes());
                        chunk.extend_from_slice(b"\r\n");
                    }
                    for _ in 0..CHUNKS {
                        if stream.write_all(&chunk).is_err() {
                            break;
                        }
                        count.fetch_add(CHUNK, Ordering::SeqCst);
                    }
                }))
            });
            let client = keys::builder()
                .base_uri(server.url())
                .max_response(1024 * 1024)
                .build()
                .unwrap();
            let err = mode.post(&client.chain("v3/large"), ()).unwrap_err();
            assert!(err.is_too_large(), "{err:?}");
            assert!(
                err.to_string()
                    .contains("longer than the 1048576 bytes that are read"),
                "{err}"
            );
            server.wait_until("the connection is closed", |seen| seen.closed == 1);
            // What was not read lies in the sockets' buffers, and not in the client's memory.
            let written = written.load(Ordering::SeqCst);
            assert!(written < 20 * 1024 * 1024, "{written} bytes were taken");
        }
    }
}

#[test]
fn a_body_that_is_cut_short_is_unknown() {
    for mode in BOTH {
        for raw in [
            "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{\"a\"",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"a\"",
            "HTTP/1.1 200 OK\r\nContent-",
            "no HTTP at all\r\n\r\n",
            "",
        ] {
            let server = Server::start(move |_| {
                Reply::Raw(Box::new(move |stream| {
                    stream.write_all(raw.as_bytes()).unwrap()
                }))
            });
            let err = mode.post(&server.client().chain("v3/cut"), ()).unwrap_err();
            assert!(err.is_transport(), "{raw:?}: {err:?}");
            assert_eq!(err.outcome(), Outcome::Unknown, "{raw:?}: {err:?}");
            assert_eq!(server.requests().len(), 1);
        }
    }
}

#[test]
fn the_headers_of_a_request_are_the_documented_ones_and_may_be_replaced() {
    let server = Server::agreeable();
    let client = server.client();
    client.chain("v3/x").get(()).unwrap();
    client
        .chain("v3/x")
        .post(json!({ "json": { "b": 1, "a": [] } }))
        .unwrap();
    client
        .chain("v3/x")
        .post(json!({ "json": {}, "headers": {
            "Accept": "text/plain",
            "User-Agent": "shop/1",
            "Content-Type": "application/json; charset=utf-8",
            "Wechatpay-Serial": "PUB_KEY_ID_OTHER",
            "Idempotency-Key": "k-1",
            "X-Two": ["1", "2"],
        }}))
        .unwrap();
    let [get, post, replaced] = &server.requests()[..] else {
        panic!("not three requests");
    };
    const ACCEPTED: &str = "application/json, text/plain, application/x-gzip, application/pdf, image/png, image/*;q=0.5";
    assert_eq!(get.header("accept"), Some(ACCEPTED));
    assert!(
        get.header("user-agent")
            .unwrap()
            .starts_with("wechatpay-chain/")
    );
    assert_eq!(get.header("wechatpay-serial"), Some(keys::PLATFORM_ID));
    assert_eq!(get.header("content-type"), None);
    assert_eq!(get.header("content-length"), None);
    assert_eq!(get.header("accept-encoding"), None);
    assert_eq!(
        get.header("host").unwrap(),
        format!("127.0.0.1:{}", server.port())
    );

    assert_eq!(post.header("content-type"), Some("application/json"));
    assert_eq!(post.body, br#"{"b":1,"a":[]}"#);
    assert_eq!(post.header("wechatpay-serial"), Some(keys::PLATFORM_ID));

    assert_eq!(replaced.header("accept"), Some("text/plain"));
    assert_eq!(replaced.header("user-agent"), Some("shop/1"));
    assert_eq!(
        replaced.header("content-type"),
        Some("application/json; charset=utf-8")
    );
    assert_eq!(
        replaced.header("wechatpay-serial"),
        Some("PUB_KEY_ID_OTHER")
    );
    assert_eq!(replaced.header("idempotency-key"), Some("k-1"));
    assert_eq!(replaced.all("x-two"), ["1", "2"]);
    for request in [get, post, replaced] {
        let fields = request.authorization(keys::merchant());
        assert_eq!(fields["mchid"], keys::MCHID);
        assert_eq!(fields["serial_no"], keys::SERIAL);
    }
}

#[test]
fn a_read_is_repeated_after_a_gateways_error_and_a_write_is_not() {
    for mode in BOTH {
        let server = Server::start(|request| match request.number {
            0 => Answer::plain(502, HTML),
            1 => Answer::plain(429, REFUSAL),
            _ => Answer::signed(200, "{}"),
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
        assert_eq!(nonces.len(), 3, "each attempt is signed afresh");

        let server = Server::start(|_| Answer::plain(502, HTML));
        let client = keys::builder().base_uri(server.url()).build().unwrap();
        let err = mode.post(&client.chain("v3/x"), ()).unwrap_err();
        assert_eq!((err.attempts(), err.outcome()), (1, Outcome::Unknown));
        assert_eq!(server.requests().len(), 1);
    }
}

#[test]
fn a_retry_after_beyond_all_time_is_not_waited_for() {
    for mode in BOTH {
        for (seconds, timeout) in [
            ("18446744073709551615", 30),
            ("18446744073709551615", 0),
            ("86400", 30),
            ("86400", 0),
        ] {
            let server =
                Server::start(move |_| Answer::signed(429, REFUSAL).header("Retry-After", seconds));
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
