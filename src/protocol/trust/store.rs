//! The trust store: the platform keys that one client trusts.

use std::{sync::Arc, time::SystemTime};

use arc_swap::ArcSwap;
use http::HeaderValue;

use super::{
    guard::{Guard, MerchantCredentials},
    key::{PlatformKey, Purpose},
};
use crate::{
    base::crypto::PublicKey,
    error::{Cause, ErrorKind, cause::Result, value::shown},
    protocol::merchant::{check_platform_id, is_public_key_id},
};

/// The largest number of keys in a store. WeChat Pay never has more than a handful in force; the
/// limit keeps an endless download from filling memory.
const MAX_KEYS: usize = 256;

/// The platform keys that one client trusts.
///
/// Every response reads them, so reading takes no lock: a change replaces the whole list, and calls
/// that are running keep the list they loaded.
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

    /// Returns a store that trusts one key only, under the same guard.
    ///
    /// # Errors
    /// Returns an error if [`add`](Self::add) would refuse the key here, too.
    pub(crate) fn of_one(&self, key: PlatformKey, now: SystemTime) -> Result<Self> {
        let store = Self::new(Arc::clone(&self.guard));
        store.add([key], now)?;
        Ok(store)
    }

    /// Trusts more keys, either all of them or none. A key that is already trusted keeps its
    /// counters. Returns the IDs of the new ones.
    ///
    /// # Errors
    /// Returns an error for the merchant's own key, for a sandbox's key if those are refused, for
    /// an expired certificate, and for a different key under a known ID.
    pub(crate) fn add(
        &self,
        keys: impl IntoIterator<Item = PlatformKey>,
        now: SystemTime,
    ) -> Result<Vec<String>> {
        // Held until the new list is stored, so that two additions at the same time cannot lose one
        // another, and so that no rotation makes one of these keys the merchant's own in between.
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
        // `check_id` above refuses without a trace; only now that all keys are accepted is one recorded.
        // The guard has to know a sandbox's key before anything can be verified with it.
        added.iter().try_for_each(|id| self.guard.take_id(id))?;
        self.keys.store(more.into());
        Ok(added)
    }

    /// Removes a key. Returns `false` if it was not trusted.
    pub(crate) fn remove(&self, id: &str) -> bool {
        let _changing = self.guard.lock();
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

    /// Returns whether both stores have the same key under this ID.
    pub(crate) fn shares(&self, other: &Self, id: &str) -> bool {
        let (own, others) = (self.keys.load(), other.keys.load());
        let theirs = others.iter().find(|key| key.id() == id);
        theirs.is_some_and(|theirs| {
            let mut own = own.iter();
            own.any(|key| key.id() == id && key.key() == theirs.key())
        })
    }

    /// Returns whether the key named `id` made `signature` over `message`.
    ///
    /// # Errors
    /// Returns an error if no such key is trusted, or if its certificate has expired.
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
                    "signed by the public key {id}, which is not configured (trusted: {trusted}); if \
                     it is WeChat Pay's, add it with `platform_key`: public keys are shown in the \
                     merchant platform and are never downloaded with the platform certificates"
                )
            } else {
                format!(
                    "signed by serial {id}, which is not trusted (trusted: {trusted}); if it is \
                     WeChat Pay's, add its certificate or public key"
                )
            };
            return Err(Cause::new(ErrorKind::UnknownKey, message));
        };
        // Checked for every message, not only when the key was added: a process can run for longer than
        // a certificate is valid.
        key.check_unexpired(now)
            .map_err(|err| Cause::new(ErrorKind::Verification, err.to_string()))?;
        let matches = key.key().verify(message, signature);
        if matches {
            key.count(purpose);
        }
        Ok(matches)
    }

    /// Returns the value for a request's `Wechatpay-Serial`, the name of the [`best`] key.
    pub(crate) fn preferred(&self, now: SystemTime) -> Option<HeaderValue> {
        best(&self.keys.load(), now)?.header().cloned()
    }

    /// Returns the key to encrypt with and its ID: the one named by `serial`, or the [`best`] one.
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
                    "Wechatpay-Serial {:?} is not a trusted platform key, so it cannot encrypt (trusted: {})",
                    shown(serial),
                    names(&keys)
                ),
                None => "no platform key to encrypt with: give the builder a `platform_key` or a \
                         `platform_certificate`, or download the certificates with \
                         refresh_certificates()"
                    .to_owned(),
            }));
        };
        key.check_unexpired(now)?;
        Ok((key.id().to_owned(), key.key().clone()))
    }
}

/// Checks a key before it is added. Returns `false` if it is trusted already.
fn check(
    key: &PlatformKey,
    known: &[PlatformKey],
    own: &[MerchantCredentials],
    now: SystemTime,
) -> Result<bool> {
    if key.certificate().is_none() {
        check_platform_id(key.id())
            .map_err(|what| Cause::config(format!("invalid platform key ID {what}")))?;
    }
    // The two certificates of a merchant are easily confused, and then the merchant's own signature
    // would count as WeChat Pay's.
    if own.iter().any(|own| own.is(key)) {
        return Err(Cause::config(format!(
            "the platform key {} is the merchant's own key: give WeChat Pay's public key \
             (pub_key.pem) or platform certificate, not apiclient_cert.pem",
            key.id()
        )));
    }
    key.check_unexpired(now)?;
    match known.iter().find(|known| known.id() == key.id()) {
        // The first key under an ID wins, and a different one is an error rather than a replacement: a
        // genuine key never changes under its ID.
        Some(known) if known.key() == key.key() => Ok(false),
        Some(_) => Err(Cause::config(format!(
            "two different platform keys have the ID {}: one of them is not WeChat Pay's",
            key.id()
        ))),
        None if known.len() >= MAX_KEYS => Err(Cause::config(format!(
            "more than {MAX_KEYS} platform keys: remove those no longer in use"
        ))),
        None => Ok(true),
    }
}

/// Returns a public key if there is one, else the certificate in force that expires last.
///
/// WeChat Pay is moving from certificates to public keys. The certificate that expires last is the
/// newest, so a rotation moves to it as soon as it is in force.
fn best(keys: &[PlatformKey], now: SystemTime) -> Option<&PlatformKey> {
    // If several are configured, the first one given is preferred.
    let bare = keys.iter().find(|key| key.certificate().is_none());
    let certificate = || {
        keys.iter()
            .filter(|key| key.is_in_force(now))
            .max_by_key(|key| key.certificate().map(|certificate| certificate.not_after()))
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
