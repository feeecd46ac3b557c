//! A file that appears when it is complete, and not before.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    base::crypto,
    error::{Cause, ErrorKind, cause::Result},
};

/// What errors call the file of a download.
const SINK: &str = "option `sink`: the file";

/// A call's claim to a file.
///
/// The file is created and renamed on other threads, but only while the claim exists. Once it is
/// dropped, no file appears anymore, neither the final one nor the partial one.
///
/// A lock makes this exact: dropping the claim, creating the file and renaming it exclude each other.
/// A file that is being renamed at that moment is in its place before `drop` returns. Without the
/// lock, a file could appear after its call has returned a timeout.
pub(in crate::client) struct FileClaim(Shared);

type Shared = Arc<Mutex<Stage>>;

enum Stage {
    /// There is no file yet.
    New,
    /// The partial file is at this path.
    Partial(PathBuf),
    /// The file is in its place.
    InPlace,
    /// The call has ended without the file. The partial one may still be at this path, on systems
    /// where an open file cannot be removed.
    Abandoned(Option<PathBuf>),
}

impl FileClaim {
    pub(in crate::client) fn new() -> Self {
        Self(Arc::new(Mutex::new(Stage::New)))
    }

    /// Returns what creates the file, for another thread.
    pub(in crate::client) fn creator(&self) -> FileCreator {
        FileCreator(Arc::clone(&self.0))
    }
}

impl Drop for FileClaim {
    fn drop(&mut self) {
        abandon(&mut lock(&self.0));
    }
}

/// Creates the partial file of a [`FileClaim`].
pub(in crate::client) struct FileCreator(Shared);

impl FileCreator {
    /// Creates the partial file for the option `sink`. It is created before anything is sent, which
    /// shows whether it can be written. A link stays a link: the file it points to is replaced.
    ///
    /// # Errors
    /// Returns an error if the sink is a directory or a device, or if its directory is not writable.
    pub(in crate::client) fn create_sink(self, sink: &Path) -> Result<PartialFile> {
        let target = resolve(sink)?;
        self.create(SINK, target)
    }

    /// Creates the partial file for exactly this path. A link there is replaced, not followed.
    ///
    /// # Errors
    /// Returns an error if its directory is not writable.
    pub(in crate::client) fn create_at(
        self,
        what: &'static str,
        path: PathBuf,
    ) -> Result<PartialFile> {
        self.create(what, path)
    }

    fn create(self, what: &'static str, target: PathBuf) -> Result<PartialFile> {
        if target.file_name().is_none() {
            return Err(failed(what, &target, "has no file name"));
        }
        // Not the target's name with a suffix: that name may be as long as the file system allows.
        let mut part = OsString::from(".wechatpay-");
        part.push(crypto::nonce()?);
        part.push(".part");
        let path = target.with_file_name(part);
        let mut options = OpenOptions::new();
        // An existing file or link is an error. Following a link that someone else planted would
        // overwrite a file of their choice.
        options.write(true).create_new(true);
        // A bill contains names and amounts, and the umask may let everyone read it.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut stage = lock(&self.0);
        if !matches!(*stage, Stage::New) {
            return Err(call_ended(what, &target));
        }
        let file = options
            .open(&path)
            .map_err(|err| failed(what, &target, "cannot be created").with_source(err))?;
        *stage = Stage::Partial(path);
        drop(stage);
        Ok(PartialFile {
            what,
            target,
            file: Some(file),
            stage: self.0,
        })
    }
}

/// A partial file, next to the file it will become. It is removed if it is dropped before
/// [`keep`](PartialFile::keep).
pub(in crate::client) struct PartialFile {
    what: &'static str,
    target: PathBuf,
    file: Option<File>,
    stage: Shared,
}

impl PartialFile {
    /// Renames the partial file to its final path, atomically replacing a file that is there.
    ///
    /// # Errors
    /// Returns an error if the data cannot be synced to disk, the file cannot be renamed, or the claim
    /// was dropped. A file that was there before then stays.
    pub(in crate::client) fn keep(mut self) -> Result<PathBuf> {
        let unsaved = |err| failed(self.what, &self.target, "cannot be completed").with_source(err);
        // Syncing can take seconds, and dropping the claim waits for the lock: do not hold it here.
        if let Some(file) = self.file.take() {
            file.sync_all().map_err(unsaved)?;
        }
        #[cfg(test)]
        tests::about_to_rename(&self.target);
        let mut stage = lock(&self.stage);
        let Stage::Partial(path) = &*stage else {
            return Err(call_ended(self.what, &self.target));
        };
        // In the same folder, so on the same file system: only then is a rename atomic.
        fs::rename(path, &self.target).map_err(unsaved)?;
        *stage = Stage::InPlace;
        drop(stage);
        Ok(std::mem::take(&mut self.target))
    }

    /// Returns an error about this file.
    pub(in crate::client) fn failed(&self, what: &str) -> Cause {
        failed(self.what, &self.target, what)
    }
}

impl Write for PartialFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.file {
            Some(file) => file.write(bytes),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), File::flush)
    }
}

impl Drop for PartialFile {
    fn drop(&mut self) {
        // Closed first: some systems do not remove an open file.
        self.file = None;
        let mut stage = lock(&self.stage);
        abandon(&mut stage);
        if let Stage::Abandoned(Some(path)) = &*stage {
            tracing::warn!(path = %path.display(), "cannot remove the partial file of a download");
        }
    }
}

/// Removes the partial file, if there is one, and prevents that a file appears later.
fn abandon(stage: &mut Stage) {
    let path = match std::mem::replace(stage, Stage::Abandoned(None)) {
        Stage::Partial(path) | Stage::Abandoned(Some(path)) => path,
        Stage::InPlace => {
            *stage = Stage::InPlace;
            return;
        }
        Stage::New | Stage::Abandoned(None) => return,
    };
    match fs::remove_file(&path) {
        Err(err) if err.kind() != io::ErrorKind::NotFound => *stage = Stage::Abandoned(Some(path)),
        _ => {}
    }
}

fn lock(stage: &Shared) -> MutexGuard<'_, Stage> {
    stage.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Resolves a link to its target, so that the link itself stays.
fn resolve(sink: &Path) -> Result<PathBuf> {
    let unread = |err: io::Error| failed(SINK, sink, "cannot be accessed").with_source(err);
    let ends_open = sink
        .as_os_str()
        .as_encoded_bytes()
        .last()
        .is_some_and(|&byte| std::path::is_separator(char::from(byte)));
    let target = match fs::symlink_metadata(sink) {
        Ok(found) if found.is_symlink() => fs::canonicalize(sink).map_err(unread)?,
        Ok(_) => sink.to_owned(),
        Err(err) if err.kind() == io::ErrorKind::NotFound && !ends_open => {
            return Ok(sink.to_owned());
        }
        Err(err) if err.kind() == io::ErrorKind::NotFound => {
            return Err(failed(
                SINK,
                sink,
                "ends like a directory: append a file name",
            ));
        }
        Err(err) => return Err(unread(err)),
    };
    let found = fs::metadata(&target).map_err(unread)?;
    if found.is_dir() {
        return Err(failed(SINK, &target, "is a directory: append a file name"));
    }
    if !found.is_file() {
        return Err(failed(
            SINK,
            &target,
            "exists and is not a regular file: choose another path",
        ));
    }
    Ok(target)
}

fn failed(what: &str, path: &Path, fault: &str) -> Cause {
    Cause::new(
        ErrorKind::File,
        format!("{what} {} {fault}", path.display()),
    )
}

fn call_ended(what: &str, path: &Path) -> Cause {
    failed(what, path, "is not created: its call has ended")
}

#[cfg(test)]
mod tests;
