//! The sandbox, called by another client: the Python package `wechatpayv3`, blocking and async, with the
//! platform's public key and with platform certificates. The flows are in `tests/python`.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::json;
use wechatpay_chain::sandbox::{MerchantOptions, PlatformMode, Sandbox};

use super::script;
use crate::fixtures::{material, pip, scratch::Scratch};

const SHOP: &str = "1900000111";
const PARTNER: &str = "1900000109";
const SUB_MCHID: &str = "1900000110";

#[test]
fn blocking_client_with_the_public_key_completes_every_flow() {
    complete_flows(PlatformMode::PublicKey, false, false);
}

#[test]
fn blocking_client_with_certificates_completes_every_flow() {
    complete_flows(PlatformMode::Certificate, false, false);
}

#[test]
fn async_client_with_the_public_key_completes_every_flow() {
    complete_flows(PlatformMode::PublicKey, true, false);
}

#[test]
fn async_client_with_certificates_completes_every_flow() {
    complete_flows(PlatformMode::Certificate, true, false);
}

#[test]
fn unchanged_blocking_client_completes_every_flow_through_the_proxy() {
    complete_flows(PlatformMode::PublicKey, false, true);
}

#[test]
fn unchanged_async_client_completes_every_flow_through_the_proxy() {
    complete_flows(PlatformMode::Certificate, true, true);
}

#[test]
fn client_of_the_guide_calls_the_sandbox() {
    let (Some(guide), Some(python)) = (material::text("docs/guide/en/testing.md"), interpreter())
    else {
        return;
    };
    let code = guide.split("```python\n").nth(1).unwrap();
    let code = code.split("```").next().unwrap();
    let pay = "print(client.pay(description='茶', out_trade_no='guide-0001', amount={'total': 1}))";
    let scratch = Scratch::new();
    let script = scratch.written("guide.py", format!("{code}{pay}\n"));
    let sandbox = Sandbox::start().unwrap();
    sandbox.export(scratch.path()).unwrap();
    let mut command = Command::new(python);
    command.arg(script).arg(scratch.file(sandbox.mchid()));
    let output = material::run(command.env("NO_PROXY", "127.0.0.1"), b"").unwrap();
    let output = String::from_utf8_lossy(&output);
    assert!(output.starts_with("(200, "), "{output}");
    assert_eq!(sandbox.order_state("guide-0001").unwrap(), "NOTPAY");
}

/// Returns a Python that has the package.
#[track_caller]
fn interpreter() -> Option<PathBuf> {
    pip::with_packages(&material::text("tests/python/requirements.txt")?)
}

fn complete_flows(mode: PlatformMode, is_async: bool, is_proxied: bool) {
    let Some(interpreter) = interpreter() else {
        return;
    };
    let exported = Scratch::new();
    let mut python = Command::new(interpreter);
    python
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/sandbox.py"))
        // Its requests go to this machine alone.
        .env("NO_PROXY", "127.0.0.1")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        // The package uses properties of certificates that will be renamed.
        .env("PYTHONWARNINGS", "ignore::UserWarning");
    // The sandbox must know where the program receives notifications.
    let mut started = None;
    script::run(&mut python, |what, args| match (what, &started) {
        ("start", None) => {
            let sandbox = start(mode, args[0].as_str().unwrap());
            sandbox.export(exported.path()).unwrap();
            let about = json!({
                "folder": exported.path(),
                "merchant": sandbox.mchid(),
                "shop": SHOP,
                "partner": PARTNER,
                "sub_mchid": SUB_MCHID,
                "public_key": mode == PlatformMode::PublicKey,
                "async": is_async,
                "proxy": is_proxied.then(|| sandbox.proxy_uri().unwrap()),
                "ca": exported.path().join(sandbox.mchid()).join("ca.pem"),
            });
            started = Some(sandbox);
            about
        }
        (what, Some(sandbox)) => script::call(sandbox, what, args, exported.path()),
        (what, None) => panic!("{what} before the start"),
    });
    let sandbox = started.unwrap();
    assert_eq!(sandbox.order_state("py-native-2").unwrap(), "CLOSED");
    assert_eq!(sandbox.order_state("pyscore1").unwrap(), "DONE");
}

/// Starts a sandbox with a merchant, a receiver of profit sharing and a service provider.
fn start(mode: PlatformMode, receiver: &str) -> Sandbox {
    let url = |mchid: &str| format!("{receiver}/{mchid}");
    let shop = MerchantOptions::new(SHOP)
        .platform_mode(mode)
        .notify_url("*", url(SHOP));
    let partner = MerchantOptions::new(PARTNER)
        .partner_of([SUB_MCHID])
        .platform_mode(mode);
    Sandbox::builder()
        .platform_mode(mode)
        .merchant(shop)
        .merchant(partner)
        .start()
        .unwrap()
}
