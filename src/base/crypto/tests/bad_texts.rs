//! Files, PEM, base64 and DER that are cut, garbled or another thing than they are given as.

use std::{error::Error as _, fs};

use super::{Openssl, key_pem, refused};
use crate::base::crypto::{Certificate, PrivateKey, PublicKey};

#[test]
fn texts_that_are_no_pem() {
    let Some(openssl) = Openssl::find() else {
        return;
    };
    let pem = key_pem(&openssl);
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let from_pem = |text: &str, reason: &str| {
        refused(
            PrivateKey::from_pem(text),
            &format!("private key: {reason}"),
        );
    };
    let escaped = "its line breaks are written out as a backslash and an n; make them real line \
         breaks, for instance with .replace(\"\\\\n\", \"\\n\")";

    from_pem("", "it is empty");
    from_pem(" \r\n\u{feff}", "it is empty");
    from_pem(
        "hello world",
        "it is not PEM: there is no -----BEGIN line in it",
    );
    from_pem(
        "/etc/wechatpay/apiclient_key.pem",
        "it is not PEM but looks like the name of a file; use from_pem_file",
    );
    from_pem(
        &base64,
        "it is base64 without -----BEGIN and -----END; use from_base64",
    );
    from_pem(&pem.replace('\n', "\\n"), escaped);
    from_pem(&pem.replace('\n', "\\r\\n"), escaped);
    from_pem(
        "-----BEGIN PRIVATE KEY-----\n\n-----END PRIVATE KEY-----\n",
        "it is empty: nothing stands between -----BEGIN PRIVATE KEY----- and its END",
    );
    from_pem(
        "-----BEGIN PRIVATE KEY",
        "its BEGIN line is broken or cut off; it should read like -----BEGIN PRIVATE KEY-----",
    );
    from_pem(
        &pem.replacen('M', "*", 1),
        "it is not base64: it has the character '*' in it",
    );
    from_pem(
        &pem.replacen('M', "=", 1),
        "its base64 is broken: the padding '=' does not stand at the end",
    );

    let from_base64 = |text: &str, reason: &str| {
        refused(
            PrivateKey::from_base64(text),
            &format!("private key: {reason}"),
        );
    };
    from_base64("", "it is empty");
    from_base64(pem, "it is PEM and not bare base64; use from_pem");
    from_base64(&base64.replace('M', "\\n"), escaped);
    from_base64("MII€", "it is not base64: it has the character '€' in it");
    from_base64(
        "aGVsbG8gd29ybGQh",
        "it is text and not DER; use from_base64 if it is bare base64",
    );

    let from_der = |der: &[u8], reason: &str| {
        refused(PrivateKey::from_der(der), &format!("private key: {reason}"));
    };
    from_der(b"", "it is empty");
    from_der(pem.as_bytes(), "it is PEM text and not DER; use from_pem");
    from_der(
        base64.as_bytes(),
        "it is text and not DER; use from_base64 if it is bare base64",
    );
    from_der(
        &[0xff; 9],
        "it is not DER: it does not begin with a SEQUENCE",
    );
    from_der(&[0x30, 0x85, 1, 1, 1, 1, 1], "it is not DER");
    from_der(
        &[0x30, 0],
        "it is DER, but neither a PKCS#1 nor a PKCS#8 private key",
    );
    refused(
        PublicKey::from_der(&[0x30, 0]),
        "public key: it is DER, but neither a public key nor a certificate",
    );
    refused(
        Certificate::from_der(&[0x30, 0]),
        "certificate: it is DER, but not an X.509 certificate",
    );
}

#[test]
fn truncated_keys() {
    let Some(openssl) = Openssl::find() else {
        return;
    };
    let pem = key_pem(&openssl);
    let lines: Vec<&str> = pem.lines().collect();
    let half = lines[..lines.len() / 2].join("\n");
    refused(
        PrivateKey::from_pem(&half),
        "private key: it is truncated: -----BEGIN PRIVATE KEY----- has no -----END PRIVATE KEY-----",
    );
    refused(
        PrivateKey::from_pem(&format!("{half}\n{pem}")),
        "private key: it is truncated or pasted together: -----BEGIN PRIVATE KEY----- is not ended by \
         -----END PRIVATE KEY-----",
    );
    refused(
        PrivateKey::from_pem(&pem.replace("END PRIVATE KEY", "END RSA PRIVATE KEY")),
        "private key: it is truncated or pasted together: -----BEGIN PRIVATE KEY----- is not ended by \
         -----END PRIVATE KEY-----",
    );
    let without_a_line = [&lines[..5], &lines[6..]].concat().join("\n");
    let err = PrivateKey::from_pem(&without_a_line)
        .unwrap_err()
        .to_string();
    assert!(
        err.starts_with("private key: it is truncated: its DER is 12"),
        "{err}"
    );
    assert!(err.ends_with(" are there"), "{err}");
    let base64 = lines[1..lines.len() - 1].concat();
    let one_digit_over = &base64[..base64.len() / 4 * 4 - 7];
    refused(
        PrivateKey::from_pem(&format!(
            "{}\n{one_digit_over}\n-----END PRIVATE KEY-----",
            lines[0]
        )),
        "private key: it is truncated: its base64 is cut off in the middle",
    );

    let der = openssl.run("pkey -outform DER", pem.as_bytes());
    let err = PrivateKey::from_der(&der[..700]).unwrap_err().to_string();
    assert_eq!(
        err,
        format!(
            "private key: it is truncated: its DER is {} bytes long by its own account, and 700 are there",
            der.len()
        )
    );
    refused(
        PrivateKey::from_der(&[&der[..], b"\n"].concat()),
        "private key: 1 bytes follow the end of its DER; is it two files in one?",
    );
}

#[test]
fn files() {
    let Some(openssl) = Openssl::find() else {
        return;
    };
    let err = PrivateKey::from_pem_file(openssl.path("nowhere.pem")).unwrap_err();
    assert!(err.is_file());
    assert_eq!(
        err.to_string(),
        format!(
            "private key file {}: it cannot be read",
            openssl.path("nowhere.pem").display()
        )
    );
    assert!(err.source().unwrap().to_string().contains("No such file"));
    assert!(
        PublicKey::from_pem_file(&openssl.folder)
            .unwrap_err()
            .is_file()
    );

    let file = |content: &[u8], reason: &str| {
        let path = openssl.write("file.pem", content);
        let origin = format!("certificate file {}", path.display());
        refused(
            Certificate::from_pem_file(&path),
            &format!("{origin}: {reason}"),
        );
        fs::remove_file(path).unwrap();
    };
    file(b"", "it is empty");
    file(
        b"\xff\xfe-\0",
        "it is UTF-16 text; save it as plain text (UTF-8 or ASCII)",
    );
    file(b"-----\xff", "it is not text, so not PEM");
    file(
        &[b' '; 65_537],
        "it is larger than 64 KiB, so it is not a key or certificate file",
    );
    file(&[b' '; 65_536], "it is empty");
    file(
        b"-----BEGIN CERTIFICATE-----\nMIID",
        "it is truncated: -----BEGIN CERTIFICATE----- has no -----END CERTIFICATE-----",
    );
}

#[test]
fn no_error_shows_the_key() {
    let Some(openssl) = Openssl::find() else {
        return;
    };
    let pem = key_pem(&openssl);
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = openssl.run("pkey -outform DER", pem.as_bytes());
    let path = openssl.write("key.pem", &pem[..900]);
    let mut damaged = der.clone();
    damaged[900] ^= 1;
    let errors = [
        PrivateKey::from_pem(&pem[..900]).unwrap_err(),
        PrivateKey::from_pem(&pem[20..]).unwrap_err(),
        PrivateKey::from_pem(&pem.replace('\n', "*")).unwrap_err(),
        PrivateKey::from_pem(&pem.replace("-----\n", "\n")).unwrap_err(),
        PrivateKey::from_pem(&base64).unwrap_err(),
        PrivateKey::from_pem_file(path).unwrap_err(),
        PrivateKey::from_base64(&base64[..901]).unwrap_err(),
        PrivateKey::from_base64(pem).unwrap_err(),
        PrivateKey::from_der(&der[..900]).unwrap_err(),
        PrivateKey::from_der(&damaged).unwrap_err(),
        PublicKey::from_pem(pem).unwrap_err(),
        PublicKey::from_der(&der).unwrap_err(),
        Certificate::from_base64(&base64).unwrap_err(),
    ];
    for err in errors {
        let mut shown = format!("{err}\n{err:?}");
        let mut source = err.source();
        while let Some(cause) = source {
            shown += &format!("\n{cause}\n{cause:?}");
            source = cause.source();
        }
        for start in 0..base64.len() - 8 {
            assert!(!shown.contains(&base64[start..start + 8]), "{shown}");
        }
    }
}
