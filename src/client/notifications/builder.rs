//! The builder of a receiver of notifications.

use std::{fmt, sync::Arc};

use zeroize::Zeroizing;

use super::{Member, Notifications};
use crate::{
    base::crypto::{Certificate, PublicKey},
    client::plugins::Plugin,
    error::{Cause, cause::Result},
    protocol::{
        merchant::{apiv3_key, check_apiv2_key, check_id},
        notification::{owner::Owners, receiver::Receiver},
        trust::{
            Trust,
            guard::{Guard, Sandboxes},
            key::PlatformKey,
            verifier::{DynVerifier, Verifier},
        },
    },
};

/// Configures [`Notifications`] for one merchant, or for several that share their keys.
///
/// For merchants with different keys, build one receiver each and combine them with
/// [`Notifications::all`].
#[derive(Default)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct NotificationsBuilder {
    owners: Owners,
    any_merchant: bool,
    platform: Vec<PlatformKey>,
    verifier: Option<Arc<dyn DynVerifier>>,
    apiv3_key: Option<Zeroizing<String>>,
    apiv2_key: Option<Zeroizing<String>>,
    sandbox: bool,
}

impl NotificationsBuilder {
    /// Accepts notifications for this merchant. Call it once per merchant.
    ///
    /// For a notification that names no merchant,
    /// [`Notification::mchid`](crate::Notification::mchid) returns the first one.
    pub fn mchid(mut self, mchid: impl Into<String>) -> Self {
        self.owners.mchids.push(mchid.into());
        self
    }

    /// Accepts only notifications for this app. Call it once per app. Defaults to accepting every
    /// app.
    pub fn appid(mut self, appid: impl Into<String>) -> Self {
        self.owners.appids.push(appid.into());
        self
    }

    /// Sets whether notifications for any merchant are accepted, if the keys open them. Defaults to
    /// `false`.
    pub fn any_merchant(mut self, enabled: bool) -> Self {
        self.any_merchant = enabled;
        self
    }

    /// Adds a WeChat Pay public key with its ID (`PUB_KEY_ID_…`). Call it once per key.
    pub fn platform_key(mut self, id: impl Into<String>, key: PublicKey) -> Self {
        self.platform
            .push(PlatformKey::of_public_key(id.into(), key));
        self
    }

    /// Adds a platform certificate. Call it once per certificate.
    pub fn platform_certificate(mut self, certificate: Certificate) -> Self {
        self.platform.push(PlatformKey::of_certificate(certificate));
        self
    }

    /// Sets a verifier instead of platform keys and certificates.
    pub fn verifier(mut self, verifier: impl Verifier) -> Self {
        self.verifier = Some(Arc::new(Plugin(verifier)));
        self
    }

    /// Sets the APIv3 key, which decrypts APIv3 notifications: 32 bytes.
    pub fn apiv3_key(mut self, key: impl Into<String>) -> Self {
        self.apiv3_key = Some(Zeroizing::new(key.into()));
        self
    }

    /// Sets the APIv2 key, which verifies or decrypts APIv2 notifications: 32 bytes.
    pub fn apiv2_key(mut self, key: impl Into<String>) -> Self {
        self.apiv2_key = Some(Zeroizing::new(key.into()));
        self
    }

    /// Accepts a sandbox's keys.
    #[cfg(feature = "sandbox")]
    pub(crate) fn of_sandbox(mut self) -> Self {
        self.sandbox = true;
        self
    }

    /// Builds the receiver. Does no I/O.
    ///
    /// # Errors
    /// Returns an error if the configuration could not receive anything or would not be safe. The error
    /// says which setting is wrong and what to do.
    pub fn build(self) -> crate::Result<Notifications> {
        self.try_build().map_err(Cause::not_sent)
    }

    fn try_build(self) -> Result<Notifications> {
        for mchid in &self.owners.mchids {
            check_id("mchid", mchid)?;
        }
        match (self.any_merchant, self.owners.mchids.is_empty()) {
            (false, true) => {
                return Err(Cause::config(
                    "missing `mchid`: set the merchant whose notifications are accepted, or \
                     any_merchant(true)",
                ));
            }
            (true, false) => {
                return Err(Cause::config(
                    "`mchid` and `any_merchant` exclude each other: set one",
                ));
            }
            _ => {}
        }
        if self.owners.appids.iter().any(String::is_empty) {
            return Err(Cause::config(
                "invalid appid: expected an app ID, found an empty string",
            ));
        }
        check_apiv2_key(self.apiv2_key.as_ref())?;
        let apiv3_key = self
            .apiv3_key
            .as_deref()
            .map(|key| apiv3_key(key))
            .transpose()?;
        if apiv3_key.is_none() && self.apiv2_key.is_none() {
            return Err(Cause::config(
                "missing `apiv3_key` and `apiv2_key`: set at least one, or no notification can be opened",
            ));
        }
        let sandboxes = if self.sandbox {
            Sandboxes::Accepted
        } else {
            Sandboxes::Refused(
                ": anyone who runs the sandbox could sign notifications with it. For tests, use \
                 Sandbox::notifications_builder()"
                    .into(),
            )
        };
        let guard = Arc::new(Guard::new(sandboxes));
        let trust = Trust::new(self.platform, self.verifier, guard)?;
        if apiv3_key.is_some() && trust.is_empty() {
            return Err(Cause::config(
                "no key to verify APIv3 notifications with: set a `platform_key`, a \
                 `platform_certificate` or a `verifier`",
            ));
        }
        let receiver = Receiver {
            trust,
            apiv3_key,
            apiv2_key: self.apiv2_key,
            owners: self.owners,
        };
        Ok(Notifications::of(Member {
            receiver: Arc::new(receiver),
            core: None,
        }))
    }
}

/// Shows no keys.
impl fmt::Debug for NotificationsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NotificationsBuilder")
            .field("owners", &self.owners)
            .finish_non_exhaustive()
    }
}
