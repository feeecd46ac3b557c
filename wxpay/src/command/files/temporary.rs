//! New folders in the system's temporary folder, which nobody else can write.

use std::{
    env, fs, io,
    path::PathBuf,
    process,
    time::{SystemTime, UNIX_EPOCH},
};

use crate::{
    exit::{Failure, Result},
    private,
    text::{reason, tf},
};

const ATTEMPTS: u32 = 100;

/// Creates a folder of a new name. A folder that is already there is somebody else's.
pub(super) fn folder() -> Result<PathBuf> {
    let parent = env::temp_dir();
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let nanos = since.map_or(0, |since| since.subsec_nanos());
    for attempt in 0..ATTEMPTS {
        let name = format!(
            "wechatpay-{}-{}",
            process::id(),
            nanos.wrapping_add(attempt)
        );
        let path = parent.join(name);
        match private::new_folder(&path) {
            Ok(()) => return Ok(path),
            Err(err) if err.kind() == io::ErrorKind::AlreadyExists => {}
            Err(err) => return Err(failed(&parent, &err)),
        }
    }
    Err(failed(&parent, &io::ErrorKind::AlreadyExists.into()))
}

fn failed(parent: &std::path::Path, err: &io::Error) -> Failure {
    let (parent, why) = (parent.display(), reason(err));
    Failure::local(tf!(
        "cannot create a folder in {parent}: {why}",
        "无法在 {parent} 中创建目录: {why}"
    ))
}

/// A folder that is removed with its content when it is dropped.
pub(super) struct Temporary(pub(super) PathBuf);

impl Temporary {
    pub(super) fn new() -> Result<Self> {
        folder().map(Self)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
