use std::{fmt, sync::Arc};

use zeroize::Zeroizing;

use super::{Notifications, notification::Member, outside::Outside};
use crate::{
    base::crypto::{Certificate, PublicKey},
    error::{Cause, cause::Result},
    protocol::{
        merchant::{apiv3_key, check_apiv2_key, check_id},
        notification::{Owners, Receiver},
        trust::{DynVerifier, Guard, PlatformKey, Sandboxes, Trust, Verifier},
    },
};

/// The configuration of [`Notifications`]: for one merchant, or for several that share their keys.
/// Merchants with keys of their own each have a builder of their own, and
/// [`Notifications::all`] puts them behind one URL.
#[derive(Default)]
#[must_use]
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
    /// A merchant whose notifications are taken. May be given more than once; the first is
    /// [`Notification::mchid`](crate::Notification::mchid) where a notification names nobody.
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
        self.verifier = Some(Arc::new(Outside(verifier)));
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

    /// Takes a sandbox's keys.
    #[cfg(feature = "sandbox")]
    pub(crate) fn of_sandbox(mut self) -> Self {
        self.sandbox = true;
        self
    }

    /// Checks it all, without any I/O.
    ///
    /// # Errors
    /// On a configuration that could receive nothing or would not be safe, each with what to do.
    pub fn build(self) -> crate::Result<Notifications> {
        self.checked().map_err(Cause::not_sent)
    }

    fn checked(self) -> Result<Notifications> {
        for mchid in &self.owners.mchids {
            check_id("mchid", mchid)?;
        }
        match (self.any_merchant, self.owners.mchids.is_empty()) {
            (false, true) => {
                return Err(Cause::config(
                    "no `mchid`, whose notifications are to be taken: give one, or say \
                     any_merchant()",
                ));
            }
            (true, false) => {
                return Err(Cause::config(
                    "`mchid` and any_merchant() exclude one another",
                ));
            }
            _ => {}
        }
        if self.owners.appids.iter().any(String::is_empty) {
            return Err(Cause::config("an `appid` is empty"));
        }
        check_apiv2_key(self.apiv2_key.as_ref())?;
        let apiv3_key = self
            .apiv3_key
            .as_deref()
            .map(|key| apiv3_key(key))
            .transpose()?;
        if apiv3_key.is_none() && self.apiv2_key.is_none() {
            return Err(Cause::config(
                "neither `apiv3_key` nor `apiv2_key`: no notification could be opened",
            ));
        }
        let sandboxes = if self.sandbox {
            Sandboxes::Taken
        } else {
            Sandboxes::Refused(
                ": anyone who runs the sandbox could sign notifications with it. For tests, \
                 Sandbox::notifications_builder() takes it"
                    .into(),
            )
        };
        let guard = Arc::new(Guard::new(sandboxes));
        let trust = Trust::new(self.platform, self.verifier, guard)?;
        if apiv3_key.is_some() && trust.is_empty() {
            return Err(Cause::config(
                "nothing to verify an APIv3 notification with: give a `platform_key`, a \
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

/// Shows no key.
impl fmt::Debug for NotificationsBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NotificationsBuilder")
            .field("owners", &self.owners)
            .finish_non_exhaustive()
    }
}
