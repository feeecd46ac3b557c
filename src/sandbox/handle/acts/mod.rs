//! What the customer and WeChat Pay do to an order, a payout or an agreement.

mod applyment;
mod complaint;
mod contract;
mod coupon;
pub(super) mod money;
pub(super) mod orders;
mod pay;
mod pay_score;
mod pay_score_plan;
mod red_packet;
pub(in crate::sandbox) mod user;

use crate::{
    error::Result,
    sandbox::{
        dispatch::refusal::Refusal,
        handle::Sandbox,
        state::world::{Store, World},
    },
};

impl Sandbox {
    /// Changes what the one merchant has under this number: `what` is a word for it, such as "refund".
    ///
    /// # Errors
    /// Returns an error if no merchant has it or several have, and if the rules refuse the change.
    fn change(
        &self,
        what: &str,
        number: &str,
        has_it: impl Fn(&Store) -> bool,
        change: impl FnOnce(&mut World, &str) -> std::result::Result<(), Refusal>,
    ) -> Result<()> {
        let mut world = self.state.world();
        let mchid = self.only_merchant(&world, what, number, has_it)?;
        change(&mut world, &mchid).map_err(Refusal::into_error)
    }

    /// Returns the merchant whose store has something of this number.
    ///
    /// # Errors
    /// Returns an error if none has it, or if several have: each merchant chooses its own numbers.
    fn only_merchant(
        &self,
        world: &World,
        what: &str,
        number: &str,
        has_it: impl Fn(&Store) -> bool,
    ) -> Result<String> {
        let mut stores = world
            .stores
            .iter()
            .filter(|(mchid, store)| self.is_meant(mchid) && has_it(store));
        let refusal = match (stores.next(), stores.next()) {
            (Some((mchid, _)), None) => return Ok(mchid.clone()),
            (None, _) => Refusal::not_found(format!(
                "the sandbox has no {what} {number}: create it with a request first"
            )),
            (Some((one, _)), Some((other, _))) => Refusal::invalid_request(format!(
                "the merchants {one} and {other} both have {what} {number}: give them different numbers, \
                 or name one with ?mchid= in a control request"
            )),
        };
        Err(refusal.into_error())
    }

    /// Returns whether the orders of this merchant are meant.
    pub(in crate::sandbox::handle) fn is_meant(&self, mchid: &str) -> bool {
        let scope = self.scope.as_deref();
        scope.is_none_or(|scope| scope == mchid)
    }
}
