use std::{fmt, sync::Arc, time::Instant};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::HeaderMap;
use zeroize::Zeroizing;

use super::{Notification, owner::Owners};
use crate::{
    base::crypto::{Certificate, PublicKey},
    error::{Error, Kind, Result},
    protocol::{
        merchant::{apiv3_key, check_apiv2_key, check_id},
        trust::{DynVerifier, PlatformKey, Trust, Verifier},
        v2::answer::is_xml,
    },
};

/// Receives notifications without a client: for a service that is told and never calls.
///
/// Cheap to clone, and to share between threads. A client has its own:
/// [`Client::notifications`](crate::Client::notifications).
///
/// ```no_run
/// use wechatpay_chain::{Notifications, PublicKey};
///
/// # fn main() -> wechatpay_chain::Result<()> {
/// # let (headers, body) = (http::HeaderMap::new(), vec![]);
/// let notifications = Notifications::builder()
///     .mchid("1900000109")
///     .platform_key(
///         "PUB_KEY_ID_0119000001092024000000000000",
///         PublicKey::from_pem_file("pub_key.pem")?,
///     )
///     .apiv3_key(std::env::var("APIV3_KEY").unwrap_or_default())
///     .build()?;
///
/// let notification = notifications.receive(&headers, &body)?;
/// println!("{}: {}", notification.id(), notification.event_type());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Notifications(pub(crate) Arc<Received>);

impl Notifications {
    /// The largest body that is taken, in bytes.
    pub const MAX_BODY: usize = 1024 * 1024;

    /// Begins a configuration.
    pub fn builder() -> NotificationsBuilder {
        NotificationsBuilder::default()
    }
}

impl fmt::Debug for Notifications {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notifications")
            .field("owners", &self.0.owners)
            .finish_non_exhaustive()
    }
}

/// What it takes to receive.
pub(crate) struct Received {
    pub(crate) trust: Trust,
    pub(crate) apiv3_key: Option<Zeroizing<[u8; 32]>>,
    pub(crate) apiv2_key: Option<Zeroizing<String>>,
    pub(crate) owners: Owners,
}

impl Received {
    /// Verifies and opens a notification that came at `now` (seconds since 1970).
    ///
    /// # Errors
    /// Each names the step that refused it.
    pub(crate) async fn open(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: u64,
        received: Instant,
    ) -> Result<Notification> {
        check_size(body.len())?;
        if is_xml(body) {
            self.open_v2(body, received)
        } else {
            self.open_v3(headers, body, now, received).await
        }
    }
}

/// Refuses a body over the cap.
pub(crate) fn check_size(length: usize) -> Result<()> {
    const MOST: usize = Notifications::MAX_BODY;
    if length <= MOST {
        return Ok(());
    }
    let message = format!("the body is {length} bytes long, over the {MOST} that are taken");
    Err(Error::new(Kind::TooLarge, message).in_step("body"))
}

/// The bytes of a ciphertext.
pub(super) fn base64(text: &str, field: &str) -> Result<Vec<u8>> {
    STANDARD.decode(text).map_err(|err| {
        let message = format!("{field} ({} bytes) is not base64", text.len());
        Error::new(Kind::Decode, message).with_source(err)
    })
}

/// The configuration of [`Notifications`].
#[derive(Default)]
#[must_use]
pub struct NotificationsBuilder {
    owners: Owners,
    any_merchant: bool,
    platform: Vec<PlatformKey>,
    verifier: Option<Arc<dyn DynVerifier>>,
    apiv3_key: Option<Zeroizing<String>>,
    apiv2_key: Option<Zeroizing<String>>,
}

impl NotificationsBuilder {
    /// A merchant whose notifications are taken. May be given more than once.
    pub fn mchid(mut self, mchid: impl Into<String>) -> Self {
        self.owners.mchids.push(mchid.into());
        self
    }

    /// An app whose notifications are taken. May be given more than once; if none is, any app's
    /// are.
    pub fn appid(mut self, appid: impl Into<String>) -> Self {
        self.owners.appids.push(appid.into());
        self
    }

    /// Takes any merchant's notifications, as far as the keys open them.
    pub fn any_merchant(mut self) -> Self {
        self.any_merchant = true;
        self
    }

    /// A WeChat Pay public key, under its ID (`PUB_KEY_ID_…`). May be given more than once.
    pub fn platform_key(mut self, id: impl Into<String>, key: PublicKey) -> Self {
        self.platform
            .push(PlatformKey::of_public_key(id.into(), key));
        self
    }

    /// A platform certificate. May be given more than once, and beside a public key.
    pub fn platform_certificate(mut self, certificate: Certificate) -> Self {
        self.platform.push(PlatformKey::of_certificate(certificate));
        self
    }

    /// Verifies in place of platform keys and certificates.
    pub fn verifier(mut self, verifier: impl Verifier) -> Self {
        self.verifier = Some(Arc::new(verifier));
        self
    }

    /// The APIv3 key, which APIv3 notifications are encrypted with: 32 bytes.
    pub fn apiv3_key(mut self, key: impl Into<String>) -> Self {
        self.apiv3_key = Some(Zeroizing::new(key.into()));
        self
    }

    /// The APIv2 key, which APIv2 notifications are signed or encrypted with.
    pub fn apiv2_key(mut self, key: impl Into<String>) -> Self {
        self.apiv2_key = Some(Zeroizing::new(key.into()));
        self
    }

    /// Checks it all, without any I/O.
    ///
    /// # Errors
    /// On a configuration that could receive nothing or would not be safe, each with what to do.
    pub fn build(self) -> Result<Notifications> {
        for mchid in &self.owners.mchids {
            check_id("mchid", mchid)?;
        }
        match (self.any_merchant, self.owners.mchids.is_empty()) {
            (false, true) => {
                return Err(Error::config(
                    "no `mchid`, whose notifications are to be taken: give one, or say \
                     any_merchant()",
                ));
            }
            (true, false) => {
                return Err(Error::config(
                    "`mchid` and any_merchant() exclude one another",
                ));
            }
            _ => {}
        }
        if self.owners.appids.iter().any(String::is_empty) {
            return Err(Error::config("an `appid` is empty"));
        }
        check_apiv2_key(self.apiv2_key.as_ref())?;
        let apiv3_key = self
            .apiv3_key
            .as_deref()
            .map(|key| apiv3_key(key))
            .transpose()?;
        if apiv3_key.is_none() && self.apiv2_key.is_none() {
            return Err(Error::config(
                "neither `apiv3_key` nor `apiv2_key`: no notification could be opened",
            ));
        }
        let trust = Trust::new(self.platform, self.verifier, None)?;
        if apiv3_key.is_some() && trust.is_empty() {
            return Err(Error::config(
                "nothing to verify an APIv3 notification with: give a `platform_key`, a \
                 `platform_certificate` or a `verifier`",
            ));
        }
        Ok(Notifications(Arc::new(Received {
            trust,
            apiv3_key,
            apiv2_key: self.apiv2_key,
            owners: self.owners,
        })))
    }
}

/// Shows no key.
impl fmt::Debug for NotificationsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NotificationsBuilder")
            .field("owners", &self.owners)
            .finish_non_exhaustive()
    }
}
