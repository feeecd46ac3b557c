//! What tests need from outside: files of the repository, and programs on the machine.
//!
//! A published package has no fixtures, and a machine may have no node or python3. Tests that need them
//! are then skipped, with a message. The tests in `tests/suite` include this file too.

use std::{
    env, fs,
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
};

use serde_json::Value;

/// Prints why a test is skipped. Fails the test if `WECHATPAY_CHAIN_STRICT` is `1`, as in CI, so that a
/// missing program does not pass for a success.
#[track_caller]
pub fn skipped(why: impl std::fmt::Display) {
    let strict = env::var_os("WECHATPAY_CHAIN_STRICT").is_some_and(|value| value == "1");
    assert!(!strict, "skipped in a strict run: {why}");
    println!("skipped: {why}");
}

/// Returns whether a program is installed. If it is not, the test counts as skipped.
#[track_caller]
pub fn has_program(program: &str) -> bool {
    // Old versions of openssl do not know `--version`.
    let argument = match program {
        "openssl" => "version",
        _ => "--version",
    };
    let found = Command::new(program)
        .arg(argument)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !found {
        skipped(format_args!("{program} is not installed"));
    }
    found
}

/// Runs a program with `input` on its standard input, and returns its standard output. If it fails,
/// returns its standard error as `Err`.
pub fn run(program: &mut Command, input: &[u8]) -> Result<Vec<u8>, String> {
    let mut child = program
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program is installed");
    // Fails if the program ends without reading its input, which is fine.
    let _ = child.stdin.take().expect("stdin").write_all(input);
    let output = child.wait_with_output().expect("the output");
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

/// Reads a file of the repository, by its path from the root. A published package does not have all of
/// them: then returns `None`, and the test counts as skipped.
#[track_caller]
pub fn text(path: &str) -> Option<String> {
    let found = fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path));
    if let Err(err) = &found {
        skipped(format_args!("{path}: {err}"));
    }
    found.ok()
}

/// Reads a file of JSON lines.
#[track_caller]
pub fn lines(path: &str) -> Option<Vec<Value>> {
    let text = text(path)?;
    let lines = text.lines();
    Some(
        lines
            .map(|line| serde_json::from_str(line).expect("a line of JSON"))
            .collect(),
    )
}
