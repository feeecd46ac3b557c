//! The keys whose signatures are WeChat Pay's.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use arc_swap::ArcSwap;
use http::HeaderValue;

use crate::{
    base::crypto::{Certificate, PublicKey},
    error::{BoxError, Error, Result},
    protocol::path::shown,
};

/// Verifies in place of local platform keys.
pub trait Verifier: Send + Sync + 'static {
    /// What goes wrong while asking; it becomes the source of this crate's error.
    type Error: Into<Box<dyn std::error::Error + Send + Sync>>;

    /// Whether `signature` (raw RSASSA-PKCS1-v1_5, SHA-256) over `message` was made by the
    /// platform key that `serial` names. A serial that is not known is `Ok(false)`.
    fn verify(
        &self,
        serial: &str,
        message: &[u8],
        signature: &[u8],
    ) -> impl Future<Output = Result<bool, Self::Error>> + Send;

    /// The serial or public key ID that answers should be signed with, for the request's
    /// `Wechatpay-Serial`; `None` sends none.
    fn preferred_serial(&self) -> Option<String> {
        None
    }

    /// The platform key that encrypts sensitive fields, with its serial or ID: the one that
    /// `serial` names, or the one you prefer. `None`, unless told, is an error of the call that
    /// encrypts.
    fn encryption_key(&self, serial: Option<&str>) -> Option<(String, PublicKey)> {
        let _ = serial;
        None
    }
}

type Boxed<'a> = Pin<Box<dyn Future<Output = Result<bool, BoxError>> + Send + 'a>>;

/// [`Verifier`], fit for a trait object.
pub(crate) trait DynVerifier: Send + Sync {
    fn verify_boxed<'a>(
        &'a self,
        serial: &'a str,
        message: &'a [u8],
        signature: &'a [u8],
    ) -> Boxed<'a>;
    fn preferred(&self) -> Option<String>;
    fn encryption(&self, serial: Option<&str>) -> Option<(String, PublicKey)>;
}

impl<V: Verifier> DynVerifier for V {
    fn verify_boxed<'a>(
        &'a self,
        serial: &'a str,
        message: &'a [u8],
        signature: &'a [u8],
    ) -> Boxed<'a> {
        Box::pin(async move {
            self.verify(serial, message, signature)
                .await
                .map_err(Into::into)
        })
    }

    fn preferred(&self) -> Option<String> {
        self.preferred_serial()
    }

    fn encryption(&self, serial: Option<&str>) -> Option<(String, PublicKey)> {
        self.encryption_key(serial)
    }
}

/// One trusted key: a public key under its ID, or a certificate under its serial.
#[derive(Clone, Debug)]
pub(crate) struct TrustedKey {
    pub(crate) id: String,
    pub(crate) key: PublicKey,
    /// A certificate's validity; a public key has none.
    pub(crate) validity: Option<(SystemTime, SystemTime)>,
}

impl TrustedKey {
    pub(crate) fn public_key(id: String, key: PublicKey) -> Self {
        Self {
            id,
            key,
            validity: None,
        }
    }

    pub(crate) fn certificate(certificate: &Certificate) -> Self {
        Self {
            id: certificate.serial().to_owned(),
            key: certificate.public_key().clone(),
            validity: Some((certificate.not_before(), certificate.not_after())),
        }
    }

    fn check(&self, now: SystemTime) -> Result<()> {
        match self.validity {
            Some((_, end)) if end < now => Err(Error::config(format!(
                "the platform certificate {} expired on {}: download the current one",
                self.id,
                day(end)
            ))),
            _ => Ok(()),
        }
    }
}

/// The trusted keys of one client: read without a lock, changed while calls run.
pub(crate) struct TrustStore {
    keys: ArcSwap<Keys>,
}

#[derive(Clone, Default)]
struct Keys {
    list: Vec<TrustedKey>,
    preferred: Option<HeaderValue>,
}

impl TrustStore {
    pub(crate) fn new(keys: Vec<TrustedKey>, now: SystemTime) -> Result<Self> {
        let mut all = Keys::default();
        for key in keys {
            all = all.with(key, now)?;
        }
        Ok(Self {
            keys: ArcSwap::from_pointee(all),
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.keys.load().list.is_empty()
    }

    /// The key that `id` names.
    pub(crate) fn find(&self, id: &str) -> Option<PublicKey> {
        let keys = self.keys.load();
        keys.list
            .iter()
            .find(|trusted| trusted.id == id)
            .map(|trusted| trusted.key.clone())
    }

    /// The value for `Wechatpay-Serial`: a public key's ID before a certificate's serial, and of
    /// the certificates in force the one that ends last.
    pub(crate) fn preferred(&self) -> Option<HeaderValue> {
        self.keys.load().preferred.clone()
    }

    /// The key that encrypts, with its id: the one that `serial` names, or the preferred one.
    fn encryption_key(&self, serial: Option<&str>, now: SystemTime) -> Result<(String, PublicKey)> {
        let keys = self.keys.load();
        let found = match serial {
            Some(serial) => keys.list.iter().find(|key| key.id == serial),
            None => keys.best(now),
        };
        let Some(key) = found else {
            return Err(Error::config(match serial {
                Some(serial) => format!(
                    "Wechatpay-Serial {:?} names no trusted platform key to encrypt with (trusted: {})",
                    shown(serial),
                    match self.ids() {
                        ids if ids.is_empty() => "none".to_owned(),
                        ids => ids.join(", "),
                    }
                ),
                None => "there is no platform key in force to encrypt with: give the builder a \
                         `platform_key` or a `platform_certificate`"
                    .to_owned(),
            }));
        };
        key.check(now)?;
        Ok((key.id.clone(), key.key.clone()))
    }

    pub(crate) fn ids(&self) -> Vec<String> {
        self.keys
            .load()
            .list
            .iter()
            .map(|key| key.id.clone())
            .collect()
    }
}

impl Keys {
    fn with(mut self, key: TrustedKey, now: SystemTime) -> Result<Self> {
        key.check(now)?;
        match self.list.iter().find(|known| known.id == key.id) {
            Some(known) if known.key == key.key => return Ok(self),
            Some(_) => {
                return Err(Error::config(format!(
                    "two different platform keys under the id {}: one of them is not WeChat Pay's",
                    key.id
                )));
            }
            None => self.list.push(key),
        }
        self.prefer(now);
        Ok(self)
    }

    fn prefer(&mut self, now: SystemTime) {
        self.preferred = self
            .best(now)
            .and_then(|key| HeaderValue::from_str(&key.id).ok());
    }

    /// A public key before a certificate, and of the certificates in force the one that ends last.
    fn best(&self, now: SystemTime) -> Option<&TrustedKey> {
        let public_key = self.list.iter().find(|key| key.validity.is_none());
        let certificate = || {
            self.list
                .iter()
                .filter(|key| {
                    key.validity
                        .is_some_and(|(start, end)| start <= now && now <= end)
                })
                .max_by_key(|key| key.validity.map(|(_, end)| end))
        };
        public_key.or_else(certificate)
    }
}

/// Who verifies: the keys here, or a [`Verifier`].
#[derive(Clone)]
pub(crate) enum Trust {
    Local(Arc<TrustStore>),
    Remote(Arc<dyn DynVerifier>),
}

impl Trust {
    /// Whether verifying waits for nobody.
    pub(crate) fn is_local(&self) -> bool {
        matches!(self, Self::Local(_))
    }

    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Local(store) => store.is_empty(),
            Self::Remote(_) => false,
        }
    }

    pub(crate) fn preferred(&self) -> Option<HeaderValue> {
        match self {
            Self::Local(store) => store.preferred(),
            Self::Remote(verifier) => verifier
                .preferred()
                .and_then(|serial| HeaderValue::from_str(&serial).ok()),
        }
    }

    /// The key that encrypts sensitive fields, with its serial or ID: the one that `serial` names,
    /// or the preferred one.
    pub(crate) fn encryption_key(&self, serial: Option<&str>) -> Result<(String, PublicKey)> {
        match self {
            Self::Local(store) => store.encryption_key(serial, SystemTime::now()),
            Self::Remote(verifier) => verifier.encryption(serial).ok_or_else(|| {
                Error::config(match serial {
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

/// `YYYY-MM-DD`, in UTC.
fn day(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    match x509_cert::der::DateTime::from_unix_duration(since) {
        Ok(date) => format!("{:04}-{:02}-{:02}", date.year(), date.month(), date.day()),
        Err(_) => "a date out of range".into(),
    }
}
