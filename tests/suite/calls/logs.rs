//! What a call logs besides its own span: warnings, and the two messages of a failover.

use std::{env, process::Command, thread};

use tokio::runtime::Builder;

use crate::fixtures::{
    keys,
    log::{self, Lines},
    server::{MockResponse, Server, vacant_port},
};

/// Set in the child process of a test. The subscriber is installed for a whole process, and the warning
/// about workers is logged once per process, so these tests need one of their own.
const CHILD: &str = "WECHATPAY_CHAIN_LOGS_CHILD";

/// Runs a test of this file in a process of its own, and returns whether this is that process.
fn is_child(test: &str) -> bool {
    if env::var_os(CHILD).is_some() {
        return true;
    }
    let own = env::current_exe().expect("the path of this program");
    let run = Command::new(own)
        .args(["--exact", &format!("calls::logs::{test}"), "--nocapture"])
        .env(CHILD, "1")
        .output()
        .expect("a child process");
    let out = String::from_utf8_lossy(&run.stdout);
    let err = String::from_utf8_lossy(&run.stderr);
    assert!(
        run.status.success() && out.contains("1 passed"),
        "{out}\n{err}"
    );
    false
}

/// Returns the lines of this library that contain a text.
fn matching(lines: &Lines, text: &str) -> Vec<String> {
    let lines = lines.take().into_iter();
    let own = lines.filter(|(origin, _)| origin.contains("wechatpay_chain"));
    let own = own.map(|(_, line)| line);
    own.filter(|line| line.contains(text)).collect()
}

#[test]
fn blocking_on_a_worker_warns_once() {
    if !is_child("blocking_on_a_worker_warns_once") {
        return;
    }
    let lines = log::install();
    let server = Server::always_ok();
    let chain = server.client().chain("v3/x");
    let warning = "a blocking method was called on a tokio worker thread";

    // Neither of these threads is a worker, so blocking delays nobody.
    chain.get(()).unwrap();
    let threads = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let there = chain.clone();
    let in_blocking_pool = threads.spawn_blocking(move || there.get(()).map(drop));
    threads.block_on(in_blocking_pool).unwrap().unwrap();
    assert!(matching(&lines, warning).is_empty());

    // A worker of either kind of runtime is one. The second call does not warn again.
    let there = chain.clone();
    let on_worker = threads.spawn(async move { there.get(()).map(drop) });
    threads.block_on(on_worker).unwrap().unwrap();
    let warnings = matching(&lines, warning);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].starts_with("WARN "), "{warnings:?}");
    thread::spawn(move || {
        let single = Builder::new_current_thread().enable_all().build().unwrap();
        single.block_on(async { chain.get(()).map(drop) })
    })
    .join()
    .unwrap()
    .unwrap();
    assert!(matching(&lines, warning).is_empty());
}

#[test]
fn failover_and_recovery_have_a_message_each() {
    if !is_child("failover_and_recovery_have_a_message_each") {
        return;
    }
    let lines = log::install();
    let (primary_port, backup_port) = (vacant_port(), vacant_port());
    let backup = Server::at(backup_port, |_| MockResponse::signed(200, "{}"));
    let client = keys::builder()
        .base_uri(format!("http://127.0.0.1:{}/", primary_port))
        .backup_base_uri(backup.url())
        .build()
        .unwrap();
    let chain = client.chain("v3/x");

    chain.get(()).unwrap();
    let messages = matching(&lines, "host");
    assert_eq!(messages, ["WARN message=failing over to the backup host"]);
    // It stays on the backup, which is no news.
    chain.get(()).unwrap();
    assert!(matching(&lines, "host").is_empty());

    drop(backup);
    let _primary = Server::at(primary_port, |_| MockResponse::signed(200, "{}"));
    chain.get(()).unwrap();
    let messages = matching(&lines, "host");
    assert_eq!(
        messages,
        [
            "WARN message=backup host unreachable, trying the primary host",
            "INFO message=primary host recovered"
        ]
    );
}
