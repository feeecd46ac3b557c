use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use http::HeaderValue;

use crate::{
    base::crypto::{Certificate, PublicKey},
    error::{Cause, cause::Result},
};

/// A platform key that a client trusts, and how often it vouched for something: what a merchant
/// watches while WeChat Pay changes over from certificates to the public key.
#[derive(Clone)]
pub struct PlatformKey {
    id: String,
    key: PublicKey,
    certificate: Option<Certificate>,
    header: Option<HeaderValue>,
    uses: Arc<Uses>,
}

#[derive(Default)]
struct Uses {
    answers: AtomicU64,
    notifications: AtomicU64,
}

/// What a signature was on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Answer,
    Notification,
}

impl PlatformKey {
    /// The public key ID (`PUB_KEY_ID_…`) or the certificate's serial.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The certificate, where it is one and not a bare public key.
    pub fn certificate(&self) -> Option<&Certificate> {
        self.certificate.as_ref()
    }

    /// How many answers it signed that verified.
    pub fn answers(&self) -> u64 {
        self.uses.answers.load(Ordering::Relaxed)
    }

    /// How many notifications it signed that verified.
    pub fn notifications(&self) -> u64 {
        self.uses.notifications.load(Ordering::Relaxed)
    }

    pub(crate) fn of_public_key(id: String, key: PublicKey) -> Self {
        Self {
            header: HeaderValue::from_str(&id).ok(),
            id,
            key,
            certificate: None,
            uses: Arc::default(),
        }
    }

    pub(crate) fn of_certificate(certificate: Certificate) -> Self {
        let id = certificate.serial().to_owned();
        Self {
            header: HeaderValue::from_str(&id).ok(),
            id,
            key: certificate.public_key().clone(),
            certificate: Some(certificate),
            uses: Arc::default(),
        }
    }

    pub(crate) fn key(&self) -> &PublicKey {
        &self.key
    }

    pub(crate) fn header(&self) -> Option<&HeaderValue> {
        self.header.as_ref()
    }

    pub(super) fn count(&self, purpose: Purpose) {
        let counter = match purpose {
            Purpose::Answer => &self.uses.answers,
            Purpose::Notification => &self.uses.notifications,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// # Errors
    /// Where it is a certificate whose time is over.
    pub(crate) fn check_unexpired(&self, now: SystemTime) -> Result<()> {
        match self.certificate.as_ref().map(Certificate::not_after) {
            Some(end) if end < now => Err(Cause::config(format!(
                "the platform certificate {} expired on {}: download the current one",
                self.id,
                day(end)
            ))),
            _ => Ok(()),
        }
    }

    pub(super) fn is_in_force(&self, now: SystemTime) -> bool {
        self.certificate
            .as_ref()
            .is_none_or(|own| own.not_before() <= now && now <= own.not_after())
    }
}

impl fmt::Debug for PlatformKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlatformKey")
            .field("id", &self.id)
            .field("is_certificate", &self.certificate.is_some())
            .field("answers", &self.answers())
            .field("notifications", &self.notifications())
            .finish()
    }
}

/// `YYYY-MM-DD`, in UTC.
fn day(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    match x509_cert::der::DateTime::from_unix_duration(since) {
        Ok(date) => format!("{:04}-{:02}-{:02}", date.year(), date.month(), date.day()),
        Err(_) => "a date out of range".into(),
    }
}
