//! Keys and certificates that are invalid or of the wrong kind.

use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519};
use rsa::{
    pkcs1::EncodeRsaPrivateKey as _,
    pkcs8::{EncodePrivateKey as _, EncodePublicKey as _, LineEnding},
};
use wechatpay_chain::{Certificate, Error, PrivateKey, PublicKey};

use super::{Case, value};
use crate::fixtures::keys;

/// openssl genpkey -algorithm ed25519 -aes-256-cbc -pass pass:x
const ENCRYPTED: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----
MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAgwPif1iv6TigICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEFAk5O1+mhS/nsnCVdlOHbwEQIcR
1Ry869uTaS9dR4d4qIMz1KSjwZCrzsxh7HzXrX8cx13s1aw/buWgaxvoQGyDbr6+
SIdPOI5+nBui30TtrVs=
-----END ENCRYPTED PRIVATE KEY-----
";

/// The beginning of the output of `openssl rsa -traditional -aes128`.
const ENCRYPTED_PKCS1: &str = "-----BEGIN RSA PRIVATE KEY-----
Proc-Type: 4,ENCRYPTED
DEK-Info: AES-128-CBC,5D9A432A0A641975DB73EC1DE1C8682C

g055Mze3C7V158uHYVQvsJJFK2Z9UrVh50BNRkgd7E1cF+D+NpT0dROL0L7KIIG3
-----END RSA PRIVATE KEY-----
";

/// openssl genrsa 1024 | openssl rsa -pubout
const SHORT: &str = "-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDvFzzjEtEudMPFVshrOn2gAFE0
z18u6OPnsiNSWjm744sb3+hmlw+JIo2rGz3u+Njtdo6Uh5zVe3hCmKF8+4OLVfY/
d+EcQ0HmM4zlJ5MwgaJbl8dTgYB1lnPdf0E/lTU5k6r+zRvD+4XzkJ5wxqTJCKo2
7SjteuDWBI2NpJ6nSQIDAQAB
-----END PUBLIC KEY-----
";

fn pkcs8() -> String {
    let pem = keys::merchant().rsa.to_pkcs8_pem(LineEnding::LF);
    pem.expect("PEM").to_string()
}

fn spki() -> String {
    let public = keys::merchant().rsa.to_public_key();
    public.to_public_key_pem(LineEnding::LF).expect("PEM")
}

fn ec() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key")
}

fn ec_certificate() -> rcgen::Certificate {
    let params = CertificateParams::new(vec!["x".into()]).expect("a name");
    params.self_signed(&ec()).expect("a certificate")
}

fn private(pem: &str) -> Error {
    PrivateKey::from_pem(pem).expect_err("no private key")
}

fn public(pem: &str) -> Error {
    PublicKey::from_pem(pem).expect_err("no public key")
}

fn certificate(pem: &str) -> Error {
    Certificate::from_pem(pem).expect_err("no certificate")
}

/// Returns the error of `from_pem_file` for a file with this content.
fn file(content: &[u8]) -> Error {
    let path = std::env::temp_dir().join(format!(
        "wechatpay-chain-{}-{}.pem",
        std::process::id(),
        content.len()
    ));
    std::fs::write(&path, content).expect("a file");
    let err = PrivateKey::from_pem_file(&path).expect_err("no private key");
    std::fs::remove_file(&path).expect("a file");
    assert!(err.to_string().contains(&*path.to_string_lossy()), "{err}");
    err
}

fn key(name: &'static str, text: &'static str, make: fn() -> Error) -> Case {
    value(name, &["key"], text, make)
}

pub fn cases() -> Vec<Case> {
    let mut cases = private_keys();
    cases.extend(files());
    cases.extend(public_keys());
    cases.extend(certificates());
    cases
}

fn private_keys() -> Vec<Case> {
    vec![
        key("empty input", "invalid private key: empty input", || {
            private(" \n")
        }),
        key(
            "prose",
            "invalid private key: expected PEM, found no -----BEGIN line",
            || private("what is this?"),
        ),
        key(
            "a file name",
            "looks like a file name; use from_pem_file",
            || private("/etc/wechatpay/apiclient_key.pem"),
        ),
        key(
            "bare base64",
            "expected PEM, found base64 without BEGIN and END lines; use from_base64",
            || {
                private(
                    &pkcs8()
                        .lines()
                        .filter(|line| !line.contains('-'))
                        .collect::<String>(),
                )
            },
        ),
        key(
            "PEM as base64",
            "expected base64, found PEM; use from_pem",
            || PrivateKey::from_base64(&pkcs8()).unwrap_err(),
        ),
        key(
            "PEM as DER",
            "expected DER, found PEM; use from_pem",
            || PrivateKey::from_der(pkcs8().as_bytes()).unwrap_err(),
        ),
        key(
            "an invalid character in base64",
            "invalid base64: unexpected character '*'",
            || PrivateKey::from_base64("MIIE*").unwrap_err(),
        ),
        key(
            "encrypted PKCS#8",
            "the key is encrypted with a password, which is not supported; decrypt it first: openssl pkey",
            || private(ENCRYPTED),
        ),
        key(
            "encrypted PKCS#8 under a plain label",
            "the key is encrypted with a password",
            || private(&ENCRYPTED.replace("ENCRYPTED ", "")),
        ),
        key(
            "encrypted PKCS#1",
            "the key is encrypted with a password",
            || private(ENCRYPTED_PKCS1),
        ),
        key(
            "EC in PKCS#8",
            "this is an elliptic-curve key; WeChat Pay's APIv3 accepts RSA keys only",
            || private(&ec().serialize_pem()),
        ),
        key(
            "EC in SEC 1",
            "this is an elliptic-curve key; WeChat Pay's APIv3 accepts RSA keys only",
            || private("-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n-----END EC PRIVATE KEY-----\n"),
        ),
        key("Ed25519", "this is an elliptic-curve key", || {
            private(
                &KeyPair::generate_for(&PKCS_ED25519)
                    .unwrap()
                    .serialize_pem(),
            )
        }),
        key(
            "OpenSSH format",
            "this key is in OpenSSH's own format; convert an RSA key with: ssh-keygen",
            || {
                private(
                    "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaA==\n-----END OPENSSH PRIVATE KEY-----\n",
                )
            },
        ),
        key(
            "a public key as private",
            "this is a public key; the private key is in apiclient_key.pem (found -----BEGIN PUBLIC KEY-----, expected PRIVATE KEY or RSA PRIVATE KEY)",
            || private(&spki()),
        ),
        key(
            "a certificate as private",
            "this is a certificate; the private key is in the file next to it, apiclient_key.pem",
            || private(&ec_certificate().pem()),
        ),
        key(
            "no END",
            "truncated: -----BEGIN PRIVATE KEY----- has no -----END PRIVATE KEY-----",
            || private(pkcs8().split("-----END").next().unwrap()),
        ),
        key(
            "another END",
            "truncated, or several files in one: -----BEGIN PRIVATE KEY----- is not followed by",
            || private(&pkcs8().replace("END PRIVATE", "END PUBLIC")),
        ),
        key(
            "truncated in the middle",
            "truncated DER: expected 12",
            || {
                let pem = pkcs8();
                let lines = pem.lines().collect::<Vec<_>>();
                private(
                    &[&lines[..10], &lines[lines.len() - 1..]]
                        .concat()
                        .join("\n"),
                )
            },
        ),
        key("truncated inside a byte", "truncated base64", || {
            PrivateKey::from_base64("MIIEv").unwrap_err()
        }),
        key(
            "escaped line breaks",
            "the line breaks are written as a backslash and an n",
            || private(&pkcs8().replace('\n', "\\n")),
        ),
        key(
            "a damaged number",
            "rejects the numbers of this RSA key",
            || {
                let mut der = keys::merchant()
                    .rsa
                    .to_pkcs1_der()
                    .unwrap()
                    .as_bytes()
                    .to_vec();
                let middle = der.len() / 2;
                der[middle] ^= 1;
                PrivateKey::from_der(&der).unwrap_err()
            },
        ),
    ]
}

fn files() -> Vec<Case> {
    vec![
        value(
            "no file",
            &["file"],
            "cannot read private key file /nonexistent/apiclient_key.pem",
            || PrivateKey::from_pem_file("/nonexistent/apiclient_key.pem").unwrap_err(),
        ),
        key(
            "a binary file",
            "expected PEM, found binary data (DER or PKCS#12); read the file and pass its bytes to from_der",
            || file(keys::merchant().rsa.to_pkcs8_der().unwrap().as_bytes()),
        ),
        key(
            "a large file",
            "larger than 64 KiB; expected a key or certificate file",
            || file(&vec![b'x'; 64 * 1024 + 1]),
        ),
        key(
            "UTF-16",
            "UTF-16 text; save the file as UTF-8 or ASCII",
            || file(&[0xff, 0xfe, 0x2d, 0]),
        ),
        key(
            "not UTF-8",
            "expected PEM, found bytes that are not UTF-8",
            || file(&[0x80, 0x81, 0x82]),
        ),
    ]
}

fn public_keys() -> Vec<Case> {
    vec![
        key(
            "a private key as public",
            "invalid public key: this is a private key; check that it is the right file",
            || public(&pkcs8()),
        ),
        key("a short key", "RSA key of 1024 bits", || public(SHORT)),
        key("EC, public", "this is an elliptic-curve key", || {
            public(&ec().public_key_pem())
        }),
        key(
            "a certificate of EC as a public key",
            "this is an elliptic-curve key",
            || public(&ec_certificate().pem()),
        ),
        key(
            "a certificate request as a public key",
            "this is a certificate request; use the certificate that WeChat Pay issued for it",
            || {
                let params = CertificateParams::new(vec!["x".into()]).unwrap();
                public(&params.serialize_request(&ec()).unwrap().pem().unwrap())
            },
        ),
    ]
}

fn certificates() -> Vec<Case> {
    vec![
        key(
            "a public key as certificate",
            "invalid certificate: this is a public key; use PublicKey for WeChat Pay's public key, with its PUB_KEY_ID (found -----BEGIN PUBLIC KEY-----, expected CERTIFICATE)",
            || certificate(&spki()),
        ),
        key(
            "a private key as certificate",
            "invalid certificate: this is a private key",
            || certificate(&pkcs8()),
        ),
        key("EC, certified", "this is an elliptic-curve key", || {
            certificate(&ec_certificate().pem())
        }),
        key(
            "PKCS#12",
            "this is a PKCS#12 archive (.p12); extract the certificate with: openssl pkcs12",
            || Certificate::from_der(&[0x30, 0x80, 0x02, 0x01, 0x03]).unwrap_err(),
        ),
        key(
            "two in one",
            "1 extra bytes after the end of the DER; is this two files in one?",
            || {
                let mut der = ec_certificate().der().to_vec();
                der.push(0);
                Certificate::from_der(&der).unwrap_err()
            },
        ),
    ]
}
