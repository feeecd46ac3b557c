//! Which keys the platform signs with: the change from certificates to the public key and back, and the
//! rotation of certificates.

use std::sync::Arc;

use super::Sandbox;
use crate::{
    error::{Cause, Result},
    sandbox::{
        dispatch::refusal::no_merchant,
        flows::platform::trust::{self, PlatformMode, PlatformTrust, Rotation},
        state::merchant::Merchant,
    },
};

impl Sandbox {
    /// Sets which keys of the platform a merchant has from now on. Notifications on their way to it are
    /// signed by the new rule too.
    ///
    /// ```
    /// use wechatpay_chain::sandbox::{PlatformMode, Sandbox};
    ///
    /// # fn main() -> wechatpay_chain::Result<()> {
    /// let sandbox = Sandbox::start()?;
    /// let client = sandbox.client_builder().build()?;
    /// assert!(client.refresh_certificates()?.is_public_key_mode());
    ///
    /// sandbox.platform_mode(sandbox.mchid(), PlatformMode::Both)?;
    /// assert_eq!(client.refresh_certificates()?.added().len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns an error if the sandbox has no such merchant, or cannot make the certificates.
    pub fn platform_mode(&self, mchid: &str, mode: PlatformMode) -> Result<()> {
        self.change_trust(mchid, |trust| trust.mode = mode)
    }

    /// Sets which platform certificates are effective for a merchant that has certificates.
    ///
    /// # Errors
    /// Returns an error if the sandbox has no such merchant, or cannot make the certificates.
    pub fn rotate_certificates(&self, mchid: &str, effective: Rotation) -> Result<()> {
        self.change_trust(mchid, |trust| trust.certificates = effective)
    }

    fn change_trust(&self, mchid: &str, change: impl Fn(&mut PlatformTrust)) -> Result<()> {
        self.check_may_act()?;
        self.state.note_change();
        let merchant = self.known_merchant(mchid)?;
        trust::change(&self.state, &merchant, change).map_err(Cause::not_sent)
    }

    fn known_merchant(&self, mchid: &str) -> Result<Arc<Merchant>> {
        let merchant = self.state.merchants.get(mchid);
        merchant.ok_or_else(|| Cause::config(no_merchant(mchid).message).not_sent())
    }
}
