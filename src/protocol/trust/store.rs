use std::{sync::Arc, time::SystemTime};

use arc_swap::ArcSwap;
use http::HeaderValue;

use super::{
    guard::{Guard, Own},
    key::{PlatformKey, Purpose},
};
use crate::{
    base::crypto::PublicKey,
    error::{Cause, Kind, cause::Result},
    protocol::{
        merchant::{check_platform_id, is_public_key_id},
        path::shown,
    },
};

/// The most keys a store takes: far more than WeChat Pay has in force at a time.
const MOST: usize = 256;

/// The trusted keys of one client: read without a lock, changed while calls run.
pub(crate) struct TrustStore {
    keys: ArcSwap<Vec<PlatformKey>>,
    guard: Arc<Guard>,
}

impl TrustStore {
    pub(crate) fn new(guard: Arc<Guard>) -> Self {
        Self {
            keys: ArcSwap::default(),
            guard,
        }
    }

    /// A store that trusts one key alone, under the same guard.
    ///
    /// # Errors
    /// Where the key could not be added here either.
    pub(crate) fn of_one(&self, key: PlatformKey, now: SystemTime) -> Result<Self> {
        let store = Self::new(Arc::clone(&self.guard));
        store.add([key], now)?;
        Ok(store)
    }

    /// Trusts more keys, all of them or none. One that is there already stays as it is. Returns the
    /// IDs of those that were not.
    ///
    /// # Errors
    /// The merchant's own, a sandbox's where those are refused, an expired certificate, another key
    /// under a known ID.
    pub(crate) fn add(
        &self,
        keys: impl IntoIterator<Item = PlatformKey>,
        now: SystemTime,
    ) -> Result<Vec<String>> {
        let own = self.guard.lock();
        let mut more = Vec::clone(&self.keys.load());
        let mut added = Vec::new();
        for key in keys {
            if check(&key, &more, &own, now)? {
                self.guard.check_id(key.id())?;
                added.push(key.id().to_owned());
                more.push(key);
            }
        }
        // Before anything verifies by them.
        added.iter().try_for_each(|id| self.guard.take_id(id))?;
        self.keys.store(more.into());
        Ok(added)
    }

    /// Takes a key out; `false` where it was not there.
    pub(crate) fn remove(&self, id: &str) -> bool {
        let _one_at_a_time = self.guard.lock();
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
}

/// Whether a key that may be trusted is not trusted yet.
fn check(key: &PlatformKey, known: &[PlatformKey], own: &[Own], now: SystemTime) -> Result<bool> {
    if key.certificate().is_none() {
        check_platform_id(key.id())
            .map_err(|what| Cause::config(format!("the platform key's id {what}")))?;
    }
    if own.iter().any(|own| own.is(key)) {
        return Err(Cause::config(format!(
            "the platform key {} is the merchant's own: give WeChat Pay's public key \
             (pub_key.pem) or platform certificate, not apiclient_cert.pem",
            key.id()
        )));
    }
    key.check_unexpired(now)?;
    match known.iter().find(|known| known.id() == key.id()) {
        Some(known) if known.key() == key.key() => Ok(false),
        Some(_) => Err(Cause::config(format!(
            "two different platform keys under the id {}: one of them is not WeChat Pay's",
            key.id()
        ))),
        None if known.len() >= MOST => Err(Cause::config(format!(
            "more than {MOST} platform keys: remove those that are out of use"
        ))),
        None => Ok(true),
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
