//! A file that appears when it is whole, and not before.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    base::crypto,
    error::{Cause, Kind, cause::Result},
};

/// What errors call the file of a download.
const SINK: &str = "option `sink`, the file";

/// A caller's claim to a file. The file is made on other threads, and only while this is held:
/// once it is dropped, no file appears any more, neither the finished one nor the one beside it.
///
/// A lock makes this exact. Dropping the claim, creating the file and renaming it exclude each
/// other, so a file that is renamed at this very moment is in its place before `drop` returns.
pub(super) struct Claim(Shared);

type Shared = Arc<Mutex<Stage>>;

enum Stage {
    /// There is no file yet.
    New,
    /// It is written at this path.
    Open(PathBuf),
    /// It is in its place.
    Kept,
    /// Nobody wants it. It may still be at this path, where an open file cannot be removed.
    GivenUp(Option<PathBuf>),
}

impl Claim {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(Stage::New)))
    }

    /// What makes the file, for another thread.
    pub(super) fn maker(&self) -> Maker {
        Maker(Arc::clone(&self.0))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        give_up(&mut lock(&self.0));
    }
}

/// Begins the file of a [`Claim`].
pub(super) struct Maker(Shared);

impl Maker {
    /// Begins the file for the option `sink`, which shows whether it can be written before
    /// anything is sent. A link stays a link: the file that it leads to is replaced.
    ///
    /// # Errors
    /// Where the sink is a directory or a device, or nothing can be written beside it.
    pub(super) fn sink(self, sink: &Path) -> Result<Part> {
        let target = resolve(sink)?;
        self.create(SINK, target)
    }

    /// Begins the file for this very place: a link there is replaced and not followed.
    ///
    /// # Errors
    /// Where nothing can be written beside it.
    pub(super) fn place(self, what: &'static str, place: PathBuf) -> Result<Part> {
        self.create(what, place)
    }

    fn create(self, what: &'static str, target: PathBuf) -> Result<Part> {
        if target.file_name().is_none() {
            return Err(failed(what, &target, "it has no name"));
        }
        // The name itself may be as long as a file system takes.
        let mut part = OsString::from(".wechatpay-");
        part.push(crypto::nonce()?);
        part.push(".part");
        let path = target.with_file_name(part);
        let mut options = OpenOptions::new();
        // A file or a link that is there already is an error, and not opened.
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut stage = lock(&self.0);
        if !matches!(*stage, Stage::New) {
            return Err(abandoned(what, &target));
        }
        let file = options.open(&path).map_err(|err| {
            failed(what, &target, "nothing can be written beside it").with_source(err)
        })?;
        *stage = Stage::Open(path);
        drop(stage);
        Ok(Part {
            what,
            target,
            file: Some(file),
            stage: self.0,
        })
    }
}

/// What is written beside the file that it shall become. Dropped before it is
/// [kept](Part::keep), it is removed.
pub(super) struct Part {
    what: &'static str,
    target: PathBuf,
    file: Option<File>,
    stage: Shared,
}

impl Part {
    /// Puts it in the place of what was there before, all at once.
    ///
    /// # Errors
    /// Where it does not reach the disk, cannot be renamed, or its claim was dropped. What was
    /// there before then stays.
    pub(super) fn keep(mut self) -> Result<PathBuf> {
        let lost = |err| failed(self.what, &self.target, "it cannot be completed").with_source(err);
        // A disk may take its time, so the lock is not held for this.
        if let Some(file) = self.file.take() {
            file.sync_all().map_err(lost)?;
        }
        #[cfg(test)]
        tests::about_to_rename(&self.target);
        let mut stage = lock(&self.stage);
        let Stage::Open(path) = &*stage else {
            return Err(abandoned(self.what, &self.target));
        };
        fs::rename(path, &self.target).map_err(lost)?;
        *stage = Stage::Kept;
        drop(stage);
        Ok(std::mem::take(&mut self.target))
    }

    /// The error of this file.
    pub(super) fn failed(&self, what: &str) -> Cause {
        failed(self.what, &self.target, what)
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
        // Closed first: an open file is not removed everywhere.
        self.file = None;
        let mut stage = lock(&self.stage);
        give_up(&mut stage);
        if let Stage::GivenUp(Some(path)) = &*stage {
            tracing::warn!(path = %path.display(), "an unfinished file cannot be removed");
        }
    }
}

/// Removes what is not in its place, and lets nothing come there any more.
fn give_up(stage: &mut Stage) {
    let path = match std::mem::replace(stage, Stage::GivenUp(None)) {
        Stage::Open(path) | Stage::GivenUp(Some(path)) => path,
        Stage::Kept => {
            *stage = Stage::Kept;
            return;
        }
        Stage::New | Stage::GivenUp(None) => return,
    };
    match fs::remove_file(&path) {
        Err(err) if err.kind() != ErrorKind::NotFound => *stage = Stage::GivenUp(Some(path)),
        _ => {}
    }
}

fn lock(stage: &Shared) -> MutexGuard<'_, Stage> {
    stage.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The file that a path stands for: a link's own target, so that the link stays one.
fn resolve(sink: &Path) -> Result<PathBuf> {
    let unread = |err: io::Error| failed(SINK, sink, "it cannot be looked at").with_source(err);
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
            return Err(failed(SINK, sink, "it ends like a directory: name a file"));
        }
        Err(err) => return Err(unread(err)),
    };
    let found = fs::metadata(&target).map_err(unread)?;
    if found.is_dir() {
        return Err(failed(
            SINK,
            &target,
            "it is a directory: name a file in it",
        ));
    }
    if !found.is_file() {
        return Err(failed(SINK, &target, "it is there, and no regular file"));
    }
    Ok(target)
}

fn failed(what: &str, path: &Path, fault: &str) -> Cause {
    Cause::new(Kind::File, format!("{what} {}: {fault}", path.display()))
}

fn abandoned(what: &str, path: &Path) -> Cause {
    failed(what, path, "the call that wanted it has ended")
}

#[cfg(test)]
mod tests;
