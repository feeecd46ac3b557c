//! The page of a sandbox, in Chromium. Each test is a script in `tests/page/browser`.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
};

use serde_json::{Value, json};

use crate::{material, npm, program::Program, sandbox::Server};

const TOKEN: &str = "a-token-that-nobody-guesses";

#[test]
fn order_is_paid_by_click_and_its_notification_arrives() {
    browse("pay.cjs");
}

#[test]
fn order_is_paid_by_keyboard_alone() {
    browse("keyboard.cjs");
}

#[test]
fn phone_pays_and_checks_what_a_front_end_passes_to_it() {
    browse("phone.cjs");
}

#[test]
fn refunds_transfers_and_service_orders_are_decided_by_click() {
    browse("decisions.cjs");
}

#[test]
fn wrong_signature_shows_what_differed() {
    browse("sign_error.cjs");
}

#[test]
fn markup_from_outside_is_shown_as_text() {
    browse("markup.cjs");
}

#[test]
fn ten_thousand_requests_stay_usable() {
    browse("many.cjs");
}

#[test]
fn every_view_is_accessible() {
    browse("accessible.cjs");
}

#[test]
fn faults_are_set_seen_and_cleared() {
    browse("faults.cjs");
}

#[test]
fn copied_configuration_is_what_the_command_prints() {
    let program = Program::new();
    let server = Server::start(&program, &[]);
    let keys = program.home().join("keys");
    let real = fs::canonicalize(&keys).unwrap();
    let printed = |language: &str| {
        let arguments = ["sandbox", "config", "--for", language, "--keys"];
        let keys = keys.to_str().unwrap();
        let printed = program.run(&[&arguments[..], &[keys]].concat()).ok();
        // The command follows symbolic links, and the page knows the folder as the sandbox was told.
        printed.replace(real.to_str().unwrap(), keys)
    };
    let languages = ["rust", "php", "node", "python", "go", "java"];
    let printed: Vec<_> = languages.map(|name| json!([name, printed(name)])).into();
    run(
        "setup.cjs",
        &program,
        &server,
        json!({ "printed": printed }),
    );
}

#[test]
fn page_asks_for_the_token_and_refuses_other_hosts() {
    let program = Program::new();
    let server = Server::start(&program, &["--token", TOKEN]);
    run("access.cjs", &program, &server, json!({ "token": TOKEN }));
}

/// Writes the pictures of README and guide: see `CONTRIBUTING.md`.
#[test]
fn screenshots_are_taken_on_request() {
    let Some(folder) = std::env::var_os("WXPAY_SCREENSHOTS") else {
        return;
    };
    // Tests run in the folder of their package, but the variable is of the caller's.
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(folder);
    let program = Program::new();
    let server = Server::start(&program, &[]);
    run(
        "screenshots.cjs",
        &program,
        &server,
        json!({ "folder": folder }),
    );
}

/// Runs a script with the page of a new sandbox.
#[track_caller]
fn browse(script: &str) {
    let program = Program::new();
    let server = Server::start(&program, &[]);
    run(script, &program, &server, json!({}));
}

/// Runs a script with the page of a sandbox. Fails as the script does. Without Chromium or npm, the test is
/// skipped.
#[track_caller]
fn run(script: &str, program: &Program, server: &Server, mut given: Value) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/page");
    let (Some(chromium), Some(modules)) = (chromium(), npm::locked(&folder)) else {
        return;
    };
    given["base_uri"] = server.base_uri().into();
    given["keys"] = json!(program.home().join("keys").join(server.mchid()));
    given["chromium"] = chromium.into();
    // One browser at a time is enough for a machine with few processors.
    static BROWSER: Mutex<()> = Mutex::new(());
    let _guard = BROWSER.lock().unwrap_or_else(PoisonError::into_inner);
    let output = Command::new("node")
        .arg(folder.join("browser").join(script))
        .arg(given.to_string())
        .env("NODE_PATH", modules)
        .stdin(Stdio::null())
        .output()
        .expect("node is installed");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    print!("{}", text(&output.stdout));
    assert!(
        output.status.success(),
        "{script}: {}",
        text(&output.stderr)
    );
}

/// Returns the path of Chromium, or of its relative.
#[track_caller]
fn chromium() -> Option<String> {
    let names = ["chromium", "google-chrome"];
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let found = names.iter().find_map(|name| {
        let mut files = std::env::split_paths(&paths).map(|folder| folder.join(name));
        files.find(|file| file.is_file())
    });
    if found.is_none() {
        material::skipped("Chromium is not installed");
    }
    found.and_then(|path| Some(path.to_str()?.to_owned()))
}
