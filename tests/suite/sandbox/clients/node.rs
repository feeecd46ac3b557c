//! Scripts for node, from `tests/node`.

use std::{path::Path, process::Command};

use wechatpay_chain::sandbox::Sandbox;

use super::script;
use crate::fixtures::{npm, scratch::Scratch};

/// Runs a script with an npm package, given as `name@version`, until it has finished: see
/// [`script::complete`]. Its working folder is empty. Returns whether it ran: without node or the package,
/// the test is skipped.
#[track_caller]
pub fn complete(script: &str, package: &str, sandbox: &Sandbox) -> bool {
    let Some(modules) = npm::installed(package) else {
        return false;
    };
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/node");
    let (working, exported) = (Scratch::new(), Scratch::new());
    sandbox.export(exported.path()).unwrap();
    let merchant = exported.file(sandbox.mchid());
    let mut node = Command::new("node");
    node.arg(scripts.join(script))
        .arg(&merchant)
        .current_dir(working.path())
        .env("NODE_PATH", modules)
        .env("NODE_EXTRA_CA_CERTS", merchant.join("ca.pem"));
    script::complete(&mut node, sandbox, exported.path());
    true
}
