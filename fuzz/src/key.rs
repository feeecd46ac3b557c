//! Reads keys and certificates.

use base64::prelude::*;
use wechatpay_chain::{
    Certificate, Identity, PrivateKey, PublicKey, Result,
    fuzz::{decrypt, encrypt, sign, verify},
};

use crate::{check_error, draw::Draw};

const LABELS: [&str; 6] = [
    "PRIVATE KEY",
    "RSA PRIVATE KEY",
    "PUBLIC KEY",
    "RSA PUBLIC KEY",
    "CERTIFICATE",
    "ENCRYPTED PRIVATE KEY",
];

/// Reads the input as every kind of key in every format, and uses what is read.
pub fn key(data: &[u8]) {
    let mut draw = Draw::new(data);
    let how = draw.byte();
    let label = draw.one(&LABELS);
    let der = draw.rest();
    all(
        PrivateKey::from_der(der),
        PublicKey::from_der(der),
        Certificate::from_der(der),
    );
    let text = match how % 3 {
        0 => String::from_utf8_lossy(der).into_owned(),
        1 => BASE64_STANDARD.encode(der),
        _ => format!(
            "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
            BASE64_STANDARD.encode(der)
        ),
    };
    all(
        PrivateKey::from_pem(&text),
        PublicKey::from_pem(&text),
        Certificate::from_pem(&text),
    );
    all(
        PrivateKey::from_base64(&text),
        PublicKey::from_base64(&text),
        Certificate::from_base64(&text),
    );
    noted(Identity::from_pem(&text, &text));
    noted(Identity::from_pkcs12(der, "1900000109"));
}

fn all(private: Result<PrivateKey>, public: Result<PublicKey>, certificate: Result<Certificate>) {
    if let Some(key) = noted(private) {
        let public = key.public_key();
        check_public(&public);
        let signature = sign(&key, b"message").expect("a key that is read signs");
        assert!(verify(&public, b"message", &signature));
        assert!(!verify(&public, b"massage", &signature));
        let _ = decrypt(&key, &[1; 256]);
    }
    if let Some(key) = noted(public) {
        check_public(&key);
        assert!(!verify(&key, b"message", &[1; 256]));
    }
    if let Some(certificate) = noted(certificate) {
        let again = Certificate::from_pem(&certificate.to_pem()).expect("its own PEM");
        assert_eq!(again.serial(), certificate.serial());
        assert_eq!(again.as_der(), certificate.as_der());
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte);
        assert!(certificate.serial().bytes().all(is_digit));
        assert!(certificate.serial().len().is_multiple_of(2));
        assert!(certificate.not_before() <= certificate.not_after());
        check_public(certificate.public_key());
    }
}

fn check_public(key: &PublicKey) {
    let pem = key.to_pem();
    assert_eq!(
        PublicKey::from_pem(&pem).expect("its own PEM").to_pem(),
        pem
    );
    assert!(encrypt(key, b"text").is_ok());
}

fn noted<T>(read: Result<T>) -> Option<T> {
    read.inspect_err(check_error).ok()
}
