//! Keys that `build()` refuses are refused by every later method too.

use std::{convert::Infallible, sync::OnceLock};

use serde_json::json;
use wechatpay_chain::{
    Client, ClientBuilder, Error, Method, Notifications, Options, Outcome, RetryPolicy, Signature,
    Signer, Verifier,
};

use super::platform::{APIV3_KEY, Cert, Platform, new, old, response_with};
use crate::fixtures::{
    keys::{self, Pair},
    mode::BOTH,
    programs,
    scratch::Scratch,
    server::{MockResponse, Reply, Server},
};

/// A sandbox serial is hexadecimal and starts with the bytes of SANDBOX.
const SANDBOX_SERIAL: &str = "53414E44424F580123456789ABCDEF0123456789";
const SANDBOX_ID: &str = "PUB_KEY_ID_SANDBOX0123456789ABCDEF012345";
/// The merchant's serial after a rotation.
const ROTATED_SERIAL: &str = "3775B6A45ACD588826D15E583A95F5DD0000BEEF";

fn pair() -> &'static Pair {
    static PAIR: OnceLock<Pair> = OnceLock::new();
    PAIR.get_or_init(Pair::generate)
}

/// A sandbox's platform certificate.
fn sandbox_certificate() -> &'static Cert {
    static CERT: OnceLock<Cert> = OnceLock::new();
    CERT.get_or_init(|| Cert::new(SANDBOX_SERIAL, keys::platform(), 2093))
}

fn builder_without_keys() -> ClientBuilder {
    Client::builder()
        .mchid(keys::MCHID)
        .apiv2_key("0123456789abcdef0123456789abcdef")
        .apiv3_key(APIV3_KEY)
        .retry(RetryPolicy::none())
}

fn merchant() -> ClientBuilder {
    builder_without_keys()
        .serial(keys::SERIAL)
        .private_key(keys::merchant().private())
        .platform_key(keys::PLATFORM_ID, keys::platform().public())
}

#[track_caller]
fn assert_refused(err: &Error, text: &str) {
    assert!(err.is_config(), "{err:?}");
    assert_eq!(err.outcome(), Outcome::NotSent);
    assert!(err.to_string().contains(text), "{err}");
}

/// A signer that returns a sandbox serial.
struct SandboxSigner;

impl Signer for SandboxSigner {
    type Error = Infallible;

    async fn sign(&self, message: &[u8]) -> Result<Signature, Infallible> {
        let signature = keys::merchant().sign(message);
        Ok(Signature::new(SANDBOX_SERIAL.to_owned(), signature))
    }
}

/// A verifier that prefers a sandbox key.
struct SandboxVerifier;

impl Verifier for SandboxVerifier {
    type Error = Infallible;

    async fn verify(&self, _: &str, message: &[u8], signature: &[u8]) -> Result<bool, Infallible> {
        Ok(keys::platform().verifies(message, signature))
    }

    fn preferred_serial(&self) -> Option<String> {
        Some(SANDBOX_ID.to_owned())
    }
}

type Make = fn(ClientBuilder, &Scratch) -> Client;

/// Every way for a client to get a sandbox key. All of them are allowed while the base URI is local.
fn sandbox_clients() -> Vec<(&'static str, Make)> {
    vec![
        ("a platform key", |base, _| {
            let builder = base
                .serial(keys::SERIAL)
                .private_key(keys::merchant().private())
                .platform_key(SANDBOX_ID, keys::platform().public());
            builder.build().unwrap()
        }),
        ("its own serial", |base, _| {
            let builder = base
                .serial(SANDBOX_SERIAL)
                .private_key(keys::merchant().private())
                .platform_key(keys::PLATFORM_ID, keys::platform().public());
            builder.build().unwrap()
        }),
        ("a signer", |base, _| {
            let builder = base
                .signer(SandboxSigner)
                .platform_key(keys::PLATFORM_ID, keys::platform().public());
            builder.build().unwrap()
        }),
        ("a verifier", |base, _| {
            let builder = base
                .serial(keys::SERIAL)
                .private_key(keys::merchant().private())
                .verifier(SandboxVerifier);
            builder.build().unwrap()
        }),
        ("a folder", |base, scratch| {
            scratch.written("sandbox.pem", &sandbox_certificate().pem);
            let builder = base
                .serial(keys::SERIAL)
                .private_key(keys::merchant().private())
                .platform_certificates_from(scratch.path());
            builder.build().unwrap()
        }),
        ("a key added later", |base, _| {
            let builder = base
                .serial(keys::SERIAL)
                .private_key(keys::merchant().private());
            let client = builder.build().unwrap();
            let key = keys::platform().public();
            client.add_platform_key(SANDBOX_ID, key).unwrap();
            client
        }),
        ("a certificate added and removed", |base, _| {
            let builder = base
                .serial(keys::SERIAL)
                .private_key(keys::merchant().private())
                .platform_key(keys::PLATFORM_ID, keys::platform().public());
            let client = builder.build().unwrap();
            let certificate = sandbox_certificate().certificate();
            client.add_platform_certificate(certificate).unwrap();
            assert!(client.remove_platform_key(SANDBOX_SERIAL));
            client
        }),
        ("a rotation to it and back", |base, _| {
            let builder = base
                .serial(keys::SERIAL)
                .private_key(keys::merchant().private())
                .platform_key(keys::PLATFORM_ID, keys::platform().public());
            let client = builder.build().unwrap();
            let key = || keys::merchant().private();
            client.rotate_key(SANDBOX_SERIAL, key()).unwrap();
            client.rotate_key(keys::SERIAL, key()).unwrap();
            client
        }),
    ]
}

/// A proxy that panics when a client requests a tunnel: the client would have used a sandbox key with a
/// real host. Nothing leaves this machine.
fn proxy() -> Server {
    Server::start(|request| -> Reply { panic!("a tunnel to {}", request.target) })
}

/// A server whose responses point to a real host.
fn misleading() -> Server {
    const REAL: &str = "https://api.mch.weixin.qq.com/v3/billdownload/file?token=x";
    Server::start(|request| match request.path() {
        "/v3/from" => MockResponse::plain(302, "").header("Location", REAL),
        _ => MockResponse::signed(200, json!({ "download_url": REAL }).to_string()),
    })
}

#[test]
fn sandbox_keys_are_never_used_with_real_hosts() {
    if programs::missing() {
        return;
    }
    const REAL: [&str; 3] = [
        "https://api.mch.weixin.qq.com/",
        "https://api.wechatpay.cn/hk/",
        "https://fraud.mch.weixin.qq.com/",
    ];
    for (name, make) in sandbox_clients() {
        let proxy = proxy();
        let base = builder_without_keys()
            .brand_id("120344")
            .base_uri(proxy.url())
            .proxy(proxy.url());
        let client = make(base, &Scratch::new());
        for mode in BOTH {
            let check = |what: &str, sent: Result<(), Error>| {
                let err = sent.expect_err(what);
                assert_eq!(err.outcome(), Outcome::NotSent, "{name}, {what}: {err:?}");
                let text = err.to_string();
                assert!(
                    text.contains("belongs to a sandbox, and"),
                    "{name}, {what}: {text}"
                );
            };
            for real in REAL {
                let to_real = || json!({ "base_uri": real, "json": {} });
                for path in ["v3/pay/transactions/native", "brand/marketing/x"] {
                    let sent = mode.post(&client.chain(path), to_real());
                    check(path, sent.map(drop));
                }
                let url = client.chain(format!("{real}v3/x"));
                check("an absolute URL", mode.get(&url, ()).map(drop));
                let url = client.chain("{+url}");
                let sent = mode.get(&url, Options::new().var("url", format!("{real}v3/x")));
                check("a URL in a variable", sent.map(drop));
                let prepared = client.chain("v3/x").prepare(Method::POST, to_real());
                check("prepare", prepared.map(drop));
                let bill = json!({ "base_uri": real });
                check(
                    "a download",
                    client.chain("v3/bill").download(bill).map(drop),
                );
            }
            // APIv2 and unsigned calls use neither the verifier nor the signer, so those clients may
            // make them.
            if name != "a signer" && name != "a verifier" {
                let to_real = json!({ "base_uri": REAL[0], "xml": {} });
                check(
                    "APIv2",
                    mode.post(&client.chain("v2/pay/x"), to_real).map(drop),
                );
                let file = client.chain("https://pay.wechatpay.cn/file");
                let sent = mode.get(&file, Options::new().unsigned(true));
                check("an unsigned file", sent.map(drop));
            }
        }
        assert_eq!(proxy.connections(), 0, "{name}");
    }
}

#[test]
fn sandbox_clients_follow_no_response_to_a_real_host() {
    if programs::missing() {
        return;
    }
    for (name, make) in sandbox_clients() {
        let server = misleading();
        let base = builder_without_keys().base_uri(server.url()).no_proxy();
        let client = make(base, &Scratch::new());
        for mode in BOTH {
            let follow = Options::new().allow_redirects(true);
            let err = mode.get(&client.chain("v3/from"), follow).unwrap_err();
            assert!(
                err.to_string().contains("belongs to a sandbox, and"),
                "{name}: {err}"
            );
            assert_eq!(err.outcome(), Outcome::Unknown, "{name}: {err:?}");
        }
        // The first response of a download verifies only if the client also has the other key.
        if client
            .platform_keys()
            .iter()
            .any(|key| key.id() == keys::PLATFORM_ID)
        {
            let err = client.chain("v3/bill").download(()).unwrap_err();
            assert!(
                err.to_string().contains("belongs to a sandbox, and"),
                "{name}: {err}"
            );
            assert_eq!(err.outcome(), Outcome::Done, "{name}: {err:?}");
        }
    }
}

#[test]
fn sandbox_keys_require_a_local_or_trusted_host() {
    let real = "https://api.mch.weixin.qq.com/";
    for (base, backup) in [
        (real, None),
        ("https://sandbox.example/", None),
        ("http://127.0.0.1:9/", Some(real)),
        ("http://127.0.0.1:9/", Some("http://10.0.0.1/")),
    ] {
        let with = |builder: ClientBuilder| {
            let builder = builder.base_uri(base);
            match backup {
                Some(backup) => builder.backup_base_uri(backup),
                None => builder,
            }
        };
        let text = "a sandbox's keys must not be used in production";
        let key = || keys::platform().public();
        let err = with(merchant().platform_key(SANDBOX_ID, key())).build();
        assert_refused(&err.unwrap_err(), text);
        // IDs start in upper case.
        let err = with(merchant().platform_key(SANDBOX_ID.to_lowercase(), key())).build();
        assert_refused(
            &err.unwrap_err(),
            "invalid platform key ID \"pub_key_id_sandbox",
        );
        let err = with(merchant().serial(SANDBOX_SERIAL)).build();
        assert_refused(&err.unwrap_err(), text);
        let certificate = sandbox_certificate().certificate();
        let err = with(merchant().platform_certificate(certificate)).build();
        assert_refused(&err.unwrap_err(), text);
        let scratch = Scratch::new();
        scratch.written("sandbox.pem", &sandbox_certificate().pem);
        let err = with(merchant().platform_certificates_from(scratch.path())).build();
        assert_refused(&err.unwrap_err(), text);

        // The same for keys added to a built client.
        let client = with(merchant()).build().unwrap();
        assert_refused(
            &client.add_platform_key(SANDBOX_ID, key()).unwrap_err(),
            text,
        );
        let certificate = sandbox_certificate().certificate();
        let added = client.add_platform_certificate(certificate);
        assert_refused(&added.unwrap_err(), text);
        let rotated = client.rotate_key(SANDBOX_SERIAL.to_lowercase(), pair().private());
        assert_refused(&rotated.unwrap_err(), text);
        assert_eq!(client.platform_keys().len(), 1);
    }
    // A host that the program trusts explicitly is allowed.
    let builder = merchant()
        .base_uri("https://sandbox.example/")
        .trust_host("sandbox.example")
        .platform_key(SANDBOX_ID, keys::platform().public());
    builder.build().unwrap();
}

#[test]
fn download_adds_no_sandbox_certificate_to_a_real_client() {
    if programs::missing() {
        return;
    }
    let platform = Platform::start(
        |_| response_with(&[new(), sandbox_certificate()], new()),
        |_| old().signs("{}"),
    );
    // The real backup host makes it a real client.
    let client = platform
        .builder()
        .platform_certificate(old().certificate())
        .backup_base_uri("https://api2.mch.weixin.qq.com/")
        .build()
        .unwrap();
    let err = client.refresh_certificates().unwrap_err();
    assert!(err.to_string().contains("is a sandbox's"), "{err}");
    // No certificate of the list is added.
    assert_eq!(client.platform_keys().len(), 1);
    client.chain("v3/x").get(()).unwrap();
}

#[test]
fn notifications_refuse_sandbox_keys() {
    let builder = || {
        Notifications::builder()
            .mchid(keys::MCHID)
            .apiv3_key(APIV3_KEY)
    };
    let key = keys::platform().public();
    let err = builder().platform_key(SANDBOX_ID, key).build();
    assert_refused(&err.unwrap_err(), "is a sandbox's");
    let certificate = sandbox_certificate().certificate();
    let err = builder().platform_certificate(certificate).build();
    assert_refused(&err.unwrap_err(), "is a sandbox's");
}

#[test]
fn merchant_key_is_never_trusted_as_a_platform_key() {
    let text = "is the merchant's own";
    let client = merchant().build().unwrap();
    client.rotate_key(ROTATED_SERIAL, pair().private()).unwrap();
    // Both merchant keys with another ID, and both serials with another key, in upper and lower case.
    let other = Pair::generate();
    for (id, key) in [
        ("PUB_KEY_ID_1", keys::merchant().public()),
        ("PUB_KEY_ID_1", pair().public()),
        (keys::SERIAL, other.public()),
        (ROTATED_SERIAL, other.public()),
        (&*keys::SERIAL.to_lowercase(), other.public()),
    ] {
        let added = client.add_platform_key(id, key);
        assert_refused(&added.unwrap_err(), text);
    }
    for certificate in [
        Cert::new(keys::SERIAL, keys::platform(), 2093),
        Cert::new(ROTATED_SERIAL, keys::platform(), 2093),
        Cert::new(SANDBOX_SERIAL, pair(), 2093),
        Cert::new(SANDBOX_SERIAL, keys::merchant(), 2093),
    ] {
        let added = client.add_platform_certificate(certificate.certificate());
        assert_refused(&added.unwrap_err(), text);
    }
    assert_eq!(client.platform_keys().len(), 1);
    client
        .add_platform_key("PUB_KEY_ID_1", other.public())
        .unwrap();
}

#[test]
fn rotation_to_a_platform_key_is_refused() {
    let client = merchant().build().unwrap();
    let text = "that of the trusted platform key PUB_KEY_ID_";
    let rotated = client.rotate_key(ROTATED_SERIAL, keys::platform().private());
    assert_refused(&rotated.unwrap_err(), text);
    let certificate = new().certificate();
    client.add_platform_certificate(certificate).unwrap();
    let rotated = client.rotate_key(new().serial, pair().private());
    assert_refused(&rotated.unwrap_err(), "that of the trusted platform key");
    let rotated = client.rotate_key(ROTATED_SERIAL, new().pair.private());
    assert_refused(&rotated.unwrap_err(), "that of the trusted platform key");
    // The previous key still signs, and the refused key does not count as the merchant's.
    let header = client.chain("v3/x").prepare(Method::GET, ()).unwrap();
    let header = header.headers()["authorization"].to_str().unwrap();
    assert!(header.contains(keys::SERIAL), "{header}");
    let key = pair().public();
    client.add_platform_key("PUB_KEY_ID_2", key).unwrap();
}

#[test]
fn signer_with_a_platform_serial_sends_nothing() {
    let server = Server::always_ok();
    let key = keys::platform().public();
    let client = builder_without_keys()
        .base_uri(server.url())
        .no_proxy()
        .signer(SandboxSigner)
        .platform_key(SANDBOX_SERIAL, key)
        .build()
        .unwrap();
    for mode in BOTH {
        let err = mode.get(&client.chain("v3/x"), ()).unwrap_err();
        assert_refused(&err, "that of a trusted platform key");
    }
    assert!(server.requests().is_empty());
}

#[test]
fn client_identity_key_counts_as_the_merchants() {
    let own_certificate = Cert::new(ROTATED_SERIAL, pair(), 2093);
    let identity = || {
        use rsa::pkcs8::{EncodePrivateKey as _, LineEnding};
        let key = pair().rsa.to_pkcs8_pem(LineEnding::LF).unwrap();
        wechatpay_chain::Identity::from_pem(&own_certificate.pem, &key).unwrap()
    };
    let key = || pair().public();
    let text = "is the merchant's own";
    let builder = builder_without_keys().client_identity(identity());
    let built = builder.platform_key("PUB_KEY_ID_1", key()).build();
    assert_refused(&built.unwrap_err(), text);
    let client = builder_without_keys()
        .client_identity(identity())
        .build()
        .unwrap();
    let added = client.add_platform_key("PUB_KEY_ID_1", key());
    assert_refused(&added.unwrap_err(), text);
    let added = client.add_platform_certificate(own_certificate.certificate());
    assert_refused(&added.unwrap_err(), text);
}
