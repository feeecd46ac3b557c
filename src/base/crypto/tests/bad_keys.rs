//! Keys that are whole but cannot be used: the error says what they are.

use std::error::Error as _;

use super::{Openssl, key_pem, refused};
use crate::base::crypto::{Certificate, PrivateKey, PublicKey};

const ENCRYPTED: &str = "private key: it is encrypted with a password, and no password is taken here; \
     decrypt it first: openssl pkey -in encrypted.pem -out apiclient_key.pem";
const EC: &str = "it is an elliptic curve key; WeChat Pay's APIv3 takes RSA keys only";

#[test]
fn encrypted_keys() {
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
        "public key: it is a private key, which stays with its owner; was the wrong file named?",
    );
    // Beside a certificate it is still the encryption that matters.
    openssl.write("key.pem", pem);
    let certificate = openssl.text("req -x509 -new -key key.pem -subj /CN=x", b"");
    refused(
        PrivateKey::from_pem(&format!("{certificate}{pkcs8}")),
        ENCRYPTED,
    );
}

#[test]
fn keys_of_other_algorithms() {
    let Some(openssl) = Openssl::find() else {
        return;
    };
    let private = format!("private key: {EC}");
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
        &format!("public key: {EC}"),
    );
    let certificate = openssl.text("req -x509 -new -key ec.pem -subj /CN=x", b"");
    refused(
        Certificate::from_pem(&certificate),
        &format!("certificate: {EC}"),
    );
    refused(
        PublicKey::from_pem(&certificate),
        &format!("public key: {EC}"),
    );

    let ed25519 = openssl.text("genpkey -algorithm ed25519", b"");
    refused(PrivateKey::from_pem(&ed25519), &private);
    let pss = openssl.text(
        "genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048",
        b"",
    );
    refused(
        PrivateKey::from_pem(&pss),
        "private key: it is an RSA key for PSS signatures only; WeChat Pay takes plain RSA keys",
    );
    refused(
        PrivateKey::from_pem(
            "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----",
        ),
        "private key: it is a key in OpenSSH's own format; an RSA one is rewritten by: ssh-keygen -p -m PEM -f FILE",
    );
}

#[test]
fn the_wrong_thing() {
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
        "private key: it is a certificate; the private key lies beside it, as apiclient_key.pem \
         (found -----BEGIN CERTIFICATE-----, due is PRIVATE KEY or RSA PRIVATE KEY)",
    );
    refused(
        PrivateKey::from_pem(&public),
        "private key: it is a public key; the private key is in apiclient_key.pem \
         (found -----BEGIN PUBLIC KEY-----, due is PRIVATE KEY or RSA PRIVATE KEY)",
    );
    refused(
        PublicKey::from_pem(private),
        "public key: it is a private key, which stays with its owner; was the wrong file named? \
         (found -----BEGIN PRIVATE KEY-----, due is PUBLIC KEY, RSA PUBLIC KEY or CERTIFICATE)",
    );
    refused(
        Certificate::from_pem(private),
        "certificate: it is a private key, which stays with its owner; was the wrong file named? \
         (found -----BEGIN PRIVATE KEY-----, due is CERTIFICATE)",
    );
    refused(
        Certificate::from_pem(&public),
        "certificate: it is a public key; with WeChat Pay's public key use PublicKey and its PUB_KEY_ID \
         (found -----BEGIN PUBLIC KEY-----, due is CERTIFICATE)",
    );
    refused(
        Certificate::from_pem(&request),
        "certificate: it is a certificate request; the certificate is what WeChat Pay made of it \
         (found -----BEGIN CERTIFICATE REQUEST-----, due is CERTIFICATE)",
    );
    refused(
        PrivateKey::from_pem("-----BEGIN PGP MESSAGE-----\nAAAA\n-----END PGP MESSAGE-----"),
        "private key: it is something else \
         (found -----BEGIN PGP MESSAGE-----, due is PRIVATE KEY or RSA PRIVATE KEY)",
    );

    let der = |args: &str| openssl.run(args, b"");
    let certificate = der("req -x509 -new -key key.pem -subj /CN=x -outform DER");
    let public = der("pkey -in key.pem -pubout -outform DER");
    let private = der("rsa -in key.pem -outform DER");
    refused(
        PrivateKey::from_der(&certificate),
        "private key: it is a certificate; the private key lies beside it, as apiclient_key.pem",
    );
    refused(
        PrivateKey::from_der(&public),
        "private key: it is a public key",
    );
    refused(
        Certificate::from_der(&public),
        "certificate: it is a public key",
    );
    let theirs = "it is a private key, which stays with its owner; was the wrong file named?";
    refused(
        PublicKey::from_der(&private),
        &format!("public key: {theirs}"),
    );
    refused(
        Certificate::from_der(&private),
        &format!("certificate: {theirs}"),
    );
    let request = der("req -new -key key.pem -subj /CN=x -outform DER");
    refused(
        Certificate::from_der(&request),
        "certificate: it is not a well-formed X.509 certificate",
    );
}

#[test]
fn archives() {
    let Some(openssl) = Openssl::find() else {
        return;
    };
    openssl.write("key.pem", key_pem(&openssl));
    openssl.run("req -x509 -new -key key.pem -subj /CN=x -out cert.pem", b"");
    let archive = openssl.run(
        "pkcs12 -export -inkey key.pem -in cert.pem -passout pass:1900000109",
        b"",
    );
    let private = "it is a PKCS#12 archive (.p12); the key comes out of it by: \
         openssl pkcs12 -legacy -in apiclient_cert.p12 -nocerts -nodes -out apiclient_key.pem \
         (before OpenSSL 3, without -legacy)";
    refused(
        PrivateKey::from_der(&archive),
        &format!("private key: {private}"),
    );
    let certificate = "it is a PKCS#12 archive (.p12); the certificate comes out of it by: \
         openssl pkcs12 -legacy -in apiclient_cert.p12 -clcerts -nokeys -out apiclient_cert.pem \
         (before OpenSSL 3, without -legacy)";
    refused(
        Certificate::from_der(&archive),
        &format!("certificate: {certificate}"),
    );
    refused(
        PublicKey::from_der(&archive),
        &format!("public key: {certificate}"),
    );
    refused(
        PrivateKey::from_der(&[0x30, 0x80, 2, 1, 3, 0x30, 0x80, 0, 0]),
        &format!("private key: {private}"),
    );
    let path = openssl.write("apiclient_cert.p12", archive);
    let err = PrivateKey::from_pem_file(&path).unwrap_err();
    assert!(
        err.to_string().ends_with(
            "apiclient_cert.p12: it is binary, DER or PKCS#12, and not PEM text; \
         read the file and give its bytes to from_der"
        ),
        "{err}"
    );
}

#[test]
fn sizes() {
    let Some(openssl) = Openssl::find() else {
        return;
    };
    let drawn = |bits: usize| {
        openssl.text(
            &format!("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:{bits}"),
            b"",
        )
    };
    let most = super::super::backend::MAX_PRIVATE_BITS;
    let small = drawn(1024);
    refused(
        PrivateKey::from_pem(&small),
        &format!(
            "private key: it is an RSA key of 1024 bits; keys of 2048 to {most} bits can be used"
        ),
    );
    refused(
        PublicKey::from_pem(&openssl.text("pkey -pubout", small.as_bytes())),
        "public key: it is an RSA key of 1024 bits; keys of 2048 to 8192 bits can be used",
    );
    // Made without a search for primes, which would take minutes: only the size is looked at.
    let odd = |bytes: usize| [&[0x80][..], &vec![1; bytes - 1]].concat();
    use crate::base::crypto::der;
    let big = der::rsa_public_key(&odd(1025), &[1, 0, 1]);
    refused(
        PublicKey::from_der(&big),
        "public key: it is an RSA key of 8200 bits; keys of 2048 to 8192 bits can be used",
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
        &format!(
            "private key: it is an RSA key of 16384 bits; keys of 2048 to {most} bits can be used"
        ),
    );
    for (n, e) in [
        (vec![0x80; 256], vec![3]),
        (odd(256), vec![2]),
        (odd(256), vec![1]),
        (odd(256), vec![1; 6]),
    ] {
        refused(
            PublicKey::from_der(&der::rsa_public_key(&n, &e)),
            "public key: it has the form of an RSA key, but its numbers are not one",
        );
    }
}

#[test]
fn damaged_keys() {
    let Some(openssl) = Openssl::find() else {
        return;
    };
    let mut der = openssl.run(
        "rsa -traditional -outform DER",
        key_pem(&openssl).as_bytes(),
    );
    // Inside a prime.
    let middle = der.len() * 6 / 10;
    der[middle] ^= 0x10;
    let err = refused(
        PrivateKey::from_der(&der),
        "private key: it has the form of an RSA key of 2048 bits, but the crypto library cannot use its numbers; \
        is the file damaged, or made in an unusual way?",
    );
    assert!(err.source().is_some());
}
