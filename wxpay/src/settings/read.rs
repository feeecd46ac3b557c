//! Files of settings and keys.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Mutex,
};

use crate::{
    command::call::options::limited,
    exit::{Failure, Result},
    text::tf,
};

/// Reads a file of settings or keys.
pub(crate) fn read(path: &Path) -> Result<String> {
    /// What was read of pipes, as of `--private-key <(pass show key)`: it is there only once.
    static PIPES: Mutex<BTreeMap<PathBuf, String>> = Mutex::new(BTreeMap::new());

    let failed = |err: io::Error| {
        let path = path.display();
        Failure::configuration(tf!("cannot read {path}: {err}", "无法读取 {path}: {err}"))
    };
    if path.is_file() {
        return fs::File::open(path).and_then(limited).map_err(failed);
    }
    let mut pipes = PIPES.lock().unwrap_or_else(|err| err.into_inner());
    if let Some(text) = pipes.get(path) {
        return Ok(text.clone());
    }
    let text = fs::File::open(path).and_then(limited).map_err(failed)?;
    pipes.insert(path.to_owned(), text.clone());
    Ok(text)
}
