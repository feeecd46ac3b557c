//! No input makes the readers panic.

use base64::prelude::*;
use proptest::prelude::*;

use super::{Openssl, key_pem};
use crate::base::crypto::{Certificate, PrivateKey, PublicKey};

/// Reads `bytes` in every way. Returns whether any of them succeeds.
fn read(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let private = [
        PrivateKey::from_der(bytes),
        PrivateKey::from_pem(&text),
        PrivateKey::from_base64(&text),
    ];
    let public = [
        PublicKey::from_der(bytes),
        PublicKey::from_pem(&text),
        PublicKey::from_base64(&text),
    ];
    let certificate = [
        Certificate::from_der(bytes),
        Certificate::from_pem(&text),
        Certificate::from_base64(&text),
    ];
    private.iter().any(Result::is_ok)
        || public.iter().any(Result::is_ok)
        || certificate.iter().any(Result::is_ok)
}

fn der(pem: &str) -> Vec<u8> {
    let base64: String = pem
        .lines()
        .filter(|line| !line.starts_with("-----"))
        .collect();
    BASE64_STANDARD.decode(base64).unwrap()
}

/// PEM of a PKCS#8 key, a PKCS#1 key, SPKI, and a certificate.
fn samples() -> Option<Vec<String>> {
    let openssl = Openssl::find()?;
    let pem = key_pem(&openssl);
    openssl.write("key.pem", pem);
    Some(vec![
        pem.to_owned(),
        openssl.text("rsa -traditional", pem.as_bytes()),
        openssl.text("pkey -pubout", pem.as_bytes()),
        openssl.text("req -x509 -new -key key.pem -subj /CN=x", b""),
    ])
}

#[test]
fn every_truncation_is_refused() {
    for pem in samples().into_iter().flatten() {
        let whole = pem.trim_end();
        for length in (0..whole.len()).step_by(5) {
            assert!(
                !read(&whole.as_bytes()[..length]),
                "{length} of {}",
                whole.len()
            );
        }
        let der = der(&pem);
        for length in 0..der.len() {
            assert!(!read(&der[..length]), "{length} of {}", der.len());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..Default::default() })]

    #[test]
    fn random_bytes_do_not_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        read(&bytes);
    }

    #[test]
    fn random_der_does_not_panic(mut bytes in proptest::collection::vec(
        prop_oneof![Just(0x30u8), Just(2), Just(3), Just(4), Just(6), Just(0x80), Just(0x82), Just(0), Just(1), any::<u8>()],
        0..200,
    )) {
        bytes.insert(0, 0x30);
        read(&bytes);
    }

    #[test]
    fn random_pem_does_not_panic(body in "\\PC{0,80}", label in "(RSA |EC |ENCRYPTED )?(PRIVATE|PUBLIC) KEY|CERTIFICATE|\\PC{0,20}") {
        read(format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----").as_bytes());
        read(format!("-----BEGIN {label}-----{body}-----BEGIN {label}").as_bytes());
        read(body.as_bytes());
    }
}

#[test]
fn altered_keys_do_not_panic() {
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 300,
        failure_persistence: None,
        ..Default::default()
    });
    for pem in samples().into_iter().flatten() {
        let der = der(&pem);
        let alteration = (0..der.len(), 1u8..=255);
        let alterations = proptest::collection::vec(alteration, 1..4);
        runner
            .run(&alterations, |alterations| {
                let mut altered = der.clone();
                for (index, difference) in alterations {
                    altered[index] ^= difference;
                }
                read(&altered);
                // An altered key that is still accepted must not panic when it is used.
                if let Ok(key) = PrivateKey::from_der(&altered) {
                    let _ = key.sign(b"message");
                    let _ = key.decrypt_oaep(&[1; 256]);
                }
                if let Ok(key) = PublicKey::from_der(&altered) {
                    let _ = key.verify(b"message", &[1; 256]);
                    let _ = key.encrypt_oaep(b"text");
                }
                Ok(())
            })
            .unwrap();
    }
}
