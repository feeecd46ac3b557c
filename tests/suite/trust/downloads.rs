use serde_json::{Value, json};
use wechatpay_chain::{CertificateMode, Client, Error, Outcome};

use super::platform::{APIV3_KEY, Cert, Platform, body, brings, expired, new, old};
use crate::{
    files::download::gzip,
    fixtures::{
        keys,
        mode::{BOTH, Mode, runtime},
        scratch::Scratch,
        server::{MockResponse, Reply},
    },
};

/// A platform whose download answers so, and whose other answers the old certificate signs.
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

/// What the download ends in, the same in both kinds; what is trusted stays, and serves.
fn refused(response: impl Into<Reply> + Clone + Send + Sync + 'static) -> Error {
    let platform = platform(response);
    let client = trusting_old(&platform);
    let err = client.refresh_certificates().unwrap_err();
    let twin = runtime().block_on(client.refresh_certificates_async());
    assert_eq!(twin.unwrap_err().to_string(), err.to_string());
    assert_eq!(trusted(&client), [old().serial]);
    client.chain("v3/x").get(()).unwrap();
    assert_eq!(platform.downloads(), 2);
    err
}

fn says(err: &Error, text: &str) {
    assert!(err.to_string().contains(text), "{err}");
    let text = format!("{err} {err:?}");
    assert!(!text.contains(APIV3_KEY), "the key is shown: {text}");
}

#[test]
fn a_download_is_read_in_its_encoding() {
    let body = body(&[old(), new()], APIV3_KEY);
    let packed = gzip(body.as_bytes());
    for response in [
        new().signs(&body).sent_as(packed.clone()),
        MockResponse::signed_by(200, packed.clone(), (new().serial, new().pair)),
    ] {
        let platform = platform(response.header("Content-Encoding", "gzip"));
        let client = trusting_old(&platform);
        let refreshed = client.refresh_certificates().unwrap();
        assert_eq!(refreshed.added(), [new().serial]);
    }
    let unknown = new().signs(&body).header("Content-Encoding", "br");
    says(&refused(unknown.sent_as("packed")), "`br`");
    let other = new().signs("{}").sent_as(packed);
    let err = refused(other.header("Content-Encoding", "gzip"));
    assert!(err.is_verification(), "{err:?}");
}

#[test]
fn a_download_brings_what_is_in_force_and_nothing_that_is_over() {
    let platform = platform(brings(&[expired(), new()], new()));
    let client = trusting_old(&platform);
    let refreshed = client.refresh_certificates().unwrap();
    assert_eq!(refreshed.added(), [new().serial]);
    assert!(!refreshed.is_public_key_mode());
    assert_eq!(trusted(&client), [old().serial, new().serial]);
    // Once more brings nothing that is not there, and the counters go on.
    let again = client.refresh_certificates().unwrap();
    assert!(again.added().is_empty());
    client.chain("v3/x").get(()).unwrap();
    assert_eq!(client.platform_keys()[0].responses(), 1);
}

#[test]
fn a_download_signed_by_a_certificate_that_is_over_is_not_believed() {
    let err = refused(brings(&[expired(), new()], expired()));
    assert!(err.is_verification(), "{err:?}");
    says(
        &err,
        &format!(
            "the platform certificate {} that signed the response is not in force",
            expired().serial
        ),
    );
}

#[test]
fn a_download_signed_by_a_key_that_is_trusted_already_is_believed() {
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
fn another_apiv3_key_opens_nothing_and_is_named() {
    let other = "0123456789abcdef0123456789abcdef";
    let err = refused(new().signs(&body(&[new()], other)));
    assert!(err.is_decrypt(), "{err:?}");
    says(
        &err,
        "the `apiv3_key` is not the one set in the merchant platform",
    );
}

#[test]
fn a_download_that_was_tampered_with_is_refused() {
    let whole = body(&[new()], APIV3_KEY);
    let change = |change: &dyn Fn(&mut Value)| {
        let mut body: Value = serde_json::from_str(&whole).unwrap();
        change(&mut body["data"][0]);
        body.to_string()
    };
    // A ciphertext with one bit changed, though the signature holds.
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
    says(
        &refused(new().signs(&serial)),
        "is listed under a different serial",
    );

    // A body with a space more than was signed.
    let over = MockResponse::signed_by(200, format!("{whole} "), (new().serial, new().pair));
    let over = over.bytes();
    let shorter = String::from_utf8(over).unwrap().replace("}]} ", "}]}");
    let length = whole.len() + 1;
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

    // Signed by another key than the serial's, by a stranger, by nobody.
    let forged = MockResponse::signed_by(200, &*whole, (new().serial, old().pair));
    assert!(refused(forged).is_verification());
    let stranger = MockResponse::signed_by(
        200,
        &*whole,
        ("5157000000000000000000000000000000000000", new().pair),
    );
    assert!(refused(stranger).is_verification());
    let err = refused(MockResponse::plain(200, &*whole));
    assert!(err.is_verification(), "{err:?}");
    says(&err, "has no signature");
}

#[test]
fn no_certificates_at_all_is_the_mode_of_public_keys() {
    let lacking = r#"{"code":"RESOURCE_NOT_EXISTS","message":"无可用的平台证书"}"#;
    for response in [
        MockResponse::signed(404, lacking),
        MockResponse::plain(404, lacking),
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
    // A client that has no public key is told to get one, and sends nothing.
    let platform = platform(MockResponse::plain(404, lacking));
    for mode in BOTH {
        let client = platform.builder().build().unwrap();
        let err = mode.post(&client.chain("v3/x"), ()).unwrap_err();
        assert!(
            err.is_config() && err.outcome() == Outcome::NotSent,
            "{err:?}"
        );
        says(&err, "`platform_key`");
    }
    assert_eq!(platform.server.requests().len(), platform.downloads());
}

#[test]
fn a_download_that_fails_takes_nothing_away() {
    assert!(refused(MockResponse::plain(502, "<html>")).is_api());
    assert!(refused(MockResponse::plain(404, "<html>")).is_api());
    assert!(refused(MockResponse::plain(500, "")).is_api());
    assert!(refused(MockResponse::plain(401, r#"{"code":"SIGN_ERROR"}"#)).is_api());
    assert!(refused(new().signs("<html>")).is_decode());
    assert!(refused(new().signs("{}")).is_decode());
    assert!(refused(new().signs(r#"{"data":[{}]}"#)).is_decode());
    let many = json!({ "data": vec![serde_json::from_str::<Value>(&body(&[new()], APIV3_KEY)).unwrap()["data"][0].clone(); 100] });
    says(
        &refused(new().signs(&many.to_string())),
        "has 100 certificates, more than the limit of 64",
    );

    let closing = Platform::start(|_| Reply::Close, |_| old().signs("{}"));
    let client = trusting_old(&closing);
    assert!(client.refresh_certificates().unwrap_err().is_transport());
    client.chain("v3/x").get(()).unwrap();
}

#[test]
fn two_keys_under_one_serial_are_refused_wherever_they_come_from() {
    // The old one's serial over the new one's key.
    let twin = Cert::new(old().serial, new().pair, 2093);
    let twice = "two different platform keys have the ID";
    let builder = || Platform::start(|_| Reply::Close, |_| Reply::Close).builder();
    let err = builder()
        .platform_certificate(old().certificate())
        .platform_certificate(twin.certificate())
        .build()
        .unwrap_err();
    says(&err, twice);
    // The same one twice is no harm.
    builder()
        .platform_certificate(old().certificate())
        .platform_certificate(old().certificate())
        .build()
        .unwrap();

    let platform = platform(brings(&[&twin, new()], new()));
    let client = trusting_old(&platform);
    let err = client
        .add_platform_certificate(twin.certificate())
        .unwrap_err();
    assert!(err.is_config(), "{err:?}");
    says(&err, twice);
    let err = client.refresh_certificates().unwrap_err();
    says(&err, twice);
    client.chain("v3/x").get(()).unwrap();
    assert_eq!(trusted(&client)[0], old().serial);
}

#[test]
fn the_merchants_own_serial_and_key_are_refused_wherever_they_come_from() {
    let own_serial = Cert::new(keys::SERIAL, new().pair, 2093);
    let own_key = Cert::new(
        "10DE000000000000000000000000000000000009",
        keys::merchant(),
        2093,
    );
    for own in [&own_serial, &own_key] {
        let said = "is the merchant's own key";
        let platform = platform(brings(&[own, new()], new()));
        let err = platform
            .builder()
            .platform_certificate(own.certificate())
            .build()
            .unwrap_err();
        says(&err, said);
        let client = trusting_old(&platform);
        says(
            &client
                .add_platform_certificate(own.certificate())
                .unwrap_err(),
            said,
        );
        says(&client.refresh_certificates().unwrap_err(), said);
        assert!(!trusted(&client).contains(&own.serial.to_owned()));
        client.chain("v3/x").get(()).unwrap();
    }
    let client = trusting_old(&platform(MockResponse::plain(502, "")));
    let key = keys::merchant().public();
    let err = client.add_platform_key("PUB_KEY_ID_0001", key).unwrap_err();
    says(&err, "is the merchant's own key");
}

#[test]
fn an_expired_certificate_is_refused_by_hand_too() {
    let platform = platform(MockResponse::plain(502, ""));
    let said = format!("{} expired on 2020-01-01", expired().serial);
    let built = platform
        .builder()
        .platform_certificate(expired().certificate())
        .build();
    says(&built.unwrap_err(), &said);
    let added = trusting_old(&platform).add_platform_certificate(expired().certificate());
    says(&added.unwrap_err(), &said);
}

#[test]
fn a_key_taken_out_is_trusted_no_longer() {
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
        says(
            &err,
            &format!("signed by serial {}, which is not trusted", old().serial),
        );
        // Why it did not come is beneath.
        let cause = std::error::Error::source(&err).unwrap().to_string();
        assert!(cause.starts_with("GET v3/certificates: 502"), "{cause}");
    }
    client
        .add_platform_certificate(old().certificate())
        .unwrap();
    client.chain("v3/x").get(()).unwrap();
}

#[test]
fn certificates_outlive_the_process_in_a_folder() {
    let scratch = Scratch::new();
    let folder = scratch.file("certificates");
    let first = platform(brings(&[old(), new()], new()));
    let client = first.builder().build().unwrap();
    client.chain("v3/x").get(()).unwrap();
    client.save_certificates(&folder).unwrap();
    // Once more over what is there.
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

    // One that is over by then is passed over, and so is what is no PEM.
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
fn a_client_without_an_apiv3_key_downloads_nothing() {
    let platform = platform(brings(&[new()], new()));
    let bare = || {
        wechatpay_chain::Client::builder()
            .mchid(keys::MCHID)
            .serial(keys::SERIAL)
            .private_key(keys::merchant().private())
            .base_uri(platform.server.url())
            .no_proxy()
    };
    let err = bare()
        .certificate_mode(CertificateMode::OnDemand)
        .build()
        .unwrap_err();
    says(&err, "set `apiv3_key`");
    let client = bare().build().unwrap();
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
fn saved_certificates_follow_no_link() {
    use std::os::unix::fs::symlink;

    let scratch = Scratch::new();
    let folder = scratch.file("certificates");
    std::fs::create_dir(&folder).unwrap();
    let victim = scratch.written("victim", "untouched");
    let place = folder.join(format!("wechatpay_{}.pem", new().serial));
    // Where a fixed name beside its place would be, and at the place itself.
    symlink(&victim, place.with_extension("pem.part")).unwrap();
    symlink(&victim, &place).unwrap();
    let first = platform(brings(&[new()], new()));
    let client = first.builder().build().unwrap();
    client.refresh_certificates().unwrap();
    client.save_certificates(&folder).unwrap();
    assert_eq!(std::fs::read(&victim).unwrap(), b"untouched");
    assert!(!place.is_symlink());
    assert_eq!(
        std::fs::read_to_string(&place).unwrap(),
        new().certificate().to_pem()
    );

    // A directory at the place is an error, and nothing is left beside it.
    std::fs::remove_file(&place).unwrap();
    std::fs::create_dir(&place).unwrap();
    let err = client.save_certificates(&folder).unwrap_err();
    assert!(err.is_file(), "{err:?}");
    assert!(err.to_string().starts_with("the certificate "), "{err}");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 2);
}
