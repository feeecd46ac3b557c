//! `--data` and `--keys` on a disk that is full or read-only: a small one of its own, in a namespace that no
//! other process sees.

use std::{
    io::Read as _,
    process::{Command, Stdio},
};

use wechatpay_chain::Value;

use super::{Server, native};
use crate::program::{Program, Run};

/// Returns a command that runs `wxpay` with these arguments, after the shell's commands. The disk is the folder
/// `disk`. Returns `None` if this machine does not let users mount anything; the test is then skipped.
fn on_a_disk(program: &Program, before: &str, arguments: &[&str]) -> Option<Command> {
    let mut unshare = Command::new("unshare");
    unshare.args(["--user", "--map-root-user", "--mount"]);
    let may_mount = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "true"])
        .stderr(Stdio::null())
        .status();
    if !may_mount.is_ok_and(|status| status.success()) {
        // Many a container, also of CI.
        println!("skipped: unshare cannot make a namespace for a disk");
        return None;
    }
    std::fs::create_dir_all(program.home().join("disk")).unwrap();
    let wxpay = program.command(arguments);
    let script = format!("set -e; mount -t tmpfs -o size=128k tmpfs disk; {before}; exec \"$@\"");
    unshare.args(["sh", "-c", &script, "sh"]);
    unshare.arg(wxpay.get_program()).args(wxpay.get_args());
    unshare.env_clear().current_dir(program.home());
    for (name, value) in wxpay.get_envs() {
        unshare.env(name, value.unwrap_or_default());
    }
    unshare.stdin(Stdio::null());
    Some(unshare)
}

fn sandbox<'a>(keys: &'a str, data: &'a str) -> [&'a str; 8] {
    [
        "--json", "sandbox", "--port", "0", "--keys", keys, "--data", data,
    ]
}

#[test]
fn disk_that_cannot_be_written_is_an_error_that_names_the_file() {
    for (before, keys, data, expected) in [
        (
            "mount -o remount,ro disk",
            "keys",
            "disk/sandbox.db",
            "cannot use disk/sandbox.db: Read-only file system",
        ),
        (
            "true >disk/sandbox.db; mount -o remount,ro disk",
            "keys",
            "disk/sandbox.db",
            "cannot use disk/sandbox.db: it is read-only",
        ),
        (
            "mount -o remount,ro disk",
            "disk/keys",
            "sandbox.db",
            "Read-only file system",
        ),
        (
            "head -c 128k /dev/zero >disk/full",
            "keys",
            "disk/sandbox.db",
            "cannot use disk/sandbox.db: the disk is full",
        ),
        (
            "head -c 128k /dev/zero >disk/full || true",
            "disk/keys",
            "sandbox.db",
            "No space left on device",
        ),
    ] {
        let program = Program::new();
        let Some(mut command) = on_a_disk(&program, before, &sandbox(keys, data)) else {
            return;
        };
        let run = Run::from(command.output().unwrap());
        assert_eq!(run.stdout, "", "{before}");
        let refused = run.failed(3);
        assert!(refused.contains(expected), "{before}: {refused}");
    }
}

#[test]
fn sandbox_whose_disk_fills_up_says_so_to_everyone() {
    let program = Program::new();
    let arguments = sandbox("keys", "disk/sandbox.db");
    let Some(mut command) = on_a_disk(&program, "true", &arguments) else {
        return;
    };
    let mut server = Server::of(command.stderr(Stdio::piped()));
    let client = server.client(&program);
    let mut orders = (0..1_000).map(|number| {
        let order = native(&server, &format!("full-{number:04}"));
        client.chain("v3/pay/transactions/native").post(order)
    });
    let refused = orders.find_map(Result::err).expect("a disk of 128 kB");
    let message = refused.api().unwrap().message().to_owned();
    assert!(
        message.contains("the journal cannot be written"),
        "{message}"
    );
    drop(orders);
    let status = format!("--sandbox={}", server.base_uri());
    let status = program.run(&["sandbox", "status", &status]).failed(5);
    assert!(status.contains("the sandbox cannot go on"), "{status}");

    server.kill();
    let mut said = String::new();
    let stderr = server.child.stderr.as_mut().unwrap();
    stderr.read_to_string(&mut said).unwrap();
    let warning: Value = serde_json::from_str(&said).expect("one warning");
    let warning = warning["warning"].as_str().unwrap();
    let expected = "cannot write disk/sandbox.db: the disk is full; the sandbox cannot go on";
    assert!(warning.starts_with(expected), "{warning}");
}
