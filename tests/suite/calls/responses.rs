//! The result of a call for each kind of response: a verified success, or an error with its outcome.

use std::time::Duration;

use serde_json::{Value, json};
use wechatpay_chain::{Error, Method, Outcome, Response, Result, Verification};

use crate::fixtures::{
    keys,
    mode::{BOTH, Mode},
    server::{MockResponse, REQUEST_ID, Server},
};

const REFUSAL: &str =
    r#"{"code":"PARAM_ERROR","message":"参数错误","detail":{"field":"/amount","issue":"over"}}"#;
const HTML: &str = "<html><body><h1>502 Bad Gateway</h1></body></html>";

/// Makes one call to a server that returns `response`.
fn call(mode: Mode, method: &Method, response: &MockResponse) -> Result<Response> {
    let response = response.clone();
    let server = Server::start(move |_| response.clone());
    let result = mode.send(&server.client().chain("v3/responses"), method, ());
    assert_eq!(server.requests().len(), 1);
    result
}

/// How a call ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Verified,
    /// The API's own error.
    Api(Outcome),
    /// An error because the response does not verify.
    Unverified,
}

fn end(result: &Result<Response>) -> End {
    match result {
        Ok(response) => {
            let verification = response.verification();
            assert!(matches!(verification, Verification::Verified { .. }));
            assert_eq!(verification.serial(), Some(keys::PLATFORM_ID));
            End::Verified
        }
        Err(err) if err.is_api() => End::Api(err.outcome()),
        Err(err) => {
            assert!(err.is_verification(), "{err:?}");
            assert_eq!(err.outcome(), Outcome::Unknown, "{err:?}");
            assert!(
                err.api().is_none(),
                "an unverified body is shown as an API error: {err:?}"
            );
            assert!(err.unverified_body().is_some() && err.status().is_some());
            End::Unverified
        }
    }
}

#[test]
fn each_kind_of_response_has_its_outcome() {
    use End::{Api, Unverified, Verified};
    use Outcome::{Rejected, Unknown};

    let forged = |status| MockResponse::signed_over(status, REFUSAL, b"something else");
    let cases = [
        ("200", MockResponse::signed(200, "{}"), Verified, Verified),
        ("202", MockResponse::signed(202, "{}"), Verified, Verified),
        ("204", MockResponse::signed(204, ""), Verified, Verified),
        (
            "200 unsigned",
            MockResponse::plain(200, "{}"),
            Unverified,
            Unverified,
        ),
        (
            "204 unsigned",
            MockResponse::plain(204, ""),
            Unverified,
            Unverified,
        ),
        ("200 forged", forged(200), Unverified, Unverified),
        ("400 forged", forged(400), Unverified, Unverified),
        ("401 forged", forged(401), Unverified, Unverified),
        ("500 forged", forged(500), Unverified, Unverified),
        (
            "400",
            MockResponse::signed(400, REFUSAL),
            Api(Rejected),
            Api(Rejected),
        ),
        (
            "404",
            MockResponse::signed(404, REFUSAL),
            Api(Rejected),
            Api(Rejected),
        ),
        (
            "400 unsigned",
            MockResponse::plain(400, REFUSAL),
            Api(Rejected),
            Api(Unknown),
        ),
        (
            "404 unsigned",
            MockResponse::plain(404, REFUSAL),
            Api(Rejected),
            Api(Unknown),
        ),
        (
            "401 unsigned",
            MockResponse::plain(401, REFUSAL),
            Api(Rejected),
            Api(Rejected),
        ),
        (
            "403 unsigned",
            MockResponse::plain(403, REFUSAL),
            Api(Rejected),
            Api(Rejected),
        ),
        (
            "429 unsigned",
            MockResponse::plain(429, REFUSAL),
            Api(Rejected),
            Api(Rejected),
        ),
        (
            "500",
            MockResponse::signed(500, REFUSAL),
            Api(Unknown),
            Api(Unknown),
        ),
        (
            "500 unsigned",
            MockResponse::plain(500, REFUSAL),
            Api(Unknown),
            Api(Unknown),
        ),
        (
            "502 HTML",
            MockResponse::plain(502, HTML),
            Api(Unknown),
            Api(Unknown),
        ),
        (
            "503 empty",
            MockResponse::plain(503, ""),
            Api(Unknown),
            Api(Unknown),
        ),
        (
            "302",
            MockResponse::plain(302, "").header("Location", "/v3/x"),
            Api(Unknown),
            Api(Unknown),
        ),
    ];
    for (name, response, get, post) in cases {
        for mode in BOTH {
            let result = call(mode, &Method::GET, &response);
            assert_eq!(end(&result), get, "GET {name} {mode:?}: {result:?}");
            let result = call(mode, &Method::POST, &response);
            assert_eq!(end(&result), post, "POST {name} {mode:?}: {result:?}");
        }
    }
}

fn refused(response: &MockResponse) -> Error {
    call(Mode::Blocking, &Method::POST, response).expect_err("an error")
}

#[test]
fn api_error_carries_status_code_detail_and_body() {
    let err = refused(&MockResponse::signed(400, REFUSAL));
    let api = err.api().unwrap();
    assert_eq!(api.status(), 400);
    assert_eq!(err.status().unwrap(), 400);
    assert_eq!((api.code(), api.message()), ("PARAM_ERROR", "参数错误"));
    assert_eq!(api.detail().unwrap()["field"], "/amount");
    assert_eq!(api.request_id(), Some(REQUEST_ID));
    assert_eq!(api.body(), REFUSAL.as_bytes());
    assert!(api.is_verified() && err.unverified_body().is_none());
    assert_eq!(err.attempts(), 1);
    assert_eq!(
        err.to_string(),
        format!("POST v3/responses: 400 PARAM_ERROR: 参数错误 (Request-ID {REQUEST_ID})")
    );

    let err = refused(&MockResponse::plain(429, REFUSAL).header("Retry-After", "7"));
    let api = err.api().unwrap();
    assert_eq!(api.retry_after(), Some(Duration::from_secs(7)));
    assert_eq!(api.headers()["retry-after"], "7");
    assert!(!api.is_verified());
}

#[test]
fn html_or_empty_error_body_is_kept_verbatim() {
    let err = refused(&MockResponse::plain(502, HTML));
    let api = err.api().unwrap();
    assert_eq!((api.code(), api.message()), ("", ""));
    assert_eq!(api.body(), HTML.as_bytes());
    assert!(api.detail().is_none());
    let text = err.to_string();
    assert!(
        text.contains("502: not a response of the API (50 bytes)"),
        "{text}"
    );
    assert!(!text.contains("<h1>"), "{text}");

    let err = refused(&MockResponse::plain(500, "").without("Request-ID"));
    let api = err.api().unwrap();
    assert_eq!(
        (api.code(), api.body(), api.request_id()),
        ("", &b""[..], None)
    );

    // JSON without the documented fields has no code either.
    let err = refused(&MockResponse::plain(500, r#"["code"]"#));
    assert_eq!(err.api().unwrap().code(), "");
}

#[test]
fn success_body_reads_as_bytes_text_and_json() {
    for mode in BOTH {
        let response = call(
            mode,
            &Method::POST,
            &MockResponse::signed(200, r#"{"code_url":"weixin://x"}"#),
        );
        let response = response.unwrap();
        assert_eq!(response.status(), 200);
        assert!(!response.is_accepted() && response.verification().is_verified());
        assert_eq!(response.text().unwrap(), r#"{"code_url":"weixin://x"}"#);
        assert_eq!(response.json::<Value>().unwrap()["code_url"], "weixin://x");
        assert_eq!(response.request_id(), Some(REQUEST_ID));
        assert_eq!(response.headers()["content-type"], "application/json");

        let response = call(mode, &Method::GET, &MockResponse::signed(202, "")).unwrap();
        assert!(response.is_accepted());

        let response = call(mode, &Method::POST, &MockResponse::signed(204, "")).unwrap();
        assert_eq!(response.status(), 204);
        assert!(response.bytes().is_empty());
        assert_eq!(response.text().unwrap(), "");
        let err = response.json::<Value>().unwrap_err();
        assert!(err.is_decode(), "{err:?}");
        assert_eq!(err.outcome(), Outcome::Done);
    }
}

#[test]
fn undecodable_success_has_outcome_done() {
    let response = call(
        Mode::Blocking,
        &Method::POST,
        &MockResponse::signed(200, "<xml/>"),
    )
    .unwrap();
    let err = response.json::<Value>().unwrap_err();
    assert!(err.is_decode() && err.outcome() == Outcome::Done, "{err:?}");
    assert!(
        err.to_string().contains("is not the expected JSON"),
        "{err}"
    );

    let response = call(
        Mode::Blocking,
        &Method::GET,
        &MockResponse::signed(200, vec![0xff, 0xfe]),
    )
    .unwrap();
    let err = response.text().unwrap_err();
    assert!(err.is_decode() && err.outcome() == Outcome::Done, "{err:?}");
}

#[test]
fn documented_unsigned_downloads_need_no_signature() {
    let server = Server::start(|_| MockResponse::plain(200, "a file"));
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
                let response = get(path).unwrap_or_else(|err| panic!("{err}"));
                assert_eq!(*response.verification(), Verification::DocumentedUnsigned);
                assert_eq!(response.text().unwrap(), "a file");
            }
            for path in [
                "v3/billdownload/files",
                "v3/x/v3/billdownload/file",
                "v3/bill/tradebill",
            ] {
                assert!(get(path).unwrap_err().is_verification(), "{path}");
            }
            let posted = mode.post(&client.chain("v3/billdownload/file"), ());
            assert!(posted.unwrap_err().is_verification());
        }
        // A download URL is used as it appears in a response, including the base URI's path.
        let url = format!("{}hk/v3/billdownload/file?token=a%2Fb", server.url());
        let response = mode
            .get(&below.chain("{+url}"), json!({ "url": url }))
            .unwrap();
        assert_eq!(*response.verification(), Verification::DocumentedUnsigned);
    }
    let last = server.requests().pop().unwrap();
    assert_eq!(last.target, "/hk/v3/billdownload/file?token=a%2Fb");
    last.authorization(keys::merchant());
}

#[test]
fn statement_is_verified_by_its_hash() {
    const STATEMENT: &str = "statement\n";
    const SHA1: &str = "2429777616b5df72adf056254168b88624b6214a";
    const OTHER: &str = "da39a3ee5e6b4b0d3255bfef95601890afd80709";
    let signed = |sha1: &str| {
        let over = format!("{{\"sha1\":\"{sha1}\"}}");
        MockResponse::signed_over(200, STATEMENT, over.as_bytes())
    };
    let get = |base: &str, path: &str, response: MockResponse| {
        let server = Server::start(move |_| response.clone());
        let client = keys::builder()
            .base_uri(format!("{}{base}", server.url()))
            .build()
            .unwrap();
        client.chain(path).get(())
    };
    let header = "Wechatpay-Statement-Sha1";
    for (base, path) in [("", "v3/global/statements"), ("hk", "v3/statements")] {
        let response = get(base, path, signed(SHA1).header(header, SHA1)).unwrap();
        assert!(response.verification().is_verified());
        assert_eq!(response.text().unwrap(), STATEMENT);

        // The signature covers the header's hash, but the body has a different hash.
        let err = get(base, path, signed(OTHER).header(header, OTHER)).unwrap_err();
        assert!(
            err.is_verification()
                && err
                    .to_string()
                    .contains("does not match its Wechatpay-Statement-Sha1"),
            "{err}"
        );
        assert_eq!(err.outcome(), Outcome::Unknown);

        // The body matches the header, but the signature covers a different hash.
        let err = get(base, path, signed(OTHER).header(header, SHA1)).unwrap_err();
        assert!(err.is_verification(), "{err}");

        // Without the header the signature covers the body.
        let response = get(base, path, MockResponse::signed(200, STATEMENT)).unwrap();
        assert!(response.verification().is_verified());
    }
    // On other paths the header has no meaning.
    let err = get("", "v3/bill/x", signed(SHA1).header(header, SHA1)).unwrap_err();
    assert!(err.is_verification(), "{err}");
}
