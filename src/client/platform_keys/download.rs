//! Downloads platform certificates: when a call needs a key, when they are old, when the program asks.
//!
//! Only one download runs at a time, and everyone who needs it waits for it: a hundred calls that meet
//! a new key must not send a hundred requests.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use http::Method;
use serde_json::json;

use super::refresher::{CertificateMode, CertificateRefresh, Lead, Reason, Turn};
use crate::{
    client::{
        call::{attempt, state::CallState},
        core::{Core, now},
        response,
    },
    error::{Cause, ErrorKind, Outcome, Result, SentError, cause},
    protocol::{
        merchant::is_serial,
        options::Options,
        request::Draft,
        response::certificates::{self, Downloaded},
        trust::{key::PlatformKey, store::TrustStore},
    },
    wire::{Clock, Reports, background, spawn_user_work},
};

const CERTIFICATES: &str = "v3/certificates";

/// The timeout of a download.
const MAX_DURATION: Duration = Duration::from_secs(30);

impl Core {
    /// Ensures that there is a key to verify an APIv3 response with, before anything is sent.
    ///
    /// # Errors
    /// Returns an error if there is no key and the download brought none by the deadline. A failure of
    /// the download is the source of this error and not the error itself: it is about another request,
    /// and must not be mistaken for the error of this one.
    pub(in crate::client) async fn require_platform_key(
        self: &Arc<Self>,
        deadline: Option<Instant>,
    ) -> cause::Result<()> {
        // The usual case costs one load. What to trust is decided by the store, when the response arrives.
        if !self.trust.is_empty() {
            return Ok(());
        }
        let fetching = self.fetch_key(None);
        let fetched = match deadline {
            None => fetching.await,
            Some(deadline) => match Clock::get()?.timeout_at(deadline, fetching).await {
                Ok(fetched) => fetched,
                Err(_) => Err(Cause::new(
                    ErrorKind::Timeout,
                    "no response within the timeout of the call that needs the certificates",
                )
                .in_call(&Method::GET, CERTIFICATES)),
            },
        };
        if !self.trust.is_empty() {
            return Ok(());
        }
        let why = match &fetched {
            Err(_) => "the platform certificates could not be downloaded; try again, or set",
            Ok(()) if self.refresher.state().is_public_key_mode() => {
                "WeChat Pay has no platform certificates for this merchant; set"
            }
            Ok(()) if self.apiv3_key.is_none() => {
                "set an `apiv3_key`, with which certificates are downloaded, or"
            }
            Ok(()) => "set",
        };
        let missing = Cause::config(format!(
            "no platform key to verify responses and encrypt fields with, so nothing was sent: \
             {why} a `platform_key` (the WeChat Pay public key and its ID, from the merchant \
             platform), a `platform_certificate` or a `verifier` on the client builder"
        ));
        Err(match fetched {
            Ok(()) => missing,
            Err(source) => missing.with_source(source),
        })
    }

    /// Returns `true` if a download could bring the key of this serial. Without a serial, any key will do.
    ///
    /// It never brings a public key (`PUB_KEY_ID_…`): those are not certificates. Trying would only
    /// make the client wait, and anyone could trigger it by sending a notification with such an ID.
    pub(in crate::client) fn may_fetch(&self, serial: Option<&str>) -> bool {
        self.trust.is_local() && self.refresher.is_on() && serial.is_none_or(is_serial)
    }

    /// Downloads the certificates if that could bring the key of this serial, or any key if there is
    /// none. The trust store shows whether it did.
    ///
    /// # Errors
    /// Returns an error if the download fails, or failed too recently to try again.
    pub(in crate::client) async fn fetch_key(
        self: &Arc<Self>,
        serial: Option<&str>,
    ) -> cause::Result<()> {
        let Some(store) = self.trust.store().filter(|_| self.may_fetch(serial)) else {
            return Ok(());
        };
        loop {
            let turn = {
                // Under the lock: a download that ends between this check and the turn would be missed,
                // and a second one started.
                let mut state = self.refresher.state();
                let known = match serial {
                    Some(serial) => store.knows(serial),
                    None => !store.is_empty(),
                };
                if known {
                    return Ok(());
                }
                if let Some(last) = state.pausing(Instant::now()) {
                    return last;
                }
                self.refresher.turn(&mut state, Reason::Demand)
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

    /// Starts a download in the background if the last one is older than [`CertificateMode`] allows.
    /// The call that triggers it does not wait for it.
    pub(in crate::client) fn renew_certificates(self: &Arc<Self>) {
        let CertificateMode::Background(age) = self.refresher.mode else {
            return;
        };
        // Without any key the call needs a download now, and starts one that it waits for.
        if self.trust.is_empty() {
            return;
        }
        let turn = {
            let mut state = self.refresher.state();
            if !state.is_renewal_due(age, Instant::now()) {
                return;
            }
            self.refresher.turn(&mut state, Reason::Renewal)
        };
        if let Turn::Lead(lead) = turn {
            let core = Arc::clone(self);
            let work = async move {
                if let Err(err) = core.download(lead).await {
                    tracing::warn!(error = %err.cause(), "failed to renew the platform certificates");
                }
            };
            // With a remote signer the work runs the program's code, which never runs on the background
            // thread.
            let spawned = match self.signs_locally() {
                true => background().map(|background| drop(background.spawn(work))),
                false => spawn_user_work(work),
            };
            if let Err(error) = spawned {
                tracing::warn!(%error, "failed to renew the platform certificates");
            }
        }
    }

    pub(super) async fn refresh(self: &Arc<Self>) -> Result<CertificateRefresh, SentError> {
        loop {
            let turn = {
                let mut state = self.refresher.state();
                self.refresher.turn(&mut state, Reason::Program)
            };
            match turn {
                Turn::Lead(lead) => return self.download(lead).await,
                Turn::Wait(ended) => ended.wait().await,
            }
        }
    }

    pub(super) fn trust_key(&self, key: PlatformKey) -> cause::Result<()> {
        self.local_store()?.add([key], SystemTime::now()).map(drop)
    }

    fn local_store(&self) -> cause::Result<&TrustStore> {
        self.trust.store().ok_or_else(|| {
            Cause::config("this client verifies with a `verifier`, which manages its own keys: add the key there")
        })
    }

    /// Runs a download on the background runtime. If it ran in the caller's task, a caller that gives
    /// up, or whose runtime is not being driven, would end or delay what others wait for.
    ///
    /// A remote signer is the program's code, which never runs on the background thread, so with one
    /// the download does run in the caller's task.
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
                ErrorKind::Transport,
                "the download of the platform certificates was interrupted",
            )
            .with_source(err)
            .with_outcome(Outcome::Unknown)),
        }
    }

    /// A download has its own timeout, because it may outlive the call that started it.
    async fn download_in_time(&self) -> Result<CertificateRefresh, SentError> {
        let limit = match self.setup.timeout {
            Duration::ZERO => MAX_DURATION,
            limit => limit.min(MAX_DURATION),
        };
        let clock = Clock::get().map_err(|cause| cause.with_outcome(Outcome::NotSent))?;
        match clock.timeout(limit, self.fetch()).await {
            Ok(outcome) => outcome,
            Err(_) => Err(
                Cause::new(ErrorKind::Timeout, format!("no response within {limit:?}"))
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
        let state = CallState::new(Reports::default())
            .map_err(|cause| in_call(cause.with_outcome(Outcome::NotSent)))?;
        let head = attempt::send(self, &draft, &state).await.map_err(in_call)?;
        // Not verified like other responses: the certificate that signed it may be among those it brings.
        // `certificates::read` decrypts them first and then verifies with them.
        let response = response::collect(self, head).await.map_err(in_call)?;
        match certificates::read(&response, key, store, now())
            .map_err(|err| in_call(response.explain(err)))?
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
                // Old certificates stay: during a rotation responses are signed by either.
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
            Cause::config("platform certificates are decrypted with the APIv3 key: set `apiv3_key` on the client builder")
        })?;
        let options = Options::new().query(json!({ "algorithm_type": "RSA" }));
        let draft = Draft::new(Method::GET, CERTIFICATES, options, &self.setup, &self.trust)?;
        Ok((draft, key, store))
    }
}
