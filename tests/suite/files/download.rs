//! Downloads to files, compared with the system's gzip and sha1sum.

use std::{
    io::Write as _,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::json;
use wechatpay_chain::{Client, Options, Outcome, RetryPolicy, Verification};

use crate::fixtures::{
    keys,
    programs::{gzip, sha1},
    scratch::Scratch,
    server::{MockResponse, Reply, Server},
};

/// A bill of about 600 kB.
fn bill() -> Vec<u8> {
    let mut out = b"\xef\xbb\xbf".to_vec();
    for row in 0..10_000 {
        let _ = writeln!(
            out,
            "`2019-06-11 10:00:00,`N{row:020},`12.30,`SUCCESS,`{}",
            row * 7919
        );
    }
    out
}

const FILE: &str = "v3/billdownload/file";

/// Serves `body` to every request, as an unsigned file.
fn serving(body: Vec<u8>) -> Server {
    Server::start(move |_| MockResponse::plain(200, body.clone()))
}

#[test]
fn downloaded_file_is_readable_only_by_its_owner() {
    let server = serving(bill());
    let scratch = Scratch::new();
    let reported = Arc::new(Mutex::new(Vec::new()));
    let options =
        Options::from(json!({ "sink": scratch.file("bill.csv"), "query": { "token": "t" } }))
            .on_progress({
                let reported = Arc::clone(&reported);
                move |bytes, total| reported.lock().unwrap().push((bytes, total))
            });
    let response = server.client().chain(FILE).get(options).unwrap();

    assert_eq!(std::fs::read(scratch.file("bill.csv")).unwrap(), bill());
    assert_eq!(scratch.names(), ["bill.csv"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = scratch
            .file("bill.csv")
            .metadata()
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    assert_eq!(*response.verification(), Verification::DocumentedUnsigned);
    assert!(response.bytes().is_empty());
    let file = response.file().unwrap();
    assert_eq!(file.path(), scratch.file("bill.csv"));
    assert_eq!(file.len(), bill().len() as u64);
    assert_eq!(file.sha1(), sha1(&bill()));
    let len = bill().len() as u64;
    let reported = reported.lock().unwrap();
    assert!(reported.len() > 1 && reported.is_sorted());
    assert_eq!(reported.last(), Some(&(len, Some(len))));
    server.only_request().authorization(keys::merchant());
}

#[test]
fn existing_file_is_replaced_only_by_a_complete_download() {
    let complete = bill();
    let half = complete.len() / 2;
    let server = Server::start(move |request| match request.target.contains("cut") {
        true => {
            let mut response = MockResponse::plain(200, complete.clone()).bytes();
            response.truncate(half);
            Reply::Raw(Box::new(move |stream| stream.write_all(&response).unwrap()))
        }
        false => MockResponse::plain(200, complete.clone()).into(),
    });
    let scratch = Scratch::new();
    scratch.written("bill.csv", "old");
    let get = |token: &str| {
        let options = json!({ "sink": scratch.file("bill.csv"), "query": { "token": token } });
        server.client().chain(FILE).get(options)
    };
    let err = get("cut").unwrap_err();
    assert!(
        err.is_transport() && err.outcome() == Outcome::Unknown,
        "{err:?}"
    );
    assert_eq!(std::fs::read(scratch.file("bill.csv")).unwrap(), b"old");
    assert_eq!(scratch.names(), ["bill.csv"]);
    get("complete").unwrap();
    assert_eq!(std::fs::read(scratch.file("bill.csv")).unwrap(), bill());
    assert_eq!(scratch.names(), ["bill.csv"]);
}

#[test]
fn truncated_download_starts_over() {
    let complete = bill();
    let server = Server::start(move |request| match request.number {
        0 => {
            let mut response = MockResponse::plain(200, complete.clone()).bytes();
            response.truncate(response.len() - 1);
            Reply::Raw(Box::new(move |stream| stream.write_all(&response).unwrap()))
        }
        _ => MockResponse::plain(200, complete.clone()).into(),
    });
    let scratch = Scratch::new();
    let client = keys::builder().base_uri(server.url()).build().unwrap();
    client
        .chain(FILE)
        .get(json!({ "sink": scratch.file("b") }))
        .unwrap();
    assert_eq!(std::fs::read(scratch.file("b")).unwrap(), bill());
    assert_eq!(scratch.names(), ["b"]);
}

#[test]
fn unusable_sink_is_an_error_before_sending() {
    let server = serving(bill());
    let scratch = Scratch::new();
    let dir = scratch.path().display().to_string();
    let chain = server.client().chain(FILE);
    for (sink, text) in [
        (dir.clone(), "is a directory: append a file name"),
        (format!("{dir}/none/bill.csv"), "cannot be created"),
        (format!("{dir}/new/"), "ends like a directory"),
        ("/dev/null".to_owned(), "is not a regular file"),
    ] {
        let err = chain.get(json!({ "sink": sink })).unwrap_err();
        assert!(
            err.is_file() && err.outcome() == Outcome::NotSent,
            "{err:?}"
        );
        assert!(err.to_string().contains(text), "{err}");
        let err = chain.download(json!({ "sink": sink })).unwrap_err();
        assert!(
            err.is_file() && err.outcome() == Outcome::NotSent,
            "{err:?}"
        );
    }
    assert!(chain.get(json!({ "sink": "" })).unwrap_err().is_request());
    assert!(server.requests().is_empty());
    assert!(scratch.names().is_empty());
    assert!(Path::new("/dev/null").exists());
}

#[test]
fn error_response_is_never_written_to_the_file() {
    for response in [
        MockResponse::signed(400, r#"{"code":"PARAM_ERROR","message":"no"}"#),
        MockResponse::signed(404, r#"{"code":"NO_STATEMENT_EXIST","message":"no"}"#),
        MockResponse::plain(502, "<html>"),
    ] {
        let server = Server::start(move |_| response.clone());
        let scratch = Scratch::new();
        for path in [FILE, "v3/certificates"] {
            let chain = server.client().chain(path);
            let err = chain.get(json!({ "sink": scratch.file("b") })).unwrap_err();
            assert!(err.is_api(), "{err:?}");
        }
        assert!(scratch.names().is_empty());
    }
}

#[test]
fn signed_response_is_written_only_after_it_verifies() {
    let scratch = Scratch::new();
    let options = || json!({ "sink": scratch.file("b") });
    let server = Server::start(|request| match request.path() {
        "/v3/good" => MockResponse::signed(200, r#"{"a":1}"#),
        _ => MockResponse::signed_over(200, r#"{"a":2}"#, b"other"),
    });
    let client = server.client();
    let err = client.chain("v3/bad").get(options()).unwrap_err();
    assert!(err.is_verification(), "{err:?}");
    assert!(scratch.names().is_empty());
    let response = client.chain("v3/good").get(options()).unwrap();
    assert!(response.verification().is_verified());
    assert_eq!(std::fs::read(scratch.file("b")).unwrap(), br#"{"a":1}"#);
    assert_eq!(scratch.names(), ["b"]);
}

#[test]
fn gunzip_is_optional_and_hash_covers_unpacked_bytes() {
    let compressed = gzip(&bill());
    let server = serving(compressed.clone());
    let chain = server.client().chain(FILE);
    let scratch = Scratch::new();
    let to_file = || Options::new().sink(scratch.file("b"));
    let assert_file = |bytes: &[u8]| assert_eq!(std::fs::read(scratch.file("b")).unwrap(), bytes);

    let response = chain.get(to_file()).unwrap();
    assert_file(&compressed);
    assert_eq!(response.file().unwrap().sha1(), sha1(&compressed));
    chain.get(to_file().expect_sha1(sha1(&bill()))).unwrap();
    assert_file(&compressed);
    let response = chain
        .get(
            to_file()
                .gunzip(true)
                .expect_sha1(sha1(&bill()).to_uppercase()),
        )
        .unwrap();
    assert_file(&bill());
    assert_eq!(response.file().unwrap().sha1(), sha1(&bill()));
    assert_eq!(response.file().unwrap().len(), bill().len() as u64);

    let response = chain
        .get(Options::new().gunzip(true).expect_sha1(sha1(&bill())))
        .unwrap();
    assert_eq!(response.bytes()[..], bill());
    assert_eq!(chain.get(()).unwrap().bytes()[..], compressed);
    // Concatenated gzip members are one file, and a body that is not gzip stays unchanged.
    let twice = serving([gzip(b"ab"), gzip(b"c")].concat());
    let response = twice
        .client()
        .chain(FILE)
        .get(Options::new().gunzip(true))
        .unwrap();
    assert_eq!(response.text().unwrap(), "abc");
    for plain in ["", "\u{1f}", "abc"] {
        let server = serving(plain.into());
        let options = to_file().gunzip(true).expect_sha1(sha1(plain.as_bytes()));
        server.client().chain(FILE).get(options).unwrap();
        assert_file(plain.as_bytes());
    }
}

#[test]
fn hash_mismatch_is_an_error_and_leaves_no_file() {
    let scratch = Scratch::new();
    for body in [bill(), gzip(&bill())] {
        let server = serving(body);
        let chain = server.client().chain(FILE);
        for options in [Options::new().sink(scratch.file("b")), Options::new()] {
            let err = chain
                .get(options.gunzip(true).expect_sha1(sha1(b"other")))
                .unwrap_err();
            assert!(
                err.is_verification() && err.outcome() == Outcome::Done,
                "{err:?}"
            );
            assert!(err.to_string().contains("SHA-1"), "{err}");
        }
    }
    assert!(scratch.names().is_empty());
    let chain = serving(Vec::new()).client().chain(FILE);
    let err = chain.get(Options::new().expect_sha1("a9")).unwrap_err();
    assert!(err.is_request(), "{err:?}");
}

#[test]
fn damaged_gzip_is_an_error_and_memory_is_limited() {
    let scratch = Scratch::new();
    let compressed = gzip(&bill());
    let mut altered = compressed.clone();
    altered[compressed.len() / 2] ^= 0x55;
    for body in [
        compressed[..compressed.len() - 1].to_vec(),
        compressed[..5].to_vec(),
        altered,
    ] {
        let server = serving(body);
        for options in [Options::new().sink(scratch.file("b")), Options::new()] {
            let err = server
                .client()
                .chain(FILE)
                .get(options.gunzip(true))
                .unwrap_err();
            assert!(err.is_decode() && err.outcome() == Outcome::Done, "{err:?}");
        }
    }
    assert!(scratch.names().is_empty());

    // 64 kB that decompress to 64 MiB exceed the limit in memory, but not in a file.
    let server = serving(gzip(&vec![0; 64 << 20]));
    let chain = server.client().chain(FILE);
    let err = chain.get(Options::new().gunzip(true)).unwrap_err();
    assert!(
        err.is_too_large() && err.outcome() == Outcome::Done,
        "{err:?}"
    );
    chain
        .get(Options::new().gunzip(true).sink(scratch.file("b")))
        .unwrap();
    assert_eq!(scratch.file("b").metadata().unwrap().len(), 64 << 20);
}

#[test]
fn dropped_or_timed_out_download_leaves_no_file() {
    let beginning = MockResponse::plain(200, bill()).bytes()[..100_000].to_vec();
    let server = Server::start(move |_| {
        let beginning = beginning.clone();
        Reply::Raw(Box::new(move |stream| {
            let _ = stream.write_all(&beginning);
            let _ = std::io::Read::read_to_end(stream, &mut Vec::new());
        }))
    });
    let scratch = Scratch::new();
    let chain = server.client().chain(FILE);
    let options = || Options::new().sink(scratch.file("b"));
    let err = chain
        .get(options().timeout(Duration::from_secs(1)))
        .unwrap_err();
    assert!(
        err.is_timeout() && err.outcome() == Outcome::Unknown,
        "{err:?}"
    );
    assert!(scratch.names().is_empty());

    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let call = chain.get_async(options());
        let dropped = tokio::time::timeout(Duration::from_millis(200), call).await;
        assert!(dropped.is_err());
    });
    assert!(scratch.names().is_empty());
}

#[test]
fn apiv2_bill_is_a_file_or_an_api_error() {
    let failure = "<xml><return_code><![CDATA[FAIL]]></return_code><return_msg><![CDATA[No Bill Exist]]></return_msg><error_code><![CDATA[20002]]></error_code></xml>";
    let server = Server::start(move |request| {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        match request.path() {
            "/pay/downloadbill" if body.contains("20140604") => MockResponse::plain(200, failure),
            "/pay/downloadbill" => MockResponse::plain(200, bill()),
            _ => MockResponse::plain(200, gzip(&bill())),
        }
    });
    let scratch = Scratch::new();
    let get = |path: &str, date: &str| {
        let xml =
            json!({ "appid": "wx8888888888888888", "mch_id": keys::MCHID, "bill_date": date });
        let options = Options::new().xml(xml).sink(scratch.file("b")).gunzip(true);
        server.client().chain(path).post(options)
    };
    let err = get("v2/pay/downloadbill", "20140604").unwrap_err();
    assert!(err.is_api(), "{err:?}");
    assert_eq!(err.api().unwrap().message(), "No Bill Exist");
    assert!(scratch.names().is_empty());
    for path in ["v2/pay/downloadbill", "v2/pay/downloadfundflow"] {
        let response = get(path, "20140603").unwrap();
        assert_eq!(*response.verification(), Verification::DocumentedUnsigned);
        assert_eq!(std::fs::read(scratch.file("b")).unwrap(), bill());
    }
}

/// A server for both steps. `link` makes the first response from the file's URL.
fn two_steps(
    body: Vec<u8>,
    link: impl Fn(&str) -> serde_json::Value + Send + Sync + 'static,
) -> Server {
    Server::start(move |request| match request.path() {
        "/v3/billdownload/file" => MockResponse::plain(200, body.clone()),
        _ => {
            let host = request.header("host").unwrap();
            let url = format!("http://{host}/v3/billdownload/file?token=a%2Bb%3D%3D");
            MockResponse::signed(200, link(&url).to_string())
        }
    })
}

#[test]
fn download_fetches_checks_and_unpacks_a_bill() {
    let hash = sha1(&bill());
    let server = two_steps(
        gzip(&bill()),
        move |url| json!({ "hash_type": "SHA1", "hash_value": hash, "download_url": url }),
    );
    let scratch = Scratch::new();
    let chain = server.client().chain("v3/bill/{kind}");
    let query =
        json!({ "kind": "tradebill", "query": { "bill_date": "2019-06-11", "tar_type": "GZIP" } });
    let response = chain.download(&query).unwrap();
    assert_eq!(response.bytes()[..], bill());

    let runtime = tokio::runtime::Runtime::new().unwrap();
    let options = Options::from(&query).sink(scratch.file("b"));
    let response = runtime.block_on(chain.download_async(options)).unwrap();
    assert_eq!(response.file().unwrap().sha1(), sha1(&bill()));
    assert_eq!(std::fs::read(scratch.file("b")).unwrap(), bill());

    let requests = server.requests();
    assert_eq!(requests.len(), 4);
    assert_eq!(
        requests[0].target,
        "/v3/bill/tradebill?bill_date=2019-06-11&tar_type=GZIP"
    );
    assert_eq!(
        requests[1].target,
        "/v3/billdownload/file?token=a%2Bb%3D%3D"
    );
    for request in &requests {
        request.authorization(keys::merchant());
    }
}

#[test]
fn bill_with_wrong_hash_or_host_is_an_error() {
    let scratch = Scratch::new();
    let hash = sha1(&bill());
    let good = hash.clone();
    let altered = two_steps(
        b"altered".to_vec(),
        move |url| json!({ "hash_type": "SHA1", "hash_value": good, "download_url": url }),
    );
    let chain = altered.client().chain("v3/bill/tradebill");
    let err = chain
        .download(json!({ "sink": scratch.file("b") }))
        .unwrap_err();
    assert!(
        err.is_verification() && err.outcome() == Outcome::Done,
        "{err:?}"
    );
    assert!(!err.to_string().contains("token"), "{err}");

    let foreign = two_steps(Vec::new(), move |_| {
        let url = "https://example.com/v3/billdownload/file?token=secret";
        json!({ "hash_type": "SHA1", "hash_value": hash, "download_url": url })
    });
    let chain = foreign.client().chain("v3/bill/tradebill");
    let err = chain
        .download(json!({ "sink": scratch.file("b") }))
        .unwrap_err();
    assert!(
        err.is_decode() && !format!("{err:?}").contains("secret"),
        "{err:?}"
    );
    assert_eq!(foreign.requests().len(), 1);
    assert!(scratch.names().is_empty());
}

#[test]
fn statement_hash_may_cover_compressed_or_unpacked_file() {
    let signed = |body: Vec<u8>, hash: &str| {
        MockResponse::signed_over(200, body, format!(r#"{{"sha1":"{hash}"}}"#).as_bytes())
            .header("Wechatpay-Statement-Sha1", hash)
    };
    let responses = [
        (signed(bill(), &sha1(&bill())), true),
        (signed(gzip(&bill()), &sha1(&bill())), true),
        (signed(gzip(&bill()), &sha1(&gzip(&bill()))), true),
        (signed(gzip(b"other"), &sha1(&bill())), false),
        (
            signed(gzip(&bill())[..1000].to_vec(), &sha1(&bill())),
            false,
        ),
    ];
    for (response, good) in responses {
        let server = Server::start(move |_| response.clone());
        let scratch = Scratch::new();
        let options =
            json!({ "sink": scratch.file("b"), "headers": { "Accept-Encoding": "gzip" } });
        let result = server.client().chain("v3/global/statements").get(options);
        assert_eq!(result.is_ok(), good, "{result:?}");
        assert_eq!(scratch.names().len(), usize::from(good));
    }
}

#[cfg(unix)]
#[test]
fn sink_follows_links_and_resolves_relative_paths() {
    let server = serving(bill());
    let scratch = Scratch::new();
    scratch.written("real", "old");
    std::os::unix::fs::symlink(scratch.file("real"), scratch.file("link")).unwrap();
    let chain = server.client().chain(FILE);
    let response = chain.get(json!({ "sink": scratch.file("link") })).unwrap();
    assert!(scratch.file("link").is_symlink());
    assert_eq!(
        response.file().unwrap().path(),
        scratch.file("real").canonicalize().unwrap()
    );
    assert_eq!(std::fs::read(scratch.file("real")).unwrap(), bill());

    // A relative path from the current directory up to the root and down to the scratch directory.
    let here = std::env::current_dir().unwrap();
    let up = here.components().skip(1).map(|_| "..");
    let relative = up.collect::<std::path::PathBuf>().join(
        scratch
            .path()
            .canonicalize()
            .unwrap()
            .strip_prefix("/")
            .unwrap(),
    );
    let response = chain
        .get(json!({ "sink": relative.join("relative.csv") }))
        .unwrap();
    let path = response.file().unwrap().path().to_owned();
    assert!(path.is_absolute(), "{}", path.display());
    assert_eq!(std::fs::read(scratch.file("relative.csv")).unwrap(), bill());
}

#[test]
fn client_without_retries_downloads_inside_async_code() {
    let server = serving(bill());
    let scratch = Scratch::new();
    let client: Client = keys::builder()
        .base_uri(server.url())
        .retry(RetryPolicy::none())
        .build()
        .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        // Neither verb writes to the disk on the runtime's only thread.
        client
            .chain(FILE)
            .get(Options::new().sink(scratch.file("a")))
            .unwrap();
        client
            .chain(FILE)
            .get_async(Options::new().sink(scratch.file("b")))
            .await
            .unwrap();
    });
    assert_eq!(scratch.names(), ["a", "b"]);
}
