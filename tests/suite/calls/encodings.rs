//! Responses with a `Content-Encoding`.

use serde_json::{Value, json};
use wechatpay_chain::{Client, Options, Outcome, RetryPolicy, Verification};

use crate::{
    files::download::{gzip, sha1},
    fixtures::{
        keys,
        scratch::Scratch,
        server::{MockResponse, Server},
    },
};

const NATIVE: &str = "v3/pay/transactions/native";
const FILE: &str = "v3/billdownload/file";
const PREPAY: &[u8] = br#"{"code_url":"weixin://wxpay/bizpayurl?pr=1"}"#;

fn coded(response: MockResponse, name: &str) -> MockResponse {
    response.header("Content-Encoding", name)
}

fn serving(response: MockResponse) -> Server {
    Server::start(move |_| response.clone())
}

fn into_both(scratch: &Scratch) -> [Options; 2] {
    [Options::new(), Options::new().sink(scratch.file("f"))]
}

#[test]
fn a_signature_covers_the_bytes_as_they_came_or_decoded() {
    let scratch = Scratch::new();
    let packed = gzip(PREPAY);
    for response in [
        MockResponse::signed_over(200, packed.clone(), PREPAY),
        MockResponse::signed(200, packed.clone()),
        // Decoded on its way, by something that left the header.
        MockResponse::signed(200, PREPAY),
    ] {
        for name in ["gzip", "GZIP", "x-gzip", "identity, gzip"] {
            let server = serving(coded(response.clone(), name));
            let chain = server.client().chain(NATIVE);
            for options in into_both(&scratch) {
                for asked in ["", "gzip"] {
                    let options = options.clone().header("Accept-Encoding", asked);
                    let got = chain.post(options.json(json!({}))).unwrap();
                    assert!(got.verification().is_verified());
                    assert!(got.headers().get("Content-Encoding").is_none());
                    assert!(got.headers().get("Content-Length").is_none());
                    match got.file() {
                        Some(file) => assert_eq!(std::fs::read(file.path()).unwrap(), PREPAY),
                        None => {
                            assert_eq!(got.bytes()[..], *PREPAY);
                            got.json::<Value>().unwrap();
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn what_verifies_in_neither_form_is_refused() {
    let other = br#"{"code_url":"x"}"#;
    for response in [
        MockResponse::signed_over(200, gzip(PREPAY), other),
        MockResponse::signed_over(200, gzip(PREPAY), &gzip(other)),
        MockResponse::plain(200, gzip(PREPAY)),
    ] {
        let server = serving(coded(response, "gzip"));
        let err = server.client().chain(NATIVE).post(json!({ "json": {} }));
        let err = err.unwrap_err();
        assert!(err.is_verification(), "{err:?}");
        assert_eq!(err.outcome(), Outcome::Unknown);
        assert!(err.unverified_body().is_some());
    }
}

#[test]
fn an_empty_response_has_no_encoding() {
    let server = serving(coded(MockResponse::signed(200, ""), "gzip"));
    let got = server
        .client()
        .chain(NATIVE)
        .post(json!({ "json": {} }))
        .unwrap();
    assert!(got.bytes().is_empty());
}

#[test]
fn an_error_is_read_in_its_encoding() {
    let refusal = r#"{"code":"PARAM_ERROR","message":"no"}"#;
    let packed = gzip(refusal.as_bytes());
    for (response, verified) in [
        (
            MockResponse::signed_over(400, packed.clone(), refusal.as_bytes()),
            true,
        ),
        (MockResponse::signed(400, packed.clone()), true),
        (MockResponse::plain(400, packed), false),
    ] {
        let server = serving(coded(response, "gzip"));
        let err = server.client().chain(NATIVE).post(json!({ "json": {} }));
        let err = err.unwrap_err();
        let api = err.api().unwrap();
        assert_eq!((api.code(), api.is_verified()), ("PARAM_ERROR", verified));
        assert_eq!(api.body(), refusal.as_bytes());
    }
}

#[test]
fn other_encodings_are_named_and_the_outcome_is_what_the_signature_proves() {
    let scratch = Scratch::new();
    for name in ["br", "deflate", "zstd", "gzip, gzip"] {
        let signed = |status, body: &'static str| coded(MockResponse::signed(status, body), name);
        for (response, outcome) in [
            // Verified as it came: it is the response to this request.
            (signed(200, "packed"), Outcome::Done),
            (
                coded(MockResponse::signed_over(200, "packed", PREPAY), name),
                Outcome::Unknown,
            ),
            (
                coded(MockResponse::plain(200, "packed"), name),
                Outcome::Unknown,
            ),
        ] {
            let server = serving(response);
            let chain = server.client().chain(NATIVE);
            for options in into_both(&scratch) {
                let err = chain.post(options.json(json!({}))).unwrap_err();
                assert!(err.to_string().contains(&format!("`{name}`")), "{err}");
                assert_eq!(err.outcome(), outcome, "{err}");
                assert_eq!(err.status().unwrap(), 200);
            }
        }
        // A file that is fetched changes nothing.
        let server = serving(coded(MockResponse::plain(200, "packed"), name));
        for options in into_both(&scratch) {
            let err = server.client().chain(FILE).get(options).unwrap_err();
            assert!(err.to_string().contains(&format!("`{name}`")), "{err}");
            assert_eq!(err.outcome(), Outcome::Done);
        }
        for status in [400, 502] {
            let server = serving(coded(MockResponse::plain(status, "packed"), name));
            let err = server.client().chain(NATIVE).post(json!({ "json": {} }));
            let err = err.unwrap_err();
            assert!(err.is_api() && err.outcome() == Outcome::Unknown, "{err:?}");
            assert!(err.to_string().contains(&format!("`{name}`")), "{err}");
        }
    }
    assert!(scratch.names().is_empty());
}

#[test]
fn what_comes_out_is_capped() {
    let zeros = vec![0; 1 << 20];
    let packed = gzip(&zeros);
    let client = |server: &Server| -> Client {
        keys::builder()
            .base_uri(server.url())
            .retry(RetryPolicy::none())
            .max_response(64 << 10)
            .build()
            .unwrap()
    };
    for (response, outcome) in [
        (MockResponse::signed(200, packed.clone()), Outcome::Done),
        (
            MockResponse::signed_over(200, packed.clone(), &zeros),
            Outcome::Unknown,
        ),
    ] {
        let server = serving(coded(response, "gzip"));
        let err = client(&server).chain(NATIVE).post(json!({ "json": {} }));
        let err = err.unwrap_err();
        assert!(err.is_too_large(), "{err:?}");
        assert_eq!(err.outcome(), outcome);
    }
    let server = serving(coded(MockResponse::plain(500, packed.clone()), "gzip"));
    let err = client(&server).chain(NATIVE).post(json!({ "json": {} }));
    let err = err.unwrap_err();
    assert!(err.is_api() && err.outcome() == Outcome::Unknown, "{err:?}");

    // In memory; into a file it may be of any size.
    let server = serving(coded(MockResponse::plain(200, packed), "gzip"));
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
fn a_damaged_encoding_is_an_error() {
    let packed = gzip(PREPAY);
    let scratch = Scratch::new();
    for end in 0..packed.len() {
        let cut = packed[..end].to_vec();
        let server = serving(coded(MockResponse::plain(200, cut.clone()), "gzip"));
        for options in into_both(&scratch) {
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
                MockResponse::signed_over(200, cut.clone(), PREPAY),
                Outcome::Unknown,
            ),
            (MockResponse::signed(200, cut), Outcome::Done),
        ] {
            let server = serving(coded(response, "gzip"));
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
fn a_file_is_decoded_and_then_unpacked_and_has_its_hash_in_any_form() {
    let bill = b"a,b\n`1,`2\n";
    let (once, twice) = (gzip(bill), gzip(&gzip(bill)));
    let scratch = Scratch::new();
    for (came, kept, unpacked) in [
        (&once, &bill[..], &bill[..]),
        (&twice, &once[..], &bill[..]),
    ] {
        let server = serving(coded(MockResponse::plain(200, came.clone()), "gzip"));
        let chain = server.client().chain(FILE);
        let read = |options: Options| {
            let got = chain.get(options).unwrap();
            match got.file() {
                Some(file) => {
                    let bytes = std::fs::read(file.path()).unwrap();
                    assert_eq!(file.sha1(), sha1(&bytes));
                    bytes
                }
                None => got.bytes().to_vec(),
            }
        };
        for options in into_both(&scratch) {
            assert_eq!(read(options.clone()), kept);
            assert_eq!(read(options.clone().gunzip(true)), unpacked);
            for form in [came, kept, unpacked] {
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
    // Decoded on its way, by something that left the header: its hash vouches for it.
    let server = serving(coded(MockResponse::plain(200, bill), "gzip"));
    let chain = server.client().chain(FILE);
    for options in into_both(&scratch) {
        chain.get(options.clone().expect_sha1(sha1(bill))).unwrap();
        let err = chain.get(options).unwrap_err();
        assert!(err.is_decode() && err.outcome() == Outcome::Done, "{err:?}");
    }
}

#[test]
fn apiv2_is_read_in_its_encoding_and_an_error_never_passes_for_a_table() {
    let failure = "<xml><return_code>FAIL</return_code><return_msg>No Bill Exist</return_msg><error_code>20002</error_code></xml>";
    let table = "交易时间,金额\r\n`2014-06-03 00:00:00,`1.00\r\n".repeat(400);
    let scratch = Scratch::new();
    let call = |response: MockResponse, options: Options| {
        let server = serving(coded(response, "gzip"));
        let fields = json!({ "appid": "wx8888888888888888", "mch_id": keys::MCHID });
        let chain = server.client().chain("v2/pay/downloadbill");
        chain.post(options.xml(fields))
    };
    for options in into_both(&scratch) {
        let failed = MockResponse::plain(200, gzip(failure.as_bytes()));
        let err = call(failed, options.clone()).unwrap_err();
        assert_eq!(err.api().unwrap().message(), "No Bill Exist");
        assert!(scratch.names().is_empty());

        let got = call(MockResponse::plain(200, gzip(table.as_bytes())), options).unwrap();
        assert_eq!(*got.verification(), Verification::DocumentedUnsigned);
        match got.file() {
            Some(file) => assert_eq!(std::fs::read(file.path()).unwrap(), table.as_bytes()),
            None => assert_eq!(got.text().unwrap(), table),
        }
    }
}

#[test]
fn a_statement_has_its_hash_as_it_came_or_decoded() {
    let statement = b"a statement";
    let packed = gzip(statement);
    for hash in [sha1(statement), sha1(&packed)] {
        let covered = format!(r#"{{"sha1":"{hash}"}}"#);
        let response = MockResponse::signed_over(200, packed.clone(), covered.as_bytes());
        let response = response.header("Wechatpay-Statement-Sha1", &hash);
        let server = serving(coded(response, "gzip"));
        let got = server
            .client()
            .chain("v3/global/statements")
            .get(())
            .unwrap();
        assert!(got.verification().is_verified());
        assert_eq!(got.bytes()[..], *statement);
    }
}
