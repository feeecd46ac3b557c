//! The RSA keys of sandboxes, drawn once per process, and the platform keys made of them.

use std::{
    sync::{Mutex, OnceLock, PoisonError},
    thread,
};

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    authority::{Authority, Subject, serial, serial_from_hex},
    clock::real_now,
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

/// A private key, and the serial of its certificate.
#[derive(Clone)]
pub(crate) struct SerialKey {
    pub(crate) serial: [u8; 20],
    pub(crate) private: PrivateKey,
}

/// What a platform's keys and certificates are made of. What is missing is drawn.
// An RSA signature of PKCS#1 v1.5 has no random part: the same keys, serials and dates make the same
// certificates.
#[derive(Clone)]
pub(crate) struct KeptKeys {
    /// When the certificates are issued, in seconds since 1970.
    pub(crate) issued_at: u64,
    pub(crate) public_key: Option<PlatformKey>,
    pub(crate) authority: Option<SerialKey>,
    pub(crate) tls: Option<SerialKey>,
    pub(crate) certificates: [Option<SerialKey>; 2],
}

/// The keys that one sandbox's platform signs with, and its certificate authority.
pub(crate) struct PlatformKeys {
    pub(crate) public_key: PlatformKey,
    source: KeySource,
    kept: KeptKeys,
    // Made when first asked for: most sandboxes need none of these.
    certificates: [OnceLock<Result<PlatformCertificate>>; 2],
    authority: OnceLock<Result<Authority>>,
    tls: OnceLock<Result<SerialKey>>,
}

impl KeptKeys {
    /// Returns nothing: all is drawn.
    pub(crate) fn none() -> Self {
        Self {
            issued_at: real_now(),
            public_key: None,
            authority: None,
            tls: None,
            certificates: [None, None],
        }
    }
}

impl PlatformKeys {
    pub(crate) fn new(source: KeySource, kept: KeptKeys) -> Result<Self> {
        let public_key = match &kept.public_key {
            Some(key) => key.clone(),
            None => PlatformKey {
                id: format!("PUB_KEY_ID_SANDBOX{}", random::hex(22)?),
                private: source.key(Role::Platform(0))?,
            },
        };
        Ok(Self {
            public_key,
            source,
            kept,
            certificates: [OnceLock::new(), OnceLock::new()],
            authority: OnceLock::new(),
            tls: OnceLock::new(),
        })
    }

    /// Returns what the keys are made of that have been made so far or were kept.
    pub(crate) fn made(&self) -> KeptKeys {
        let mut made = self.kept.clone();
        made.public_key = Some(self.public_key.clone());
        if let Some(Ok(authority)) = self.authority.get() {
            made.authority = SerialKey::of(&authority.certificate, &authority.key);
        }
        if let Some(Ok(tls)) = self.tls.get() {
            made.tls = Some(tls.clone());
        }
        for (nth, kept) in made.certificates.iter_mut().enumerate() {
            if let Some(certificate) = self.made_certificate(nth) {
                *kept = SerialKey::of(&certificate.certificate, &certificate.key.private);
            }
        }
        made
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
        let made = self.authority.get_or_init(|| {
            let key = self.drawn(self.kept.authority.as_ref(), Role::Ca)?;
            Authority::new(key, self.kept.issued_at)
        });
        made.as_ref().map_err(Cause::again)
    }

    /// Returns the key of the HTTPS server. The first call takes up to a second.
    pub(crate) fn tls(&self) -> Result<&SerialKey> {
        let made = self
            .tls
            .get_or_init(|| self.drawn(self.kept.tls.as_ref(), Role::Tls));
        made.as_ref().map_err(Cause::again)
    }

    fn drawn(&self, kept: Option<&SerialKey>, role: Role) -> Result<SerialKey> {
        match kept {
            Some(kept) => Ok(kept.clone()),
            None => Ok(SerialKey {
                serial: serial()?,
                private: self.source.key(role)?,
            }),
        }
    }

    fn issue(&self, authority: &Authority, nth: usize) -> Result<PlatformCertificate> {
        let kept = self.kept.certificates.get(nth).and_then(Option::as_ref);
        let SerialKey { serial, private } = self.drawn(kept, Role::Platform(nth as u8 + 1))?;
        let certificate = authority.issue(&Subject {
            name: "WeChat Pay sandbox",
            serial,
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

impl SerialKey {
    fn of(certificate: &Certificate, private: &PrivateKey) -> Option<Self> {
        Some(Self {
            serial: serial_from_hex(certificate.serial())?,
            private: private.clone(),
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
        let new = || PlatformKeys::new(KeySource::Pooled, KeptKeys::none()).unwrap();
        let keys = new();
        assert!(keys.made_certificate(0).is_none());
        let old = keys.certificate(0).unwrap();
        assert!(old.key.id.starts_with(SANDBOX_IN_HEX) && old.key.id.len() == 40);
        assert_eq!(old.certificate.public_key(), &old.key.public_key());
        let again = keys.certificate(0).unwrap();
        assert_eq!(again.certificate, old.certificate);
        assert!(keys.made_certificate(0).is_some());
        assert_ne!(keys.certificate(1).unwrap().key.id, old.key.id);
        assert!(keys.certificate(2).is_err());
        let other = new();
        assert_ne!(other.certificate(0).unwrap().key.id, old.key.id);
    }

    #[test]
    fn kept_keys_make_the_same_certificates() {
        let mut kept = KeptKeys::none();
        kept.issued_at -= 1_000_000;
        let keys = PlatformKeys::new(KeySource::Pooled, kept).unwrap();
        let (old, serial) = (keys.certificate(0).unwrap(), keys.tls().unwrap().serial);
        let made = keys.made();
        assert!(made.certificates[0].is_some() && made.certificates[1].is_none());
        let again = PlatformKeys::new(KeySource::Fresh, made).unwrap();
        assert_eq!(again.public_key.id, keys.public_key.id);
        assert_eq!(again.certificate(0).unwrap().certificate, old.certificate);
        assert_eq!(again.tls().unwrap().serial, serial);
        let authority = |keys: &PlatformKeys| keys.authority().unwrap().certificate.clone();
        assert_eq!(authority(&again), authority(&keys));
    }
}
