//! Every format of every kind of key, against openssl.

use base64::prelude::*;

use super::{Openssl, key_pem};
use crate::base::crypto::{Certificate, PrivateKey, PublicKey};

fn base64_of(pem: &str) -> String {
    pem.lines()
        .filter(|line| !line.starts_with("-----"))
        .collect::<Vec<_>>()
        .join("\n")
}

fn der_of(pem: &str) -> Vec<u8> {
    BASE64_STANDARD
        .decode(base64_of(pem).replace('\n', ""))
        .unwrap()
}

/// Reads `pem` in every way.
fn read_all<T>(
    openssl: &Openssl,
    pem: &str,
    from_pem: fn(&str) -> crate::Result<T>,
    from_pem_file: fn(std::path::PathBuf) -> crate::Result<T>,
    from_der: fn(&[u8]) -> crate::Result<T>,
    from_base64: fn(&str) -> crate::Result<T>,
) -> Vec<T> {
    let base64 = base64_of(pem);
    let texts = [
        pem.to_owned(),
        pem.trim_end().to_owned(),
        pem.replace('\n', "\r\n"),
        pem.replace('\n', "\n\n"),
        pem.replace('\n', " "),
        format!("\u{feff}{pem}"),
        format!(
            "Bag Attributes\n    friendlyName: Tenpay\nKey Attributes: <No Attributes>\n{pem}\nmore\n"
        ),
        pem.lines().map(|line| format!("    {line} \n")).collect(),
        format!("-----BEGIN SOMETHING-----\nAAAA\n-----END SOMETHING-----\n{pem}"),
    ];
    let mut all: Vec<T> = texts.iter().map(|text| from_pem(text).unwrap()).collect();
    for text in texts {
        all.push(from_pem_file(openssl.write("any.pem", text)).unwrap());
    }
    all.push(from_der(&der_of(pem)).unwrap());
    for text in [
        base64.clone(),
        base64.replace('\n', ""),
        format!(" \t{}\r\n", base64.replace('\n', "\r\n")),
        base64.replace('=', ""),
    ] {
        all.push(from_base64(&text).unwrap());
    }
    all
}

#[test]
fn private_key_is_equal_from_every_format() {
    let Some(openssl) = Openssl::find() else {
        return;
    };
    let pkcs8 = key_pem(&openssl);
    let pkcs1 = openssl.text("rsa -traditional", pkcs8.as_bytes());
    assert!(pkcs8.starts_with("-----BEGIN PRIVATE KEY-----"));
    assert!(pkcs1.starts_with("-----BEGIN RSA PRIVATE KEY-----"));
    let mislabelled = pkcs1.replace("RSA PRIVATE KEY", "PRIVATE KEY");
    let public = PublicKey::from_pem(&openssl.text("pkey -pubout", pkcs8.as_bytes())).unwrap();
    let signature = PrivateKey::from_pem(pkcs8)
        .unwrap()
        .sign(b"message")
        .unwrap();

    for pem in [pkcs8, &pkcs1, &mislabelled] {
        for key in read_all(
            &openssl,
            pem,
            PrivateKey::from_pem,
            PrivateKey::from_pem_file,
            PrivateKey::from_der,
            PrivateKey::from_base64,
        ) {
            assert_eq!(key.public_key(), public);
            assert_eq!(key.clone().sign(b"message").unwrap(), signature);
        }
    }
}

#[test]
fn public_key_is_equal_from_every_format() {
    let Some(openssl) = Openssl::find() else {
        return;
    };
    let private = openssl.write("key.pem", key_pem(&openssl));
    let spki = openssl.text("rsa -in key.pem -pubout", b"");
    let pkcs1 = openssl.text("rsa -in key.pem -RSAPublicKey_out", b"");
    let certificate = openssl.text("req -x509 -new -key key.pem -subj /CN=x", b"");
    let expected = PrivateKey::from_pem_file(private).unwrap().public_key();

    for pem in [&spki, &pkcs1, &certificate] {
        for key in read_all(
            &openssl,
            pem,
            PublicKey::from_pem,
            PublicKey::from_pem_file,
            PublicKey::from_der,
            PublicKey::from_base64,
        ) {
            assert_eq!(key, expected);
            assert_eq!(key.to_pem(), spki);
        }
    }
    assert_ne!(PrivateKey::generate().unwrap().public_key(), expected);
}

#[test]
fn certificate_is_equal_from_every_format() {
    let Some(openssl) = Openssl::find() else {
        return;
    };
    let pem = openssl.write("key.pem", key_pem(&openssl));
    let key = PrivateKey::from_pem_file(pem).unwrap().public_key();
    let pem = openssl.text("req -x509 -new -key key.pem -subj /CN=x", b"");

    for certificate in read_all(
        &openssl,
        &pem,
        Certificate::from_pem,
        Certificate::from_pem_file,
        Certificate::from_der,
        Certificate::from_base64,
    ) {
        assert_eq!(certificate.to_pem(), pem);
        assert_eq!(certificate.as_der(), der_of(&pem));
        assert_eq!(*certificate.public_key(), key);
    }
}

#[test]
fn old_pem_headers_are_skipped() {
    let Some(openssl) = Openssl::find() else {
        return;
    };
    let pem = key_pem(&openssl);
    let with_headers = pem.replacen("-----\n", "-----\nX-Made-By: someone\nX-Other: 1\n\n", 1);
    PrivateKey::from_pem(&with_headers).unwrap();
}

#[test]
fn openssl_reads_generated_keys() {
    for _ in 0..3 {
        let key = PrivateKey::generate().unwrap();
        let pem = key.to_pkcs8_pem().unwrap();
        assert_eq!(
            PrivateKey::from_pem(&pem).unwrap().public_key(),
            key.public_key()
        );
        let Some(openssl) = Openssl::find() else {
            return;
        };
        assert_eq!(
            openssl.text("rsa -check -noout", pem.as_bytes()).trim(),
            "RSA key ok"
        );
        assert_eq!(openssl.text("pkey", pem.as_bytes()), **pem);
        assert_eq!(
            openssl.text("pkey -pubout", pem.as_bytes()),
            key.public_key().to_pem()
        );
    }
}

#[test]
fn debug_does_not_show_the_key() {
    let key = PrivateKey::generate().unwrap();
    assert_eq!(format!("{key:?}"), "PrivateKey { bits: 2048, .. }");
    let public = format!("{:?}", key.public_key());
    assert!(
        public.starts_with("PublicKey { bits: 2048, spki_sha256: "),
        "{public}"
    );
}

#[test]
fn keys_are_clone_send_sync() {
    fn is<T: Send + Sync + Clone + std::fmt::Debug + 'static>() {}
    is::<PrivateKey>();
    is::<PublicKey>();
    is::<Certificate>();
}
