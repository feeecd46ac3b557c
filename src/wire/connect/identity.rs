//! The certificate and key that a client shows in TLS.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use rustls::{
    ClientConfig,
    pki_types::{CertificateDer, PrivateKeyDer},
    sign::CertifiedKey,
};

use crate::{
    base::crypto::tls_provider,
    error::{Cause, cause::Result},
};

/// The certificate and key that a client shows in TLS.
///
/// Two identities never share a connection: see [`PoolKey`](super::super::pool::PoolKey).
pub(crate) struct ClientIdentity {
    id: u64,
    key: Arc<CertifiedKey>,
    /// The TLS configuration made from this identity, with the number of the [`Tls`](super::Tls) it
    /// was made for.
    ///
    /// Kept here and not in the transport, which outlives its clients: a process that serves
    /// changing merchants would otherwise collect a configuration for each one it ever had.
    config: Mutex<Option<(u64, Arc<ClientConfig>)>>,
}

impl ClientIdentity {
    /// Returns the identity of a certificate chain, the client's own certificate first, and its key.
    pub(crate) fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let key = CertifiedKey::from_der(chain, key, &tls_provider()).map_err(|e| {
            Cause::key(
                "the client identity cannot be used for TLS: expected the merchant's API certificate \
                 and the private key that belongs to it",
            )
            .with_source(e)
        })?;
        Ok(Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            key: Arc::new(key),
            config: Mutex::new(None),
        })
    }

    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    pub(super) fn key(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.key)
    }

    /// Returns the configuration for the [`Tls`](super::Tls) numbered `tls`, made at first use.
    pub(super) fn config<E>(
        &self,
        tls: u64,
        make: impl FnOnce() -> Result<Arc<ClientConfig>, E>,
    ) -> Result<Arc<ClientConfig>, E> {
        // One configuration, not a map: a client has one transport, so a second one is rare.
        let mut cached = self.config.lock().unwrap_or_else(PoisonError::into_inner);
        match &*cached {
            Some((made_for, config)) if *made_for == tls => return Ok(Arc::clone(config)),
            _ => {}
        }
        let config = make()?;
        *cached = Some((tls, Arc::clone(&config)));
        Ok(config)
    }
}

impl fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientIdentity")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
