//! The platform keys of a client: which are trusted, and how new ones arrive.
//!
//! | module | what |
//! | --- | --- |
//! | `download` | downloads platform certificates and adds them to the trust store |
//! | `refresher` | when to download: one at a time, and not too often |

mod download;
mod refresher;

pub(super) use self::refresher::Refresher;
pub use self::refresher::{CertificateMode, CertificateRefresh};

use std::{fs, io::Write as _, path::Path, sync::Arc};

use super::{Call, Client, response::FileClaim};
use crate::{
    base::crypto::{Certificate, PublicKey},
    error::{Cause, ErrorKind, Result, cause},
    protocol::trust::{key::PlatformKey, store::TrustStore},
};

impl Client {
    /// Returns the platform keys that are currently trusted, each with how often it has verified
    /// something.
    pub fn platform_keys(&self) -> Vec<PlatformKey> {
        self.root
            .core()
            .trust
            .store()
            .map(TrustStore::all)
            .unwrap_or_default()
    }

    /// Adds a trusted WeChat Pay public key with its ID (`PUB_KEY_ID_…`).
    ///
    /// # Errors
    /// Returns an error for what [`build`](crate::ClientBuilder::build) refuses too: a different key
    /// under a known ID, the merchant's own key (current or rotated out), or a sandbox's key if the
    /// client's requests do not go to a sandbox.
    pub fn add_platform_key(&self, id: impl Into<String>, key: PublicKey) -> Result<()> {
        let key = PlatformKey::of_public_key(id.into(), key);
        self.root.core().trust_key(key).map_err(Cause::not_sent)
    }

    /// Adds a trusted platform certificate.
    ///
    /// # Errors
    /// Returns an error if the certificate has expired, and otherwise like
    /// [`add_platform_key`](Client::add_platform_key).
    pub fn add_platform_certificate(&self, certificate: Certificate) -> Result<()> {
        let key = PlatformKey::of_certificate(certificate);
        self.root.core().trust_key(key).map_err(Cause::not_sent)
    }

    /// Removes the trusted key with this ID or serial. Returns `false` if it is not trusted.
    pub fn remove_platform_key(&self, id: &str) -> bool {
        self.root
            .core()
            .trust
            .store()
            .is_some_and(|store| store.remove(id))
    }

    /// The async form of [`refresh_certificates`](Client::refresh_certificates).
    pub fn refresh_certificates_async(&self) -> Call<CertificateRefresh> {
        let core = Arc::clone(self.root.core_arc());
        Call::new(async move { Ok(core.refresh().await?) })
    }

    /// Saves the trusted platform certificates to a folder, each as `wechatpay_SERIAL.pem`, readable by
    /// its owner only.
    ///
    /// [`ClientBuilder::platform_certificates_from`](crate::ClientBuilder::platform_certificates_from)
    /// reads them at the next start.
    ///
    /// # Errors
    /// Returns an error if the folder cannot be created or written.
    pub fn save_certificates(&self, folder: impl AsRef<Path>) -> Result<()> {
        let keys = self.platform_keys();
        let folder = folder.as_ref();
        fs::create_dir_all(folder).map_err(|err| {
            let message = format!("cannot create the folder {}", folder.display());
            Cause::new(ErrorKind::File, message)
                .with_source(err)
                .not_sent()
        })?;
        keys.iter()
            .filter_map(PlatformKey::certificate)
            .try_for_each(|certificate| save(certificate, folder))
            .map_err(Cause::not_sent)
    }
}

/// Writes a certificate next to its path and renames it, so that no one ever reads half of it. A link
/// at that path is replaced: following it would let an attacker choose the file to overwrite.
fn save(certificate: &Certificate, folder: &Path) -> cause::Result<()> {
    let path = folder.join(format!("wechatpay_{}.pem", certificate.serial()));
    let claim = FileClaim::new();
    let mut partial = claim.creator().create_at("the certificate", path)?;
    partial
        .write_all(certificate.to_pem().as_bytes())
        .map_err(|err| partial.failed("cannot be written").with_source(err))?;
    partial.keep().map(drop)
}
