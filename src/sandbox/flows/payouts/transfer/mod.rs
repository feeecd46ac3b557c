//! Merchant transfers: a merchant pays a user, who confirms it.
//!
//! `WAIT_USER_CONFIRM` → `TRANSFERING` → `SUCCESS` or `FAIL`; before the user confirms,
//! → `CANCELING` → `CANCELLED`. The money is frozen until the transfer ends.

mod routes;
mod rules;
mod view;

pub(crate) use routes::{ROUTES, check_user_name};
use rules::NewBill;
pub(crate) use rules::{confirm, fail, finish_cancelling, succeed};

use std::borrow::Cow;

use crate::sandbox::{
    checks::merchant::Acting,
    dispatch::refusal::Refusal,
    flows::payouts::payout::wrong_state,
    state::{StateKind, bounded_map::BoundedMap, changes::Stateful},
};

/// How many transfers of a merchant are kept.
const MAX_BILLS: usize = 10_000;

/// The transfers of one merchant.
#[derive(Clone, Debug)]
pub(crate) struct Tables {
    /// By `out_bill_no`.
    pub(crate) bills: BoundedMap<Bill>,
}

impl Default for Tables {
    fn default() -> Self {
        Self {
            bills: BoundedMap::watched(MAX_BILLS),
        }
    }
}

/// A transfer to one user.
#[derive(Clone, Debug)]
pub(crate) struct Bill {
    /// What was asked for. The same again is the same transfer.
    pub(crate) new: NewBill,
    pub(crate) transfer_bill_no: String,
    /// Opens the page on which the user confirms.
    package_info: String,
    pub(crate) created_at: u64,
    updated_at: u64,
    state: State,
}

impl Stateful for Bill {
    const KIND: StateKind = StateKind::Transfer;

    fn state_name(&self) -> Cow<'static, str> {
        self.state().into()
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    WaitUserConfirm,
    Transfering,
    Success,
    // The reason is part of the state: no failure without one.
    Fail(String),
    Canceling,
    Cancelled,
}

impl Bill {
    /// Returns the state as the API names it.
    pub(crate) fn state(&self) -> &'static str {
        match self.state {
            State::WaitUserConfirm => "WAIT_USER_CONFIRM",
            State::Transfering => "TRANSFERING",
            State::Success => "SUCCESS",
            State::Fail(_) => "FAIL",
            State::Canceling => "CANCELING",
            State::Cancelled => "CANCELLED",
        }
    }

    /// Returns whether nothing more will happen to it.
    pub(crate) fn has_ended(&self) -> bool {
        matches!(
            self.state,
            State::Success | State::Fail(_) | State::Cancelled
        )
    }

    pub(crate) fn acting(&self) -> &Acting {
        &self.new.acting
    }

    /// Moves to another state from one of these.
    fn enter(&mut self, from: &[State], to: State, now: u64) -> Result<(), Refusal> {
        if !from.contains(&self.state) {
            return Err(wrong_state(self.state()));
        }
        self.state = to;
        self.updated_at = now;
        Ok(())
    }
}
