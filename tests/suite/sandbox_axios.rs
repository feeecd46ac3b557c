//! The sandbox, called by a client that is not ours: the npm package `wechatpay-axios-plugin`.

use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use wechatpay_chain::sandbox::{Fault, Sandbox};

const SCRIPT: &str = include_str!("../node/sandbox.cjs");
const PACKAGE: &str = "wechatpay-axios-plugin@0.9.6";

#[test]
fn another_client_goes_the_whole_way() {
    let Some(folder) = installed() else { return };
    let sandbox = Sandbox::start().unwrap();
    let script = folder.join("sandbox.cjs");
    std::fs::write(&script, SCRIPT).unwrap();
    let mut node = Command::new("node")
        .arg(&script)
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

/// The folder with the package in it; `None`, and a line that says so, where there is no way to it.
fn installed() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("wechatpay-axios-plugin");
    if folder.join("node_modules/wechatpay-axios-plugin").is_dir() {
        return Some(folder);
    }
    std::fs::create_dir_all(&folder).unwrap();
    let npm = Command::new("npm")
        .args([
            "install",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            "--prefix",
        ])
        .arg(&folder)
        .arg(PACKAGE)
        .output();
    match npm {
        Ok(output) if output.status.success() => Some(folder),
        Ok(output) => {
            let why = String::from_utf8_lossy(&output.stderr);
            println!("left out: npm did not install {PACKAGE}: {why}");
            None
        }
        Err(err) => {
            println!("left out: there is no npm: {err}");
            None
        }
    }
}
