//! Whole files that are not a usable key: the error says what they are.

use std::error::Error as _;

use super::{Openssl, key_pem, refused};
use crate::base::crypto::{Certificate, PrivateKey, PublicKey};

const ENCRYPTED: &str = "invalid private key: the key is encrypted with a password, which is not supported; \
     decrypt it first: openssl pkey -in encrypted.pem -out apiclient_key.pem";
const EC: &str = "this is an elliptic-curve key; WeChat Pay's APIv3 accepts RSA keys only";

#[test]
fn encrypted_keys_are_refused() {
    let Some(openssl) = Openssl::find() else {
        return;
    };
    let pem = key_pem(&openssl).as_bytes();
    let pkcs8 = openssl.text("pkcs8 -topk8 -v2 aes256 -passout pass:secret", pem);
    assert!(pkcs8.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
    refused(PrivateKey::from_pem(&pkcs8), ENCRYPTED);

    let pkcs1 = openssl.text("rsa -traditional -aes128 -passout pass:secret", pem);
    assert!(pkcs1.contains("Proc-Type: 4,ENCRYPTED"));
    refused(PrivateKey::from_pem(&pkcs1), ENCRYPTED);
    refused(
        PrivateKey::from_pem(&pkcs1.replace('\n', "\r\n")),
        ENCRYPTED,
    );

    let der = openssl.run(
        "pkcs8 -topk8 -v2 aes256 -passout pass:secret -outform DER",
        pem,
    );
    refused(PrivateKey::from_der(&der), ENCRYPTED);
    let base64: String = pkcs8
        .lines()
        .filter(|line| !line.starts_with('-'))
        .collect();
    refused(PrivateKey::from_base64(&base64), ENCRYPTED);

    refused(
        PublicKey::from_der(&der),
        "invalid public key: this is a private key; check that it is the right file",
    );
    // The encrypted key explains more than the certificate next to it.
    openssl.write("key.pem", pem);
    let certificate = openssl.text("req -x509 -new -key key.pem -subj /CN=x", b"");
    refused(
        PrivateKey::from_pem(&format!("{certificate}{pkcs8}")),
        ENCRYPTED,
    );
}

#[test]
fn keys_of_other_algorithms_are_refused() {
    let Some(openssl) = Openssl::find() else {
        return;
    };
    let private = format!("invalid private key: {EC}");
    let sec1 = openssl.text("ecparam -name prime256v1 -genkey", b"");
    assert!(sec1.starts_with("-----BEGIN EC PARAMETERS-----"));
    refused(PrivateKey::from_pem(&sec1), &private);
    openssl.write("ec.pem", &sec1);
    let sec1 = openssl.run("ec -in ec.pem -outform DER", b"");
    refused(PrivateKey::from_der(&sec1), &private);
    let pkcs8 = openssl.text("pkcs8 -topk8 -nocrypt -in ec.pem", b"");
    refused(PrivateKey::from_pem(&pkcs8), &private);
    refused(
        PublicKey::from_pem(&openssl.text("pkey -in ec.pem -pubout", b"")),
        &format!("invalid public key: {EC}"),
    );
    let certificate = openssl.text("req -x509 -new -key ec.pem -subj /CN=x", b"");
    refused(
        Certificate::from_pem(&certificate),
        &format!("invalid certificate: {EC}"),
    );
    refused(
        PublicKey::from_pem(&certificate),
        &format!("invalid public key: {EC}"),
    );

    let ed25519 = openssl.text("genpkey -algorithm ed25519", b"");
    refused(PrivateKey::from_pem(&ed25519), &private);
    let pss = openssl.text(
        "genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048",
        b"",
    );
    refused(
        PrivateKey::from_pem(&pss),
        "invalid private key: this RSA key is for PSS signatures only; WeChat Pay accepts plain RSA keys",
    );
    refused(
        PrivateKey::from_pem(
            "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----",
        ),
        "invalid private key: this key is in OpenSSH's own format; convert an RSA key with: ssh-keygen -p -m PEM -f FILE",
    );
}

#[test]
fn wrong_kinds_of_files_are_named() {
    let Some(openssl) = Openssl::find() else {
        return;
    };
    let private = key_pem(&openssl);
    openssl.write("key.pem", private);
    let public = openssl.text("pkey -in key.pem -pubout", b"");
    let certificate = openssl.text("req -x509 -new -key key.pem -subj /CN=x", b"");
    let request = openssl.text("req -new -key key.pem -subj /CN=x", b"");

    refused(
        PrivateKey::from_pem(&certificate),
        "invalid private key: this is a certificate; the private key is in the file next to it, apiclient_key.pem \
         (found -----BEGIN CERTIFICATE-----, expected PRIVATE KEY or RSA PRIVATE KEY)",
    );
    refused(
        PrivateKey::from_pem(&public),
        "invalid private key: this is a public key; the private key is in apiclient_key.pem \
         (found -----BEGIN PUBLIC KEY-----, expected PRIVATE KEY or RSA PRIVATE KEY)",
    );
    refused(
        PublicKey::from_pem(private),
        "invalid public key: this is a private key; check that it is the right file \
         (found -----BEGIN PRIVATE KEY-----, expected PUBLIC KEY, RSA PUBLIC KEY or CERTIFICATE)",
    );
    refused(
        Certificate::from_pem(private),
        "invalid certificate: this is a private key; check that it is the right file \
         (found -----BEGIN PRIVATE KEY-----, expected CERTIFICATE)",
    );
    refused(
        Certificate::from_pem(&public),
        "invalid certificate: this is a public key; use PublicKey for WeChat Pay's public key, with its PUB_KEY_ID \
         (found -----BEGIN PUBLIC KEY-----, expected CERTIFICATE)",
    );
    refused(
        Certificate::from_pem(&request),
        "invalid certificate: this is a certificate request; use the certificate that WeChat Pay issued for it \
         (found -----BEGIN CERTIFICATE REQUEST-----, expected CERTIFICATE)",
    );
    refused(
        PrivateKey::from_pem("-----BEGIN PGP MESSAGE-----\nAAAA\n-----END PGP MESSAGE-----"),
        "invalid private key: this is something else \
         (found -----BEGIN PGP MESSAGE-----, expected PRIVATE KEY or RSA PRIVATE KEY)",
    );

    let der = |args: &str| openssl.run(args, b"");
    let certificate = der("req -x509 -new -key key.pem -subj /CN=x -outform DER");
    let public = der("pkey -in key.pem -pubout -outform DER");
    let private = der("rsa -in key.pem -outform DER");
    refused(
        PrivateKey::from_der(&certificate),
        "invalid private key: this is a certificate; the private key is in the file next to it, apiclient_key.pem",
    );
    refused(
        PrivateKey::from_der(&public),
        "invalid private key: this is a public key",
    );
    refused(
        Certificate::from_der(&public),
        "invalid certificate: this is a public key",
    );
    let theirs = "this is a private key; check that it is the right file";
    refused(
        PublicKey::from_der(&private),
        &format!("invalid public key: {theirs}"),
    );
    refused(
        Certificate::from_der(&private),
        &format!("invalid certificate: {theirs}"),
    );
    let request = der("req -new -key key.pem -subj /CN=x -outform DER");
    refused(
        Certificate::from_der(&request),
        "invalid certificate: malformed X.509 certificate",
    );
}

#[test]
fn pkcs12_archives_come_with_the_openssl_command() {
    let Some(openssl) = Openssl::find() else {
        return;
    };
    openssl.write("key.pem", key_pem(&openssl));
    openssl.run("req -x509 -new -key key.pem -subj /CN=x -out cert.pem", b"");
    let archive = openssl.run(
        "pkcs12 -export -inkey key.pem -in cert.pem -passout pass:1900000109",
        b"",
    );
    let private = "this is a PKCS#12 archive (.p12); extract the key with: \
         openssl pkcs12 -legacy -in apiclient_cert.p12 -nocerts -nodes -out apiclient_key.pem \
         (before OpenSSL 3, without -legacy)";
    refused(
        PrivateKey::from_der(&archive),
        &format!("invalid private key: {private}"),
    );
    let certificate = "this is a PKCS#12 archive (.p12); extract the certificate with: \
         openssl pkcs12 -legacy -in apiclient_cert.p12 -clcerts -nokeys -out apiclient_cert.pem \
         (before OpenSSL 3, without -legacy)";
    refused(
        Certificate::from_der(&archive),
        &format!("invalid certificate: {certificate}"),
    );
    refused(
        PublicKey::from_der(&archive),
        &format!("invalid public key: {certificate}"),
    );
    refused(
        PrivateKey::from_der(&[0x30, 0x80, 2, 1, 3, 0x30, 0x80, 0, 0]),
        &format!("invalid private key: {private}"),
    );
    let path = openssl.write("apiclient_cert.p12", archive);
    let err = PrivateKey::from_pem_file(&path).unwrap_err();
    assert!(
        err.to_string().ends_with(
            "apiclient_cert.p12: expected PEM, found binary data (DER or PKCS#12); \
         read the file and pass its bytes to from_der"
        ),
        "{err}"
    );
}

#[test]
fn keys_of_other_sizes_are_refused() {
    let Some(openssl) = Openssl::find() else {
        return;
    };
    let drawn = |bits: usize| {
        openssl.text(
            &format!("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:{bits}"),
            b"",
        )
    };
    let max = super::super::backend::MAX_PRIVATE_BITS;
    let small = drawn(1024);
    refused(
        PrivateKey::from_pem(&small),
        &format!("invalid private key: RSA key of 1024 bits; expected 2048 to {max} bits"),
    );
    refused(
        PublicKey::from_pem(&openssl.text("pkey -pubout", small.as_bytes())),
        "invalid public key: RSA key of 1024 bits; expected 2048 to 8192 bits",
    );
    // Not real keys: a search for primes of this size takes minutes. Only the size is checked here.
    let odd = |bytes: usize| [&[0x80][..], &vec![1; bytes - 1]].concat();
    use crate::base::crypto::der;
    let big = der::rsa_public_key(&odd(1025), &[1, 0, 1]);
    refused(
        PublicKey::from_der(&big),
        "invalid public key: RSA key of 8200 bits; expected 2048 to 8192 bits",
    );
    let numbers = [
        vec![],
        odd(2048),
        vec![1, 0, 1],
        odd(2048),
        odd(1024),
        odd(1024),
        odd(1),
        odd(1),
        odd(1),
    ];
    let numbers: Vec<_> = numbers.iter().map(|number| der::integer(number)).collect();
    let numbers: Vec<&[u8]> = numbers.iter().map(|number| &number[..]).collect();
    refused(
        PrivateKey::from_der(&der::element(der::SEQUENCE, &numbers)),
        &format!("invalid private key: RSA key of 16384 bits; expected 2048 to {max} bits"),
    );
    for (n, e) in [
        (vec![0x80; 256], vec![3]),
        (odd(256), vec![2]),
        (odd(256), vec![1]),
        (odd(256), vec![1; 6]),
    ] {
        refused(
            PublicKey::from_der(&der::rsa_public_key(&n, &e)),
            "invalid public key: the numbers in it are not an RSA key",
        );
    }
}

#[test]
fn damaged_keys_are_refused() {
    let Some(openssl) = Openssl::find() else {
        return;
    };
    let mut der = openssl.run(
        "rsa -traditional -outform DER",
        key_pem(&openssl).as_bytes(),
    );
    // In the middle of a prime.
    let middle = der.len() * 6 / 10;
    der[middle] ^= 0x10;
    let err = refused(
        PrivateKey::from_der(&der),
        "invalid private key: the crypto library rejects the numbers of this RSA key of 2048 bits; \
         the file may be damaged",
    );
    assert!(err.source().is_some());
}
