//! Platform certificates that come while the client runs: downloaded, decrypted, verified, added.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use http::Method;
use serde_json::json;
use tokio::sync::Mutex;

use super::{
    Client,
    core::{Core, now},
    exchange::{Trace, once},
};
use crate::{
    base::crypto::{Certificate, PublicKey},
    error::{Error, Result},
    protocol::{
        certificates::{self, Downloaded},
        options::Options,
        request::Draft,
        trust::{PlatformKey, TrustStore},
    },
    wire::InRuntime,
};

/// Between two downloads, at least.
const PAUSE: Duration = Duration::from_secs(60);

/// Whether a client fetches platform certificates by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CertificateMode {
    /// Never: the keys that the builder and the program give are all.
    Fixed,
    /// When an answer is signed by a serial that is not known, or no key is trusted yet: once for
    /// all calls that wait, and at most once a minute. The default of a client with an APIv3 key.
    OnDemand,
    /// On demand, and besides when the last download is older than this: a call that finds it so
    /// starts one, and does not wait for it. No task runs in between.
    Background(Duration),
}

/// What a download of certificates brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateRefresh {
    added: Vec<String>,
    public_key_mode: bool,
}

impl CertificateRefresh {
    /// The serials of the certificates that were not known before.
    pub fn added(&self) -> &[String] {
        &self.added
    }

    /// Whether WeChat Pay has no certificates for this merchant: a new one has its public key
    /// only, which is given by [`ClientBuilder::platform_key`](crate::ClientBuilder::platform_key).
    pub fn is_public_key_mode(&self) -> bool {
        self.public_key_mode
    }
}

/// The downloads of one client.
pub(super) struct Refresher {
    mode: CertificateMode,
    /// Held over a download, so that all who wait share one; when the last one ended.
    last: Mutex<Option<Instant>>,
    renewing: AtomicBool,
}

impl Refresher {
    pub(super) fn new(mode: CertificateMode) -> Self {
        Self {
            mode,
            last: Mutex::new(None),
            renewing: AtomicBool::new(false),
        }
    }

    fn is_on(&self) -> bool {
        self.mode != CertificateMode::Fixed
    }
}

impl Core {
    /// Brings the key that `serial` names, or any key at all, if a download can. Whether it did is
    /// seen in the store.
    pub(super) async fn bring_key(&self, serial: Option<&str>) -> Result<()> {
        let Some(store) = self.trust.store().filter(|_| self.refresher.is_on()) else {
            return Ok(());
        };
        let mut last = self.refresher.last.lock().await;
        let here = match serial {
            Some(serial) => store.knows(serial),
            None => !store.is_empty(),
        };
        if here || last.is_some_and(|last| last.elapsed() < PAUSE) {
            return Ok(());
        }
        let outcome = self.download(store).await;
        // A download that was given up in the middle leaves the next one free.
        *last = Some(Instant::now());
        outcome.map(drop)
    }

    /// Starts a download beside the call where the last one is older than the mode allows.
    pub(super) fn renew(self: &Arc<Self>) {
        let CertificateMode::Background(age) = self.refresher.mode else {
            return;
        };
        let due = match self.refresher.last.try_lock() {
            Ok(last) => last.is_none_or(|last| last.elapsed() >= age.max(PAUSE)),
            Err(_) => false,
        };
        if !due || self.refresher.renewing.swap(true, Ordering::AcqRel) {
            return;
        }
        let core = Arc::clone(self);
        tokio::spawn(async move {
            if let Err(err) = core.refresh().await {
                tracing::warn!(error = %err, "platform certificates not renewed");
            }
            core.refresher.renewing.store(false, Ordering::Release);
        });
    }

    async fn refresh(&self) -> Result<CertificateRefresh> {
        let store = self.local_store()?;
        let mut last = self.refresher.last.lock().await;
        let outcome = self.download(store).await;
        *last = Some(Instant::now());
        outcome
    }

    fn local_store(&self) -> Result<&TrustStore> {
        self.trust.store().ok_or_else(|| {
            Error::config("this client verifies with a Verifier, which keeps its own keys")
        })
    }

    async fn download(&self, store: &TrustStore) -> Result<CertificateRefresh> {
        let key = self.apiv3_key.as_ref().ok_or_else(|| {
            Error::config("platform certificates are decrypted with the APIv3 key: give the builder `apiv3_key`")
        })?;
        let options = Options::new().query(json!({ "algorithm_type": "RSA" }));
        let draft = Draft::new(
            Method::GET,
            "v3/certificates",
            options,
            &self.setup,
            &self.trust,
        )?;
        let answer = once(self, &draft, &Trace::default())
            .await
            .map_err(|err| err.in_call(&Method::GET, &draft.template))?;
        match certificates::read(&answer, key, store, now())
            .map_err(|err| err.in_call(&Method::GET, &draft.template))?
        {
            Downloaded::None => {
                tracing::debug!("no platform certificates: public key mode");
                Ok(CertificateRefresh {
                    added: Vec::new(),
                    public_key_mode: true,
                })
            }
            Downloaded::Some(list) => {
                let mut added = Vec::new();
                for certificate in list {
                    let serial = certificate.serial().to_owned();
                    if !store.knows(&serial) {
                        store.add(PlatformKey::of_certificate(certificate), SystemTime::now())?;
                        tracing::info!(serial, "platform certificate added");
                        added.push(serial);
                    }
                }
                Ok(CertificateRefresh {
                    added,
                    public_key_mode: false,
                })
            }
        }
    }
}

impl Client {
    /// The platform keys that are trusted now, each with how often it vouched for something.
    pub fn platform_keys(&self) -> Vec<PlatformKey> {
        self.root
            .core()
            .trust
            .store()
            .map(TrustStore::all)
            .unwrap_or_default()
    }

    /// Trusts a WeChat Pay public key from now on, under its ID (`PUB_KEY_ID_…`).
    ///
    /// # Errors
    /// Another key under a known ID, or the merchant's own.
    pub fn add_platform_key(&self, id: impl Into<String>, key: PublicKey) -> Result<()> {
        let key = PlatformKey::of_public_key(id.into(), key);
        self.root.core().local_store()?.add(key, SystemTime::now())
    }

    /// Trusts a platform certificate from now on.
    ///
    /// # Errors
    /// An expired one, another key under a known serial, or the merchant's own.
    pub fn add_platform_certificate(&self, certificate: Certificate) -> Result<()> {
        let key = PlatformKey::of_certificate(certificate);
        self.root.core().local_store()?.add(key, SystemTime::now())
    }

    /// Trusts the key of this ID or serial no longer; `false` where it was not trusted.
    pub fn remove_platform_key(&self, id: &str) -> bool {
        self.root
            .core()
            .trust
            .store()
            .is_some_and(|store| store.remove(id))
    }

    /// The future of [`refresh_certificates`](Client::refresh_certificates).
    ///
    /// # Errors
    /// As [`refresh_certificates`](Client::refresh_certificates).
    pub fn refresh_certificates_async(
        &self,
    ) -> impl Future<Output = Result<CertificateRefresh>> + Send + 'static {
        let core = Arc::clone(self.root.core_arc());
        InRuntime::new(async move { core.refresh().await })
    }

    /// Writes the certificates that are trusted now into a folder, one `wechatpay_SERIAL.pem`
    /// each, readable by this user alone;
    /// [`ClientBuilder::platform_certificates_from`](crate::ClientBuilder::platform_certificates_from)
    /// reads them.
    ///
    /// # Errors
    /// Where the folder cannot be written to.
    pub fn save_certificates(&self, folder: impl AsRef<Path>) -> Result<()> {
        let keys = self.platform_keys();
        certificates::save(
            keys.iter().filter_map(PlatformKey::certificate),
            folder.as_ref(),
        )
    }
}
