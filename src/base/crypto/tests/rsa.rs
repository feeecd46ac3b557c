//! RSA signatures and encryption, against openssl.

use super::{Openssl, key_pem};
use crate::base::crypto::{PrivateKey, PublicKey};

const OAEP: &str =
    "-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha1 -pkeyopt rsa_mgf1_md:sha1";

/// The shared key, also in files for openssl.
fn key(openssl: &Openssl) -> PrivateKey {
    openssl.write("key.pem", key_pem(openssl));
    openssl.run("pkey -in key.pem -pubout -out pub.pem", b"");
    PrivateKey::from_pem(key_pem(openssl)).unwrap()
}

#[test]
fn openssl_verifies_our_signatures() {
    let Some(openssl) = Openssl::find() else {
        return;
    };
    let key = key(&openssl);
    for message in [&b""[..], b"GET\n/v3/certificates\n1\nx\n\n", &[0xff; 5000]] {
        openssl.write("signature", key.sign(message).unwrap());
        let verdict = openssl.text("dgst -sha256 -verify pub.pem -signature signature", message);
        assert_eq!(verdict.trim(), "Verified OK");
    }
}

#[test]
fn only_openssls_own_signature_verifies() {
    let Some(openssl) = Openssl::find() else {
        return;
    };
    let public = key(&openssl).public_key();
    let signature = openssl.run("dgst -sha256 -sign key.pem", b"message");
    assert!(public.verify(b"message", &signature));
    assert!(!public.verify(b"massage", &signature));
    assert!(!public.verify(b"message", b""));
    assert!(!public.verify(b"message", &signature[1..]));
    assert!(!public.verify(b"message", &[&signature[..], &[0]].concat()));
    assert!(!public.verify(b"message", &[0xff; 256]));
    for bit in [0, 7, 1000, 2047] {
        let mut altered = signature.clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        assert!(!public.verify(b"message", &altered));
    }
    assert!(
        !PrivateKey::generate()
            .unwrap()
            .public_key()
            .verify(b"message", &signature)
    );
    // Nor do other digests and paddings with the same key.
    let sha1 = openssl.run("dgst -sha1 -sign key.pem", b"message");
    assert!(!public.verify(b"message", &sha1));
    let pss = openssl.run(
        "dgst -sha256 -sigopt rsa_padding_mode:pss -sign key.pem",
        b"message",
    );
    assert!(!public.verify(b"message", &pss));
}

#[test]
fn oaep_with_sha1_round_trips_with_openssl() {
    let Some(openssl) = Openssl::find() else {
        return;
    };
    let key = key(&openssl);
    for text in ["", "x", "张三", &"9".repeat(214)] {
        let ours = key.public_key().encrypt_oaep(text.as_bytes()).unwrap();
        let opened = openssl.text(&format!("pkeyutl -decrypt -inkey key.pem {OAEP}"), &ours);
        assert_eq!(opened, text);
        assert_eq!(key.decrypt_oaep(&ours).unwrap(), text.as_bytes());

        openssl.write("text", text);
        let theirs = openssl.run(
            &format!("pkeyutl -encrypt -pubin -inkey pub.pem {OAEP} -in text"),
            b"",
        );
        assert_eq!(key.decrypt_oaep(&theirs).unwrap(), text.as_bytes());
    }
}

#[test]
fn oaep_with_another_digest_is_refused() {
    let Some(openssl) = Openssl::find() else {
        return;
    };
    let key = key(&openssl);
    let args = OAEP.replace("sha1", "sha256");
    let theirs = openssl.run(
        &format!("pkeyutl -encrypt -pubin -inkey pub.pem {args}"),
        b"text",
    );
    let err = key.decrypt_oaep(&theirs).unwrap_err();
    assert!(err.is_decrypt());
    assert_eq!(
        err.to_string(),
        "cannot decrypt the RSA ciphertext: it is for another key, altered, or not OAEP with SHA-1"
    );
    let pkcs1 = key.public_key().encrypt_pkcs1(b"text").unwrap();
    assert!(key.decrypt_oaep(&pkcs1).unwrap_err().is_decrypt());
}

#[test]
fn openssl_decrypts_our_pkcs1() {
    let Some(openssl) = Openssl::find() else {
        return;
    };
    let key = key(&openssl);
    for text in ["", "x", "张三", &"9".repeat(245)] {
        let ours = key.public_key().encrypt_pkcs1(text.as_bytes()).unwrap();
        assert_eq!(openssl.text("pkeyutl -decrypt -inkey key.pem", &ours), text);
    }
}

#[cfg(not(feature = "aws-lc-rs"))]
#[test]
fn pkcs1_decrypts_with_implicit_rejection() {
    let Some(openssl) = Openssl::find() else {
        return;
    };
    let key = key(&openssl);
    for text in ["", "x", "张三", &"9".repeat(245)] {
        let args = "pkeyutl -encrypt -pubin -inkey pub.pem -pkeyopt rsa_padding_mode:pkcs1";
        let theirs = openssl.run(args, text.as_bytes());
        assert_eq!(key.decrypt_pkcs1(&theirs).unwrap(), text.as_bytes());
    }
    // OAEP, altered bytes, another key: meaningless bytes of any length, but always the same.
    let oaep = key.public_key().encrypt_oaep("张三".as_bytes()).unwrap();
    let mut altered = key.public_key().encrypt_pkcs1("张三".as_bytes()).unwrap();
    altered[100] ^= 1;
    let other = PrivateKey::generate().unwrap().public_key();
    let mut others = other.encrypt_pkcs1("张三".as_bytes()).unwrap();
    // Less than any modulus of this size.
    while others[0] >= 0x80 {
        others = other.encrypt_pkcs1("张三".as_bytes()).unwrap();
    }
    let mut lengths = std::collections::HashSet::new();
    for wrong in [&oaep, &altered, &others, &vec![7; 256]] {
        let first = key.decrypt_pkcs1(wrong).unwrap();
        assert_ne!(first, "张三".as_bytes());
        assert_eq!(key.decrypt_pkcs1(wrong).unwrap(), first);
        lengths.insert(first.len());
    }
    assert!(lengths.len() > 1, "{lengths:?}");
    for length in [0, 1, 255, 257, 512] {
        let err = key.decrypt_pkcs1(&vec![7; length]).unwrap_err();
        assert!(
            err.to_string().ends_with("expected 256 for this key"),
            "{err}"
        );
    }
}

#[cfg(feature = "aws-lc-rs")]
#[test]
fn pkcs1_is_an_error_without_implicit_rejection() {
    let Some(openssl) = Openssl::find() else {
        return;
    };
    let key = key(&openssl);
    let ciphertext = key.public_key().encrypt_pkcs1("张三".as_bytes()).unwrap();
    let err = key.decrypt_pkcs1(&ciphertext).unwrap_err();
    assert!(err.is_decrypt());
    // The command in the error decrypts it.
    let text = err.to_string();
    let (_, command) = text.split_once("| openssl ").expect("a command");
    let command = command.replace("apiclient_key.pem", "key.pem");
    assert_eq!(openssl.text(&command, &ciphertext), "张三");
}

#[test]
fn text_too_long_is_an_error_with_the_limit() {
    let public = PrivateKey::generate().unwrap().public_key();
    let err = public.encrypt_oaep(&[b'9'; 215]).unwrap_err();
    assert!(err.is_request());
    assert_eq!(
        err.to_string(),
        "text too long to encrypt: 215 bytes; expected at most 214 for this key of 2048 bits"
    );
    let err = public.encrypt_pkcs1(&[b'9'; 246]).unwrap_err();
    assert_eq!(
        err.to_string(),
        "text too long to encrypt: 246 bytes; expected at most 245 for this key of 2048 bits"
    );
}

#[test]
fn invalid_rsa_ciphertexts_are_refused() {
    let key = PrivateKey::generate().unwrap();
    for length in [0, 1, 255, 257, 512, 100_000] {
        let err = key.decrypt_oaep(&vec![7; length]).unwrap_err();
        assert!(err.is_decrypt());
        assert_eq!(
            err.to_string(),
            format!("invalid RSA ciphertext: {length} bytes, expected 256 for this key")
        );
    }
    for byte in [0, 1, 0xff] {
        assert!(key.decrypt_oaep(&[byte; 256]).unwrap_err().is_decrypt());
    }
}

#[test]
fn larger_keys_and_other_exponents_work() {
    let Some(openssl) = Openssl::find() else {
        return;
    };
    for bits in [3072, 4096] {
        let options = format!("rsa_keygen_bits:{bits}");
        let pem = openssl.text(&format!("genpkey -algorithm RSA -pkeyopt {options}"), b"");
        let key = PrivateKey::from_pem(&pem).unwrap();
        let signature = key.sign(b"message").unwrap();
        assert!(key.public_key().verify(b"message", &signature));
        let ciphertext = key.public_key().encrypt_oaep(b"text").unwrap();
        assert_eq!(key.decrypt_oaep(&ciphertext).unwrap(), b"text");
    }
    // WeChat Pay's exponent is 65537. 3 is valid too.
    let options = "rsa_keygen_bits:2048 -pkeyopt rsa_keygen_pubexp:3";
    let pem = openssl.text(&format!("genpkey -algorithm RSA -pkeyopt {options}"), b"");
    openssl.write("three.pem", &pem);
    let public = PublicKey::from_pem(&openssl.text("pkey -in three.pem -pubout", b"")).unwrap();
    let signature = openssl.run("dgst -sha256 -sign three.pem", b"message");
    assert!(public.verify(b"message", &signature));
    let ciphertext = public.encrypt_oaep(b"text").unwrap();
    assert_eq!(
        openssl.run(
            &format!("pkeyutl -decrypt -inkey three.pem {OAEP}"),
            &ciphertext
        ),
        b"text"
    );
}
