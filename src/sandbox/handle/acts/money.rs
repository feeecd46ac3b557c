//! What a user and WeChat Pay do with transfers and profit sharing.

use crate::sandbox::handle::Sandbox;
use crate::{
    catalog,
    error::{Cause, Error, Result},
    sandbox::{
        dispatch::refusal::Refusal,
        flows::payouts::{
            authorization::{self, CloseReason},
            batch::{self, Batch},
            sharing, transfer,
        },
        state::world::{Store, World},
    },
};

/// A merchant's money, in fen: see [`Sandbox::balance`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Balance {
    /// What the merchant can spend.
    pub available: u64,
    /// What is set aside for profit sharing, or for transfers under way.
    pub frozen: u64,
}

impl Sandbox {
    /// Returns the money of a merchant or sub-merchant, or `None` if there is no such one.
    ///
    /// ```
    /// use wechatpay_chain::sandbox::Sandbox;
    ///
    /// # fn main() -> wechatpay_chain::Result<()> {
    /// let sandbox = Sandbox::builder().opening_balance(1_000).start()?;
    /// let balance = sandbox.balance(sandbox.mchid()).unwrap();
    /// assert_eq!((balance.available, balance.frozen), (1_000, 0));
    /// # Ok(())
    /// # }
    /// ```
    pub fn balance(&self, mchid: &str) -> Option<Balance> {
        let world = self.state.world();
        let account = &world.stores.get(mchid)?.account;
        Some(Balance {
            available: account.available(),
            frozen: account.frozen(),
        })
    }

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
        check_reason("MCHTRANSFER.BILL.FINISHED", "fail_reason", reason)?;
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

    /// Agrees to transfers without a confirmation each time, as the user: `WAIT_USER_CONFIRM` becomes
    /// `TAKING_EFFECT`. The merchant is notified.
    ///
    /// # Errors
    /// Returns an error if there is no such authorization, or if it does not wait for the user.
    pub fn user_authorizes_transfers(&self, out_authorization_no: &str) -> Result<()> {
        self.change_authorization(out_authorization_no, authorization::agree)
    }

    /// Takes an authorization back as the user: `TAKING_EFFECT` becomes `CLOSED`. The merchant is notified.
    ///
    /// # Errors
    /// Returns an error if there is no such authorization, or if it does not take effect.
    pub fn user_ends_authorization(&self, out_authorization_no: &str) -> Result<()> {
        self.change_authorization(out_authorization_no, |world, mchid, number, now| {
            authorization::close(world, mchid, number, CloseReason::User, now).map(drop)
        })
    }

    /// Finishes a batch of transfers, before WeChat Pay does so on its own: each transfer that waits becomes
    /// `SUCCESS`.
    ///
    /// # Errors
    /// Returns an error if there is no such batch, or if it has ended.
    pub fn batch_finishes(&self, out_batch_no: &str) -> Result<()> {
        let now = self.state.clock.now();
        let has_batch = |store: &Store| store.batch.batches.get(out_batch_no).is_some();
        self.change("batch", out_batch_no, has_batch, |world, mchid| {
            batch::rules::finish(world, mchid, out_batch_no, now)
        })
    }

    /// Closes a batch of which no user was paid, for a documented reason such as `OVERDUE_CLOSE`: the
    /// merchant has the money again.
    ///
    /// # Errors
    /// Returns an error if the reason is not documented, if there is no such batch, or if it is not
    /// `ACCEPTED`.
    pub fn batch_closes(&self, out_batch_no: &str, reason: &str) -> Result<()> {
        check_reason("MCHTRANSFER.BATCH.CLOSED", "close_reason", reason)?;
        let now = self.state.clock.now();
        let has_batch = |store: &Store| store.batch.batches.get(out_batch_no).is_some();
        self.change("batch", out_batch_no, has_batch, |world, mchid| {
            batch::rules::close(world, mchid, out_batch_no, reason, now)
        })
    }

    /// Fails one transfer of a batch, by its `out_detail_no`, for a documented reason such as
    /// `NAME_NOT_CORRECT`. The batch finishes with its last transfer.
    ///
    /// # Errors
    /// Returns an error if the reason is not documented, or if no such transfer waits.
    pub fn batch_transfer_fails(&self, out_detail_no: &str, reason: &str) -> Result<()> {
        check_reason("MCHTRANSFER.BILL.FINISHED", "fail_reason", reason)?;
        let now = self.state.clock.now();
        let has_detail = |batch: &Batch| batch.has_detail(out_detail_no);
        let has_it = |store: &Store| store.batch.batches.find(has_detail).is_some();
        self.change(
            "transfer of a batch",
            out_detail_no,
            has_it,
            |world, mchid| batch::rules::fail_detail(world, mchid, out_detail_no, reason, now),
        )
    }

    /// Finishes an order of profit sharing, before WeChat Pay does so on its own: each share that waits
    /// becomes `SUCCESS`.
    ///
    /// # Errors
    /// Returns an error if there is no such order, or if it is finished.
    pub fn sharing_finishes(&self, out_order_no: &str) -> Result<()> {
        let (now, merchants) = (self.state.clock.now(), &self.state.merchants);
        let has_order = |store: &Store| store.sharing.orders.get(out_order_no).is_some();
        self.change("sharing order", out_order_no, has_order, |world, mchid| {
            sharing::rules::finish(world, merchants, mchid, out_order_no, now)
        })
    }

    /// Closes one receiver's share of an order under way, for a documented reason such as `NO_RELATION`.
    ///
    /// # Errors
    /// Returns an error if the reason is not documented, if there is no such order, or if no share of this
    /// account waits.
    pub fn share_fails(&self, out_order_no: &str, account: &str, reason: &str) -> Result<()> {
        if !SHARE_REASONS.contains(&reason) {
            return Err(undocumented(reason, SHARE_REASONS));
        }
        let now = self.state.clock.now();
        let has_order = |store: &Store| store.sharing.orders.get(out_order_no).is_some();
        self.change("sharing order", out_order_no, has_order, |world, mchid| {
            sharing::rules::close_share(world, mchid, out_order_no, account, reason, now)
        })
    }

    /// Finishes a return of shared money, before WeChat Pay does so on its own. It fails if the receiver
    /// does not have the money.
    ///
    /// # Errors
    /// Returns an error if there is no such return, or if it is finished.
    pub fn sharing_return_finishes(&self, out_return_no: &str) -> Result<()> {
        let (now, merchants) = (self.state.clock.now(), &self.state.merchants);
        let has_return = |store: &Store| store.sharing.returns.get(out_return_no).is_some();
        self.change("return", out_return_no, has_return, |world, mchid| {
            sharing::give_back::finish_return(world, merchants, mchid, out_return_no, now)
        })
    }

    fn change_authorization(
        &self,
        number: &str,
        change: impl FnOnce(&mut World, &str, &str, u64) -> std::result::Result<(), Refusal>,
    ) -> Result<()> {
        let now = self.state.clock.now();
        let has_it = |store: &Store| store.authorization.authorizations.get(number).is_some();
        self.change("authorization", number, has_it, |world, mchid| {
            change(world, mchid, number, now)
        })
    }

    fn change_transfer(
        &self,
        out_bill_no: &str,
        change: impl FnOnce(&mut World, &str, &str, u64) -> std::result::Result<(), Refusal>,
    ) -> Result<()> {
        let now = self.state.clock.now();
        let has_bill = |store: &Store| store.transfer.bills.get(out_bill_no).is_some();
        self.change("transfer", out_bill_no, has_bill, |world, mchid| {
            change(world, mchid, out_bill_no, now)
        })
    }
}

/// The documented values of a share's `fail_reason`.
const SHARE_REASONS: &[&str] = &[
    "ACCOUNT_ABNORMAL",
    "NO_RELATION",
    "RECEIVER_HIGH_RISK",
    "RECEIVER_REAL_NAME_NOT_VERIFIED",
    "NO_AUTH",
    "RECEIVER_RECEIPT_LIMIT",
    "PAYER_ACCOUNT_ABNORMAL",
    "INVALID_REQUEST",
];

/// Checks that this reason is a documented value of a field of a notification.
// The table of batches lists no reasons of their transfers. They are those of single transfers.
fn check_reason(event: &str, field: &str, reason: &str) -> Result<()> {
    let mut events = catalog::events();
    let event = events.find(|known| known.name() == event);
    let field = event.and_then(|event| event.fields().get(field));
    let reasons = field.map_or(&[][..], |field| field.values());
    if reasons.contains(&reason) {
        return Ok(());
    }
    Err(undocumented(reason, reasons))
}

fn undocumented(reason: &str, reasons: &[&str]) -> Error {
    let reasons = reasons.join(", ");
    Cause::request(format!(
        "{reason} is not a documented reason: use one of {reasons}"
    ))
    .not_sent()
}
