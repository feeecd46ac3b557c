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
/// Connections are never shared between two identities.
pub(crate) struct ClientIdentity {
    id: u64,
    key: Arc<CertifiedKey>,
    /// The TLS configuration made from this, and for which trust. It lives here and not in the
    /// transport, so that it goes when the client does.
    config: Mutex<Option<(u64, Arc<ClientConfig>)>>,
}

impl ClientIdentity {
    /// Takes the chain, own certificate first, and its key.
    pub(crate) fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let key = CertifiedKey::from_der(chain, key, &tls_provider()).map_err(|e| {
            Cause::key(
                "the client identity cannot be used for TLS: give the merchant's API certificate \
                 together with the private key that belongs to it",
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

    /// The configuration for the trust called `trust`, made once.
    pub(super) fn config<E>(
        &self,
        trust: u64,
        make: impl FnOnce() -> Result<Arc<ClientConfig>, E>,
    ) -> Result<Arc<ClientConfig>, E> {
        let mut cached = self.config.lock().unwrap_or_else(PoisonError::into_inner);
        match &*cached {
            Some((made_for, config)) if *made_for == trust => return Ok(Arc::clone(config)),
            _ => {}
        }
        let config = make()?;
        *cached = Some((trust, Arc::clone(&config)));
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
