//! What a user and WeChat Pay do with transfers and profit sharing.

use super::{Sandbox, user::only_store, user::unknown_order};
use crate::{
    catalog,
    error::{Cause, Result},
    sandbox::{
        flows::transfer,
        refusal::Refusal,
        state::world::{Store, World},
    },
};

impl Sandbox {
    /// Confirms a transfer as the user who receives it: `WAIT_USER_CONFIRM` becomes `TRANSFERING`.
    ///
    /// # Errors
    /// Returns an error if there is no such transfer, or if it does not wait for the user.
    pub fn user_confirms_transfer(&self, out_bill_no: &str) -> Result<()> {
        self.change_transfer(out_bill_no, transfer::confirm)
    }

    /// Finishes a transfer that the user confirmed, before WeChat Pay does so on its own: `TRANSFERING`
    /// becomes `SUCCESS`.
    ///
    /// # Errors
    /// Returns an error if there is no such transfer, or if it is not under way.
    pub fn transfer_succeeds(&self, out_bill_no: &str) -> Result<()> {
        self.change_transfer(out_bill_no, transfer::succeed)
    }

    /// Fails a transfer for a documented reason, such as `NAME_NOT_CORRECT`: `WAIT_USER_CONFIRM` or
    /// `TRANSFERING` becomes `FAIL`, and the merchant has the money again.
    ///
    /// # Errors
    /// Returns an error if the reason is not documented, if there is no such transfer, or if it has ended.
    pub fn transfer_fails(&self, out_bill_no: &str, reason: &str) -> Result<()> {
        check_reason(reason)?;
        self.change_transfer(out_bill_no, |world, mchid, number, now| {
            transfer::fail(world, mchid, number, reason, now)
        })
    }

    /// Finishes a cancellation that the merchant asked for: `CANCELING` becomes `CANCELLED`, and the
    /// merchant has the money again.
    ///
    /// # Errors
    /// Returns an error if there is no such transfer, or if it is not being cancelled.
    pub fn transfer_is_cancelled(&self, out_bill_no: &str) -> Result<()> {
        self.change_transfer(out_bill_no, transfer::finish_cancelling)
    }

    fn change_transfer(
        &self,
        out_bill_no: &str,
        change: impl FnOnce(&mut World, &str, &str, u64) -> std::result::Result<(), Refusal>,
    ) -> Result<()> {
        let now = self.state.clock.now();
        let mut world = self.state.world();
        let has_bill = |store: &Store| store.transfer.bills.get(out_bill_no).is_some();
        let mchid = only_merchant(&mut world, out_bill_no, has_bill)?;
        change(&mut world, &mchid, out_bill_no, now).map_err(Refusal::into_error)?;
        drop(world);
        self.state.wake();
        Ok(())
    }
}

/// Returns the ID of the one merchant that has an order.
fn only_merchant(
    world: &mut World,
    number: &str,
    has_order: impl Fn(&Store) -> bool,
) -> Result<String> {
    only_store(world, number, &has_order)?;
    let mut stores = world.stores.iter();
    let found = stores.find(|(_, store)| has_order(store));
    let (mchid, _) = found.ok_or_else(|| unknown_order(number))?;
    Ok(mchid.clone())
}

/// Checks that WeChat Pay documents this reason of a failed transfer.
fn check_reason(reason: &str) -> Result<()> {
    let mut events = catalog::events();
    let event = events.find(|event| event.name() == "MCHTRANSFER.BILL.FINISHED");
    let field = event.and_then(|event| event.fields().get("fail_reason"));
    if field.is_some_and(|field| field.values().contains(&reason)) {
        return Ok(());
    }
    Err(Cause::request(format!(
        "{reason} is no documented fail_reason of a transfer: use one such as NAME_NOT_CORRECT"
    ))
    .not_sent())
}
