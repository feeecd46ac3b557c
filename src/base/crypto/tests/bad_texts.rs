//! Files, PEM, base64 and DER that are truncated, damaged or passed to the wrong function.

use std::{error::Error as _, fs};

use super::{Openssl, key_pem, refused};
use crate::base::crypto::{Certificate, PrivateKey, PublicKey};

#[test]
fn malformed_texts_are_explained() {
    let Some(openssl) = Openssl::find() else {
        return;
    };
    let pem = key_pem(&openssl);
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let from_pem = |text: &str, reason: &str| {
        refused(
            PrivateKey::from_pem(text),
            &format!("invalid private key: {reason}"),
        );
    };
    let escaped = "the line breaks are written as a backslash and an n; replace them with real line \
         breaks, for example with .replace(\"\\\\n\", \"\\n\")";

    from_pem("", "empty input");
    from_pem(" \r\n\u{feff}", "empty input");
    from_pem("hello world", "expected PEM, found no -----BEGIN line");
    from_pem(
        "/etc/wechatpay/apiclient_key.pem",
        "expected PEM, found what looks like a file name; use from_pem_file",
    );
    from_pem(
        &base64,
        "expected PEM, found base64 without BEGIN and END lines; use from_base64",
    );
    from_pem(&pem.replace('\n', "\\n"), escaped);
    from_pem(&pem.replace('\n', "\\r\\n"), escaped);
    from_pem(
        "-----BEGIN PRIVATE KEY-----\n\n-----END PRIVATE KEY-----\n",
        "empty: there is nothing between -----BEGIN PRIVATE KEY----- and its END line",
    );
    from_pem(
        "-----BEGIN PRIVATE KEY",
        "broken or truncated BEGIN line; expected a line such as -----BEGIN PRIVATE KEY-----",
    );
    from_pem(
        &pem.replacen('M', "*", 1),
        "invalid base64: unexpected character '*'",
    );
    from_pem(
        &pem.replacen('M', "=", 1),
        "invalid base64: padding '=' before the end",
    );

    let from_base64 = |text: &str, reason: &str| {
        refused(
            PrivateKey::from_base64(text),
            &format!("invalid private key: {reason}"),
        );
    };
    from_base64("", "empty input");
    from_base64(pem, "expected base64, found PEM; use from_pem");
    from_base64(&base64.replace('M', "\\n"), escaped);
    from_base64("MII€", "invalid base64: unexpected character '€'");
    from_base64(
        "aGVsbG8gd29ybGQh",
        "expected DER, found text; use from_base64 if it is base64",
    );

    let from_der = |der: &[u8], reason: &str| {
        refused(
            PrivateKey::from_der(der),
            &format!("invalid private key: {reason}"),
        );
    };
    from_der(b"", "empty input");
    from_der(pem.as_bytes(), "expected DER, found PEM; use from_pem");
    from_der(
        base64.as_bytes(),
        "expected DER, found text; use from_base64 if it is base64",
    );
    from_der(&[0xff; 9], "expected DER, found no SEQUENCE at the start");
    from_der(&[0x30, 0x85, 1, 1, 1, 1, 1], "invalid DER");
    from_der(
        &[0x30, 0],
        "expected a PKCS#1 or PKCS#8 private key, found other DER",
    );
    refused(
        PublicKey::from_der(&[0x30, 0]),
        "invalid public key: expected a public key or a certificate, found other DER",
    );
    refused(
        Certificate::from_der(&[0x30, 0]),
        "invalid certificate: expected an X.509 certificate, found other DER",
    );
}

#[test]
fn truncated_keys_are_explained() {
    let Some(openssl) = Openssl::find() else {
        return;
    };
    let pem = key_pem(&openssl);
    let lines: Vec<&str> = pem.lines().collect();
    let half = lines[..lines.len() / 2].join("\n");
    refused(
        PrivateKey::from_pem(&half),
        "invalid private key: truncated: -----BEGIN PRIVATE KEY----- has no -----END PRIVATE KEY-----",
    );
    refused(
        PrivateKey::from_pem(&format!("{half}\n{pem}")),
        "invalid private key: truncated, or several files in one: -----BEGIN PRIVATE KEY----- is not followed by \
         -----END PRIVATE KEY-----",
    );
    refused(
        PrivateKey::from_pem(&pem.replace("END PRIVATE KEY", "END RSA PRIVATE KEY")),
        "invalid private key: truncated, or several files in one: -----BEGIN PRIVATE KEY----- is not followed by \
         -----END PRIVATE KEY-----",
    );
    let without_a_line = [&lines[..5], &lines[6..]].concat().join("\n");
    let err = PrivateKey::from_pem(&without_a_line)
        .unwrap_err()
        .to_string();
    assert!(
        err.starts_with("invalid private key: truncated DER: expected 12"),
        "{err}"
    );
    assert!(err.contains(" bytes, found 1"), "{err}");
    let base64 = lines[1..lines.len() - 1].concat();
    let one_digit_over = &base64[..base64.len() / 4 * 4 - 7];
    refused(
        PrivateKey::from_pem(&format!(
            "{}\n{one_digit_over}\n-----END PRIVATE KEY-----",
            lines[0]
        )),
        "invalid private key: truncated base64",
    );

    let der = openssl.run("pkey -outform DER", pem.as_bytes());
    let err = PrivateKey::from_der(&der[..700]).unwrap_err().to_string();
    assert_eq!(
        err,
        format!(
            "invalid private key: truncated DER: expected {} bytes, found 700",
            der.len()
        )
    );
    refused(
        PrivateKey::from_der(&[&der[..], b"\n"].concat()),
        "invalid private key: 1 extra bytes after the end of the DER; is this two files in one?",
    );
}

#[test]
fn unreadable_files_are_explained() {
    let Some(openssl) = Openssl::find() else {
        return;
    };
    let err = PrivateKey::from_pem_file(openssl.path("nowhere.pem")).unwrap_err();
    assert!(err.is_file());
    assert_eq!(
        err.to_string(),
        format!(
            "cannot read private key file {}",
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
            &format!("invalid {origin}: {reason}"),
        );
        fs::remove_file(path).unwrap();
    };
    file(b"", "empty input");
    file(
        b"\xff\xfe-\0",
        "UTF-16 text; save the file as UTF-8 or ASCII",
    );
    file(b"-----\xff", "expected PEM, found bytes that are not UTF-8");
    file(
        &[b' '; 65_537],
        "larger than 64 KiB; expected a key or certificate file",
    );
    file(&[b' '; 65_536], "empty input");
    file(
        b"-----BEGIN CERTIFICATE-----\nMIID",
        "truncated: -----BEGIN CERTIFICATE----- has no -----END CERTIFICATE-----",
    );
}

#[test]
fn errors_do_not_show_the_key() {
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
