//! Certificate downloads: what is accepted, what is refused, and what is saved.

use serde_json::{Value, json};
use wechatpay_chain::{CertificateMode, Client, Error, Outcome};

use super::platform::{APIV3_KEY, Cert, Platform, body, expired, new, old, response_with};
use crate::fixtures::{
    keys,
    mode::{BOTH, Mode, runtime},
    programs::gzip,
    scratch::Scratch,
    server::{MockResponse, Reply},
};

/// A server with this response to the download. The old certificate signs all other responses.
fn platform(response: impl Into<Reply> + Clone + Send + Sync + 'static) -> Platform {
    Platform::start(move |_| response.clone().into(), |_| old().signs("{}"))
}

fn trusting_old(platform: &Platform) -> Client {
    let builder = platform.builder();
    builder
        .platform_certificate(old().certificate())
        .build()
        .unwrap()
}

fn trusted(client: &Client) -> Vec<String> {
    let keys = client.platform_keys();
    keys.iter().map(|key| key.id().to_owned()).collect()
}

/// Returns the error of a download, the same blocking and async. Checks that the trusted certificate
/// stays and verifies further calls.
fn refused(response: impl Into<Reply> + Clone + Send + Sync + 'static) -> Error {
    let platform = platform(response);
    let client = trusting_old(&platform);
    let err = client.refresh_certificates().unwrap_err();
    let asynchronous = runtime().block_on(client.refresh_certificates_async());
    assert_eq!(asynchronous.unwrap_err().to_string(), err.to_string());
    assert_eq!(trusted(&client), [old().serial]);
    client.chain("v3/x").get(()).unwrap();
    assert_eq!(platform.downloads(), 2);
    err
}

fn assert_text(err: &Error, text: &str) {
    assert!(err.to_string().contains(text), "{err}");
    let text = format!("{err} {err:?}");
    assert!(!text.contains(APIV3_KEY), "the key is shown: {text}");
}

#[test]
fn encoded_download_is_decoded() {
    let body = body(&[old(), new()], APIV3_KEY);
    let compressed = gzip(body.as_bytes());
    for response in [
        new().signs(&body).sent_as(compressed.clone()),
        MockResponse::signed_by(200, compressed.clone(), (new().serial, new().pair)),
    ] {
        let platform = platform(response.header("Content-Encoding", "gzip"));
        let client = trusting_old(&platform);
        let refreshed = client.refresh_certificates().unwrap();
        assert_eq!(refreshed.added(), [new().serial]);
    }
    let unknown = new().signs(&body).header("Content-Encoding", "br");
    assert_text(&refused(unknown.sent_as("packed")), "`br`");
    let other = new().signs("{}").sent_as(compressed);
    let err = refused(other.header("Content-Encoding", "gzip"));
    assert!(err.is_verification(), "{err:?}");
}

#[test]
fn download_adds_only_certificates_in_force() {
    let platform = platform(response_with(&[expired(), new()], new()));
    let client = trusting_old(&platform);
    let refreshed = client.refresh_certificates().unwrap();
    assert_eq!(refreshed.added(), [new().serial]);
    assert!(!refreshed.is_public_key_mode());
    assert_eq!(trusted(&client), [old().serial, new().serial]);
    // A second download adds nothing and keeps the counters.
    let again = client.refresh_certificates().unwrap();
    assert!(again.added().is_empty());
    client.chain("v3/x").get(()).unwrap();
    assert_eq!(client.platform_keys()[0].responses(), 1);
}

#[test]
fn download_signed_by_an_expired_certificate_is_refused() {
    let err = refused(response_with(&[expired(), new()], expired()));
    assert!(err.is_verification(), "{err:?}");
    assert_text(
        &err,
        &format!(
            "the platform certificate {} that signed the response is not in force",
            expired().serial
        ),
    );
}

#[test]
fn download_signed_by_a_trusted_key_is_accepted() {
    let platform = platform(MockResponse::signed(200, body(&[new()], APIV3_KEY)));
    let client = trusting_old(&platform);
    let err = client.refresh_certificates().unwrap_err();
    assert!(err.is_verification(), "{err:?}");
    let key = keys::platform().public();
    client.add_platform_key(keys::PLATFORM_ID, key).unwrap();
    let refreshed = client.refresh_certificates().unwrap();
    assert_eq!(refreshed.added(), [new().serial]);
}

#[test]
fn wrong_apiv3_key_is_a_decrypt_error_naming_it() {
    let other = "0123456789abcdef0123456789abcdef";
    let err = refused(new().signs(&body(&[new()], other)));
    assert!(err.is_decrypt(), "{err:?}");
    assert_text(
        &err,
        "the `apiv3_key` is not the one set in the merchant platform",
    );
}

#[test]
fn tampered_download_is_refused() {
    let original = body(&[new()], APIV3_KEY);
    let change = |change: &dyn Fn(&mut Value)| {
        let mut body: Value = serde_json::from_str(&original).unwrap();
        change(&mut body["data"][0]);
        body.to_string()
    };
    // A changed ciphertext with a valid signature.
    let flipped = change(&|entry| {
        let text = entry["encrypt_certificate"]["ciphertext"].as_str().unwrap();
        let first = if text.starts_with('A') { "B" } else { "A" };
        let changed = format!("{first}{}", &text[1..]);
        entry["encrypt_certificate"]["ciphertext"] = changed.into();
    });
    assert!(refused(new().signs(&flipped)).is_decrypt());
    let data = change(&|entry| entry["encrypt_certificate"]["associated_data"] = "x".into());
    assert!(refused(new().signs(&data)).is_decrypt());
    let nonce = change(&|entry| entry["encrypt_certificate"]["nonce"] = "short".into());
    assert!(refused(new().signs(&nonce)).is_decrypt());
    let base64 = change(&|entry| entry["encrypt_certificate"]["ciphertext"] = "?".into());
    assert!(refused(new().signs(&base64)).is_decode());
    let serial = change(&|entry| entry["serial_no"] = old().serial.into());
    assert_text(
        &refused(new().signs(&serial)),
        "is listed under a different serial",
    );

    // A body that was signed with one more space.
    let with_space =
        MockResponse::signed_by(200, format!("{original} "), (new().serial, new().pair));
    let with_space = with_space.bytes();
    let shorter = String::from_utf8(with_space)
        .unwrap()
        .replace("}]} ", "}]}");
    let length = original.len() + 1;
    let shorter = shorter.replace(
        &format!("Content-Length: {length}"),
        &format!("Content-Length: {}", length - 1),
    );
    let platform = Platform::start(
        move |_| {
            let raw = shorter.clone();
            Reply::Raw(Box::new(move |stream| {
                let _ = std::io::Write::write_all(stream, raw.as_bytes());
            }))
        },
        |_| old().signs("{}"),
    );
    let err = trusting_old(&platform).refresh_certificates().unwrap_err();
    assert!(
        err.is_verification() && err.unverified_body().is_some(),
        "{err:?}"
    );

    // Signed by a key that does not match the serial, by an unknown serial, and not at all.
    let forged = MockResponse::signed_by(200, &*original, (new().serial, old().pair));
    assert!(refused(forged).is_verification());
    let unknown = MockResponse::signed_by(
        200,
        &*original,
        ("5157000000000000000000000000000000000000", new().pair),
    );
    assert!(refused(unknown).is_verification());
    let err = refused(MockResponse::plain(200, &*original));
    assert!(err.is_verification(), "{err:?}");
    assert_text(&err, "has no signature");
}

#[test]
fn no_certificates_means_public_key_mode() {
    let none = r#"{"code":"RESOURCE_NOT_EXISTS","message":"无可用的平台证书"}"#;
    for response in [
        MockResponse::signed(404, none),
        MockResponse::plain(404, none),
        MockResponse::signed(200, r#"{"data":[]}"#),
    ] {
        let platform = platform(response);
        let client = trusting_old(&platform);
        let key = keys::platform().public();
        client.add_platform_key(keys::PLATFORM_ID, key).unwrap();
        let refreshed = client.refresh_certificates().unwrap();
        assert!(refreshed.is_public_key_mode() && refreshed.added().is_empty());
        assert_eq!(trusted(&client), [old().serial, keys::PLATFORM_ID]);
        client.chain("v3/x").get(()).unwrap();
    }
    // A client without a public key sends nothing, and the error says to configure one.
    let platform = platform(MockResponse::plain(404, none));
    for mode in BOTH {
        let client = platform.builder().build().unwrap();
        let err = mode.post(&client.chain("v3/x"), ()).unwrap_err();
        assert!(
            err.is_config() && err.outcome() == Outcome::NotSent,
            "{err:?}"
        );
        assert_text(&err, "`platform_key`");
    }
    assert_eq!(platform.server.requests().len(), platform.downloads());
}

#[test]
fn failed_download_keeps_the_trusted_keys() {
    assert!(refused(MockResponse::plain(502, "<html>")).is_api());
    assert!(refused(MockResponse::plain(404, "<html>")).is_api());
    assert!(refused(MockResponse::plain(500, "")).is_api());
    assert!(refused(MockResponse::plain(401, r#"{"code":"SIGN_ERROR"}"#)).is_api());
    assert!(refused(new().signs("<html>")).is_decode());
    assert!(refused(new().signs("{}")).is_decode());
    assert!(refused(new().signs(r#"{"data":[{}]}"#)).is_decode());
    let many = json!({ "data": vec![serde_json::from_str::<Value>(&body(&[new()], APIV3_KEY)).unwrap()["data"][0].clone(); 100] });
    assert_text(
        &refused(new().signs(&many.to_string())),
        "has 100 certificates, more than the limit of 64",
    );

    let closing = Platform::start(|_| Reply::Close, |_| old().signs("{}"));
    let client = trusting_old(&closing);
    assert!(client.refresh_certificates().unwrap_err().is_transport());
    client.chain("v3/x").get(()).unwrap();
}

#[test]
fn two_keys_with_one_serial_are_always_refused() {
    // The old serial with the new key.
    let duplicate = Cert::new(old().serial, new().pair, 2093);
    let text = "two different platform keys have the ID";
    let builder = || Platform::start(|_| Reply::Close, |_| Reply::Close).builder();
    let err = builder()
        .platform_certificate(old().certificate())
        .platform_certificate(duplicate.certificate())
        .build()
        .unwrap_err();
    assert_text(&err, text);
    // The same certificate may be given twice.
    builder()
        .platform_certificate(old().certificate())
        .platform_certificate(old().certificate())
        .build()
        .unwrap();

    let platform = platform(response_with(&[&duplicate, new()], new()));
    let client = trusting_old(&platform);
    let err = client
        .add_platform_certificate(duplicate.certificate())
        .unwrap_err();
    assert!(err.is_config(), "{err:?}");
    assert_text(&err, text);
    let err = client.refresh_certificates().unwrap_err();
    assert_text(&err, text);
    client.chain("v3/x").get(()).unwrap();
    assert_eq!(trusted(&client)[0], old().serial);
}

#[test]
fn merchant_serial_and_key_are_always_refused() {
    let own_serial = Cert::new(keys::SERIAL, new().pair, 2093);
    let own_key = Cert::new(
        "10DE000000000000000000000000000000000009",
        keys::merchant(),
        2093,
    );
    for own in [&own_serial, &own_key] {
        let text = "is the merchant's own key";
        let platform = platform(response_with(&[own, new()], new()));
        let err = platform
            .builder()
            .platform_certificate(own.certificate())
            .build()
            .unwrap_err();
        assert_text(&err, text);
        let client = trusting_old(&platform);
        assert_text(
            &client
                .add_platform_certificate(own.certificate())
                .unwrap_err(),
            text,
        );
        assert_text(&client.refresh_certificates().unwrap_err(), text);
        assert!(!trusted(&client).contains(&own.serial.to_owned()));
        client.chain("v3/x").get(()).unwrap();
    }
    let client = trusting_old(&platform(MockResponse::plain(502, "")));
    let key = keys::merchant().public();
    let err = client.add_platform_key("PUB_KEY_ID_0001", key).unwrap_err();
    assert_text(&err, "is the merchant's own key");
}

#[test]
fn adding_an_expired_certificate_is_an_error() {
    let platform = platform(MockResponse::plain(502, ""));
    let text = format!("{} expired on 2020-01-01", expired().serial);
    let built = platform
        .builder()
        .platform_certificate(expired().certificate())
        .build();
    assert_text(&built.unwrap_err(), &text);
    let added = trusting_old(&platform).add_platform_certificate(expired().certificate());
    assert_text(&added.unwrap_err(), &text);
}

#[test]
fn removed_key_is_no_longer_trusted() {
    let platform = platform(MockResponse::plain(502, ""));
    let client = trusting_old(&platform);
    client
        .add_platform_certificate(new().certificate())
        .unwrap();
    client.chain("v3/x").get(()).unwrap();
    assert!(client.remove_platform_key(old().serial));
    assert!(!client.remove_platform_key(old().serial));
    for mode in BOTH {
        let err = mode.post(&client.chain("v3/x"), ()).unwrap_err();
        assert!(err.is_verification(), "{err:?}");
        assert_eq!(err.outcome(), Outcome::Unknown);
        assert_text(
            &err,
            &format!("signed by serial {}, which is not trusted", old().serial),
        );
        // The source says why the key could not be downloaded.
        let cause = std::error::Error::source(&err).unwrap().to_string();
        assert!(cause.starts_with("GET v3/certificates: 502"), "{cause}");
    }
    client
        .add_platform_certificate(old().certificate())
        .unwrap();
    client.chain("v3/x").get(()).unwrap();
}

#[test]
fn saved_certificates_load_from_a_folder() {
    let scratch = Scratch::new();
    let folder = scratch.file("certificates");
    let first = platform(response_with(&[old(), new()], new()));
    let client = first.builder().build().unwrap();
    client.chain("v3/x").get(()).unwrap();
    client.save_certificates(&folder).unwrap();
    // Saving again replaces the files.
    client.save_certificates(&folder).unwrap();
    let mut names = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect::<Vec<_>>();
    names.sort();
    let named = |cert: &Cert| format!("wechatpay_{}.pem", cert.serial);
    assert_eq!(names, [named(new()), named(old())]);
    #[cfg(unix)]
    for name in names {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(folder.join(name)).unwrap().permissions();
        assert_eq!(mode.mode() & 0o777, 0o600);
    }

    // Expired certificates and files that are not PEM are skipped.
    std::fs::write(folder.join(named(expired())), &expired().pem).unwrap();
    std::fs::write(folder.join("notes.txt"), "x").unwrap();
    let second = platform(MockResponse::plain(502, ""));
    let client = second
        .builder()
        .platform_certificates_from(&folder)
        .build()
        .unwrap();
    let mut ids = trusted(&client);
    ids.sort();
    assert_eq!(ids, [new().serial, old().serial]);
    client.chain("v3/x").get(()).unwrap();
    assert_eq!(second.downloads(), 0);

    std::fs::write(folder.join("broken.pem"), "x").unwrap();
    let err = second.builder().platform_certificates_from(&folder).build();
    assert!(err.unwrap_err().is_key());
    let err = second
        .builder()
        .platform_certificates_from(scratch.file("none"))
        .build();
    assert!(err.unwrap_err().is_file());
}

#[test]
fn client_without_an_apiv3_key_downloads_nothing() {
    let platform = platform(response_with(&[new()], new()));
    let builder = || {
        wechatpay_chain::Client::builder()
            .mchid(keys::MCHID)
            .serial(keys::SERIAL)
            .private_key(keys::merchant().private())
            .base_uri(platform.server.url())
            .no_proxy()
    };
    let err = builder()
        .certificate_mode(CertificateMode::OnDemand)
        .build()
        .unwrap_err();
    assert_text(&err, "set `apiv3_key`");
    let client = builder().build().unwrap();
    for mode in [Mode::Blocking, Mode::Async] {
        let err = mode.get(&client.chain("v3/x"), ()).unwrap_err();
        assert!(
            err.is_config() && err.outcome() == Outcome::NotSent,
            "{err:?}"
        );
    }
    assert!(client.refresh_certificates().unwrap_err().is_config());
    assert_eq!(platform.server.connections(), 0);
}

#[cfg(unix)]
#[test]
fn saving_certificates_follows_no_symlink() {
    use std::os::unix::fs::symlink;

    let scratch = Scratch::new();
    let folder = scratch.file("certificates");
    std::fs::create_dir(&folder).unwrap();
    let victim = scratch.written("victim", "untouched");
    let file = folder.join(format!("wechatpay_{}.pem", new().serial));
    // Symlinks at the file itself and at a predictable name for a temporary file.
    symlink(&victim, file.with_extension("pem.part")).unwrap();
    symlink(&victim, &file).unwrap();
    let first = platform(response_with(&[new()], new()));
    let client = first.builder().build().unwrap();
    client.refresh_certificates().unwrap();
    client.save_certificates(&folder).unwrap();
    assert_eq!(std::fs::read(&victim).unwrap(), b"untouched");
    assert!(!file.is_symlink());
    assert_eq!(
        std::fs::read_to_string(&file).unwrap(),
        new().certificate().to_pem()
    );

    // A directory in place of the file is an error, and no temporary file remains.
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    let err = client.save_certificates(&folder).unwrap_err();
    assert!(err.is_file(), "{err:?}");
    assert!(err.to_string().starts_with("the certificate "), "{err}");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 2);
}
