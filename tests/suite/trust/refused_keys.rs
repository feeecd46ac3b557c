//! What `build()` refuses is refused at every later entrance too.

use std::{convert::Infallible, sync::OnceLock};

use serde_json::json;
use wechatpay_chain::{
    Client, ClientBuilder, Error, Method, Notifications, Options, Outcome, RetryPolicy, Signature,
    Signer, Verifier,
};

use super::platform::{APIV3_KEY, Cert, Platform, brings, new, old};
use crate::fixtures::{
    keys::{self, Pair},
    mode::BOTH,
    programs,
    scratch::Scratch,
    server::{MockResponse, Reply, Server},
};

/// A sandbox's serial is hexadecimal, and begins with SANDBOX.
const SANDBOX_SERIAL: &str = "53414E44424F580123456789ABCDEF0123456789";
const SANDBOX_ID: &str = "PUB_KEY_ID_SANDBOX0123456789ABCDEF012345";
/// The merchant's serial after a rotation.
const LATER: &str = "3775B6A45ACD588826D15E583A95F5DD0000BEEF";

fn pair() -> &'static Pair {
    static PAIR: OnceLock<Pair> = OnceLock::new();
    PAIR.get_or_init(Pair::generate)
}

/// A platform certificate of a sandbox's.
fn sandboxs() -> &'static Cert {
    static MADE: OnceLock<Cert> = OnceLock::new();
    MADE.get_or_init(|| Cert::new(SANDBOX_SERIAL, keys::platform(), 2093))
}

fn bare() -> ClientBuilder {
    Client::builder()
        .mchid(keys::MCHID)
        .apiv2_key("0123456789abcdef0123456789abcdef")
        .apiv3_key(APIV3_KEY)
        .retry(RetryPolicy::none())
}

fn merchant() -> ClientBuilder {
    bare()
        .serial(keys::SERIAL)
        .private_key(keys::merchant().private())
        .platform_key(keys::PLATFORM_ID, keys::platform().public())
}

#[track_caller]
fn refused(err: &Error, text: &str) {
    assert!(err.is_config(), "{err:?}");
    assert_eq!(err.outcome(), Outcome::NotSent);
    assert!(err.to_string().contains(text), "{err}");
}

/// Signs as a sandbox's merchant does.
struct SandboxSigner;

impl Signer for SandboxSigner {
    type Error = Infallible;

    async fn sign(&self, message: &[u8]) -> Result<Signature, Infallible> {
        let signature = keys::merchant().sign(message);
        Ok(Signature::new(SANDBOX_SERIAL.to_owned(), signature))
    }
}

/// Asks for a sandbox's signature.
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

/// A client comes to a sandbox's keys in these ways. All of them are allowed on this machine.
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
            scratch.written("sandbox.pem", &sandboxs().pem);
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
        (
            "a certificate added later, and taken out again",
            |base, _| {
                let builder = base
                    .serial(keys::SERIAL)
                    .private_key(keys::merchant().private())
                    .platform_key(keys::PLATFORM_ID, keys::platform().public());
                let client = builder.build().unwrap();
                let certificate = sandboxs().certificate();
                client.add_platform_certificate(certificate).unwrap();
                assert!(client.remove_platform_key(SANDBOX_SERIAL));
                client
            },
        ),
        ("a rotation, and another away from it", |base, _| {
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

/// A proxy, so that nothing leaves this machine. A client that asks it for a tunnel would have sent a
/// sandbox's keys to the host that the tunnel names.
fn proxy() -> Server {
    Server::start(|request| -> Reply { panic!("a tunnel to {}", request.target) })
}

/// A platform whose responses lead to a real host.
fn misleading() -> Server {
    const REAL: &str = "https://api.mch.weixin.qq.com/v3/billdownload/file?token=x";
    Server::start(|request| match request.path() {
        "/v3/from" => MockResponse::plain(302, "").header("Location", REAL),
        _ => MockResponse::signed(200, json!({ "download_url": REAL }).to_string()),
    })
}

#[test]
fn a_sandboxs_keys_go_to_no_real_host_by_any_way() {
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
        let base = bare()
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
                let there = || json!({ "base_uri": real, "json": {} });
                for path in ["v3/pay/transactions/native", "brand/marketing/x"] {
                    let sent = mode.post(&client.chain(path), there());
                    check(path, sent.map(drop));
                }
                let url = client.chain(format!("{real}v3/x"));
                check("an absolute URL", mode.get(&url, ()).map(drop));
                let url = client.chain("{+url}");
                let sent = mode.get(&url, Options::new().var("url", format!("{real}v3/x")));
                check("a URL in a variable", sent.map(drop));
                let prepared = client.chain("v3/x").prepare(Method::POST, there());
                check("prepare", prepared.map(drop));
                let bill = json!({ "base_uri": real });
                check(
                    "a download",
                    client.chain("v3/bill").download(bill).map(drop),
                );
            }
            // The real hosts' answers prove nothing to it, and the signer's key is seen in its
            // signature alone.
            if name != "a signer" && name != "a verifier" {
                let there = json!({ "base_uri": REAL[0], "xml": {} });
                check(
                    "APIv2",
                    mode.post(&client.chain("v2/pay/x"), there).map(drop),
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
fn a_sandboxs_keys_follow_no_response_to_a_real_host() {
    if programs::missing() {
        return;
    }
    for (name, make) in sandbox_clients() {
        let server = misleading();
        let base = bare().base_uri(server.url()).no_proxy();
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
        // The first step of a download verifies by the other key, where the client has that too.
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
fn a_sandboxs_keys_are_for_this_machine_and_for_trusted_hosts() {
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
        let said = "a sandbox's keys must not be used in production";
        let key = || keys::platform().public();
        let err = with(merchant().platform_key(SANDBOX_ID, key())).build();
        refused(&err.unwrap_err(), said);
        // No ID begins in lower case.
        let err = with(merchant().platform_key(SANDBOX_ID.to_lowercase(), key())).build();
        refused(
            &err.unwrap_err(),
            "invalid platform key ID \"pub_key_id_sandbox",
        );
        let err = with(merchant().serial(SANDBOX_SERIAL)).build();
        refused(&err.unwrap_err(), said);
        let certificate = sandboxs().certificate();
        let err = with(merchant().platform_certificate(certificate)).build();
        refused(&err.unwrap_err(), said);
        let scratch = Scratch::new();
        scratch.written("sandbox.pem", &sandboxs().pem);
        let err = with(merchant().platform_certificates_from(scratch.path())).build();
        refused(&err.unwrap_err(), said);

        // And later.
        let client = with(merchant()).build().unwrap();
        refused(
            &client.add_platform_key(SANDBOX_ID, key()).unwrap_err(),
            said,
        );
        let certificate = sandboxs().certificate();
        let added = client.add_platform_certificate(certificate);
        refused(&added.unwrap_err(), said);
        let rotated = client.rotate_key(SANDBOX_SERIAL.to_lowercase(), pair().private());
        refused(&rotated.unwrap_err(), said);
        assert_eq!(client.platform_keys().len(), 1);
    }
    // Named as trusted, it is the program's own word.
    let builder = merchant()
        .base_uri("https://sandbox.example/")
        .trust_host("sandbox.example")
        .platform_key(SANDBOX_ID, keys::platform().public());
    builder.build().unwrap();
}

#[test]
fn a_download_brings_no_sandboxs_certificate_to_a_real_client() {
    if programs::missing() {
        return;
    }
    let platform = Platform::start(
        |_| brings(&[new(), sandboxs()], new()),
        |_| old().signs("{}"),
    );
    // The backup is real, so the client is.
    let client = platform
        .builder()
        .platform_certificate(old().certificate())
        .backup_base_uri("https://api2.mch.weixin.qq.com/")
        .build()
        .unwrap();
    let err = client.refresh_certificates().unwrap_err();
    assert!(err.to_string().contains("is a sandbox's"), "{err}");
    // All or none.
    assert_eq!(client.platform_keys().len(), 1);
    client.chain("v3/x").get(()).unwrap();
}

#[test]
fn notifications_take_no_sandboxs_keys() {
    let builder = || {
        Notifications::builder()
            .mchid(keys::MCHID)
            .apiv3_key(APIV3_KEY)
    };
    let key = keys::platform().public();
    let err = builder().platform_key(SANDBOX_ID, key).build();
    refused(&err.unwrap_err(), "is a sandbox's");
    let certificate = sandboxs().certificate();
    let err = builder().platform_certificate(certificate).build();
    refused(&err.unwrap_err(), "is a sandbox's");
}

#[test]
fn the_merchants_own_key_is_trusted_at_no_time() {
    let said = "is the merchant's own";
    let client = merchant().build().unwrap();
    client.rotate_key(LATER, pair().private()).unwrap();
    // Both keys under another ID, and both serials over another key, in either case.
    let other = Pair::generate();
    for (id, key) in [
        ("PUB_KEY_ID_1", keys::merchant().public()),
        ("PUB_KEY_ID_1", pair().public()),
        (keys::SERIAL, other.public()),
        (LATER, other.public()),
        (&*keys::SERIAL.to_lowercase(), other.public()),
    ] {
        let added = client.add_platform_key(id, key);
        refused(&added.unwrap_err(), said);
    }
    for certificate in [
        Cert::new(keys::SERIAL, keys::platform(), 2093),
        Cert::new(LATER, keys::platform(), 2093),
        Cert::new(SANDBOX_SERIAL, pair(), 2093),
        Cert::new(SANDBOX_SERIAL, keys::merchant(), 2093),
    ] {
        let added = client.add_platform_certificate(certificate.certificate());
        refused(&added.unwrap_err(), said);
    }
    assert_eq!(client.platform_keys().len(), 1);
    client
        .add_platform_key("PUB_KEY_ID_1", other.public())
        .unwrap();
}

#[test]
fn a_platform_key_is_never_rotated_to() {
    let client = merchant().build().unwrap();
    let said = "that of the trusted platform key PUB_KEY_ID_";
    let rotated = client.rotate_key(LATER, keys::platform().private());
    refused(&rotated.unwrap_err(), said);
    let certificate = new().certificate();
    client.add_platform_certificate(certificate).unwrap();
    let rotated = client.rotate_key(new().serial, pair().private());
    refused(&rotated.unwrap_err(), "that of the trusted platform key");
    let rotated = client.rotate_key(LATER, new().pair.private());
    refused(&rotated.unwrap_err(), "that of the trusted platform key");
    // The key that signs is the one before, and what was refused is not the merchant's own.
    let header = client.chain("v3/x").prepare(Method::GET, ()).unwrap();
    let header = header.headers()["authorization"].to_str().unwrap();
    assert!(header.contains(keys::SERIAL), "{header}");
    let key = pair().public();
    client.add_platform_key("PUB_KEY_ID_2", key).unwrap();
}

#[test]
fn a_signer_that_signs_as_the_platform_sends_nothing() {
    let server = Server::always_ok();
    let key = keys::platform().public();
    let client = bare()
        .base_uri(server.url())
        .no_proxy()
        .signer(SandboxSigner)
        .platform_key(SANDBOX_SERIAL, key)
        .build()
        .unwrap();
    for mode in BOTH {
        let err = mode.get(&client.chain("v3/x"), ()).unwrap_err();
        refused(&err, "that of a trusted platform key");
    }
    assert!(server.requests().is_empty());
}

#[test]
fn the_key_shown_in_tls_is_the_merchants_own_too() {
    let shown = Cert::new(LATER, pair(), 2093);
    let identity = || {
        use rsa::pkcs8::{EncodePrivateKey as _, LineEnding};
        let key = pair().rsa.to_pkcs8_pem(LineEnding::LF).unwrap();
        wechatpay_chain::Identity::from_pem(&shown.pem, &key).unwrap()
    };
    let key = || pair().public();
    let said = "is the merchant's own";
    let builder = bare().client_identity(identity());
    let built = builder.platform_key("PUB_KEY_ID_1", key()).build();
    refused(&built.unwrap_err(), said);
    let client = bare().client_identity(identity()).build().unwrap();
    let added = client.add_platform_key("PUB_KEY_ID_1", key());
    refused(&added.unwrap_err(), said);
    let added = client.add_platform_certificate(shown.certificate());
    refused(&added.unwrap_err(), said);
}
