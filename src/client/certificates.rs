//! Platform certificates that come while the client runs: downloaded, decrypted, verified, added.

use std::{
    fs,
    io::Write as _,
    path::Path,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use http::Method;
use serde_json::json;

use super::{
    Client,
    core::{Core, now},
    exchange::{Trace, once},
    refresher::{CertificateMode, CertificateRefresh, Lead, Occasion, Turn},
    sink::Claim,
};
use crate::{
    base::crypto::{Certificate, PublicKey},
    error::{Cause, Kind, Outcome, Result, SentError, cause},
    protocol::{
        certificates::{self, Downloaded},
        merchant::is_serial,
        options::Options,
        request::Draft,
        trust::{PlatformKey, TrustStore},
    },
    wire::{Clock, InRuntime, Reports, background, spawn_beside},
};

const CERTIFICATES: &str = "v3/certificates";

/// The most time that a download takes.
const LONGEST: Duration = Duration::from_secs(30);

impl Core {
    /// Makes sure that there is a key to verify an APIv3 response with, before anything is sent.
    ///
    /// # Errors
    /// Where there is no key and the download brought none by the deadline. The download is another
    /// request, so its failure is only the source of this error.
    pub(super) async fn have_key(self: &Arc<Self>, deadline: Option<Instant>) -> cause::Result<()> {
        if !self.trust.is_empty() {
            return Ok(());
        }
        let bringing = self.bring_key(None);
        let brought = match deadline {
            None => bringing.await,
            Some(deadline) => match Clock::get()?.timeout_at(deadline, bringing).await {
                Ok(brought) => brought,
                Err(_) => Err(Cause::new(
                    Kind::Timeout,
                    "no response within the timeout of the call that needs the certificates",
                )
                .in_call(&Method::GET, CERTIFICATES)),
            },
        };
        if !self.trust.is_empty() {
            return Ok(());
        }
        let why = match &brought {
            Err(_) => "the platform certificates could not be fetched. Call again, or give",
            Ok(()) if self.refresher.state().is_public_key_mode() => {
                "WeChat Pay has no platform certificates for this merchant. Give"
            }
            Ok(()) => "give",
        };
        let missing = Cause::config(format!(
            "nothing to verify the response with, so nothing was sent: {why} the builder a \
             `platform_key` (the WeChat Pay public key and its ID, from the merchant platform), a \
             `platform_certificate` or a `verifier`"
        ));
        Err(match brought {
            Ok(()) => missing,
            Err(source) => missing.with_source(source),
        })
    }

    /// Whether a download could bring the key that `serial` names, or any key at all. A public key
    /// (`PUB_KEY_ID_…`) never comes this way. A request for one would only make the client wait, and
    /// anybody could cause it.
    pub(super) fn may_bring(&self, serial: Option<&str>) -> bool {
        self.trust.is_local() && self.refresher.is_on() && serial.is_none_or(is_serial)
    }

    /// Brings the key that `serial` names, or any key at all, if a download can. Whether it did is
    /// seen in the store.
    ///
    /// # Errors
    /// Where the download failed, now or less than a pause ago.
    pub(super) async fn bring_key(self: &Arc<Self>, serial: Option<&str>) -> cause::Result<()> {
        let Some(store) = self.trust.store().filter(|_| self.may_bring(serial)) else {
            return Ok(());
        };
        loop {
            let turn = {
                let mut state = self.refresher.state();
                let here = match serial {
                    Some(serial) => store.knows(serial),
                    None => !store.is_empty(),
                };
                if here {
                    return Ok(());
                }
                if let Some(last) = state.pausing(Instant::now()) {
                    return last;
                }
                self.refresher.turn(&mut state, Occasion::Demand)
            };
            match turn {
                Turn::Lead(lead) => {
                    let downloaded = self.download(lead).await;
                    return downloaded.map(drop).map_err(SentError::into_cause);
                }
                Turn::Wait(ended) => ended.wait().await,
            }
        }
    }

    /// Starts a download beside the call where the last one is older than the mode allows.
    pub(super) fn renew(self: &Arc<Self>) {
        let CertificateMode::Background(age) = self.refresher.mode else {
            return;
        };
        // Without any key, the call waits for a download of its own.
        if self.trust.is_empty() {
            return;
        }
        let turn = {
            let mut state = self.refresher.state();
            if !state.is_renewal_due(age, Instant::now()) {
                return;
            }
            self.refresher.turn(&mut state, Occasion::Renewal)
        };
        if let Turn::Lead(lead) = turn {
            let core = Arc::clone(self);
            let work = async move {
                if let Err(err) = core.download(lead).await {
                    tracing::warn!(error = %err.cause(), "platform certificates not renewed");
                }
            };
            let spawned = match self.signs_locally() {
                true => background().map(|background| drop(background.spawn(work))),
                false => spawn_beside(work),
            };
            if let Err(error) = spawned {
                tracing::warn!(%error, "platform certificates not renewed");
            }
        }
    }

    async fn refresh(self: &Arc<Self>) -> Result<CertificateRefresh, SentError> {
        loop {
            let turn = {
                let mut state = self.refresher.state();
                self.refresher.turn(&mut state, Occasion::Program)
            };
            match turn {
                Turn::Lead(lead) => return self.download(lead).await,
                Turn::Wait(ended) => ended.wait().await,
            }
        }
    }

    fn trust_key(&self, key: PlatformKey) -> cause::Result<()> {
        self.local_store()?.add([key], SystemTime::now()).map(drop)
    }

    fn local_store(&self) -> cause::Result<&TrustStore> {
        self.trust.store().ok_or_else(|| {
            Cause::config("this client verifies with a Verifier, which keeps its own keys")
        })
    }

    /// Downloads on the background runtime: a caller that gives up, or whose own runtime rests,
    /// then neither ends what the others wait for nor holds them up. A remote signer is the
    /// program's code, and stays in the program's runtime.
    async fn download(self: &Arc<Self>, lead: Lead) -> Result<CertificateRefresh, SentError> {
        let core = Arc::clone(self);
        let work = async move {
            let outcome = core.download_in_time().await;
            lead.end(&outcome);
            outcome
        };
        if !self.signs_locally() {
            return work.await;
        }
        let background = background().map_err(|cause| cause.with_outcome(Outcome::NotSent))?;
        match background.spawn(work).await {
            Ok(outcome) => outcome,
            Err(err) => Err(Cause::new(
                Kind::Transport,
                "the download of the platform certificates broke off",
            )
            .with_source(err)
            .with_outcome(Outcome::Unknown)),
        }
    }

    /// A download has its own time, for it may wait for nobody and outlive its caller.
    async fn download_in_time(&self) -> Result<CertificateRefresh, SentError> {
        let limit = match self.setup.timeout {
            Duration::ZERO => LONGEST,
            limit => limit.min(LONGEST),
        };
        let clock = Clock::get().map_err(|cause| cause.with_outcome(Outcome::NotSent))?;
        match clock.timeout(limit, self.fetch()).await {
            Ok(outcome) => outcome,
            Err(_) => Err(
                Cause::new(Kind::Timeout, format!("no response within {limit:?}"))
                    .in_call(&Method::GET, CERTIFICATES)
                    .with_outcome(Outcome::Unknown),
            ),
        }
    }

    async fn fetch(&self) -> Result<CertificateRefresh, SentError> {
        let (draft, key, store) = self
            .prepare_download()
            .map_err(|cause| cause.with_outcome(Outcome::NotSent))?;
        let in_call =
            |err: SentError| err.map(|cause| cause.in_call(&Method::GET, &draft.template));
        let trace = Trace::new(Reports::default())
            .map_err(|cause| in_call(cause.with_outcome(Outcome::NotSent)))?;
        let answer = once(self, &draft, &trace).await.map_err(in_call)?;
        match certificates::read(&answer, key, store, now())
            .map_err(|err| in_call(answer.explain(err)))?
        {
            Downloaded::None => {
                tracing::debug!("no platform certificates: public key mode");
                Ok(CertificateRefresh {
                    added: Vec::new(),
                    public_key_mode: true,
                })
            }
            Downloaded::Some(list) => {
                let keys = list.into_iter().map(PlatformKey::of_certificate);
                let added = store
                    .add(keys, SystemTime::now())
                    .map_err(|cause| in_call(cause.with_outcome(Outcome::Done)))?;
                for serial in &added {
                    tracing::info!(serial, "platform certificate added");
                }
                Ok(CertificateRefresh {
                    added,
                    public_key_mode: false,
                })
            }
        }
    }

    fn prepare_download(&self) -> cause::Result<(Draft, &[u8; 32], &TrustStore)> {
        let store = self.local_store()?;
        let key = self.apiv3_key.as_ref().ok_or_else(|| {
            Cause::config("platform certificates are decrypted with the APIv3 key: give the builder `apiv3_key`")
        })?;
        let options = Options::new().query(json!({ "algorithm_type": "RSA" }));
        let draft = Draft::new(Method::GET, CERTIFICATES, options, &self.setup, &self.trust)?;
        Ok((draft, key, store))
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
    /// What [`build`](crate::ClientBuilder::build) refuses too: another key under a known ID, the
    /// merchant's own (of a time before a rotation, too), or a sandbox's where the client's requests
    /// do not go to one.
    pub fn add_platform_key(&self, id: impl Into<String>, key: PublicKey) -> Result<()> {
        let key = PlatformKey::of_public_key(id.into(), key);
        self.root.core().trust_key(key).map_err(Cause::not_sent)
    }

    /// Trusts a platform certificate from now on.
    ///
    /// # Errors
    /// An expired one, and as [`add_platform_key`](Client::add_platform_key).
    pub fn add_platform_certificate(&self, certificate: Certificate) -> Result<()> {
        let key = PlatformKey::of_certificate(certificate);
        self.root.core().trust_key(key).map_err(Cause::not_sent)
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
        self.refreshing()
    }

    pub(crate) fn refreshing(&self) -> InRuntime<CertificateRefresh> {
        let core = Arc::clone(self.root.core_arc());
        InRuntime::new(async move { Ok(core.refresh().await?) })
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
        let folder = folder.as_ref();
        fs::create_dir_all(folder).map_err(|err| {
            let message = format!("the folder {} cannot be made", folder.display());
            Cause::new(Kind::File, message).with_source(err).not_sent()
        })?;
        keys.iter()
            .filter_map(PlatformKey::certificate)
            .try_for_each(|certificate| save(certificate, folder))
            .map_err(Cause::not_sent)
    }
}

/// Writes a certificate beside its place and renames it there, so that it is never half, and never
/// somewhere else: a link at its place is replaced.
fn save(certificate: &Certificate, folder: &Path) -> cause::Result<()> {
    let place = folder.join(format!("wechatpay_{}.pem", certificate.serial()));
    let claim = Claim::new();
    let mut part = claim.maker().place("the certificate", place)?;
    part.write_all(certificate.to_pem().as_bytes())
        .map_err(|err| part.failed("it cannot be written").with_source(err))?;
    part.keep().map(drop)
}
