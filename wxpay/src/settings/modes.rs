//! Who else on this machine can read a file.

use std::path::Path;

use crate::{output::Output, text::tf};

/// Warns if other users can read a file.
pub(crate) fn warn(path: &Path, output: &Output) {
    if let Some(mode) = open_mode(path) {
        let path = path.display();
        output.warn(tf!(
            "other users can read {path} (mode {mode:03o}): chmod 600 {path}",
            "其他用户可以读取 {path} (权限 {mode:03o}): chmod 600 {path}"
        ));
    }
}

/// Returns the mode of a file that users other than its owner can read.
#[cfg(unix)]
pub(crate) fn open_mode(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;

    let mode = path.metadata().ok()?.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}

/// Returns the mode of a file that users other than its owner can read. Windows has no modes.
#[cfg(not(unix))]
pub(crate) fn open_mode(_: &Path) -> Option<u32> {
    None
}
