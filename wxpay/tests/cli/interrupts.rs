//! Ctrl-C at any moment of a write: what the exit code and the message say is true.

use std::{process::Stdio, thread, time::Duration};

use wechatpay_chain::{
    Client, json,
    sandbox::{Fault, Sandbox},
};

use crate::program::{Program, Run};

const REFUNDS: &str = "v3/refund/domestic/refunds";

/// Pays an order of 100 fen.
fn pay(sandbox: &Sandbox, client: &Client, number: &str) {
    let order = json!({ "json": {
        "appid": sandbox.appid(),
        "mchid": sandbox.mchid(),
        "description": "tea",
        "out_trade_no": number,
        "notify_url": "http://127.0.0.1:9/notify",
        "amount": { "total": 100 },
    }});
    client
        .chain("v3/pay/transactions/native")
        .post(order)
        .unwrap();
    sandbox.user_pays(number).unwrap();
}

/// Refunds an order, and interrupts the program after so many milliseconds.
fn refund(program: &Program, number: &str, after: u64) -> Run {
    let options = json!({ "json": {
        "out_trade_no": number, "out_refund_no": number,
        "amount": { "refund": 100, "total": 100, "currency": "CNY" },
    }});
    let arguments = ["post", REFUNDS, "-o", &options.to_string()];
    let mut command = program.command(&arguments);
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The moment is arbitrary: the outcome is checked, whatever it is.
    thread::sleep(Duration::from_millis(after));
    let id = child.id().to_string();
    // It may have ended by itself.
    let _ = std::process::Command::new("kill")
        .args(["-INT", &id])
        .stderr(Stdio::null())
        .status();
    child.wait_with_output().unwrap().into()
}

/// Checks what a run says against what the sandbox knows.
fn check(run: &Run, is_refunded: bool, number: &str) {
    let said = format!(
        "{number}: exit code {}: {}{}",
        run.code, run.stdout, run.stderr
    );
    match run.code {
        0 => assert!(is_refunded, "{said}"),
        6 => assert!(run.stderr.contains("what it did is not known"), "{said}"),
        130 => assert!(!is_refunded && run.stderr.contains("nothing was"), "{said}"),
        // Ended by the signal, before the program could handle it.
        -1 => assert!(!is_refunded && run.stdout.is_empty(), "{said}"),
        _ => panic!("{said}"),
    }
}

/// `WXPAY_INTERRUPTS` says how often; `.ci/long kills` sets it to 50.
#[test]
fn interrupted_write_tells_the_truth() {
    let times = std::env::var("WXPAY_INTERRUPTS").map_or(6, |times| times.parse().unwrap());
    let sandbox = Sandbox::start().unwrap();
    let client = sandbox.client_builder().build().unwrap();
    let program = Program::with(&sandbox);
    let mut codes = Vec::new();
    for at in 0..times {
        let number = format!("tea-{at:04}");
        pay(&sandbox, &client, &number);
        let run = refund(&program, &number, at * 137 % 401);
        let found = client
            .chain(REFUNDS)
            .chain("{out_refund_no}")
            .get(json!({ "out_refund_no": number }));
        check(&run, found.is_ok(), &number);
        codes.push(run.code);
    }
    println!("exit codes: {codes:?}");
}

#[test]
fn write_that_waits_for_its_response_is_unknown_when_interrupted() {
    let sandbox = Sandbox::start().unwrap();
    let client = sandbox.client_builder().build().unwrap();
    let program = Program::with(&sandbox);
    pay(&sandbox, &client, "tea-0001");
    sandbox.inject_at(REFUNDS, Fault::Delay(Duration::from_secs(60)));
    let arguments = ["post", REFUNDS, "-o"];
    let options = json!({ "json": {
        "out_trade_no": "tea-0001", "out_refund_no": "tea-0001",
        "amount": { "refund": 100, "total": 100, "currency": "CNY" },
    }});
    let options = options.to_string();
    let mut command = program.command(&[&arguments[..], &[&options]].concat());
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while !sandbox
        .requests()
        .iter()
        .any(|request| request.path() == "/v3/refund/domestic/refunds")
    {
        thread::sleep(Duration::from_millis(1));
    }
    let id = child.id().to_string();
    let interrupted = std::process::Command::new("kill")
        .args(["-INT", &id])
        .status();
    assert!(interrupted.unwrap().success());
    let run = Run::from(child.wait_with_output().unwrap());
    let told = run.failed(6);
    assert!(
        told.contains("Query its number before you send it again."),
        "{told}"
    );
}
