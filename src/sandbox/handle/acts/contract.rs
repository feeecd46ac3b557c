//! What users do with the contracts of papay.

use crate::sandbox::handle::Sandbox;
use crate::{
    error::Result,
    sandbox::{
        dispatch::refusal::Refusal,
        flows::agreements::papay,
        state::world::{Store, World},
    },
};

impl Sandbox {
    /// Signs a contract of papay as the user, by its `out_contract_code` (`contract_code` in APIv2). The
    /// merchant is notified, and can deduct money from now on.
    ///
    /// In the 12 hours after the signature, a deduction needs nothing else. Later it needs a pre-notice of two
    /// days before at least, and a contract with a `deduct_schedule` needs to be scheduled on the day before:
    /// [`advance`](Self::advance) goes there. Days are those of Beijing. The hours of the day that WeChat Pay
    /// allows are not checked, only logged as a warning.
    ///
    /// A deduction is paid when the time of [`settle_after`](crate::sandbox::SandboxBuilder::settle_after) has passed,
    /// or by [`user_pays`](Self::user_pays); [`user_fails`](Self::user_fails) lets it fail. A contract that was
    /// requested with an order is signed by the payment of the order.
    ///
    /// ```
    /// use wechatpay_chain::{Value, json, sandbox::Sandbox};
    ///
    /// # fn main() -> wechatpay_chain::Result<()> {
    /// let sandbox = Sandbox::start()?;
    /// let client = sandbox.client_builder().build()?;
    /// client.chain("v3/papay/scheduled-deduct-sign/contracts/pre-entrust-sign/h5").post(json!({ "json": {
    ///     "appid": sandbox.appid(),
    ///     "plan_id": 12535,
    ///     "out_contract_code": "tea-club-0001",
    ///     "contract_display_account": "Ann",
    ///     "contract_notify_url": "https://example.com/contracts",
    /// }}))?;
    /// sandbox.user_signs("tea-club-0001")?;
    ///
    /// let query = "v3/papay/sign/contracts/plan-id/{plan_id}/out-contract-code/{out_contract_code}";
    /// let numbers = json!({ "plan_id": "12535", "out_contract_code": "tea-club-0001" });
    /// let contract: Value = client.chain(query).get(numbers)?.json()?;
    /// assert_eq!(contract["contract_state"], "SIGNED");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns an error if there is no such contract, if several plans have one of this code, or if it was
    /// signed before.
    pub fn user_signs(&self, out_contract_code: &str) -> Result<()> {
        self.change_contract(out_contract_code, papay::user_signs)
    }

    /// Terminates a contract of papay as the user: `SIGNED` becomes `TERMINATED`. The merchant is notified,
    /// at the URL that [`notify_url`](crate::sandbox::SandboxBuilder::notify_url) sets for `ENTRUST.TERMINATE`, or for
    /// `pap-contract-state-changed` of APIv2, and otherwise at the one for the signature.
    ///
    /// # Errors
    /// Returns an error if there is no such contract, if several plans have one of this code, or if it is not
    /// signed.
    pub fn user_terminates(&self, out_contract_code: &str) -> Result<()> {
        self.change_contract(out_contract_code, papay::user_terminates)
    }

    fn change_contract(
        &self,
        code: &str,
        change: fn(&mut World, &str, &str, u64) -> std::result::Result<(), Refusal>,
    ) -> Result<()> {
        let now = self.state.clock.now();
        let has_it = |store: &Store| papay::has_code(store, code);
        self.change("contract", code, has_it, |world, mchid| {
            let key = papay::key_of(world, mchid, code)?;
            change(world, mchid, &key, now)
        })
    }
}
