//! The RSA keys of sandboxes, drawn once per process, and the platform keys made of them.

use std::{
    sync::{Mutex, OnceLock, PoisonError},
    thread,
};

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    authority::{Authority, Subject, serial},
    random,
};
use crate::{
    base::crypto::{Certificate, PrivateKey, PublicKey},
    error::{Cause, ErrorKind, cause::Result},
};

/// What an RSA key is for. No two roles share a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// One of four, for the merchants in turn.
    Merchant(u8),
    /// Signs for the brands.
    Brand,
    /// 0 is the public key, 1 and 2 are platform certificates.
    Platform(u8),
    /// Signs the certificates of the server, the merchants and the platform.
    Ca,
    Tls,
}

/// How many merchants have a key of their own. Further ones share them.
// Their serials and secrets are their own all the same.
const MERCHANT_KEYS: u8 = 4;
const PLATFORM_KEYS: u8 = 3;
const POOL: usize = MERCHANT_KEYS as usize + PLATFORM_KEYS as usize + 3;

impl Role {
    /// Returns the role of a sandbox's nth merchant.
    pub(crate) fn merchant(nth: usize) -> Self {
        Self::Merchant((nth % usize::from(MERCHANT_KEYS)) as u8)
    }

    fn index(self) -> usize {
        match self {
            Self::Ca => 0,
            Self::Tls => 1,
            Self::Brand => 2,
            Self::Merchant(n) => 3 + usize::from(n % MERCHANT_KEYS),
            Self::Platform(n) => 3 + usize::from(MERCHANT_KEYS) + usize::from(n % PLATFORM_KEYS),
        }
    }
}

/// Where a sandbox's RSA keys come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum KeySource {
    /// The process has one key for each role. The first sandbox that needs it draws it.
    #[default]
    Pooled,
    /// Each sandbox draws its own.
    Fresh,
}

impl KeySource {
    /// Returns the key of this role.
    pub(crate) fn key(self, role: Role) -> Result<PrivateKey> {
        match self {
            Self::Pooled => pooled(role),
            Self::Fresh => PrivateKey::generate(),
        }
    }

    /// Draws the keys that every sandbox needs, at the same time, so that later calls find them.
    // An RSA key takes up to a second in a debug build.
    pub(crate) fn prepare(self) -> Result<()> {
        if self == Self::Fresh {
            return Ok(());
        }
        let platform = spawn(|| pooled(Role::Platform(0)))?;
        pooled(Role::Merchant(0))?;
        join(platform)?;
        Ok(())
    }
}

/// Returns the process's key of this role.
// A second caller waits while the key is drawn. Otherwise both would draw one, which is slow, and one of
// the two would be thrown away.
pub(crate) fn pooled(role: Role) -> Result<PrivateKey> {
    static POOL_KEYS: [Mutex<Option<PrivateKey>>; POOL] = [const { Mutex::new(None) }; POOL];
    let Some(slot) = POOL_KEYS.get(role.index()) else {
        return PrivateKey::generate();
    };
    let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(key) = &*slot {
        return Ok(key.clone());
    }
    let key = PrivateKey::generate()?;
    Ok(slot.insert(key).clone())
}

fn spawn(
    draw: impl FnOnce() -> Result<PrivateKey> + Send + 'static,
) -> Result<thread::JoinHandle<Result<PrivateKey>>> {
    thread::Builder::new()
        .name("sandbox-key".to_owned())
        .spawn(draw)
        .map_err(|err| {
            Cause::new(ErrorKind::Config, "cannot start a thread to generate keys").with_source(err)
        })
}

fn join(drawing: thread::JoinHandle<Result<PrivateKey>>) -> Result<PrivateKey> {
    drawing
        .join()
        .map_err(|_| Cause::key("cannot generate the platform key"))?
}

/// A private key of the platform, which signs responses, and its ID.
#[derive(Clone)]
pub(crate) struct PlatformKey {
    /// `PUB_KEY_ID_SANDBOX…`, or the serial of the certificate.
    pub(crate) id: String,
    pub(crate) private: PrivateKey,
}

/// A platform certificate with its private key, whose ID is the certificate's serial.
pub(crate) struct PlatformCertificate {
    pub(crate) key: PlatformKey,
    pub(crate) certificate: Certificate,
}

/// The keys that one sandbox's platform signs with, and its certificate authority.
pub(crate) struct PlatformKeys {
    pub(crate) public_key: PlatformKey,
    source: KeySource,
    // Made when first asked for: most sandboxes need none of these.
    certificates: [OnceLock<Result<PlatformCertificate>>; 2],
    authority: OnceLock<Result<Authority>>,
}

impl PlatformKeys {
    pub(crate) fn new(source: KeySource) -> Result<Self> {
        Ok(Self {
            public_key: PlatformKey {
                id: format!("PUB_KEY_ID_SANDBOX{}", random::hex(22)?),
                private: source.key(Role::Platform(0))?,
            },
            source,
            certificates: [OnceLock::new(), OnceLock::new()],
            authority: OnceLock::new(),
        })
    }

    /// Returns the old platform certificate (0) or the new one (1). The first call takes up to seconds:
    /// make it on the handle's thread, not on the server's.
    pub(crate) fn certificate(&self, nth: usize) -> Result<&PlatformCertificate> {
        let authority = self.authority()?;
        let slot = self.certificates.get(nth);
        let slot = slot.ok_or_else(|| Cause::key("the sandbox has two platform certificates"))?;
        let made = slot.get_or_init(|| self.issue(authority, nth));
        made.as_ref().map_err(Cause::again)
    }

    /// Returns a platform certificate if it has been made.
    pub(crate) fn made_certificate(&self, nth: usize) -> Option<&PlatformCertificate> {
        self.certificates.get(nth)?.get()?.as_ref().ok()
    }

    /// Returns the certificate authority. The first call takes up to a second.
    pub(crate) fn authority(&self) -> Result<&Authority> {
        let made = self.authority.get_or_init(|| Authority::new(self.source));
        made.as_ref().map_err(Cause::again)
    }

    fn issue(&self, authority: &Authority, nth: usize) -> Result<PlatformCertificate> {
        let private = self.source.key(Role::Platform(nth as u8 + 1))?;
        let certificate = authority.issue(&Subject {
            name: "WeChat Pay sandbox",
            serial: serial()?,
            key: &private.public_key(),
            dns: &[],
            ip: &[],
        })?;
        Ok(PlatformCertificate {
            key: PlatformKey {
                id: certificate.serial().to_owned(),
                private,
            },
            certificate,
        })
    }
}

impl PlatformKey {
    pub(crate) fn public_key(&self) -> PublicKey {
        self.private.public_key()
    }

    /// Signs this message and returns base64.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<String> {
        Ok(STANDARD.encode(self.private.sign(message)?))
    }

    /// Decrypts base64 that was encrypted with the platform's public key.
    pub(crate) fn decrypt(&self, ciphertext: &str) -> Option<Vec<u8>> {
        let ciphertext = STANDARD.decode(ciphertext).ok()?;
        self.private.decrypt_oaep(&ciphertext).ok()
    }

    /// Decrypts base64 with PKCS#1 v1.5 padding, as some overseas operations encrypt.
    pub(crate) fn decrypt_pkcs1(&self, ciphertext: &str) -> Option<Vec<u8>> {
        let ciphertext = STANDARD.decode(ciphertext).ok()?;
        self.private.decrypt_pkcs1(&ciphertext).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::merchant::SANDBOX_IN_HEX;

    #[test]
    fn pool_has_one_key_for_each_role() {
        let roles = [
            Role::Ca,
            Role::Tls,
            Role::Brand,
            Role::Merchant(0),
            Role::Merchant(3),
        ];
        let roles = roles
            .into_iter()
            .chain([Role::Platform(0), Role::Platform(2)]);
        let indexes: std::collections::BTreeSet<_> = roles.map(Role::index).collect();
        assert_eq!(indexes.len(), 7);
        assert_eq!(indexes.last(), Some(&(POOL - 1)));
        assert_eq!(Role::merchant(0), Role::merchant(4));

        // The key is the same one, so it was drawn once.
        let pem = |key: PrivateKey| key.public_key().to_pem();
        let platform = || pem(pooled(Role::Platform(0)).unwrap());
        assert_eq!(platform(), platform());
        assert_ne!(platform(), pem(pooled(Role::Merchant(0)).unwrap()));
        assert_ne!(
            platform(),
            pem(KeySource::Fresh.key(Role::Platform(0)).unwrap())
        );
    }

    #[test]
    fn platform_certificate_is_made_once_for_each_sandbox() {
        let keys = PlatformKeys::new(KeySource::Pooled).unwrap();
        assert!(keys.made_certificate(0).is_none());
        let old = keys.certificate(0).unwrap();
        assert!(old.key.id.starts_with(SANDBOX_IN_HEX) && old.key.id.len() == 40);
        assert_eq!(old.certificate.public_key(), &old.key.public_key());
        let again = keys.certificate(0).unwrap();
        assert_eq!(again.certificate, old.certificate);
        assert!(keys.made_certificate(0).is_some());
        assert_ne!(keys.certificate(1).unwrap().key.id, old.key.id);
        assert!(keys.certificate(2).is_err());
        let other = PlatformKeys::new(KeySource::Pooled).unwrap();
        assert_ne!(other.certificate(0).unwrap().key.id, old.key.id);
    }
}
