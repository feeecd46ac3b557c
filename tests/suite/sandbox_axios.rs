//! The sandbox, called by a client that is not ours: the npm package `wechatpay-axios-plugin`.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use wechatpay_chain::sandbox::{Fault, Sandbox};

use super::{npm, scratch::Scratch};

const SCRIPT: &str = include_str!("../node/sandbox.cjs");

#[test]
fn another_client_goes_the_whole_way() {
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
    let mut say = |value: &Value| writeln!(to_node, "{value}").unwrap();

    say(&json!({
        "baseUri": sandbox.base_uri(),
        "mchid": sandbox.mchid(),
        "appid": sandbox.appid(),
        "serial": sandbox.serial(),
        "privateKey": sandbox.private_key_pem().unwrap(),
        "platformKeyId": sandbox.platform_key_id(),
        "platformKey": sandbox.platform_public_key_pem(),
    }));
    let mut finished = false;
    for line in from_node.lines() {
        let asked: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let order = asked["order"].as_str().unwrap();
        match asked["what"].as_str().unwrap() {
            "confirm" => sandbox.user_confirms(order).unwrap(),
            "pay" => sandbox.user_pays(order).unwrap(),
            "spoil" => sandbox.inject(Fault::BadSignature),
            "finish" => finished = true,
            other => panic!("{other}"),
        }
        say(&json!("done"));
    }
    assert!(
        node.wait().unwrap().success() && finished,
        "see node's error above"
    );
    assert_eq!(sandbox.order_state("axios_0001").unwrap(), "DONE");
    assert_eq!(sandbox.order_state("axios_native_0002").unwrap(), "CLOSED");
}
