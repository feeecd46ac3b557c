//! Packages of npm, for clients that are not ours.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
};

use super::material;

/// The `node_modules` folder that holds a package, named with its version. It is installed once and
/// kept from one run to the next; `None` where it cannot be, and the test is skipped.
#[track_caller]
pub fn installed(package: &str) -> Option<PathBuf> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

    if !["node", "npm"].into_iter().all(material::has_program) {
        return None;
    }
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let base = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let folder = base.join(package);
    if !folder.exists() {
        // Another process may install it at the same time. Each does so in a folder of its own; the
        // first to be finished gives it its name.
        let fresh = base.join(format!("{package}-{}", std::process::id()));
        let npm = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" })
            .args(["install", "--no-audit", "--no-fund", "--ignore-scripts"])
            .arg("--prefix")
            .arg(&fresh)
            .arg(package)
            .stdin(Stdio::null())
            .output()
            .expect("npm runs");
        if !npm.status.success() {
            let why = String::from_utf8_lossy(&npm.stderr);
            material::skipped(format_args!("npm did not install {package}: {why}"));
            let _ = fs::remove_dir_all(&fresh);
            return None;
        }
        if fs::rename(&fresh, &folder).is_err() {
            assert!(folder.exists(), "{} has its name", folder.display());
            let _ = fs::remove_dir_all(&fresh);
        }
    }
    Some(folder.join("node_modules"))
}
