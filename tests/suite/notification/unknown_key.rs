//! A notification by a platform certificate that the client has not seen yet.

use std::{
    error::Error as _,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::Method;
use rsa::pkcs8::{EncodePrivateKey as _, LineEnding};
use serde_json::json;
use wechatpay_chain::{CertificateMode, Client, Options, RetryPolicy};

use super::told::{APIV3_KEY, envelope, now, send, transaction};
use crate::{
    keys::{MCHID, Pair, SERIAL as OWN_SERIAL, builder, merchant},
    outside::{File, node, openssl},
    server::{Answer, Server},
};

pub const SERIAL: &str = "5157F09EFDC096DE15EBE81A47057A7232F1B8E1";

/// The answer of `v3/certificates`: a certificate of the pair, by openssl, encrypted by node.
pub fn certificates(pair: &Pair) -> String {
    let pem = pair.rsa.to_pkcs8_pem(LineEnding::LF).expect("PEM");
    let key = File::new(pem.as_bytes());
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
fn the_client_brings_the_key_and_once() {
    if crate::outside::absent() {
        return;
    }
    let pair = Pair::draw();
    let body = certificates(&pair);
    let server = Server::start(move |request| {
        assert!(request.target.starts_with("/v3/certificates"));
        Answer::signed(200, body.as_str())
    });
    let client = |mode| {
        builder()
            .base_uri(server.url())
            .retry(RetryPolicy::none())
            .certificates(mode)
            .build()
            .unwrap()
    };
    let sent =
        send(envelope(), &transaction().to_string(), &pair, now()).set("Wechatpay-Serial", SERIAL);

    let fixed = client(CertificateMode::Fixed);
    let err = sent.receive(&fixed.notifications()).unwrap_err();
    assert!(
        err.is_signature() && err.to_string().contains(SERIAL),
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
                .is_signature()
        );
    }
    assert_eq!(server.requests().len(), 1, "one download a minute");
    let uses = on_demand.platform_keys();
    assert_eq!(uses.len(), 2);
}

#[test]
fn a_failed_download_is_the_source_and_is_repeated_soon() {
    if crate::outside::absent() {
        return;
    }
    let pair = Pair::draw();
    let body = certificates(&pair);
    let well = Arc::new(AtomicBool::new(false));
    let server = Server::start({
        let well = Arc::clone(&well);
        move |_| match well.load(SeqCst) {
            true => Answer::signed(200, body.as_str()),
            false => Answer::plain(403, r#"{"code":"NO_AUTH","message":"x"}"#),
        }
    });
    let client = builder()
        .base_uri(server.url())
        .retry(RetryPolicy::none())
        .certificates(CertificateMode::OnDemand)
        .build()
        .unwrap();
    let sent =
        send(envelope(), &transaction().to_string(), &pair, now()).set("Wechatpay-Serial", SERIAL);
    for _ in 0..2 {
        let err = sent.receive(&client.notifications()).unwrap_err();
        assert!(err.is_signature() && !err.is_api(), "{err:?}");
        let source = err.source().unwrap().to_string();
        assert!(
            source.starts_with("GET v3/certificates: 403 NO_AUTH"),
            "{source}"
        );
    }
    well.store(true, SeqCst);
    // Longer than the pause after two failures, should the second have been repeated already.
    thread::sleep(Duration::from_millis(2_100));
    sent.receive(&client.notifications()).unwrap();
}

#[test]
fn a_first_call_that_encrypts_waits_for_its_key() {
    if crate::outside::absent() {
        return;
    }
    let pair = Pair::draw();
    let body = certificates(&pair);
    let server = Server::start(move |request| {
        let body = match &*request.method {
            "GET" => body.as_str(),
            _ => "{}",
        };
        let time = now();
        let signature = pair.sign(format!("{time}\nn\n{body}\n").as_bytes());
        Answer::plain(200, body)
            .header("Wechatpay-Timestamp", time)
            .header("Wechatpay-Nonce", "n")
            .header("Wechatpay-Signature", STANDARD.encode(signature))
            .header("Wechatpay-Serial", SERIAL)
    });
    let client = Client::builder()
        .mchid(MCHID)
        .serial(OWN_SERIAL)
        .private_key(merchant().private())
        .apiv3_key(APIV3_KEY)
        .base_uri(server.url())
        .no_proxy()
        .build()
        .unwrap();
    let options = Options::new()
        .json(json!({ "name": "张三" }))
        .encrypt(["/name"]);
    let err = client
        .chain("v3/x")
        .prepare(Method::POST, &options)
        .unwrap_err();
    assert!(err.to_string().contains("refresh_certificates"), "{err}");
    client.chain("v3/x").post(&options).unwrap();
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[1].header("wechatpay-serial"), Some(SERIAL));
}
