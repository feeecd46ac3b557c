//! Papay: a user signs a contract, and the merchant deducts money under it.
//!
//! | state | ends when |
//! | --- | --- |
//! | `UNSIGNED` | the user signs, alone or with a payment |
//! | `SIGNED` | the user or the merchant terminates it, it expires, or its one deduction is over |
//! | `TERMINATED` | final |
//!
//! A contract is periodic, or for one deduction on a day that is named when it is signed. A periodic
//! deduction needs a pre-notice to the user, the other one a schedule: see [`period`]. A deduction is an
//! order of the order engine.

mod contract;
mod deduction;
mod notice;
mod pay_and_sign;
mod period;
mod pre_notice;
mod read;
mod refusals;
mod routes;
mod view;

pub(crate) use contract::{
    NewContract, by_code, by_id, has_code, key_of, presign, terminate_as_merchant, user_signs,
    user_terminates,
};
pub(crate) use deduction::{deduct, order_paid};
pub(crate) use pay_and_sign::pay_and_sign;
pub(crate) use read::terminate_url;
pub(crate) use routes::{MINI_PROGRAM, ROUTES, page};

use std::borrow::Cow;

use self::period::{PreNotice, Schedule};
use crate::sandbox::state::{
    bounded_map::BoundedMap,
    changes::{StateKind, Stateful},
};

/// How many contracts of a merchant are kept.
const MAX_CONTRACTS: usize = 10_000;
/// How many orders under contracts are known as such: as many as there are orders.
const MAX_ORDERS: usize = 10_000;

/// The contracts of one merchant.
#[derive(Clone, Debug)]
pub(crate) struct Tables {
    /// By plan and the merchant's code: see [`contract::key`].
    pub(crate) contracts: BoundedMap<Contract>,
    /// By `out_trade_no`: the key of the contract that an order is a deduction under, or that it signs.
    orders: BoundedMap<String>,
}

impl Default for Tables {
    fn default() -> Self {
        Self {
            contracts: BoundedMap::watched(MAX_CONTRACTS),
            orders: BoundedMap::new(MAX_ORDERS),
        }
    }
}

/// A contract, from the first request on.
#[derive(Clone, Debug)]
pub(crate) struct Contract {
    /// What was asked for. The same again is the same contract.
    pub(crate) asked: NewContract,
    pub(crate) contract_id: String,
    /// Opens the page on which the user signs.
    pub(crate) presign_id: String,
    state: State,
    /// What the user was told about the next deduction of a periodic contract.
    notice: Option<PreNotice>,
    /// The one deduction of a contract that is not periodic.
    schedule: Option<Schedule>,
    /// The `out_trade_no` of the latest deduction.
    latest: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Open,
    Signed(Signature),
    // The signature is part of the state: no contract ends that was not signed.
    Terminated(Signature, Termination),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Signature {
    at: u64,
    openid: String,
    sub_openid: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Termination {
    at: u64,
    by: TerminatedBy,
    remark: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TerminatedBy {
    User,
    Merchant,
    /// It expired, or its one deduction is over.
    System,
}

impl Contract {
    pub(crate) fn code(&self) -> &str {
        &self.asked.code
    }

    fn signature(&self) -> Option<&Signature> {
        match &self.state {
            State::Open => None,
            State::Signed(signature) | State::Terminated(signature, _) => Some(signature),
        }
    }

    fn is_signed(&self) -> bool {
        matches!(self.state, State::Signed(_))
    }
}

impl Stateful for Contract {
    const KIND: StateKind = StateKind::Contract;

    fn state_name(&self) -> Cow<'static, str> {
        self.state.name().into()
    }
}

impl State {
    fn name(&self) -> &'static str {
        match self {
            Self::Open => "UNSIGNED",
            Self::Signed(_) => "SIGNED",
            Self::Terminated(..) => "TERMINATED",
        }
    }
}

#[cfg(test)]
mod tests;
