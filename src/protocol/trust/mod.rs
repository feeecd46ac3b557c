//! The keys whose signatures are WeChat Pay's.

mod guard;
mod key;
mod store;
mod verifier;

pub(crate) use self::{
    guard::{Guard, Own, Sandboxes},
    key::Purpose,
    store::TrustStore,
    verifier::DynVerifier,
};
pub use self::{key::PlatformKey, verifier::Verifier};

use std::{sync::Arc, time::SystemTime};

use http::HeaderValue;

use super::path::shown;
use crate::{
    base::crypto::PublicKey,
    error::{Cause, Kind, cause::Result},
};

/// Who verifies: the keys here, or a [`Verifier`].
#[derive(Clone)]
pub(crate) enum Trust {
    Local(Arc<TrustStore>),
    Remote(Arc<dyn DynVerifier>),
}

impl Trust {
    /// # Errors
    /// Where both are given, or a key that must not be trusted.
    pub(crate) fn new(
        keys: Vec<PlatformKey>,
        verifier: Option<Arc<dyn DynVerifier>>,
        guard: Arc<Guard>,
    ) -> Result<Self> {
        match verifier {
            Some(_) if !keys.is_empty() => Err(Cause::config(
                "a verifier stands in place of platform keys and certificates: give one or the \
                 other",
            )),
            Some(verifier) => Ok(Self::Remote(verifier)),
            None => {
                let store = TrustStore::new(guard);
                store.add(keys, SystemTime::now())?;
                Ok(Self::Local(Arc::new(store)))
            }
        }
    }

    /// Whether verifying waits for nobody.
    pub(crate) fn is_local(&self) -> bool {
        matches!(self, Self::Local(_))
    }

    /// Whether a signature by `serial` could verify here: a remote verifier has to be asked.
    pub(crate) fn may_know(&self, serial: &str) -> bool {
        self.store().is_none_or(|store| store.knows(serial))
    }

    /// Whether both verify a signature by `serial` with the same key.
    pub(crate) fn shares(&self, other: &Self, serial: &str) -> bool {
        match (self.store(), other.store()) {
            (Some(one), Some(other)) => one.shares(other, serial),
            _ => false,
        }
    }

    /// The store, where the keys are here.
    pub(crate) fn store(&self) -> Option<&TrustStore> {
        match self {
            Self::Local(store) => Some(store),
            Self::Remote(_) => None,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.store().is_some_and(TrustStore::is_empty)
    }

    pub(crate) fn preferred(&self) -> Option<HeaderValue> {
        match self {
            Self::Local(store) => store.preferred(SystemTime::now()),
            Self::Remote(verifier) => verifier
                .preferred()
                .and_then(|serial| HeaderValue::from_str(&serial).ok()),
        }
    }

    /// Whether the key that `serial` names made the signature over the message.
    pub(crate) async fn verify(
        &self,
        serial: &str,
        (message, signature): (&[u8], &[u8]),
        purpose: Purpose,
    ) -> Result<bool> {
        match self {
            Self::Local(store) => {
                store.verify(serial, (message, signature), purpose, SystemTime::now())
            }
            Self::Remote(verifier) => verifier
                .verify_boxed(serial, message, signature)
                .await
                .map_err(|err| Cause::new(Kind::Signature, "the verifier failed").with_source(err)),
        }
    }

    /// The key that encrypts sensitive fields, with its serial or ID: the one that `serial` names,
    /// or the preferred one.
    pub(crate) fn encryption_key(&self, serial: Option<&str>) -> Result<(String, PublicKey)> {
        match self {
            Self::Local(store) => store.encryption_key(serial, SystemTime::now()),
            Self::Remote(verifier) => verifier.encryption(serial).ok_or_else(|| {
                Cause::config(match serial {
                    Some(serial) => format!(
                        "the verifier has no key to encrypt with under the serial {:?}",
                        shown(serial)
                    ),
                    None => "the verifier has no key to encrypt with: implement \
                             Verifier::encryption_key"
                        .to_owned(),
                })
            }),
        }
    }
}
