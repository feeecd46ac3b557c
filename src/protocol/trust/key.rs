//! A platform key: WeChat Pay's public key or one of its certificates, with counters of its use.

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

/// A platform key that a client trusts, and how often it has verified something.
///
/// [`Client::platform_keys`](crate::Client::platform_keys) returns them. The counters show how far
/// a migration from platform certificates to the public key has come: a certificate whose counters
/// no longer grow can be removed.
///
/// The counters start at zero when the key is added, count successful verifications only, and are
/// shared by clones of this value.
///
/// ```
/// # fn main() -> wechatpay_chain::Result<()> {
/// # let client = wechatpay_chain::Client::builder().build()?;
/// for key in client.platform_keys() {
///     println!("{}: {} responses, {} notifications", key.id(), key.responses(), key.notifications());
/// }
/// # Ok(())
/// # }
/// ```
///
/// Official page: "平台证书切换微信支付公钥指引".
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
    responses: AtomicU64,
    notifications: AtomicU64,
}

/// What a signature was on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Response,
    Notification,
}

impl PlatformKey {
    /// Returns the public key ID (`PUB_KEY_ID_…`) or the certificate's serial.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the certificate, or `None` for a bare public key.
    pub fn certificate(&self) -> Option<&Certificate> {
        self.certificate.as_ref()
    }

    /// Returns the number of responses that this key verified.
    pub fn responses(&self) -> u64 {
        self.uses.responses.load(Ordering::Relaxed)
    }

    /// Returns the number of notifications that this key verified.
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

    /// Returns the ID as a value of `Wechatpay-Serial`, prepared once instead of per request.
    pub(crate) fn header(&self) -> Option<&HeaderValue> {
        self.header.as_ref()
    }

    pub(super) fn count(&self, purpose: Purpose) {
        let counter = match purpose {
            Purpose::Response => &self.uses.responses,
            Purpose::Notification => &self.uses.notifications,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// # Errors
    /// Returns an error if this is a certificate that expired before `now`.
    pub(crate) fn check_unexpired(&self, now: SystemTime) -> Result<()> {
        match self.certificate.as_ref().map(Certificate::not_after) {
            // `not_before` is not checked: a new certificate should be trusted before WeChat Pay begins to
            // sign with it. Which one to ask for is decided by `is_in_force`.
            Some(end) if end < now => Err(Cause::config(format!(
                "the platform certificate {} expired on {}: download the current one",
                self.id,
                day(end)
            ))),
            _ => Ok(()),
        }
    }

    /// Returns whether the key may be asked for now. A public key has no dates and always may.
    pub(super) fn is_in_force(&self, now: SystemTime) -> bool {
        self.certificate.as_ref().is_none_or(|certificate| {
            certificate.not_before() <= now && now <= certificate.not_after()
        })
    }
}

impl fmt::Debug for PlatformKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlatformKey")
            .field("id", &self.id)
            .field("is_certificate", &self.certificate.is_some())
            .field("responses", &self.responses())
            .field("notifications", &self.notifications())
            .finish()
    }
}

/// Formats a time as `YYYY-MM-DD`, in UTC.
fn day(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    match x509_cert::der::DateTime::from_unix_duration(since) {
        Ok(date) => format!("{:04}-{:02}-{:02}", date.year(), date.month(), date.day()),
        Err(_) => "a date out of range".into(),
    }
}
