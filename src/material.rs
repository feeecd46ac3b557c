//! What tests need beside their own code: files of the repository, and programs of the machine. The
//! tests in `tests/suite` include this file as well.

use std::{
    env, fs,
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
};

use serde_json::Value;

/// Says what a test could not check. Where `WECHATPAY_CHAIN_STRICT` is `1`, the test fails instead.
#[track_caller]
pub fn skipped(why: impl std::fmt::Display) {
    let strict = env::var_os("WECHATPAY_CHAIN_STRICT").is_some_and(|value| value == "1");
    assert!(!strict, "skipped in a strict run: {why}");
    println!("skipped: {why}");
}

/// Whether a program runs here. Where it does not, the test is skipped.
#[track_caller]
pub fn has_program(program: &str) -> bool {
    // Old versions of openssl know no `--version`.
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
        skipped(format_args!("there is no {program} here"));
    }
    found
}

/// What a program writes to its standard output, given `input` on its standard input. `Err` is what
/// it wrote to its standard error, if it fails.
pub fn run(program: &mut Command, input: &[u8]) -> Result<Vec<u8>, String> {
    let mut child = program
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program is installed");
    // A program that does not read its input may have ended already.
    let _ = child.stdin.take().expect("stdin").write_all(input);
    let output = child.wait_with_output().expect("its end");
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

/// A file of the repository, by its path from the root. A published package holds only a part of
/// them: `None`, and the test is skipped.
#[track_caller]
pub fn text(path: &str) -> Option<String> {
    let found = fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path));
    if let Err(err) = &found {
        skipped(format_args!("{path}: {err}"));
    }
    found.ok()
}

/// The lines of a file of JSON lines.
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
