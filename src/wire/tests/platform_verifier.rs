//! The platform verifier trusts what the operating system trusts, and only when it is asked to.
//!
//! On Linux, `SSL_CERT_FILE` says what that is. The verifier reads it from the environment, which
//! cannot be changed safely while other tests run, so what depends on it runs in a child process.

use std::{
    env, fs,
    path::Path,
    process::{self, Command},
    sync::Arc,
};

use http::Method;

use super::{
    super::{Failure, Stage, Transport},
    Attempt, runtime, send,
    server::Server,
    tls::{Authority, serve},
};

/// The ports of a server whose CA the system trusts, and of one whose CA it does not.
const PORTS: &str = "WECHATPAY_CHAIN_TEST_PORTS";
/// The PEM of the second server's CA.
const OTHER_CA: &str = "WECHATPAY_CHAIN_TEST_CA";

#[test]
fn platform_verifier_trusts_the_systems_ca() {
    let (system, other) = (Arc::new(Authority::new()), Arc::new(Authority::new()));
    let (trusted, stranger) = (serve(Arc::clone(&system)), serve(Arc::clone(&other)));
    let file = env::temp_dir().join(format!("wechatpay-chain-ca-{}.pem", process::id()));
    fs::write(&file, system.pem()).unwrap();
    let result = run(
        "systems_ca",
        &file,
        (&trusted, &stranger, other.pem().to_owned()),
    );
    fs::remove_file(&file).unwrap();
    result.unwrap();
}

#[test]
fn build_fails_if_the_system_has_no_certificates() {
    let authority = Arc::new(Authority::new());
    let server = serve(Arc::clone(&authority));
    let nowhere = Path::new("/nonexistent/ca.pem");
    run("no_cas", nowhere, (&server, &server, String::new())).unwrap();
}

/// Runs one of the tests below in a process whose system trusts the CAs in `file`.
fn run(
    name: &str,
    file: &Path,
    (trusted, stranger, other_ca): (&Server, &Server, String),
) -> Result<(), String> {
    let output = Command::new(env::current_exe().unwrap())
        .args(["--ignored", "--exact"])
        .arg(format!("wire::tests::platform_verifier::{name}"))
        .env("SSL_CERT_FILE", file)
        .env_remove("SSL_CERT_DIR")
        .env(PORTS, format!("{} {}", trusted.port, stranger.port))
        .env(OTHER_CA, other_ca)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    // A test that was renamed would be filtered out, and that is a success too.
    match output.status.success() && text.contains("1 passed") {
        true => Ok(()),
        false => Err(text + &String::from_utf8_lossy(&output.stderr)),
    }
}

#[test]
#[ignore = "run by another test, in a process with its own environment"]
fn systems_ca() {
    let Ok(ports) = env::var(PORTS) else { return };
    let (trusted, stranger) = ports.split_once(' ').unwrap();
    let other_ca = env::var(OTHER_CA).unwrap();
    let builder = || Transport::builder().no_proxy();
    let built_in = builder().build().unwrap();
    let off = builder().platform_verifier(false).build().unwrap();
    let on = builder().platform_verifier(true).build().unwrap();
    let both = builder()
        .root_certificates_pem(&other_ca)
        .platform_verifier(true)
        .build()
        .unwrap();
    runtime().block_on(async {
        for (transport, port, expected) in [
            (&built_in, trusted, false),
            (&off, trusted, false),
            (&on, trusted, true),
            (&on, stranger, false),
            (&both, trusted, true),
            (&both, stranger, true),
        ] {
            match https(transport, port.parse().unwrap()).await {
                Ok(()) => assert!(expected, "{port}"),
                Err(failure) => {
                    assert!(!expected, "{port}: {failure:?}");
                    assert_eq!((failure.stage, failure.written), (Stage::Tls, false));
                    // The second one where the system's CA has the same name and another key.
                    let text = failure.to_string();
                    let texts = ["unknown CA", "is not valid"];
                    assert!(texts.iter().any(|part| text.contains(part)), "{text}");
                }
            }
        }
    });
}

#[test]
#[ignore = "run by another test, in a process with its own environment"]
fn no_cas() {
    if env::var_os(PORTS).is_none() {
        return;
    }
    let builder = Transport::builder().no_proxy().platform_verifier(true);
    let error = builder.build().unwrap_err();
    assert!(error.is_config());
    let text = error.to_string();
    assert!(text.contains("the operating system trusts"), "{text}");
    Transport::builder().no_proxy().build().unwrap();
}

async fn https(transport: &Transport, port: u16) -> Result<(), Failure> {
    let mut attempt = Attempt::new(Method::GET, port, "/");
    attempt.destination.origin.https = true;
    attempt.destination.origin.host = "localhost".to_owned();
    send(transport, attempt).await.map(drop)
}
