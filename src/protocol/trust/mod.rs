//! Trust: the platform keys whose signatures count as WeChat Pay's, and what is done with them:
//! verifying responses and notifications, and encrypting sensitive fields.

pub(crate) mod folder;
pub(crate) mod guard;
pub(crate) mod key;
pub(crate) mod sensitive;
pub(crate) mod signature;
pub(crate) mod store;
pub(crate) mod verifier;

use std::{sync::Arc, time::SystemTime};

use http::HeaderValue;

use self::{
    guard::Guard,
    key::{PlatformKey, Purpose},
    store::TrustStore,
    verifier::DynVerifier,
};
use crate::{
    base::crypto::PublicKey,
    error::{Cause, ErrorKind, cause::Result, value::shown},
};

/// Where platform keys are: in this process, or behind a [`Verifier`].
///
/// [`Verifier`]: crate::Verifier
#[derive(Clone)]
pub(crate) enum Trust {
    Local(Arc<TrustStore>),
    Remote(Arc<dyn DynVerifier>),
}

impl Trust {
    /// # Errors
    /// Returns an error if both a verifier and keys are given, or if a key must not be trusted.
    pub(crate) fn new(
        keys: Vec<PlatformKey>,
        verifier: Option<Arc<dyn DynVerifier>>,
        guard: Arc<Guard>,
    ) -> Result<Self> {
        match verifier {
            // With both, it would be unclear which of the two decides about a key that only one knows.
            Some(_) if !keys.is_empty() => Err(Cause::config(
                "a `verifier` replaces platform keys and certificates: give either the verifier or \
                 the keys",
            )),
            Some(verifier) => Ok(Self::Remote(verifier)),
            None => {
                let store = TrustStore::new(guard);
                store.add(keys, SystemTime::now())?;
                Ok(Self::Local(Arc::new(store)))
            }
        }
    }

    /// Returns whether verifying never waits for another service.
    pub(crate) fn is_local(&self) -> bool {
        matches!(self, Self::Local(_))
    }

    /// Returns whether a signature by `serial` could verify. For a remote verifier this is
    /// always `true`: only asking it can tell.
    pub(crate) fn may_know(&self, serial: &str) -> bool {
        self.store().is_none_or(|store| store.knows(serial))
    }

    /// Returns whether both verify a signature by `serial` with the same key.
    pub(crate) fn shares(&self, other: &Self, serial: &str) -> bool {
        match (self.store(), other.store()) {
            (Some(one), Some(other)) => one.shares(other, serial),
            _ => false,
        }
    }

    /// Returns the trust store, or `None` with a remote verifier.
    pub(crate) fn store(&self) -> Option<&TrustStore> {
        match self {
            Self::Local(store) => Some(store),
            Self::Remote(_) => None,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.store().is_some_and(TrustStore::is_empty)
    }

    /// Returns the value for a request's `Wechatpay-Serial`: the key that the response should be signed
    /// with.
    pub(crate) fn preferred(&self) -> Option<HeaderValue> {
        match self {
            Self::Local(store) => store.preferred(SystemTime::now()),
            // A serial that is not valid in a header is treated as none: the request is still correct.
            Self::Remote(verifier) => verifier
                .preferred()
                .and_then(|serial| HeaderValue::from_str(&serial).ok()),
        }
    }

    /// Returns whether the key named `serial` made the signature over the message.
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
                .map_err(|err| {
                    Cause::new(ErrorKind::Verification, "the verifier failed").with_source(err)
                }),
        }
    }

    /// Returns the key that encrypts sensitive fields and its serial or ID: the one named by
    /// `serial`, or the preferred one.
    pub(crate) fn encryption_key(&self, serial: Option<&str>) -> Result<(String, PublicKey)> {
        match self {
            Self::Local(store) => store.encryption_key(serial, SystemTime::now()),
            Self::Remote(verifier) => verifier.encryption(serial).ok_or_else(|| {
                Cause::config(match serial {
                    Some(serial) => format!(
                        "the verifier has no encryption key with serial {:?}",
                        shown(serial)
                    ),
                    None => "the verifier has no encryption key: implement \
                             Verifier::encryption_key"
                        .to_owned(),
                })
            }),
        }
    }
}
