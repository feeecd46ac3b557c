//! Files whose URL and hash a verified response names.

use std::io::Write as _;

use serde_json::{Value, json};
use wechatpay_chain::{Options, Outcome, Verification};

use crate::fixtures::{
    keys,
    scratch::Scratch,
    server::{MockResponse, Reply, Server},
};

/// The published test vectors of the text `abc`.
const SHA1: &str = "a9993e364706816aba3e25717850c26c9cd0d89d";
const SHA256: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
/// `abc` by gzip 1.12: `printf abc | gzip -n | xxd -p`
const GZIP: [u8; 23] = [
    0x1f, 0x8b, 0x08, 0, 0, 0, 0, 0, 0, 0x03, 0x4b, 0x4c, 0x4a, 0x06, 0, 0xc2, 0x41, 0x24, 0x35,
    0x03, 0, 0, 0,
];

/// Serves `file` at every path that contains `file`. Every other request gets the response that
/// `link` makes from the server's URL.
fn serving(
    file: impl Into<Vec<u8>>,
    link: impl Fn(&str) -> Value + Send + Sync + 'static,
) -> Server {
    let file = file.into();
    serving_reply(move || MockResponse::plain(200, file.clone()).into(), link)
}

fn serving_reply(
    file: impl Fn() -> Reply + Send + Sync + 'static,
    link: impl Fn(&str) -> Value + Send + Sync + 'static,
) -> Server {
    Server::start(move |request| {
        if request.path().contains("file") {
            return file();
        }
        let host = request.header("host").unwrap();
        MockResponse::signed(200, link(&format!("http://{host}")).to_string()).into()
    })
}

/// Downloads a file to memory, and to a file.
fn to_memory_and_file(scratch: &Scratch) -> [Options; 2] {
    [Options::new(), Options::new().sink(scratch.file("f"))]
}

#[test]
fn file_with_the_named_hash_is_verified() {
    let scratch = Scratch::new();
    let links: [fn(&str) -> Value; 5] = [
        |own| json!({ "url": format!("{own}/v3/billdownload/file?token=t"), "hash_type": "SHA1", "hash_value": SHA1 }),
        |own| json!({ "download_url": format!("{own}/a/file/b?c=d"), "hash_type": "SHA256", "hash_value": SHA256.to_uppercase() }),
        |own| json!({ "download_url": format!("{own}/v3/merchant/file"), "hash_type": "SHA256", "hash_value": SHA256 }),
        |own| json!({ "download_url": format!("{own}/v3/file"), "hash_value": SHA1 }),
        |own| json!({ "download_url": format!("{own}/v3/file"), "url": "http://other.example/", "hash_value": SHA256 }),
    ];
    for link in links {
        for file in [b"abc".to_vec(), GZIP.to_vec()] {
            let server = serving(file, link);
            for options in to_memory_and_file(&scratch) {
                let result = server
                    .client()
                    .chain("v3/a/{b}")
                    .download(options.var("b", "1"));
                let result = result.unwrap();
                let verification = result.verification();
                assert!(matches!(verification, Verification::NamedFile { .. }));
                assert_eq!(verification.serial(), Some(keys::PLATFORM_ID));
                assert!(verification.is_verified());
                match result.file() {
                    Some(file) => assert_eq!(std::fs::read(file.path()).unwrap(), b"abc"),
                    None => assert_eq!(result.text().unwrap(), "abc"),
                }
            }
            // The request for the file is signed too.
            for request in server.requests() {
                request.authorization(keys::merchant());
            }
        }
    }
}

#[test]
fn file_with_a_different_hash_is_removed() {
    let scratch = Scratch::new();
    for (kind, value) in [("SHA1", SHA1), ("SHA256", SHA256)] {
        for file in [&b"abcd"[..], b"", b"ab"] {
            let server = serving(
                file,
                move |own| json!({ "url": format!("{own}/v3/billdownload/file"), "hash_type": kind, "hash_value": value }),
            );
            for options in to_memory_and_file(&scratch) {
                let err = server.client().chain("v3/a").download(options).unwrap_err();
                assert!(err.is_verification(), "{err:?}");
                assert_eq!(err.outcome(), Outcome::Done);
                assert!(scratch.names().is_empty());
            }
        }
    }
}

#[test]
fn expected_hash_is_checked_in_addition_to_the_named_one() {
    let server = serving(
        "abc",
        |own| json!({ "url": format!("{own}/file"), "hash_type": "SHA256", "hash_value": SHA256 }),
    );
    let chain = server.client().chain("v3/a");
    for options in [
        Options::new().expect_sha1(SHA1),
        Options::new().expect_sha256(SHA256.to_uppercase()),
    ] {
        assert_eq!(chain.download(options).unwrap().text().unwrap(), "abc");
    }
    for options in [
        Options::new().expect_sha1(SHA1.replace('a', "b")),
        Options::new().expect_sha256(SHA256.replace('a', "b")),
        // Both given hashes are checked, not just the one of the named type.
        Options::new()
            .expect_sha1(SHA1)
            .expect_sha256(SHA256.replace('a', "b")),
    ] {
        let err = chain.download(options).unwrap_err();
        assert!(
            err.is_verification() && err.outcome() == Outcome::Done,
            "{err:?}"
        );
    }
    let err = chain
        .download(Options::new().expect_sha256(SHA1))
        .unwrap_err();
    assert!(
        err.is_request() && err.outcome() == Outcome::NotSent,
        "{err:?}"
    );
}

#[test]
fn unsupported_hash_is_an_error_without_a_second_request() {
    for (kind, value, text) in [
        ("SM3", SHA256, "unsupported `hash_type` `SM3`"),
        ("sm3", SHA256, "unsupported `hash_type` `sm3`"),
        (
            "MD5",
            "900150983cd24fb0d6963f7d28e17f72",
            "unsupported `hash_type` `MD5`",
        ),
        ("SHA256", SHA1, "expected a SHA256 in hexadecimal"),
        ("SHA1", "", "a `hash_type` but no `hash_value`"),
    ] {
        let server = serving(
            "abc",
            move |own| json!({ "download_url": format!("{own}/v3/billdownload/file"), "hash_type": kind, "hash_value": value }),
        );
        let err = server.client().chain("v3/a").download(()).unwrap_err();
        assert!(err.is_decode() && err.outcome() == Outcome::Done, "{err:?}");
        assert!(err.to_string().contains(text), "{err}");
        server.only_request();
    }
}

#[test]
fn file_without_a_hash_needs_a_documented_path_or_signature() {
    let at = |path: &'static str| move |own: &str| json!({ "url": format!("{own}{path}") });
    let server = serving("abc", at("/v3/billdownload/file"));
    let result = server.client().chain("v3/a").download(()).unwrap();
    assert_eq!(*result.verification(), Verification::DocumentedUnsigned);

    let server = serving("abc", at("/v3/other/file"));
    let err = server.client().chain("v3/a").download(()).unwrap_err();
    assert!(err.is_verification(), "{err:?}");

    let server = serving_reply(
        || MockResponse::signed(200, "abc").into(),
        at("/v3/other/file"),
    );
    let result = server.client().chain("v3/a").download(()).unwrap();
    assert!(matches!(
        result.verification(),
        Verification::Verified { .. }
    ));
    assert_eq!(result.verification().serial(), Some(keys::PLATFORM_ID));
}

#[test]
fn unverified_response_names_no_file() {
    // The path is documented as unsigned, so anyone may have written the response.
    let server = Server::start(|request| {
        let host = request.header("host").unwrap();
        let named = json!({ "url": format!("http://{host}/other"), "hash_value": SHA1 });
        MockResponse::plain(200, named.to_string())
    });
    let chain = server.client().chain("v3/billdownload/file");
    let err = chain.download(()).unwrap_err();
    assert!(err.is_verification(), "{err:?}");
    server.only_request();

    let err = chain.download(Options::new().unsigned(true)).unwrap_err();
    assert!(
        err.is_request() && err.outcome() == Outcome::NotSent,
        "{err:?}"
    );
    server.only_request();
}

#[test]
fn call_base_uri_applies_to_both_requests() {
    let hash = |url: String| json!({ "url": url, "hash_type": "SHA1", "hash_value": SHA1 });
    let without_hash = |url: String| json!({ "download_url": url });
    for path in ["/hk", "/a/b"] {
        let target = format!("{path}/v3/billdownload/file?token=t");
        let file = target.clone();
        let named = serving("abc", move |own| hash(format!("{own}{file}")));
        let file = target.clone();
        let unhashed = serving("abc", move |own| without_hash(format!("{own}{file}")));
        let relative = serving("abc", move |_| {
            without_hash("/v3/billdownload/file?token=t".into())
        });
        for server in [named, unhashed, relative] {
            let options = Options::new().base_uri(format!("{}{}", server.url(), &path[1..]));
            let result = server.client().chain("v3/bill/tradebill").download(options);
            assert_eq!(result.unwrap().text().unwrap(), "abc");
            let targets: Vec<_> = server
                .requests()
                .into_iter()
                .map(|request| request.target)
                .collect();
            assert_eq!(
                targets,
                [format!("{path}/v3/bill/tradebill"), target.clone()]
            );
        }
    }
}

#[test]
fn truncated_file_without_a_hash_is_an_error() {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let mut truncated = vec![
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc".to_vec(),
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n".to_vec(),
        format!("{chunked}3\r\nabc\r\n").into_bytes(),
        format!("{chunked}3\r\nab").into_bytes(),
        format!("{chunked}3\r\nabc\r\n0\r\n").into_bytes(),
        chunked.as_bytes().to_vec(),
    ];
    // A truncated gzip file with a matching Content-Length.
    for end in 1..GZIP.len() {
        truncated.push(MockResponse::plain(200, &GZIP[..end]).bytes());
    }
    let scratch = Scratch::new();
    for bytes in truncated {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let server = serving_reply(
            move || {
                let bytes = bytes.clone();
                Reply::Raw(Box::new(move |stream| stream.write_all(&bytes).unwrap()))
            },
            |own| json!({ "download_url": format!("{own}/v3/billdownload/file") }),
        );
        for options in to_memory_and_file(&scratch) {
            let result = server.client().chain("v3/a").download(options);
            let err = result.expect_err(&text);
            assert!(err.is_transport() || err.is_decode(), "{text}: {err:?}");
            assert_ne!(err.outcome(), Outcome::NotSent);
            assert!(scratch.names().is_empty(), "{text}");
        }
    }
}
