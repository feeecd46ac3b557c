//! The client certificate, with servers that request or require it.

use rsa::pkcs8::{EncodePrivateKey as _, LineEnding};
use serde_json::json;
use wechatpay_chain::{Certificate, ClientBuilder, Identity, Method, Outcome, RetryPolicy};

use crate::fixtures::{
    keys::{self, Pair},
    server::Server,
    tls::{Authority, TlsFront},
};

fn key_pem(pair: &Pair) -> String {
    pair.rsa
        .to_pkcs8_pem(LineEnding::LF)
        .expect("PEM")
        .to_string()
}

/// Returns the merchant's certificate and key as PEM.
fn merchant(authority: &Authority) -> (String, String) {
    (
        authority.certify(keys::MCHID, keys::merchant()),
        key_pem(keys::merchant()),
    )
}

fn builder(front: &TlsFront, authority: &Authority) -> ClientBuilder {
    // `keys::builder` sets `no_proxy`, which cannot be combined with a transport.
    wechatpay_chain::Client::builder()
        .mchid(keys::MCHID)
        .serial(keys::SERIAL)
        .private_key(keys::merchant().private())
        .platform_key(keys::PLATFORM_ID, keys::platform().public())
        .transport(authority.transport())
        .base_uri(front.url())
        .retry(RetryPolicy::none())
}

#[test]
fn security_option_presents_the_client_certificate() {
    let (server, authority) = (Server::always_ok(), Authority::new());
    let front = TlsFront::start(&server, &authority, true);
    let (cert, key) = merchant(&authority);
    let identity = Identity::from_pem(&cert, &key).expect("an identity");
    let client = builder(&front, &authority)
        .client_identity(identity)
        .build()
        .unwrap();

    client
        .chain("v3/a")
        .get(json!({ "security": true }))
        .unwrap();
    let shown = front.shown();
    let own = Certificate::from_pem(&cert).unwrap();
    assert_eq!(shown, [Some(own.as_der().to_vec())]);

    let err = client.chain("v3/a").get(()).unwrap_err();
    assert!(err.is_connect() || err.is_transport(), "{err:?}");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn calls_with_and_without_certificate_share_no_connection() {
    let (server, authority) = (Server::always_ok(), Authority::new());
    let front = TlsFront::start(&server, &authority, false);
    let (cert, key) = merchant(&authority);
    let client = builder(&front, &authority)
        .client_identity(Identity::from_pem(&cert, &key).unwrap())
        .build()
        .unwrap();
    for _ in 0..3 {
        client.chain("v3/plain").get(()).unwrap();
        client
            .chain("v3/shown")
            .get(json!({ "security": true }))
            .unwrap();
    }
    let shown = front.shown();
    assert_eq!(shown.len(), 2, "one connection of each kind");
    assert!(shown[0].is_none() && shown[1].is_some());
    for request in server.requests() {
        assert_eq!(
            request.connection,
            usize::from(request.path() == "/v3/shown")
        );
    }
}

#[test]
fn security_without_an_identity_is_an_error_before_sending() {
    let server = Server::always_ok();
    let chain = server.client().chain("v3/a");
    let err = chain.post(json!({ "security": true })).unwrap_err();
    assert!(
        err.is_config() && err.outcome() == Outcome::NotSent,
        "{err:?}"
    );
    assert!(err.to_string().contains("client_identity"), "{err}");
    assert!(server.requests().is_empty());
    // `prepare` opens no connection, so it needs no certificate.
    chain
        .prepare(Method::POST, json!({ "security": true }))
        .unwrap();
}

#[test]
fn key_that_does_not_match_the_certificate_is_an_error() {
    let authority = Authority::new();
    let (cert, key) = merchant(&authority);
    let other = key_pem(keys::platform());
    let err = Identity::from_pem(&cert, &other).unwrap_err();
    assert!(err.is_key(), "{err:?}");
    assert!(err.to_string().contains("do not match"), "{err}");
    let serial = Certificate::from_pem(&cert).unwrap();
    assert!(err.to_string().contains(serial.serial()), "{err}");

    let err = Identity::from_pem(&key, &cert).unwrap_err();
    assert!(err.to_string().contains("this is a certificate"), "{err}");
    let err = Identity::from_pem_files("none.pem", "none.pem").unwrap_err();
    assert!(
        err.is_file() && err.to_string().contains("none.pem"),
        "{err}"
    );
}

#[test]
fn chain_and_combined_file_are_accepted_in_any_order() {
    let authority = Authority::new();
    let (cert, key) = merchant(&authority);
    let serial = Certificate::from_pem(&cert).unwrap().serial().to_owned();
    for text in [
        format!("{cert}{}", authority.pem),
        format!("{}{cert}", authority.pem),
        format!("{key}{}{cert}", authority.pem),
    ] {
        let key = if text.contains("PRIVATE") {
            &text
        } else {
            &key
        };
        let identity = Identity::from_pem(&text, key).unwrap();
        assert_eq!(identity.certificate().serial(), serial);
        let shown = format!("{identity:?}");
        assert!(
            !shown.contains("PRIVATE") && shown.contains(&serial),
            "{shown}"
        );
    }
    let cut = format!("{cert}{}", &authority.pem[..200]);
    assert!(
        Identity::from_pem(&cut, &key)
            .unwrap_err()
            .to_string()
            .contains("truncated")
    );
}

#[cfg(feature = "pkcs12")]
mod pkcs12 {
    use std::process::Command;

    use wechatpay_chain::PrivateKey;

    use super::*;
    use crate::fixtures::{material, scratch::Scratch};

    /// Returns a folder with the merchant's PEM files, and the authority that issued the certificate.
    fn files() -> (Scratch, Authority) {
        let dir = Scratch::new();
        let authority = Authority::new();
        let (cert, key) = merchant(&authority);
        for (name, text) in [("cert", &cert), ("key", &key), ("ca", &authority.pem)] {
            dir.written(&format!("{name}.pem"), text);
        }
        (dir, authority)
    }

    /// Makes an archive of the merchant's PEM files. Returns `None` if the program cannot.
    fn archive_by(dir: &Scratch, program: &str, args: &[&str]) -> Option<Vec<u8>> {
        let out = dir.file("out.p12");
        let _ = std::fs::remove_file(&out);
        let run = Command::new(program)
            .args(args)
            .current_dir(dir.path())
            .output();
        match run {
            Ok(run) if run.status.success() => Some(std::fs::read(out).expect("an archive")),
            other => {
                println!("skipped: {program} {args:?}: {other:?}");
                None
            }
        }
    }

    /// Runs the openssl commands that an error message gives, in order.
    fn run_advice(dir: &Scratch, advice: &str) {
        let commands = advice.split("openssl ").skip(1);
        for command in commands {
            let end = command.find([';', '(', '&']).unwrap_or(command.len());
            // Without these arguments openssl would ask for the password at the terminal.
            let password = match command.contains("-export") {
                true => "-passout pass:1900000109",
                false => "-passin pass:1900000109",
            };
            let run = Command::new("openssl")
                .args(command[..end].split_whitespace())
                .args(password.split(' '))
                .current_dir(dir.path())
                .output()
                .expect("openssl runs");
            let stderr = String::from_utf8_lossy(&run.stderr);
            assert!(run.status.success(), "{command}: {stderr}");
        }
    }

    #[test]
    fn advice_for_archives_with_old_ciphers_works() {
        if !material::has_program("openssl") {
            return;
        }
        let (dir, _) = files();
        for cipher in ["PBE-SHA1-RC4-128", "PBE-SHA1-RC4-40", "PBE-SHA1-2DES"] {
            let old = ["-legacy", "-keypbe", cipher, "-certpbe", cipher];
            let archive = archive_by(&dir, "openssl", &[&EXPORT[..], &old].concat());
            let archive = archive.expect("openssl knows the old ciphers");
            let err = Identity::from_pkcs12(&archive, "1900000109").unwrap_err();
            dir.written("old.p12", &archive);
            run_advice(&dir, &err.to_string());
            let new = std::fs::read(dir.file("new.p12")).expect("an archive");
            Identity::from_pkcs12(&new, "1900000109").expect("an identity");

            // The same archive where PEM or DER is expected.
            let err = PrivateKey::from_der(&archive).unwrap_err();
            dir.written("apiclient_cert.p12", &archive);
            run_advice(&dir, &err.to_string());
            PrivateKey::from_pem_file(dir.file("apiclient_key.pem")).expect("a key");
            let err = Certificate::from_der(&archive).unwrap_err();
            run_advice(&dir, &err.to_string());
            Certificate::from_pem_file(dir.file("apiclient_cert.pem")).expect("a certificate");
        }
    }

    const EXPORT: [&str; 12] = [
        "pkcs12",
        "-export",
        "-in",
        "cert.pem",
        "-inkey",
        "key.pem",
        "-certfile",
        "ca.pem",
        "-passout",
        "pass:1900000109",
        "-out",
        "out.p12",
    ];

    #[test]
    fn archives_of_openssl_and_java_work() {
        if !material::has_program("openssl") {
            return;
        }
        let (dir, authority) = files();
        let with = |more: &[&'static str]| [&EXPORT[..], more].concat();
        let mut archives = Vec::new();
        for args in [
            with(&[]),
            with(&["-legacy"]),
            with(&["-legacy", "-descert"]),
            with(&[
                "-keypbe",
                "AES-128-CBC",
                "-certpbe",
                "AES-192-CBC",
                "-macalg",
                "sha512",
            ]),
            with(&["-keypbe", "NONE", "-certpbe", "NONE"]),
            with(&["-nomac", "-iter", "1"]),
        ] {
            archives.extend(
                archive_by(&dir, "openssl", &args).map(|archive| (args.join(" "), archive)),
            );
        }
        assert!(archives.len() >= 5, "openssl made {}", archives.len());
        dir.written("in.p12", &archives[0].1);
        let keytool = [
            "-importkeystore",
            "-srckeystore",
            "in.p12",
            "-srcstorepass",
            "1900000109",
            "-destkeystore",
            "out.p12",
            "-deststorepass",
            "1900000109",
            "-deststoretype",
            "PKCS12",
            "-noprompt",
        ];
        archives.extend(
            archive_by(&dir, "keytool", &keytool).map(|archive| ("keytool".into(), archive)),
        );

        let serial = Certificate::from_pem_file(dir.file("cert.pem"))
            .unwrap()
            .serial()
            .to_owned();
        let server = Server::always_ok();
        let front = TlsFront::start(&server, &authority, true);
        for (how, archive) in &archives {
            let identity = Identity::from_pkcs12(archive, keys::MCHID)
                .unwrap_or_else(|err| panic!("{how}: {err}"));
            assert_eq!(identity.certificate().serial(), serial);
            let err = Identity::from_pkcs12(archive, "1900000108").err();
            let text = err.map(|err| err.to_string()).unwrap_or_default();
            let unprotected = how.contains("NONE");
            assert!(text.contains("wrong password"), "{how}: {text:?}");
            assert!(!text.contains("1900000108") || unprotected, "{text}");
            let client = builder(&front, &authority)
                .client_identity_pkcs12(archive.clone())
                .build()
                .unwrap();
            client
                .chain("v3/a")
                .get(json!({ "security": true }))
                .unwrap();
        }
        assert_eq!(server.requests().len(), archives.len());
    }

    #[test]
    fn damaged_archive_is_an_error_without_a_panic() {
        let dir = Scratch::new();
        let (cert, key) = merchant(&Authority::new());
        dir.written("cert.pem", cert);
        dir.written("ca.pem", "");
        dir.written("key.pem", key);
        let args = [&EXPORT[..6], &EXPORT[8..], &["-nomac", "-iter", "1"]].concat();
        let Some(archive) = archive_by(&dir, "openssl", &args) else {
            return;
        };
        for end in (0..archive.len()).step_by(7) {
            assert!(Identity::from_pkcs12(&archive[..end], keys::MCHID).is_err());
        }
        for at in (0..archive.len()).step_by(5) {
            let mut altered = archive.clone();
            altered[at] ^= 0x81;
            let _ = Identity::from_pkcs12(&altered, keys::MCHID);
        }
    }

    #[test]
    fn builder_error_says_what_the_archive_needs() {
        let build = |builder: ClientBuilder| builder.build().err().unwrap().to_string();
        let builder =
            || wechatpay_chain::Client::builder().client_identity_pkcs12(b"-----BEGIN".to_vec());
        assert!(
            build(builder())
                .contains("`client_identity_pkcs12` uses the `mchid` as the password: set it")
        );
        assert!(
            build(builder().mchid(keys::MCHID))
                .contains("expected PKCS#12, found PEM; use from_pem")
        );
    }
}
