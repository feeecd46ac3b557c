//! What a certificate says, against openssl.

use std::time::{Duration, SystemTime};

use super::{Openssl, key_pem};
use crate::base::crypto::Certificate;

#[test]
fn serials_match_openssl() {
    let Some(openssl) = Openssl::find() else {
        return;
    };
    openssl.write("key.pem", key_pem(&openssl));
    for serial in [
        "5157F09EFDC096DE15EBE81A47057A7232F1B8E1",
        "0A57F09EFDC096DE15EBE81A47057A7232F1B8E1",
        "FF57F09EFDC096DE15EBE81A47057A7232F1B8E1",
        "80",
        "7F",
        "01",
        "00",
        "0100",
        "00FF",
    ] {
        let pem = openssl.text(
            &format!("req -x509 -new -key key.pem -subj /CN=x -set_serial 0x{serial}"),
            b"",
        );
        let certificate = Certificate::from_pem(&pem).unwrap();
        let line = openssl.text("x509 -noout -serial", pem.as_bytes());
        assert_eq!(format!("serial={}", certificate.serial()), line.trim());
        let expected = serial
            .strip_prefix("00")
            .filter(|rest| !rest.is_empty())
            .unwrap_or(serial);
        assert_eq!(certificate.serial(), expected);
    }
}

#[test]
fn validity_matches_the_certificate() {
    let Some(openssl) = Openssl::find() else {
        return;
    };
    openssl.write("key.pem", key_pem(&openssl));
    // X.509 writes years before 2050 with two digits, later ones with four.
    for days in [1826, 20_000] {
        let before = SystemTime::now();
        let pem = openssl.text(
            &format!("req -x509 -new -key key.pem -subj /CN=x -days {days}"),
            b"",
        );
        let certificate = Certificate::from_pem(&pem).unwrap();
        let slack = Duration::from_secs(5);
        assert!(certificate.not_before() + slack > before);
        assert!(certificate.not_before() < before + slack);
        let life = certificate
            .not_after()
            .duration_since(certificate.not_before())
            .unwrap();
        assert_eq!(life, Duration::from_secs(days * 86_400));
    }
}

#[test]
fn first_certificate_is_read_and_keys_are_skipped() {
    let Some(openssl) = Openssl::find() else {
        return;
    };
    openssl.write("key.pem", key_pem(&openssl));
    let certificate = |serial| {
        openssl.text(
            &format!("req -x509 -new -key key.pem -subj /CN=x -set_serial {serial}"),
            b"",
        )
    };
    let text = format!(
        "{}\n{}\n{}",
        key_pem(&openssl),
        certificate(17),
        certificate(18)
    );
    assert_eq!(Certificate::from_pem(&text).unwrap().serial(), "11");
}

#[test]
fn debug_shows_serial_and_validity() {
    let Some(openssl) = Openssl::find() else {
        return;
    };
    openssl.write("key.pem", key_pem(&openssl));
    let pem = openssl.text(
        "req -x509 -new -key key.pem -subj /CN=x -set_serial 17",
        b"",
    );
    let shown = format!("{:?}", Certificate::from_pem(&pem).unwrap());
    assert!(
        shown.starts_with("Certificate { serial: \"11\", not_before: "),
        "{shown}"
    );
}
