//! Responses with a `Content-Encoding`.

use serde_json::{Value, json};
use wechatpay_chain::{Client, Options, Outcome, RetryPolicy, Verification};

use crate::fixtures::{
    keys,
    programs::{gzip, sha1},
    scratch::Scratch,
    server::{MockResponse, Server},
};

const NATIVE: &str = "v3/pay/transactions/native";
const FILE: &str = "v3/billdownload/file";
const PREPAY: &[u8] = br#"{"code_url":"weixin://wxpay/bizpayurl?pr=1"}"#;

fn encoded(response: MockResponse, name: &str) -> MockResponse {
    response.header("Content-Encoding", name)
}

fn serving(response: MockResponse) -> Server {
    Server::start(move |_| response.clone())
}

fn to_memory_and_file(scratch: &Scratch) -> [Options; 2] {
    [Options::new(), Options::new().sink(scratch.file("f"))]
}

#[test]
fn signature_may_cover_encoded_or_decoded_bytes() {
    let scratch = Scratch::new();
    let compressed = gzip(PREPAY);
    for response in [
        MockResponse::signed_over(200, compressed.clone(), PREPAY),
        MockResponse::signed(200, compressed.clone()),
        // An intermediary decoded the body but left the header.
        MockResponse::signed(200, PREPAY),
    ] {
        for name in ["gzip", "GZIP", "x-gzip", "identity, gzip"] {
            let server = serving(encoded(response.clone(), name));
            let chain = server.client().chain(NATIVE);
            for options in to_memory_and_file(&scratch) {
                for asked in ["", "gzip"] {
                    let options = options.clone().header("Accept-Encoding", asked);
                    let response = chain.post(options.json(json!({}))).unwrap();
                    assert!(response.verification().is_verified());
                    assert!(response.headers().get("Content-Encoding").is_none());
                    assert!(response.headers().get("Content-Length").is_none());
                    match response.file() {
                        Some(file) => assert_eq!(std::fs::read(file.path()).unwrap(), PREPAY),
                        None => {
                            assert_eq!(response.bytes()[..], *PREPAY);
                            response.json::<Value>().unwrap();
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn body_that_verifies_in_neither_form_is_refused() {
    let other = br#"{"code_url":"x"}"#;
    for response in [
        MockResponse::signed_over(200, gzip(PREPAY), other),
        MockResponse::signed_over(200, gzip(PREPAY), &gzip(other)),
        MockResponse::plain(200, gzip(PREPAY)),
    ] {
        let server = serving(encoded(response, "gzip"));
        let err = server.client().chain(NATIVE).post(json!({ "json": {} }));
        let err = err.unwrap_err();
        assert!(err.is_verification(), "{err:?}");
        assert_eq!(err.outcome(), Outcome::Unknown);
        assert!(err.unverified_body().is_some());
    }
}

#[test]
fn empty_body_ignores_content_encoding() {
    let server = serving(encoded(MockResponse::signed(200, ""), "gzip"));
    let response = server
        .client()
        .chain(NATIVE)
        .post(json!({ "json": {} }))
        .unwrap();
    assert!(response.bytes().is_empty());
}

#[test]
fn error_bodies_are_decoded() {
    let refusal = r#"{"code":"PARAM_ERROR","message":"no"}"#;
    let compressed = gzip(refusal.as_bytes());
    for (response, verified) in [
        (
            MockResponse::signed_over(400, compressed.clone(), refusal.as_bytes()),
            true,
        ),
        (MockResponse::signed(400, compressed.clone()), true),
        (MockResponse::plain(400, compressed), false),
    ] {
        let server = serving(encoded(response, "gzip"));
        let err = server.client().chain(NATIVE).post(json!({ "json": {} }));
        let err = err.unwrap_err();
        let api = err.api().unwrap();
        assert_eq!((api.code(), api.is_verified()), ("PARAM_ERROR", verified));
        assert_eq!(api.body(), refusal.as_bytes());
    }
}

#[test]
fn unsupported_encoding_is_named_and_signature_decides_the_outcome() {
    let scratch = Scratch::new();
    for name in ["br", "deflate", "zstd", "gzip, gzip"] {
        let signed = |status, body: &'static str| encoded(MockResponse::signed(status, body), name);
        for (response, outcome) in [
            // The encoded bytes verify, so the operation is done.
            (signed(200, "compressed"), Outcome::Done),
            (
                encoded(MockResponse::signed_over(200, "compressed", PREPAY), name),
                Outcome::Unknown,
            ),
            (
                encoded(MockResponse::plain(200, "compressed"), name),
                Outcome::Unknown,
            ),
        ] {
            let server = serving(response);
            let chain = server.client().chain(NATIVE);
            for options in to_memory_and_file(&scratch) {
                let err = chain.post(options.json(json!({}))).unwrap_err();
                assert!(err.to_string().contains(&format!("`{name}`")), "{err}");
                assert_eq!(err.outcome(), outcome, "{err}");
                assert_eq!(err.status().unwrap(), 200);
            }
        }
        // Fetching a file changes nothing at WeChat Pay.
        let server = serving(encoded(MockResponse::plain(200, "compressed"), name));
        for options in to_memory_and_file(&scratch) {
            let err = server.client().chain(FILE).get(options).unwrap_err();
            assert!(err.to_string().contains(&format!("`{name}`")), "{err}");
            assert_eq!(err.outcome(), Outcome::Done);
        }
        for status in [400, 502] {
            let server = serving(encoded(MockResponse::plain(status, "compressed"), name));
            let err = server.client().chain(NATIVE).post(json!({ "json": {} }));
            let err = err.unwrap_err();
            assert!(err.is_api() && err.outcome() == Outcome::Unknown, "{err:?}");
            assert!(err.to_string().contains(&format!("`{name}`")), "{err}");
        }
    }
    assert!(scratch.names().is_empty());
}

#[test]
fn decoded_size_is_limited() {
    let zeros = vec![0; 1 << 20];
    let compressed = gzip(&zeros);
    let client = |server: &Server| -> Client {
        keys::builder()
            .base_uri(server.url())
            .retry(RetryPolicy::none())
            .max_response(64 << 10)
            .build()
            .unwrap()
    };
    for (response, outcome) in [
        (MockResponse::signed(200, compressed.clone()), Outcome::Done),
        (
            MockResponse::signed_over(200, compressed.clone(), &zeros),
            Outcome::Unknown,
        ),
    ] {
        let server = serving(encoded(response, "gzip"));
        let err = client(&server).chain(NATIVE).post(json!({ "json": {} }));
        let err = err.unwrap_err();
        assert!(err.is_too_large(), "{err:?}");
        assert_eq!(err.outcome(), outcome);
    }
    let server = serving(encoded(
        MockResponse::plain(500, compressed.clone()),
        "gzip",
    ));
    let err = client(&server).chain(NATIVE).post(json!({ "json": {} }));
    let err = err.unwrap_err();
    assert!(err.is_api() && err.outcome() == Outcome::Unknown, "{err:?}");

    // The limit applies in memory. A file may have any size.
    let server = serving(encoded(MockResponse::plain(200, compressed), "gzip"));
    let err = client(&server).chain(FILE).get(()).unwrap_err();
    assert!(
        err.is_too_large() && err.outcome() == Outcome::Done,
        "{err:?}"
    );
    let scratch = Scratch::new();
    let options = Options::new().sink(scratch.file("f"));
    client(&server).chain(FILE).get(options).unwrap();
    assert_eq!(std::fs::read(scratch.file("f")).unwrap(), zeros);
}

#[test]
fn damaged_gzip_is_a_decode_error() {
    let compressed = gzip(PREPAY);
    let scratch = Scratch::new();
    for end in 0..compressed.len() {
        let truncated = compressed[..end].to_vec();
        let server = serving(encoded(MockResponse::plain(200, truncated.clone()), "gzip"));
        for options in to_memory_and_file(&scratch) {
            let err = server.client().chain(FILE).get(options).unwrap_err();
            assert!(
                err.is_decode() && err.outcome() == Outcome::Done,
                "{end}: {err:?}"
            );
        }
        if end < 2 {
            continue;
        }
        for (response, outcome) in [
            (
                MockResponse::signed_over(200, truncated.clone(), PREPAY),
                Outcome::Unknown,
            ),
            (MockResponse::signed(200, truncated), Outcome::Done),
        ] {
            let server = serving(encoded(response, "gzip"));
            let err = server.client().chain(NATIVE).post(json!({ "json": {} }));
            let err = err.unwrap_err();
            assert!(
                err.is_decode() && err.outcome() == outcome,
                "{end}: {err:?}"
            );
        }
    }
    assert!(scratch.names().is_empty());
}

#[test]
fn file_hash_may_match_encoded_decoded_or_unpacked_bytes() {
    let bill = b"a,b\n`1,`2\n";
    let (once, twice) = (gzip(bill), gzip(&gzip(bill)));
    let scratch = Scratch::new();
    for (received, stored, unpacked) in [
        (&once, &bill[..], &bill[..]),
        (&twice, &once[..], &bill[..]),
    ] {
        let server = serving(encoded(MockResponse::plain(200, received.clone()), "gzip"));
        let chain = server.client().chain(FILE);
        let read = |options: Options| {
            let response = chain.get(options).unwrap();
            match response.file() {
                Some(file) => {
                    let bytes = std::fs::read(file.path()).unwrap();
                    assert_eq!(file.sha1(), sha1(&bytes));
                    bytes
                }
                None => response.bytes().to_vec(),
            }
        };
        for options in to_memory_and_file(&scratch) {
            assert_eq!(read(options.clone()), stored);
            assert_eq!(read(options.clone().gunzip(true)), unpacked);
            for form in [received, stored, unpacked] {
                let options = options.clone().gunzip(true).expect_sha1(sha1(form));
                assert_eq!(read(options), unpacked);
            }
            let err = chain.get(options.expect_sha1(sha1(b"other"))).unwrap_err();
            assert!(
                err.is_verification() && err.outcome() == Outcome::Done,
                "{err:?}"
            );
        }
    }
    // An intermediary decoded the body but left the header. Only a matching hash makes it acceptable.
    let server = serving(encoded(MockResponse::plain(200, bill), "gzip"));
    let chain = server.client().chain(FILE);
    for options in to_memory_and_file(&scratch) {
        chain.get(options.clone().expect_sha1(sha1(bill))).unwrap();
        let err = chain.get(options).unwrap_err();
        assert!(err.is_decode() && err.outcome() == Outcome::Done, "{err:?}");
    }
}

#[test]
fn encoded_apiv2_errors_are_not_mistaken_for_bills() {
    let failure = "<xml><return_code>FAIL</return_code><return_msg>No Bill Exist</return_msg><error_code>20002</error_code></xml>";
    let table = "交易时间,金额\r\n`2014-06-03 00:00:00,`1.00\r\n".repeat(400);
    let scratch = Scratch::new();
    let call = |response: MockResponse, options: Options| {
        let server = serving(encoded(response, "gzip"));
        let fields = json!({ "appid": "wx8888888888888888", "mch_id": keys::MCHID });
        let chain = server.client().chain("v2/pay/downloadbill");
        chain.post(options.xml(fields))
    };
    for options in to_memory_and_file(&scratch) {
        let failed = MockResponse::plain(200, gzip(failure.as_bytes()));
        let err = call(failed, options.clone()).unwrap_err();
        assert_eq!(err.api().unwrap().message(), "No Bill Exist");
        assert!(scratch.names().is_empty());

        let response = call(MockResponse::plain(200, gzip(table.as_bytes())), options).unwrap();
        assert_eq!(*response.verification(), Verification::DocumentedUnsigned);
        match response.file() {
            Some(file) => assert_eq!(std::fs::read(file.path()).unwrap(), table.as_bytes()),
            None => assert_eq!(response.text().unwrap(), table),
        }
    }
}

#[test]
fn statement_hash_may_cover_encoded_or_decoded_bytes() {
    let statement = b"a statement";
    let compressed = gzip(statement);
    for hash in [sha1(statement), sha1(&compressed)] {
        let covered = format!(r#"{{"sha1":"{hash}"}}"#);
        let response = MockResponse::signed_over(200, compressed.clone(), covered.as_bytes());
        let response = response.header("Wechatpay-Statement-Sha1", &hash);
        let server = serving(encoded(response, "gzip"));
        let response = server
            .client()
            .chain("v3/global/statements")
            .get(())
            .unwrap();
        assert!(response.verification().is_verified());
        assert_eq!(response.bytes()[..], *statement);
    }
}
