//! The handle that a test holds.

mod builder;
mod user;

pub use builder::SandboxBuilder;

use std::{fmt, sync::Arc, time::Duration};

use super::{
    faults::Fault,
    server::Server,
    state::{RecordedRequest, SandboxState},
};
use crate::{
    base::crypto::{PrivateKey, PublicKey},
    client::{Client, ClientBuilder, Notifications, NotificationsBuilder},
    error::{Cause, Result},
};

/// A running embedded WeChat Pay. Dropping it stops the server. The [module](crate::sandbox) has an
/// example.
pub struct Sandbox {
    state: Arc<SandboxState>,
    /// Kept for its `Drop`.
    _server: Server,
}

impl Sandbox {
    /// Starts a sandbox on 127.0.0.1 and a free port, on its own thread.
    ///
    /// # Errors
    /// Returns an error if the sandbox cannot listen, start a thread or generate its keys.
    pub fn start() -> Result<Self> {
        Self::builder().start()
    }

    /// Returns a builder for a sandbox with options.
    pub fn builder() -> SandboxBuilder {
        SandboxBuilder::new()
    }

    /// Returns a client builder with the merchant, both keys, the APIv3 key and the base URI set, and
    /// proxies off.
    pub fn client_builder(&self) -> ClientBuilder {
        Client::builder()
            .mchid(self.mchid())
            .serial(self.serial())
            .private_key(self.private_key())
            .platform_key(self.platform_key_id(), self.platform_key())
            .apiv3_key(self.apiv3_key())
            .base_uri(self.base_uri())
            // A proxy from the environment cannot reach a sandbox on this machine.
            .no_proxy()
    }

    /// Returns a builder for [`Notifications`] with the merchant, the platform key and the APIv3 key
    /// set.
    ///
    /// Only this builder accepts a sandbox's keys; [`Notifications::builder`] refuses them.
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
        Notifications::builder()
            .mchid(self.mchid())
            .platform_key(self.platform_key_id(), self.platform_key())
            .apiv3_key(self.apiv3_key())
            .of_sandbox()
    }

    /// Returns the base URI of the sandbox, such as `http://127.0.0.1:49152/`.
    pub fn base_uri(&self) -> String {
        format!("http://{}/", self.state.address)
    }

    /// Returns the ID of the sandbox's merchant.
    pub fn mchid(&self) -> &str {
        self.state.mchid()
    }

    /// Returns the ID of the app that is bound to the merchant.
    pub fn appid(&self) -> &str {
        self.state.appid()
    }

    /// Returns the serial of the merchant key.
    pub fn serial(&self) -> &str {
        &self.state.keys.serial
    }

    /// Returns the merchant key, which signs requests.
    pub fn private_key(&self) -> PrivateKey {
        self.state.keys.merchant.clone()
    }

    /// Returns the merchant key as PKCS#8 PEM.
    ///
    /// # Errors
    /// Returns an error if the crypto library does not export the key.
    pub fn private_key_pem(&self) -> Result<String> {
        let pem = self
            .state
            .keys
            .merchant
            .to_pkcs8_pem()
            .map_err(Cause::not_sent)?;
        Ok(pem.as_str().to_owned())
    }

    /// Returns the ID of the platform key: `PUB_KEY_ID_SANDBOX…`.
    pub fn platform_key_id(&self) -> &str {
        &self.state.keys.platform.id
    }

    /// Returns the platform key, which verifies responses.
    pub fn platform_key(&self) -> PublicKey {
        self.state.keys.platform.private.public_key()
    }

    /// Returns the platform key as PEM.
    pub fn platform_key_pem(&self) -> String {
        self.platform_key().to_pem()
    }

    /// Returns the merchant's APIv3 key: 32 letters and digits.
    pub fn apiv3_key(&self) -> &str {
        &self.state.keys.apiv3
    }

    /// Moves the clock ahead for expiry and schedules. Signatures still carry the real time.
    pub fn advance(&self, by: Duration) {
        self.state.clock.advance(by);
    }

    /// Returns the requests that arrived, oldest first. The sandbox keeps the latest 1,000.
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

    /// Adds a fault for the next request whose path begins with `path`.
    pub fn inject_at(&self, path: &str, fault: Fault) {
        self.state.faults().add(path.to_owned(), fault);
    }

    /// Removes the faults that no request has used yet.
    pub fn clear_faults(&self) {
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

    #[test]
    fn public_types_are_send_and_sync() {
        fn assert_send_sync<T: Send + Sync + 'static>() {}
        assert_send_sync::<Sandbox>();
        assert_send_sync::<SandboxBuilder>();
        assert_send_sync::<Fault>();
        assert_send_sync::<RecordedRequest>();
    }
}
