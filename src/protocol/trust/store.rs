use std::{
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

use arc_swap::ArcSwap;
use http::HeaderValue;

use super::key::{PlatformKey, Purpose};
use crate::{
    base::crypto::PublicKey,
    error::{Cause, Kind, cause::Result},
    protocol::{merchant::check_platform_id, path::shown},
};

/// The most keys a store takes: far more than WeChat Pay has in force at a time.
const MOST: usize = 256;

/// The trusted keys of one client: read without a lock, changed while calls run.
pub(crate) struct TrustStore {
    keys: ArcSwap<Vec<PlatformKey>>,
    /// Held while the keys are changed, so that no change is lost.
    changing: Mutex<()>,
    /// The merchant's own, which must never be trusted as WeChat Pay's.
    own: Option<Own>,
}

/// The merchant's own serial and key.
pub(crate) struct Own {
    pub(crate) serial: String,
    pub(crate) key: PublicKey,
}

impl TrustStore {
    pub(crate) fn new(keys: Vec<PlatformKey>, own: Option<Own>, now: SystemTime) -> Result<Self> {
        let store = Self {
            keys: ArcSwap::default(),
            changing: Mutex::new(()),
            own,
        };
        for key in keys {
            store.add(key, now)?;
        }
        Ok(store)
    }

    /// Trusts one more key. One that is there already stays as it is.
    ///
    /// # Errors
    /// The merchant's own, an expired certificate, another key under a known id.
    pub(crate) fn add(&self, key: PlatformKey, now: SystemTime) -> Result<()> {
        if key.certificate().is_none() {
            check_platform_id(key.id())
                .map_err(|what| Cause::config(format!("the platform key's id {what}")))?;
        }
        self.check_not_own(&key)?;
        key.check_unexpired(now)?;
        let _one_at_a_time = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let keys = self.keys.load();
        match keys.iter().find(|known| known.id() == key.id()) {
            Some(known) if known.key() == key.key() => return Ok(()),
            Some(_) => {
                return Err(Cause::config(format!(
                    "two different platform keys under the id {}: one of them is not WeChat Pay's",
                    key.id()
                )));
            }
            None => {}
        }
        if keys.len() == MOST {
            return Err(Cause::config(format!(
                "more than {MOST} platform keys: remove those that are out of use"
            )));
        }
        let mut more = Vec::clone(&keys);
        more.push(key);
        self.keys.store(more.into());
        Ok(())
    }

    /// Takes a key out; `false` where it was not there.
    pub(crate) fn remove(&self, id: &str) -> bool {
        let _one_at_a_time = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let keys = self.keys.load();
        let mut fewer = Vec::clone(&keys);
        fewer.retain(|key| key.id() != id);
        let removed = fewer.len() < keys.len();
        self.keys.store(fewer.into());
        removed
    }

    pub(crate) fn all(&self) -> Vec<PlatformKey> {
        Vec::clone(&self.keys.load())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.keys.load().is_empty()
    }

    pub(crate) fn knows(&self, id: &str) -> bool {
        self.keys.load().iter().any(|key| key.id() == id)
    }

    /// Whether both have the same key under this id.
    pub(crate) fn shares(&self, other: &Self, id: &str) -> bool {
        let (own, others) = (self.keys.load(), other.keys.load());
        let theirs = others.iter().find(|key| key.id() == id);
        theirs.is_some_and(|theirs| {
            let mut own = own.iter();
            own.any(|key| key.id() == id && key.key() == theirs.key())
        })
    }

    /// Whether the key that `id` names made `signature` over `message`.
    ///
    /// # Errors
    /// Where no such key is trusted, or it is a certificate's whose time is over.
    pub(crate) fn verify(
        &self,
        id: &str,
        (message, signature): (&[u8], &[u8]),
        purpose: Purpose,
        now: SystemTime,
    ) -> Result<bool> {
        let keys = self.keys.load();
        let Some(key) = keys.iter().find(|key| key.id() == id) else {
            let trusted = names(&keys);
            let id = shown(id);
            let message = if is_public_key_id(&id) {
                format!(
                    "signed by the public key {id}, which is not configured here (trusted: \
                     {trusted}); if it is WeChat Pay's, give it as a `platform_key`: public keys \
                     are in the merchant platform and never come with the platform certificates"
                )
            } else {
                format!(
                    "signed by the serial {id}, which is not trusted here (trusted: {trusted}); if \
                     it is WeChat Pay's, add its certificate or public key"
                )
            };
            return Err(Cause::new(Kind::UnknownKey, message));
        };
        key.check_unexpired(now)
            .map_err(|err| Cause::new(Kind::Signature, err.to_string()))?;
        let good = key.key().verify(message, signature);
        if good {
            key.count(purpose);
        }
        Ok(good)
    }

    /// The value for `Wechatpay-Serial`: a public key's ID before a certificate's serial, and of
    /// the certificates in force the one that ends last.
    pub(crate) fn preferred(&self, now: SystemTime) -> Option<HeaderValue> {
        best(&self.keys.load(), now)?.header().cloned()
    }

    /// The key that encrypts, with its id: the one that `serial` names, or the preferred one.
    pub(crate) fn encryption_key(
        &self,
        serial: Option<&str>,
        now: SystemTime,
    ) -> Result<(String, PublicKey)> {
        let keys = self.keys.load();
        let found = match serial {
            Some(serial) => keys.iter().find(|key| key.id() == serial),
            None => best(&keys, now),
        };
        let Some(key) = found else {
            return Err(Cause::config(match serial {
                Some(serial) => format!(
                    "Wechatpay-Serial {:?} names no trusted platform key to encrypt with (trusted: {})",
                    shown(serial),
                    names(&keys)
                ),
                None => "there is no platform key in force to encrypt with: give the builder a \
                         `platform_key` or a `platform_certificate`, or fetch the certificates by \
                         refresh_certificates()"
                    .to_owned(),
            }));
        };
        key.check_unexpired(now)?;
        Ok((key.id().to_owned(), key.key().clone()))
    }

    fn check_not_own(&self, key: &PlatformKey) -> Result<()> {
        let own = self.own.as_ref();
        if own.is_some_and(|own| own.serial.eq_ignore_ascii_case(key.id()) || own.key == *key.key())
        {
            return Err(Cause::config(format!(
                "the platform key {} is the merchant's own: give WeChat Pay's public key \
                 (pub_key.pem) or platform certificate, not apiclient_cert.pem",
                key.id()
            )));
        }
        Ok(())
    }
}

/// A public key before a certificate, and of the certificates in force the one that ends last.
fn best(keys: &[PlatformKey], now: SystemTime) -> Option<&PlatformKey> {
    let bare = keys.iter().find(|key| key.certificate().is_none());
    let certificate = || {
        keys.iter()
            .filter(|key| key.is_in_force(now))
            .max_by_key(|key| key.certificate().map(|own| own.not_after()))
    };
    bare.or_else(certificate)
}

/// Whether this is, or was meant for, the ID of a public key.
fn is_public_key_id(id: &str) -> bool {
    const PREFIX: &str = "PUB_KEY_ID_";
    let start = id.get(..PREFIX.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(PREFIX))
}

fn names(keys: &[PlatformKey]) -> String {
    match keys {
        [] => "none".to_owned(),
        keys => keys
            .iter()
            .map(PlatformKey::id)
            .collect::<Vec<_>>()
            .join(", "),
    }
}
