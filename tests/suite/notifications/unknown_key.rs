//! Notifications and responses signed with a platform key that the client does not know yet.

use std::{
    error::Error as _,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::SeqCst},
        mpsc,
    },
    thread,
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::Method;
use rsa::pkcs8::{EncodePrivateKey as _, LineEnding};
use serde_json::json;
use wechatpay_chain::{
    CertificateMode, Client, Error, Notifications, Options, Outcome, RetryPolicy,
};

use super::node::{APIV3_KEY, envelope, now, send, transaction};
use crate::fixtures::{
    keys::{MCHID, PLATFORM_ID, Pair, SERIAL as OWN_SERIAL, builder, merchant, platform},
    mode::{BOTH, Mode, runtime},
    programs::{self, TempFile, node, openssl},
    server::{MockResponse, Server},
};

pub const SERIAL: &str = "5157F09EFDC096DE15EBE81A47057A7232F1B8E1";

/// The response body of `v3/certificates`: a certificate for the pair, issued by openssl and encrypted
/// by node.
pub fn certificates(pair: &Pair) -> String {
    let pem = pair.rsa.to_pkcs8_pem(LineEnding::LF).expect("PEM");
    let key = TempFile::new(pem.as_bytes());
    let serial = format!("0x{SERIAL}");
    let args = [
        "req",
        "-x509",
        "-new",
        "-key",
        key.path(),
        "-subj",
        "/CN=Tenpay.com sign/O=Tenpay.com",
        "-days",
        "30",
        "-set_serial",
        &serial,
    ];
    let certificate = openssl(&args, b"").expect("a certificate");
    let ciphertext = node(
        "const cipher = crypto.createCipheriv('aes-256-gcm', input.key, 'eabb3e044577');
         cipher.setAAD(Buffer.from('certificate'));
         return Buffer.concat([cipher.update(input.text, 'utf8'), cipher.final(), cipher.getAuthTag()])
             .toString('base64');",
        &json!({ "key": APIV3_KEY, "text": String::from_utf8(certificate).expect("text") }),
    );
    json!({ "data": [{
        "serial_no": SERIAL,
        "effective_time": "2026-01-01T10:34:56+08:00",
        "expire_time": "2031-01-01T10:34:56+08:00",
        "encrypt_certificate": {
            "algorithm": "AEAD_AES_256_GCM", "nonce": "eabb3e044577",
            "associated_data": "certificate", "ciphertext": ciphertext,
        },
    }] })
    .to_string()
}

#[test]
fn unknown_certificate_is_downloaded_once() {
    if programs::missing() {
        return;
    }
    let pair = Pair::generate();
    let body = certificates(&pair);
    let server = Server::start(move |request| {
        assert!(request.target.starts_with("/v3/certificates"));
        MockResponse::signed(200, body.as_str())
    });
    let client = |mode| {
        builder()
            .base_uri(server.url())
            .retry(RetryPolicy::none())
            .certificate_mode(mode)
            .build()
            .unwrap()
    };
    let sent =
        send(envelope(), &transaction().to_string(), &pair, now()).set("Wechatpay-Serial", SERIAL);

    let fixed = client(CertificateMode::Fixed);
    let err = sent.receive(&fixed.notifications()).unwrap_err();
    assert!(
        err.is_verification() && err.to_string().contains(SERIAL),
        "{err}"
    );
    assert!(server.requests().is_empty());

    let on_demand = client(CertificateMode::OnDemand);
    sent.receive(&on_demand.notifications()).unwrap();
    sent.receive(&on_demand.notifications()).unwrap();
    let unknown = sent.clone().set("Wechatpay-Serial", "A1B2");
    for _ in 0..3 {
        assert!(
            unknown
                .receive(&on_demand.notifications())
                .unwrap_err()
                .is_verification()
        );
    }
    assert_eq!(server.requests().len(), 1, "one download a minute");
    let keys = on_demand.platform_keys();
    assert_eq!(keys.len(), 2);
}

#[test]
fn failed_download_is_the_source_and_is_retried() {
    if programs::missing() {
        return;
    }
    let pair = Pair::generate();
    let body = certificates(&pair);
    let healthy = Arc::new(AtomicBool::new(false));
    let server = Server::start({
        let healthy = Arc::clone(&healthy);
        move |_| match healthy.load(SeqCst) {
            true => MockResponse::signed(200, body.as_str()),
            false => MockResponse::plain(403, r#"{"code":"NO_AUTH","message":"x"}"#),
        }
    });
    let client = builder()
        .base_uri(server.url())
        .retry(RetryPolicy::none())
        .certificate_mode(CertificateMode::OnDemand)
        .build()
        .unwrap();
    let sent =
        send(envelope(), &transaction().to_string(), &pair, now()).set("Wechatpay-Serial", SERIAL);
    for _ in 0..2 {
        let err = sent.receive(&client.notifications()).unwrap_err();
        assert!(err.is_verification() && !err.is_api(), "{err:?}");
        let source = err.source().unwrap().to_string();
        assert!(
            source.starts_with("GET v3/certificates: 403 NO_AUTH"),
            "{source}"
        );
    }
    healthy.store(true, SeqCst);
    // Longer than the pause after two failed downloads, in case the second call tried again.
    thread::sleep(Duration::from_millis(2_100));
    sent.receive(&client.notifications()).unwrap();
}

#[test]
fn first_encrypting_call_waits_for_the_certificate() {
    if programs::missing() {
        return;
    }
    let pair = Pair::generate();
    let body = certificates(&pair);
    let server = Server::start(move |request| {
        let body = match &*request.method {
            "GET" => body.as_str(),
            _ => "{}",
        };
        let time = now();
        let signature = pair.sign(format!("{time}\nn\n{body}\n").as_bytes());
        MockResponse::plain(200, body)
            .header("Wechatpay-Timestamp", time)
            .header("Wechatpay-Nonce", "n")
            .header("Wechatpay-Signature", STANDARD.encode(signature))
            .header("Wechatpay-Serial", SERIAL)
    });
    let fresh = || {
        Client::builder()
            .mchid(MCHID)
            .serial(OWN_SERIAL)
            .private_key(merchant().private())
            .apiv3_key(APIV3_KEY)
            .base_uri(server.url())
            .no_proxy()
            .build()
            .unwrap()
    };
    let options = Options::new()
        .json(json!({ "name": "张三" }))
        .encrypt(["/name"]);
    for mode in BOTH {
        let before = server.requests().len();
        let sent = || server.requests().split_off(before);

        // `prepare` waits as the verbs do, and only the certificates are requested.
        let client = fresh();
        let chain = client.chain("v3/x");
        let prepared = match mode {
            Mode::Blocking => chain.prepare(Method::POST, &options),
            Mode::Async => runtime().block_on(chain.prepare_async(Method::POST, &options)),
        }
        .unwrap();
        assert_eq!(prepared.headers()["wechatpay-serial"], SERIAL);
        let name = "张三".as_bytes();
        assert!(!prepared.body().windows(name.len()).any(|part| part == name));
        assert_eq!(client.platform_keys()[0].id(), SERIAL);
        assert_eq!(sent().len(), 1);
        assert_eq!(sent()[0].path(), "/v3/certificates");

        mode.post(&fresh().chain("v3/x"), &options).unwrap();
        assert_eq!(sent().len(), 3);
        assert_eq!(sent()[1].path(), "/v3/certificates");
        assert_eq!(sent()[2].header("wechatpay-serial"), Some(SERIAL));
    }
}

/// IDs of public keys that are not configured, and invalid serials.
const UNKNOWN_IDS: [&str; 5] = [
    "PUB_KEY_ID_0119000001102024000000000000",
    "pub_key_id_0119000001102024000000000000",
    "PUB_KEY_ID_",
    "no-serial",
    // One byte longer than a serial can be.
    "5157F09EFDC096DE15EBE81A47057A7232F1B8E100",
];

#[track_caller]
fn assert_names(err: &Error, id: &str) {
    let text = err.to_string();
    assert!(err.is_verification() && text.contains(id), "{err:?}");
    assert!(err.source().is_none(), "{err:?}");
    if id.to_uppercase().starts_with("PUB_KEY_ID_") {
        assert!(text.contains("`platform_key`"), "{text}");
    }
}

/// A server that signs its responses with this key ID, and panics if certificates are requested.
fn signing_as(id: &'static str) -> Server {
    Server::start(move |request| {
        let platform = (id, platform());
        match request.path() {
            "/v3/from" => MockResponse::plain(302, "").header("Location", "/v3/to"),
            "/v3/refused" => MockResponse::signed_by(400, r#"{"code":"PARAM_ERROR"}"#, platform),
            "/v3/certificates" => panic!("certificates were requested"),
            _ => MockResponse::signed_by(200, "{}", platform),
        }
    })
}

fn client_in_mode(server: &Server, mode: CertificateMode) -> Client {
    builder()
        .base_uri(server.url())
        .retry(RetryPolicy::none())
        .certificate_mode(mode)
        .build()
        .unwrap()
}

#[test]
fn response_by_unknown_public_key_triggers_no_download() {
    for id in UNKNOWN_IDS {
        let server = signing_as(id);
        let client = client_in_mode(&server, CertificateMode::OnDemand);
        for mode in BOTH {
            for path in ["v3/x", "v3/from", "v3/refused"] {
                let follow = Options::new().allow_redirects(true);
                let err = mode.get(&client.chain(path), follow).unwrap_err();
                assert_names(&err, id);
                assert_eq!(err.outcome(), Outcome::Unknown);
            }
            assert_names(&mode.post(&client.chain("v3/x"), ()).unwrap_err(), id);
        }
    }
}

#[test]
fn notification_by_unknown_public_key_triggers_no_download() {
    if programs::missing() {
        return;
    }
    let sent = send(
        envelope(),
        &transaction().to_string(),
        &Pair::generate(),
        now(),
    );
    for id in UNKNOWN_IDS {
        let server = signing_as(id);
        let client = || client_in_mode(&server, CertificateMode::OnDemand);
        let without_client = Notifications::builder()
            .mchid(MCHID)
            .platform_key(PLATFORM_ID, platform().public())
            .apiv3_key(APIV3_KEY);
        let sent = sent.clone().set("Wechatpay-Serial", id);
        for receiver in [
            client().notifications(),
            without_client.build().unwrap(),
            Notifications::all([client(), client()]),
        ] {
            assert_names(&sent.receive(&receiver).unwrap_err(), id);
            let headers = sent.headers.iter().map(|(name, value)| (name, value));
            let call = receiver.receive_async(headers, &sent.body);
            assert_names(&runtime().block_on(call).unwrap_err(), id);
        }
        assert!(server.requests().is_empty());
    }
}

#[test]
fn unknown_public_key_does_not_wait_for_a_running_download() {
    if programs::missing() {
        return;
    }
    let id = UNKNOWN_IDS[0];
    let (refused, wait) = mpsc::channel::<()>();
    let wait = Mutex::new(wait);
    let server = Server::start(move |request| match request.path() {
        // The download ends only after the notification has been refused.
        "/v3/certificates" => {
            let _ = wait.lock().unwrap().recv();
            MockResponse::plain(502, "")
        }
        _ => MockResponse::signed_by(200, "{}", (SERIAL, platform())),
    });
    let client = client_in_mode(&server, CertificateMode::OnDemand);
    let waiting = runtime().spawn(client.chain("v3/x").get_async(()));
    server.wait_until("a download", |seen| seen.requests.len() == 2);
    let sent = send(
        envelope(),
        &transaction().to_string(),
        &Pair::generate(),
        now(),
    );
    let sent = sent.set("Wechatpay-Serial", id);
    assert_names(&sent.receive(&client.notifications()).unwrap_err(), id);
    drop(refused);
    let err = runtime().block_on(waiting).unwrap().unwrap_err();
    assert!(err.source().unwrap().to_string().contains("502"), "{err:?}");
}
