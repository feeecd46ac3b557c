//! The sandbox, called by another client: the Python package `wechatpayv3`, blocking and async, with the
//! platform's public key and with platform certificates. The flows are in `tests/python`.

use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};
use wechatpay_chain::sandbox::{
    DeliveryFault, Fault, MerchantOptions, PlatformMode, RefundFailure, Rotation, Sandbox,
};

use crate::fixtures::{material, pip, scratch::Scratch};

const SHOP: &str = "1900000111";
const PARTNER: &str = "1900000109";
const SUB_MCHID: &str = "1900000110";

#[test]
fn blocking_client_with_the_public_key_completes_every_flow() {
    complete_flows(PlatformMode::PublicKey, false);
}

#[test]
fn blocking_client_with_certificates_completes_every_flow() {
    complete_flows(PlatformMode::Certificate, false);
}

#[test]
fn async_client_with_the_public_key_completes_every_flow() {
    complete_flows(PlatformMode::PublicKey, true);
}

#[test]
fn async_client_with_certificates_completes_every_flow() {
    complete_flows(PlatformMode::Certificate, true);
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

fn complete_flows(mode: PlatformMode, is_async: bool) {
    let Some(interpreter) = interpreter() else {
        return;
    };
    let scratch = Scratch::new();
    let mut python = Command::new(interpreter)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/sandbox.py"))
        // Its requests go to this machine alone.
        .env("NO_PROXY", "127.0.0.1")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        // The package uses properties of certificates that will be renamed.
        .env("PYTHONWARNINGS", "ignore::UserWarning")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut to_python = python.stdin.take().unwrap();
    let from_python = BufReader::new(python.stdout.take().unwrap());

    // The program has no access to the handle, so it requests each method with one line.
    let mut sandbox = None;
    let mut has_finished = false;
    for line in from_python.lines() {
        let command: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let args = command["args"].as_array().unwrap();
        let result = match (command["what"].as_str().unwrap(), &sandbox) {
            ("start", None) => {
                let started = start(mode, text(&args[0]));
                let about = describe(&started, mode, is_async, &scratch);
                sandbox = Some(started);
                about
            }
            ("finish", Some(_)) => {
                has_finished = true;
                Value::Null
            }
            (what, Some(sandbox)) => {
                let result = act(sandbox, what, args);
                sandbox.settle().unwrap();
                result
            }
            (what, None) => panic!("{what} before the start"),
        };
        writeln!(to_python, "{}", json!({ "result": result })).unwrap();
    }
    let succeeded = python.wait().unwrap().success();
    assert!(
        succeeded && has_finished,
        "the program failed: see its error above"
    );
    // Nothing of the flows was answered without a state.
    let sandbox = sandbox.unwrap();
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

/// Exports the keys of each merchant, as for any program that is not a test in Rust.
fn describe(sandbox: &Sandbox, mode: PlatformMode, is_async: bool, scratch: &Scratch) -> Value {
    sandbox.export(scratch.path()).unwrap();
    json!({
        "folder": scratch.path(),
        "merchant": sandbox.mchid(),
        "shop": SHOP,
        "partner": PARTNER,
        "sub_mchid": SUB_MCHID,
        "public_key": mode == PlatformMode::PublicKey,
        "async": is_async,
    })
}

/// Calls a method of the handle.
fn act(sandbox: &Sandbox, what: &str, args: &[Value]) -> Value {
    let at = |nth: usize| text(&args[nth]);
    let done = match what {
        "settle" => Ok(()),
        "advance" => {
            sandbox.advance(Duration::from_secs(args[0].as_u64().unwrap()));
            Ok(())
        }
        "available" => return sandbox.balance(at(0)).unwrap().available.into(),
        "auth_code" => return sandbox.auth_code().into(),
        "user_pays" => sandbox.user_pays(at(0)),
        "user_confirms" => sandbox.user_confirms(at(0)),
        "refund_fails" => sandbox.refund_fails(at(0), RefundFailure::Abnormal),
        "user_confirms_transfer" => sandbox.user_confirms_transfer(at(0)),
        "transfer_succeeds" => sandbox.transfer_succeeds(at(0)),
        "transfer_fails" => sandbox.transfer_fails(at(0), at(1)),
        "transfer_is_cancelled" => sandbox.transfer_is_cancelled(at(0)),
        "batch_finishes" => sandbox.batch_finishes(at(0)),
        "platform_mode" => sandbox.platform_mode(at(0), PlatformMode::Both),
        "export" => sandbox.export(at(0)),
        "rotate_certificates" => {
            let effective = match at(1) {
                "both" => Rotation::Both,
                "new" => Rotation::New,
                other => panic!("unknown rotation {other}"),
            };
            sandbox.rotate_certificates(at(0), effective)
        }
        "damage_response" => {
            sandbox.inject(Fault::BadSignature);
            Ok(())
        }
        "damage_notification" => {
            sandbox.inject_delivery(match at(0) {
                "bad signature" => DeliveryFault::BadSignature,
                "probe" => DeliveryFault::Probe,
                "wrong key" => DeliveryFault::WrongKey,
                "other APIv3 key" => DeliveryFault::WrongApiv3Key,
                other => panic!("unknown fault {other}"),
            });
            Ok(())
        }
        "notify" => {
            let resource = args[2].clone();
            let sent = sandbox.notify_to(sandbox.mchid(), at(0), resource, at(1));
            sent.map(drop)
        }
        other => panic!("unknown method {other}"),
    };
    done.unwrap_or_else(|err| panic!("{what} {args:?}: {err}"));
    Value::Null
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}
