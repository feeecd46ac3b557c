//! Certificates that this crate issues, against openssl.

use super::Openssl;
use crate::{
    base::crypto::{Certificate, Issue, PrivateKey},
    material,
};

// 2026-01-02T03:04:05Z, and 2051-01-02T03:04:05Z, which X.509 writes in another format.
const FROM: u64 = 1_767_323_045;
const UNTIL: u64 = 2_556_241_445;

#[test]
fn issued_certificates_are_accepted_by_openssl() {
    let Some(openssl) = Openssl::find() else {
        return;
    };
    let [ca_key, key] = [(); 2].map(|()| PrivateKey::generate().unwrap());
    let authority = Issue {
        serial: *b"SANDBOX-------------",
        subject: "Sandbox CA",
        issuer: "Sandbox CA",
        not_before: FROM,
        not_after: UNTIL,
        key: &ca_key.public_key(),
        signer: &ca_key,
        ca: true,
        dns: &[],
        ip: &[],
    };
    let ca = Certificate::issue(&authority).unwrap();
    let leaf = Certificate::issue(&Issue {
        serial: [0x7f; 20],
        subject: "1900000109 商户",
        key: &key.public_key(),
        ca: false,
        dns: &["localhost"],
        ip: &["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()],
        ..authority
    })
    .unwrap();
    openssl.write("ca.pem", ca.to_pem());
    openssl.write("leaf.pem", leaf.to_pem());

    let text = openssl.text("x509 -noout -text -in leaf.pem -nameopt utf8", b"");
    for part in [
        "Version: 3",
        "Issuer: CN=Sandbox CA",
        "Subject: CN=1900000109 商户",
        "Not Before: Jan  2 03:04:05 2026 GMT",
        "Not After : Jan  2 03:04:05 2051 GMT",
        "Signature Algorithm: sha256WithRSAEncryption",
        "CA:FALSE",
        "Digital Signature, Key Encipherment",
        "TLS Web Server Authentication, TLS Web Client Authentication",
        "DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1",
    ] {
        assert!(text.contains(part), "no {part} in {text}");
    }
    let text = openssl.text("x509 -noout -text -in ca.pem", b"");
    assert!(text.contains("CA:TRUE") && text.contains("Certificate Sign, CRL Sign"));

    let at = format!("-attime {}", FROM + 1);
    for purpose in [
        "-purpose sslserver -verify_hostname localhost",
        "-purpose sslserver -verify_ip 127.0.0.1",
        "-purpose sslclient",
    ] {
        let verify = format!("verify -x509_strict {at} {purpose} -CAfile ca.pem leaf.pem");
        assert_eq!(openssl.text(&verify, b""), "leaf.pem: OK\n");
    }
    // Signed by a key that is not the authority's.
    let forged = Certificate::issue(&Issue {
        serial: [0x7e; 20],
        signer: &key,
        ca: false,
        ..authority
    });
    openssl.write("forged.pem", forged.unwrap().to_pem());
    let mut verify = std::process::Command::new("openssl");
    let arguments = format!("verify {at} -CAfile ca.pem forged.pem");
    verify
        .args(arguments.split(' '))
        .current_dir(&openssl.folder);
    assert!(material::run(&mut verify, b"").is_err());

    let line = openssl.text("x509 -noout -serial -in leaf.pem", b"");
    assert_eq!(format!("serial={}", leaf.serial()), line.trim());
    assert_eq!(*leaf.public_key(), key.public_key());
}

#[test]
fn date_that_x509_cannot_write_is_refused() {
    let key = PrivateKey::generate().unwrap();
    let issue = Issue {
        serial: [1; 20],
        subject: "x",
        issuer: "x",
        not_before: FROM,
        not_after: u64::MAX,
        key: &key.public_key(),
        signer: &key,
        ca: true,
        dns: &[],
        ip: &[],
    };
    assert!(Certificate::issue(&issue).is_err());
}
