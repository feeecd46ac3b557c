//! The sandbox, called by another client: the npm package `wechatpay-axios-plugin`.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use wechatpay_chain::sandbox::{Fault, Sandbox};

use crate::fixtures::{npm, scratch::Scratch};

const SCRIPT: &str = include_str!("../../../node/sandbox.cjs");

#[test]
fn axios_plugin_completes_every_flow() {
    let Some(modules) = npm::installed("wechatpay-axios-plugin@0.9.6") else {
        return;
    };
    let sandbox = Sandbox::start().unwrap();
    let scratch = Scratch::new();
    let mut node = Command::new("node")
        .arg(scratch.written("sandbox.cjs", SCRIPT))
        .env("NODE_PATH", modules)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut to_node = node.stdin.take().unwrap();
    let from_node = BufReader::new(node.stdout.take().unwrap());
    let mut send = |value: &Value| writeln!(to_node, "{value}").unwrap();

    // The script has no access to the handle, so it requests each action of the user with one line.
    send(&json!({
        "baseUri": sandbox.base_uri(),
        "mchid": sandbox.mchid(),
        "appid": sandbox.appid(),
        "serial": sandbox.serial(),
        "privateKey": sandbox.private_key_pem().unwrap(),
        "platformKeyId": sandbox.platform_key_id(),
        "platformKey": sandbox.platform_key_pem(),
    }));
    let mut finished = false;
    for line in from_node.lines() {
        let command: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let order = command["order"].as_str().unwrap();
        match command["what"].as_str().unwrap() {
            "confirm" => sandbox.user_confirms(order).unwrap(),
            "pay" => sandbox.user_pays(order).unwrap(),
            "damage" => sandbox.inject(Fault::BadSignature),
            "finish" => finished = true,
            other => panic!("unknown command {other}"),
        }
        send(&json!("done"));
    }
    assert!(
        node.wait().unwrap().success() && finished,
        "the script failed: see its error above"
    );
    assert_eq!(sandbox.order_state("axios_0001").unwrap(), "DONE");
    assert_eq!(sandbox.order_state("axios_native_0002").unwrap(), "CLOSED");
}
