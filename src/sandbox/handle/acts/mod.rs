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
    error::{Cause, Result},
    sandbox::{
        dispatch::refusal::Refusal,
        handle::Sandbox,
        state::world::{Store, World},
    },
};

impl Sandbox {
    /// Checks that a change would be in the journal, if there is one.
    pub(in crate::sandbox::handle) fn check_may_act(&self) -> Result<()> {
        match self.state.inputs() {
            Some(inputs) if !inputs.is_input() => Err(Cause::request(
                "a sandbox with a journal is changed by requests only: use the endpoints below /_sandbox/v1/",
            )
            .not_sent()),
            _ => Ok(()),
        }
    }

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
        self.check_may_act()?;
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
                "the sandbox has no {what} {number:.64}: {}",
                made_by(what)
            )),
            (Some((one, _)), Some((other, _))) => Refusal::invalid_request(format!(
                "the merchants {one} and {other} both have {what} {number:.64}: give them different numbers, \
                 or name one with ?mchid= in a control request"
            )),
        };
        Err(refusal.into_error())
    }

    /// Returns whether the orders of this merchant are meant.
    pub(in crate::sandbox) fn is_meant(&self, mchid: &str) -> bool {
        let scope = self.scope.as_deref();
        scope.is_none_or(|scope| scope == mchid)
    }
}

/// Returns how to get one of these.
fn made_by(what: &str) -> &'static str {
    match what {
        "complaint" => "user_complains makes one and returns its ID",
        "transfer of a batch" => "create its batch with a request first",
        "signed plan" => "create a plan for the user with a request first",
        "change of an account" => "ask for the change with a request first",
        _ => "create it with a request first",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_says_how_to_get_one() {
        let sandbox = Sandbox::start().unwrap();
        let missing = sandbox.user_pays("1").unwrap_err().to_string();
        assert!(
            missing.contains("no order 1: create it with a request"),
            "{missing}"
        );
        let missing = sandbox.user_withdraws_complaint("1").unwrap_err();
        let missing = missing.to_string();
        assert!(
            missing.contains("no complaint 1: user_complains"),
            "{missing}"
        );
        let long = "9".repeat(65);
        let missing = sandbox.user_pays(&long).unwrap_err().to_string();
        assert!(!missing.contains(&long), "{missing}");
    }
}
