//! Files of settings and keys.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Mutex,
};

use crate::{
    exit::{Failure, Result},
    input,
};

/// Reads a file of settings or keys.
pub(crate) fn read(path: &Path) -> Result<String> {
    /// What was read of pipes, as of `--private-key <(pass show key)`: it is there only once.
    static PIPES: Mutex<BTreeMap<PathBuf, String>> = Mutex::new(BTreeMap::new());

    if path.is_file() {
        return input::text(path).map_err(Failure::configuration);
    }
    let mut pipes = PIPES.lock().unwrap_or_else(|err| err.into_inner());
    if let Some(text) = pipes.get(path) {
        return Ok(text.clone());
    }
    let text = input::text(path).map_err(Failure::configuration)?;
    pipes.insert(path.to_owned(), text.clone());
    Ok(text)
}
