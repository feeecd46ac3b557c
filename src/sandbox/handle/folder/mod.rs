//! A folder with the keys of a sandbox: written by `export`, and started from again.
//!
//! Each merchant has a subfolder, named by its ID, with what its clients need. The subfolder `platform` has
//! what the sandbox itself needs to start with the same keys.

mod export;
mod files;
mod merchants;
mod platform;

use std::path::{Path, PathBuf};

use self::files::{failed, missing};
use super::keys::MerchantOptions;
use crate::{
    error::cause::Result,
    sandbox::state::{
        keys::{KeptKeys, KeySource, PlatformKeys},
        merchant::MerchantSecrets,
    },
};

/// A folder that a sandbox takes its keys from.
#[derive(Clone, Debug)]
pub(super) struct KeysFolder(PathBuf);

impl KeysFolder {
    pub(super) fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Reads the platform's keys and the ID of the first merchant. In a new folder, it draws the keys and
    /// writes them, with `first` as the ID.
    pub(super) fn platform(&self, source: KeySource, first: &str) -> Result<(KeptKeys, String)> {
        let path = self.path();
        if let Some(kept) = platform::read(path)? {
            return Ok(kept);
        }
        // They were of other platform keys, which the merchants' clients trust.
        if path.exists() && !self.merchants()?.is_empty() {
            return Err(missing(&path.join("platform").join(files::CONFIG)));
        }
        let keys = PlatformKeys::new(source, KeptKeys::none())?;
        // What is drawn later would not be the same in the next process.
        for nth in 0..2 {
            keys.certificate(nth)?;
        }
        keys.tls()?;
        platform::files(path, &keys, first)?.create()?;
        platform::read(path)?.ok_or_else(|| failed(path, "has no keys after they were written"))
    }

    /// Returns the IDs of the merchants that it has.
    pub(super) fn merchants(&self) -> Result<Vec<String>> {
        merchants::ids(self.path())
    }

    /// Returns a merchant's secrets, and its options as far as `wanted` leaves them open. It writes those of
    /// a new merchant.
    pub(super) fn merchant(
        &self,
        wanted: MerchantOptions,
        nth: usize,
        source: KeySource,
    ) -> Result<(MerchantOptions, MerchantSecrets)> {
        merchants::open(self.path(), wanted, nth, source)
    }
}
