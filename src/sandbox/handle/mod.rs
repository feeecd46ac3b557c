//! The handle that a test holds.

mod acts;
mod builder;
mod config;
mod folder;
mod https;
mod keys;
mod outbox;
mod proxy;
mod request;
mod scripts;
mod snapshot;
mod trust;

pub use crate::sandbox::handle::{
    acts::{
        money::Balance,
        orders::{OrderKind, OrderSummary},
    },
    builder::SandboxBuilder,
    keys::{Merchant, MerchantOptions},
    snapshot::Snapshot,
};

use std::{fmt, sync::Arc, time::Duration};

use self::folder::KeysFolder;

use super::{
    faults::Fault,
    flows::platform::trust::signing_key,
    server::Server,
    state::{RecordedRequest, SandboxState, merchant::Merchant as MerchantState},
};
use crate::{
    base::crypto::{PrivateKey, PublicKey},
    client::{ClientBuilder, NotificationsBuilder},
    error::Result,
};

/// A running embedded WeChat Pay. Dropping it stops the server. The [module](crate::sandbox) has an
/// example.
pub struct Sandbox {
    // First of the fields, so that it ends before them. `None` in the handle of one control request: its
    // server is the one that serves the request.
    server: Option<Server>,
    state: Arc<SandboxState>,
    /// The merchant that the accessors are about.
    first: Arc<MerchantState>,
    /// Where its keys are kept.
    keys_folder: Option<KeysFolder>,
    /// The merchant whose orders are meant, if not those of all.
    scope: Option<String>,
}

impl Sandbox {
    /// Starts a sandbox on 127.0.0.1 and a free port, on its own thread.
    ///
    /// # Errors
    /// Returns an error if the sandbox cannot listen, start a thread or generate its keys.
    pub fn start() -> Result<Self> {
        Self::builder().start()
    }

    /// Like [`start`](Self::start), without blocking the thread.
    ///
    /// # Errors
    /// Returns the errors of [`start`](Self::start).
    pub async fn start_async() -> Result<Self> {
        Self::builder().start_async().await
    }

    /// Returns a builder for a sandbox with options.
    pub fn builder() -> SandboxBuilder {
        SandboxBuilder::new()
    }

    /// Returns a client builder with the merchant, all its keys and the base URI set, and proxies off.
    pub fn client_builder(&self) -> ClientBuilder {
        self.merchant().client_builder()
    }

    /// Returns a builder for [`Notifications`](crate::Notifications) with the merchant and its keys set.
    ///
    /// Only this builder accepts a sandbox's keys;
    /// [`Notifications::builder`](crate::Notifications::builder) refuses them.
    ///
    /// ```
    /// use wechatpay_chain::{Notifications, sandbox::Sandbox};
    ///
    /// # fn main() -> wechatpay_chain::Result<()> {
    /// let sandbox = Sandbox::start()?;
    /// sandbox.notifications_builder().build()?;
    ///
    /// let other = Notifications::builder()
    ///     .mchid(sandbox.mchid())
    ///     .platform_key(sandbox.platform_key_id(), sandbox.platform_key())
    ///     .apiv3_key(sandbox.apiv3_key());
    /// assert!(other.build().unwrap_err().is_config());
    /// # Ok(())
    /// # }
    /// ```
    pub fn notifications_builder(&self) -> NotificationsBuilder {
        self.merchant().notifications_builder()
    }

    /// Returns the base URI of the sandbox, such as `http://127.0.0.1:49152/`. A sandbox that listens on every
    /// address is on the loopback one, too, which is returned then.
    pub fn base_uri(&self) -> String {
        format!("{}/", self.state.origin())
    }

    /// Returns the ID of the sandbox's merchant.
    pub fn mchid(&self) -> &str {
        &self.first.mchid
    }

    /// Returns the ID of the app that is bound to the merchant.
    pub fn appid(&self) -> &str {
        self.first.appid()
    }

    /// Returns the serial of the merchant key.
    pub fn serial(&self) -> &str {
        &self.first.serial
    }

    /// Returns the merchant key, which signs requests.
    pub fn private_key(&self) -> PrivateKey {
        self.first.key.private.clone()
    }

    /// Returns the merchant key as PKCS#8 PEM.
    ///
    /// # Errors
    /// Returns an error if the crypto library does not export the key.
    pub fn private_key_pem(&self) -> Result<String> {
        self.merchant().private_key_pem()
    }

    /// Returns the ID of the platform key that signs responses by default: `PUB_KEY_ID_SANDBOX…`, or the
    /// serial of a platform certificate if the merchant has certificates.
    pub fn platform_key_id(&self) -> &str {
        &signing_key(&self.state, Some(&self.first), None).id
    }

    /// Returns the platform key that signs responses by default.
    pub fn platform_key(&self) -> PublicKey {
        self.merchant().platform_key()
    }

    /// Returns the platform key as PEM.
    pub fn platform_key_pem(&self) -> String {
        self.platform_key().to_pem()
    }

    /// Returns the merchant's APIv3 key: 32 letters and digits.
    pub fn apiv3_key(&self) -> &str {
        &self.first.apiv3
    }

    /// Returns the merchant's APIv2 key: 32 letters and digits.
    pub fn apiv2_key(&self) -> &str {
        &self.first.apiv2
    }

    /// Moves the clock ahead for expiry and schedules, and does what is due by then. Signatures still carry
    /// the real time.
    pub fn advance(&self, by: Duration) {
        self.state.note_change();
        self.state.clock.advance(by);
        self.state.run_due();
        self.state.wake();
    }

    /// Returns the requests that arrived, oldest first, with the responses to them. The sandbox keeps the latest
    /// 10,000, and at most 64 MB of them. Those to its own endpoints are not among them.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.state.requests().all()
    }

    /// Clears the recorded requests.
    pub fn clear_requests(&self) {
        self.state.requests().clear();
    }

    /// Adds a fault for the next request. Each fault is for one request; several are used in the
    /// order they were added.
    pub fn inject(&self, fault: Fault) {
        self.inject_at("", fault);
    }

    /// Adds a fault for the next request whose path begins with `path`, or is one of this template.
    pub fn inject_at(&self, path: &str, fault: Fault) {
        self.state.note_change();
        self.state.faults().add(path, fault);
    }

    /// Removes the faults that no request has used yet.
    pub fn clear_faults(&self) {
        self.state.note_change();
        self.state.faults().clear();
    }
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox")
            .field("address", &self.state.address)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::{Delivery, SandboxEvent, StateChange, Subscription};

    #[test]
    fn public_types_are_send_and_sync() {
        fn assert_send_sync<T: Send + Sync + 'static>() {}
        assert_send_sync::<Sandbox>();
        assert_send_sync::<Merchant>();
        assert_send_sync::<MerchantOptions>();
        assert_send_sync::<Snapshot>();
        assert_send_sync::<SandboxBuilder>();
        assert_send_sync::<Fault>();
        assert_send_sync::<RecordedRequest>();
        assert_send_sync::<Delivery>();
        assert_send_sync::<SandboxEvent>();
        assert_send_sync::<Subscription>();
        assert_send_sync::<StateChange>();
    }
}
