//! A file that appears when it is whole, and not before.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
};

use crate::{
    base::crypto,
    error::{Cause, Kind, cause::Result},
};

/// What is written beside the file that it shall become. Dropped before it is
/// [kept](Part::keep), it is removed.
pub(super) struct Part {
    target: PathBuf,
    path: PathBuf,
    file: Option<File>,
}

impl Part {
    /// Opens it, which shows whether the file can be written before anything is sent.
    ///
    /// # Errors
    /// Where the sink is a directory or a device, or nothing can be written beside it.
    pub(super) fn create(sink: &Path) -> Result<Self> {
        let target = resolve(sink)?;
        let unusable = |err| failed(sink, "nothing can be written beside it").with_source(err);
        let name = target
            .file_name()
            .ok_or_else(|| failed(sink, "it has no name"))?;
        // The name itself may be as long as a file system takes.
        let mut part = OsString::from(".wechatpay-");
        part.push(crypto::nonce()?);
        part.push(".part");
        debug_assert_ne!(part, name);
        let path = target.with_file_name(part);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(unusable)?;
        Ok(Self {
            target,
            path,
            file: Some(file),
        })
    }

    /// Puts it in the place of what was there before, all at once.
    ///
    /// # Errors
    /// Where it does not reach the disk, or cannot be renamed. What was there before then stays.
    pub(super) fn keep(mut self) -> Result<PathBuf> {
        let lost = |err| failed(&self.target, "it cannot be completed").with_source(err);
        if let Some(file) = self.file.take() {
            file.sync_all().map_err(lost)?;
        }
        fs::rename(&self.path, &self.target).map_err(lost)?;
        self.path = PathBuf::new();
        Ok(std::mem::take(&mut self.target))
    }

    pub(super) fn target(&self) -> &Path {
        &self.target
    }
}

impl Write for Part {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.file {
            Some(file) => file.write(bytes),
            None => Err(ErrorKind::NotConnected.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), File::flush)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if self.path.as_os_str().is_empty() {
            return;
        }
        // Closed first: an open file is not removed everywhere.
        self.file = None;
        if let Err(err) = fs::remove_file(&self.path) {
            tracing::warn!(%err, "an unfinished download cannot be removed");
        }
    }
}

/// The file that a path stands for: a link's own target, so that the link stays one.
fn resolve(sink: &Path) -> Result<PathBuf> {
    let unread = |err: io::Error| failed(sink, "it cannot be looked at").with_source(err);
    let ends_open = sink
        .as_os_str()
        .as_encoded_bytes()
        .last()
        .is_some_and(|&byte| std::path::is_separator(char::from(byte)));
    let target = match fs::symlink_metadata(sink) {
        Ok(found) if found.is_symlink() => fs::canonicalize(sink).map_err(unread)?,
        Ok(_) => sink.to_owned(),
        Err(err) if err.kind() == ErrorKind::NotFound && !ends_open => return Ok(sink.to_owned()),
        Err(err) if err.kind() == ErrorKind::NotFound => {
            return Err(failed(sink, "it ends like a directory: name a file"));
        }
        Err(err) => return Err(unread(err)),
    };
    let found = fs::metadata(&target).map_err(unread)?;
    if found.is_dir() {
        return Err(failed(&target, "it is a directory: name a file in it"));
    }
    if !found.is_file() {
        return Err(failed(&target, "it is there, and no regular file"));
    }
    Ok(target)
}

pub(super) fn failed(sink: &Path, what: &str) -> Cause {
    Cause::new(
        Kind::File,
        format!("option `sink`, the file {}: {what}", sink.display()),
    )
}
