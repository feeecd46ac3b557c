//! The files of one subfolder, with a configuration that has their hashes.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::{
    base::crypto::{self, PrivateKey, digest},
    error::{Cause, cause::Result},
};

pub(super) const CONFIG: &str = "config.json";
/// In every configuration. A folder without it is somebody else's.
pub(super) const MARK: (&str, &str) = ("sandbox", "wechatpay-chain");
/// In the configuration: what each file is hashed as.
const HASHES: &str = "sha256";
/// A larger file is not of an export.
const MAX_FILE: u64 = 1 << 20;

/// Files to write.
pub(super) struct Files {
    folder: PathBuf,
    /// By their path in the folder, the configuration last.
    files: Vec<(String, Zeroizing<String>)>,
}

/// Files that were read.
pub(super) struct Kept {
    folder: PathBuf,
    pub(super) config: Value,
}

impl Files {
    /// Returns these files, and a configuration with their hashes.
    pub(super) fn new(
        folder: PathBuf,
        mut config: Value,
        mut files: Vec<(String, Zeroizing<String>)>,
    ) -> Self {
        let hashes = files
            .iter()
            .map(|(name, text)| (name.clone(), hash(text.as_bytes()).into()));
        config[MARK.0] = MARK.1.into();
        config[HASHES] = Value::Object(hashes.collect());
        let config = Zeroizing::new(format!("{config:#}\n"));
        files.push((CONFIG.to_owned(), config));
        Self { folder, files }
    }

    /// Checks that only files of an earlier export would be replaced.
    pub(super) fn check(&self) -> Result<()> {
        let earlier = self.earlier()?;
        for (name, text) in self.files.iter().filter(|(name, _)| name != CONFIG) {
            let path = self.folder.join(name);
            let Some(bytes) = read(&path)? else {
                continue;
            };
            // Another process writes the same files, and has not written its configuration yet.
            if bytes == text.as_bytes() {
                continue;
            }
            let written = earlier.as_ref().and_then(|hashes| hashes.get(name));
            if written.and_then(Value::as_str) != Some(hash(&bytes).as_str()) {
                return Err(foreign(&path));
            }
        }
        Ok(())
    }

    /// Writes them over those of an earlier export.
    pub(super) fn write(&self) -> Result<()> {
        self.remove_outdated()?;
        self.write_into(&self.folder)
    }

    /// Writes them if the folder is not there yet: all of them or none.
    // Another process may do the same at this moment. A folder is not renamed to one that has files.
    pub(super) fn create(&self) -> Result<()> {
        let part = self.folder.with_file_name(part_name()?);
        let created = self.write_into(&part).and_then(|()| {
            fs::rename(&part, &self.folder)
                .map_err(|err| failed(&self.folder, "cannot be created").with_source(err))
        });
        if created.is_err() {
            let _ = fs::remove_dir_all(&part);
        }
        match self.folder.join(CONFIG).exists() {
            true => Ok(()),
            false => created,
        }
    }

    fn write_into(&self, folder: &Path) -> Result<()> {
        for (name, text) in &self.files {
            let path = folder.join(name);
            write(&path, text.as_bytes())
                .map_err(|err| failed(&path, "cannot be written").with_source(err))?;
        }
        Ok(())
    }

    /// Removes the files of an earlier export that this one does not have, such as a certificate that is no
    /// longer effective: a client that reads the whole folder would trust it.
    fn remove_outdated(&self) -> Result<()> {
        let earlier = self.earlier()?.unwrap_or_default();
        for (name, written) in &earlier {
            let is_ours = self.files.iter().any(|known| known.0 == *name);
            // The configuration is only a file: it must not name one elsewhere.
            if is_ours || !is_inside(name) {
                continue;
            }
            let path = self.folder.join(name);
            let Some(bytes) = read(&path)? else {
                continue;
            };
            if written.as_str() == Some(hash(&bytes).as_str()) {
                fs::remove_file(&path)
                    .map_err(|err| failed(&path, "cannot be removed").with_source(err))?;
            }
        }
        Ok(())
    }

    /// Returns the hashes of the files of an earlier export, if the folder has one.
    fn earlier(&self) -> Result<Option<Map<String, Value>>> {
        let path = self.folder.join(CONFIG);
        let Some(bytes) = read(&path)? else {
            return Ok(None);
        };
        let config: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        match hashes(&config) {
            Some(hashes) => Ok(Some(hashes.clone())),
            None => Err(foreign(&path)),
        }
    }
}

impl Kept {
    /// Reads a subfolder. Returns `None` if it does not exist.
    ///
    /// # Errors
    /// Returns an error that names the file if one is missing, or is not as it was written.
    pub(super) fn read(folder: PathBuf) -> Result<Option<Self>> {
        if !folder.exists() {
            return Ok(None);
        }
        let path = folder.join(CONFIG);
        let bytes = read(&path)?.ok_or_else(|| missing(&path))?;
        let config: Value = serde_json::from_slice(&bytes)
            .map_err(|err| damaged(&path, "is not JSON").with_source(err))?;
        let files = hashes(&config)
            .ok_or_else(|| damaged(&path, "is not the configuration of an export"))?;
        for (name, written) in files {
            if !is_inside(name) {
                return Err(damaged(&path, "names a file of another folder"));
            }
            let path = folder.join(name);
            let bytes = Zeroizing::new(read(&path)?.ok_or_else(|| missing(&path))?);
            if written.as_str() != Some(hash(&bytes).as_str()) {
                return Err(damaged(&path, "is not as it was written"));
            }
        }
        Ok(Some(Self { folder, config }))
    }

    /// Returns a text of the configuration.
    pub(super) fn text(&self, name: &str) -> Result<&str> {
        let text = self.config[name].as_str();
        text.ok_or_else(|| self.invalid(name))
    }

    /// Returns the error that a value of the configuration is missing or invalid.
    pub(super) fn invalid(&self, name: &str) -> Cause {
        let path = self.folder.join(CONFIG);
        damaged(&path, &format!("has no valid `{name}`"))
    }

    /// Reads a private key.
    pub(super) fn private_key(&self, name: &str) -> Result<PrivateKey> {
        let path = self.folder.join(name);
        let bytes = Zeroizing::new(read(&path)?.ok_or_else(|| missing(&path))?);
        let pem = std::str::from_utf8(&bytes).unwrap_or_default();
        PrivateKey::from_pem(pem)
            .map_err(|err| damaged(&path, "is not a private key").with_source(err))
    }
}

fn hashes(config: &Value) -> Option<&Map<String, Value>> {
    match (&config[MARK.0], &config[HASHES]) {
        (mark, Value::Object(hashes)) if mark == MARK.1 => Some(hashes),
        _ => None,
    }
}

/// Returns whether a file's name stays inside its folder.
fn is_inside(name: &str) -> bool {
    let mut components = Path::new(name).components();
    components.all(|component| matches!(component, std::path::Component::Normal(_)))
}

/// Reads a file that may be of an export. Returns `None` if it does not exist.
fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    let unreadable = |err| failed(path, "cannot be read").with_source(err);
    match fs::symlink_metadata(path) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(err) => Err(unreadable(err)),
        Ok(found) if !found.is_file() || found.len() > MAX_FILE => Err(foreign(path)),
        Ok(_) => fs::read(path).map(Some).map_err(unreadable),
    }
}

/// Writes a file, and its folders as needed. It replaces the file that is there in one step.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(path);
    create_folder(folder)?;
    let part = folder.join(part_name().map_err(|_| io::Error::other("no random numbers"))?);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options
        .open(&part)
        .and_then(|mut file| file.write_all(bytes))
        .and_then(|()| fs::rename(&part, path));
    if written.is_err() {
        let _ = fs::remove_file(&part);
    }
    written
}

/// Creates a folder for the user alone, and those above it as needed.
fn create_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn part_name() -> Result<String> {
    Ok(format!(".wechatpay-{}.part", crypto::nonce()?))
}

fn hash(bytes: &[u8]) -> String {
    digest::hex_lower(&digest::sha256(bytes))
}

fn foreign(path: &Path) -> Cause {
    let what =
        "is there already, and not as an export wrote it: move it, or export to another folder";
    failed(path, what)
}

pub(super) fn missing(path: &Path) -> Cause {
    damaged(path, "is missing")
}

pub(super) fn damaged(path: &Path, what: &str) -> Cause {
    let advice = "restore it, or remove its folder for new keys";
    failed(path, &format!("{what}: {advice}"))
}

pub(super) fn failed(path: &Path, what: &str) -> Cause {
    Cause::config(format!("{} {what}", path.display()))
}
