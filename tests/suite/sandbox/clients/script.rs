//! A client in another language: a program that calls the sandbox over the wire, and its handle over a pipe.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};
use wechatpay_chain::sandbox::{
    DeliveryFault, Fault, MerchantOptions, PlatformMode, RefundFailure, Rotation, Sandbox,
};

/// Runs a client of this sandbox until it has finished. `exported` is where its keys are: see [`run`].
#[track_caller]
pub fn complete(program: &mut Command, sandbox: &Sandbox, exported: &Path) {
    run(program, |what, args| call(sandbox, what, args, exported));
}

/// Runs a program that has no access to the handle of the sandbox, until it has finished.
///
/// For each method, it writes a line `{"what":…,"args":[…]}` and reads the line `{"result":…}`. The last
/// one is `finish`.
#[track_caller]
pub fn run(program: &mut Command, mut call: impl FnMut(&str, &[Value]) -> Value) {
    let mut child = program
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut to_program = child.stdin.take().unwrap();
    let from_program = BufReader::new(child.stdout.take().unwrap());
    let mut has_finished = false;
    for line in from_program.lines() {
        let command: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let args = command["args"].as_array().unwrap();
        let result = match text(&command["what"]) {
            "finish" => {
                has_finished = true;
                Value::Null
            }
            what => call(what, args),
        };
        writeln!(to_program, "{}", json!({ "result": result })).unwrap();
    }
    let succeeded = child.wait().unwrap().success();
    assert!(
        succeeded && has_finished,
        "the program failed: see its error above"
    );
}

/// Calls a method of the handle, and waits until the notifications have arrived.
pub fn call(sandbox: &Sandbox, what: &str, args: &[Value], exported: &Path) -> Value {
    let result = act(sandbox, what, args, exported);
    sandbox.settle().unwrap();
    result
}

fn act(sandbox: &Sandbox, what: &str, args: &[Value], exported: &Path) -> Value {
    let at = |nth: usize| text(&args[nth]);
    let done = match what {
        // The notifications of what the program itself did arrive.
        "settle" => Ok(()),
        "advance" => {
            sandbox.advance(Duration::from_secs(args[0].as_u64().unwrap()));
            Ok(())
        }
        // What a merchant can spend.
        "available" => return sandbox.balance(at(0)).unwrap().available.into(),
        "auth_code" => return sandbox.auth_code().into(),
        "user_pays" => sandbox.user_pays(at(0)),
        "user_confirms" => sandbox.user_confirms(at(0)),
        "user_pays_with_coupon" => sandbox.user_pays_with_coupon(at(0), at(1)),
        "applyment_passes" => return sandbox.applyment_passes(at(0)).unwrap().into(),
        "settlement_change_succeeds" => sandbox.settlement_change_succeeds(at(0)),
        "user_opens_permission" => sandbox.user_opens_permission(at(0)),
        "user_closes_permission" => sandbox.user_closes_permission(at(0)),
        "user_complains" => return sandbox.user_complains(at(0), at(1)).unwrap().into(),
        "user_asks_for_refund" => {
            let fen = args[1].as_u64().unwrap();
            let asked = sandbox.user_asks_for_refund(at(0), fen, at(2));
            return asked.unwrap().into();
        }
        "user_enters_password" => sandbox.user_enters_password(at(0)),
        "user_confirms_transfer" => sandbox.user_confirms_transfer(at(0)),
        "transfer_succeeds" => sandbox.transfer_succeeds(at(0)),
        "transfer_fails" => sandbox.transfer_fails(at(0), at(1)),
        "transfer_is_cancelled" => sandbox.transfer_is_cancelled(at(0)),
        "batch_finishes" => sandbox.batch_finishes(at(0)),
        "refund_fails" => sandbox.refund_fails(at(0), RefundFailure::Abnormal),
        "user_opens_red_packet" => sandbox.user_opens_red_packet(at(0)),
        "platform_mode" => sandbox.platform_mode(at(0), mode(at(1))),
        "rotate_certificates" => sandbox.rotate_certificates(at(0), rotation(at(1))),
        "damage_response" => {
            sandbox.inject(Fault::BadSignature);
            Ok(())
        }
        "damage_notification" => {
            sandbox.inject_delivery(damage(at(0)));
            Ok(())
        }
        "notify" => {
            let sent = sandbox.notify_to(sandbox.mchid(), at(0), args[2].clone(), at(1));
            sent.map(drop)
        }
        "export" => sandbox.export(exported),
        // All of its notifications go to one URL.
        "add_merchant" => {
            let merchant = MerchantOptions::new(at(0)).notify_url("*", at(1));
            let added = sandbox.add_merchant(merchant);
            added.and_then(|_| sandbox.export(exported))
        }
        other => panic!("unknown method {other}"),
    };
    done.unwrap_or_else(|err| panic!("{what} {args:?}: {err}"));
    Value::Null
}

fn mode(name: &str) -> PlatformMode {
    match name {
        "certificate" => PlatformMode::Certificate,
        "public key" => PlatformMode::PublicKey,
        "both" => PlatformMode::Both,
        other => panic!("unknown mode {other}"),
    }
}

fn rotation(name: &str) -> Rotation {
    match name {
        "old" => Rotation::Old,
        "both" => Rotation::Both,
        "new" => Rotation::New,
        other => panic!("unknown rotation {other}"),
    }
}

fn damage(name: &str) -> DeliveryFault {
    match name {
        "bad signature" => DeliveryFault::BadSignature,
        "probe" => DeliveryFault::Probe,
        "wrong key" => DeliveryFault::WrongKey,
        "other APIv3 key" => DeliveryFault::WrongApiv3Key,
        other => panic!("unknown fault {other}"),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}
