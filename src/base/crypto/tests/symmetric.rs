//! Digests, AES, comparison and random bytes, against openssl and node.

use super::{Openssl, node, unhex};
use crate::base::crypto::{
    aead,
    digest::{Sha1, Sha256, constant_time_eq, hex_lower, hex_upper, hmac_sha256, md5, sha256},
    ecb, nonce, random,
};

const KEY: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";

fn texts() -> [Vec<u8>; 6] {
    [
        vec![],
        b"a".to_vec(),
        vec![b'b'; 15],
        vec![b'c'; 16],
        "微信支付".repeat(7).into_bytes(),
        (0..=255).cycle().take(5000).collect(),
    ]
}

#[test]
fn digests_match_openssl() {
    let Some(openssl) = Openssl::find() else {
        return;
    };
    let of = |args: &str, data: &[u8]| {
        let line = openssl.text(&format!("dgst {args} -r"), data);
        line.split_whitespace().next().unwrap().to_owned()
    };
    for text in texts() {
        assert_eq!(hex_lower(&sha256(&text)), of("-sha256", &text));
        assert_eq!(hex_lower(&md5(&text)), of("-md5", &text));
        assert_eq!(
            hex_upper(&hmac_sha256(KEY, &text)),
            of("-sha256 -hmac 0123456789abcdefghijklmnopqrstuv", &text).to_uppercase()
        );
        let (mut sha1, mut streamed) = (Sha1::new(), Sha256::new());
        for chunk in text.chunks(700) {
            sha1.update(chunk);
            streamed.update(chunk);
        }
        assert_eq!(hex_lower(&sha1.finish()), of("-sha1", &text));
        assert_eq!(streamed.finish(), sha256(&text));
    }
}

#[test]
fn digests_match_the_standards() {
    assert_eq!(hex_lower(&md5(b"abc")), "900150983cd24fb0d6963f7d28e17f72");
    assert_eq!(
        hex_lower(&sha256(b"abc")),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
    // RFC 4231, test case 2.
    assert_eq!(
        hex_lower(&hmac_sha256(b"Jefe", b"what do ya want for nothing?")),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    );
}

#[test]
fn gcm_matches_the_standard() {
    // Test case 16 of the GCM specification by McGrew and Viega.
    let key: [u8; 32] = unhex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308")
        .try_into()
        .unwrap();
    let nonce = unhex("cafebabefacedbaddecaf888");
    let associated = unhex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
    let plaintext = unhex(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72
         1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
    );
    let sealed = unhex(
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa
         8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662
         76fc6ece0f4e1768cddf8853bb2d551b",
    );
    assert_eq!(
        aead::seal(&key, &nonce, &associated, &plaintext).unwrap(),
        sealed
    );
    assert_eq!(
        aead::open(&key, &nonce, &associated, &sealed).unwrap(),
        plaintext
    );
}

#[test]
fn gcm_matches_node() {
    let script = "const c = require('crypto').createCipheriv('aes-256-gcm', \
         '0123456789abcdefghijklmnopqrstuv', 'nonce-of-12b'); c.setAAD(Buffer.from('transaction')); \
         process.stdout.write(Buffer.concat([c.update(require('fs').readFileSync(0)), c.final(), c.getAuthTag()]))";
    for text in texts() {
        let Some(sealed) = node(script, &text) else {
            return;
        };
        let opened = aead::open(KEY, b"nonce-of-12b", b"transaction", &sealed).unwrap();
        assert_eq!(opened, text);
        assert_eq!(
            aead::seal(KEY, b"nonce-of-12b", b"transaction", &text).unwrap(),
            sealed
        );
    }
}

#[test]
fn gcm_refuses_altered_data() {
    let sealed = aead::seal(KEY, b"nonce-of-12b", b"", b"text").unwrap();
    let refused = "cannot decrypt the AES-256-GCM ciphertext: \
         wrong APIv3 key or altered data";
    for index in 0..sealed.len() {
        let mut altered = sealed.clone();
        altered[index] ^= 1;
        let err = aead::open(KEY, b"nonce-of-12b", b"", &altered).unwrap_err();
        assert!(err.is_decrypt());
        assert_eq!(err.to_string(), refused);
    }
    for (key, nonce, associated) in [
        (
            b"0123456789abcdefghijklmnopqrstuV",
            b"nonce-of-12b",
            &b""[..],
        ),
        (KEY, b"nonce-of-12B", b""),
        (KEY, b"nonce-of-12b", b"x"),
    ] {
        let err = aead::open(key, nonce, associated, &sealed).unwrap_err();
        assert_eq!(err.to_string(), refused);
    }
    let err = aead::open(KEY, b"nonce", b"", &sealed).unwrap_err();
    assert_eq!(
        err.to_string(),
        "invalid AES-256-GCM nonce: 5 bytes, expected 12"
    );
    assert!(aead::seal(KEY, &[0; 16], b"", b"text").is_err());
    for length in 0..16 {
        let err = aead::open(KEY, b"nonce-of-12b", b"", &sealed[..length]).unwrap_err();
        assert!(
            err.to_string().ends_with("expected at least the tag of 16"),
            "{err}"
        );
    }
}

#[test]
fn ecb_matches_openssl() {
    let Some(openssl) = Openssl::find() else {
        return;
    };
    let key = hex_lower(KEY);
    for text in texts() {
        let theirs = openssl.run(&format!("enc -aes-256-ecb -K {key}"), &text);
        assert_eq!(ecb::encrypt(KEY, &text), theirs);
        assert_eq!(ecb::decrypt(KEY, &theirs).unwrap(), text);
    }
}

#[test]
fn ecb_refuses_bad_lengths_and_padding() {
    for length in [0, 1, 15, 17, 31] {
        let err = ecb::decrypt(KEY, &vec![0; length]).unwrap_err();
        assert!(err.is_decrypt());
        assert_eq!(
            err.to_string(),
            format!("invalid AES-256-ECB ciphertext: {length} bytes, expected a multiple of 16")
        );
    }
    // Encrypt a chosen block, and leave out the padding block that follows it.
    for ending in [[1, 0], [0, 17], [0, 255], [1, 2], [4, 3]] {
        let mut block = [9; 16];
        block[14..].copy_from_slice(&ending);
        let sealed = ecb::encrypt(KEY, &block);
        let err = ecb::decrypt(KEY, &sealed[..16]).unwrap_err();
        assert!(err.to_string().contains("cannot decrypt"), "{ending:?}");
    }
    let sealed = ecb::encrypt(KEY, &[16; 16]);
    assert_eq!(ecb::decrypt(KEY, &sealed[..16]).unwrap(), b"");
}

#[test]
fn constant_time_eq_compares_bytes() {
    assert!(constant_time_eq(b"", b""));
    assert!(constant_time_eq(b"abc", b"abc"));
    assert!(!constant_time_eq(b"abc", b"abd"));
    assert!(!constant_time_eq(b"bbc", b"abc"));
    assert!(!constant_time_eq(b"abc", b"ab"));
}

#[test]
fn nonces_are_uniform_and_distinct() {
    let mut counts = std::collections::BTreeMap::new();
    let mut seen = std::collections::HashSet::new();
    const DRAWN: usize = 20_000;
    for _ in 0..DRAWN {
        let nonce = nonce().unwrap();
        assert_eq!(nonce.len(), 32);
        assert!(nonce.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        for byte in nonce.bytes() {
            *counts.entry(byte).or_insert(0usize) += 1;
        }
        assert!(seen.insert(nonce));
    }
    assert_eq!(counts.len(), 62);
    // 10,323 expected of each, with a standard deviation of 101. A modulo bias would add 25 %.
    let expected = DRAWN * 32 / 62;
    for (byte, count) in counts {
        assert!(count.abs_diff(expected) < 700, "{}: {count}", byte as char);
    }
}

#[test]
fn random_bytes_differ() {
    let (mut one, mut other) = ([0; 32], [0; 32]);
    random(&mut one).unwrap();
    random(&mut other).unwrap();
    assert_ne!(one, other);
    random(&mut []).unwrap();
}

#[test]
fn tls_has_a_provider() {
    let provider = crate::base::crypto::tls_provider();
    assert!(!provider.cipher_suites.is_empty());
    assert!(provider.kx_groups.len() >= 3);
}
