//! Applications that a service provider or a platform makes for its merchants, and the bank accounts that
//! their money is settled to.
//!
//! Of a service provider: `AUDITING` → `TO_BE_CONFIRMED` → `TO_BE_SIGNED` → `SIGNING` → `FINISHED`. Of a
//! platform: `CHECKING` → `ACCOUNT_NEED_VERIFY` → `AUDITING` → `NEED_SIGN` → `FINISH`. Or → `REJECTED`, and
//! again from the start. A finished one has a new sub-merchant.

mod account;
mod read;
mod routes;
mod rules;
mod settlement;
mod view;

pub(crate) use routes::ROUTES;
pub(crate) use rules::{advance, cancel, fail, is_documented, pass, reject};
pub(crate) use settlement::{change_fails, change_succeeds};

use account::Account;
use settlement::Change;

use std::borrow::Cow;

use crate::sandbox::state::{StateKind, bounded_map::BoundedMap, changes::Stateful};

/// How many applications of a merchant are kept.
const MAX_APPLICATIONS: usize = 10_000;
/// How many changes of a merchant's bank account are kept.
const MAX_CHANGES: usize = 1_000;

/// The applications that a merchant made for others, and its own bank account.
#[derive(Clone, Debug)]
pub(crate) struct Tables {
    /// By `business_code`, or by `out_request_no` of a platform.
    pub(crate) applications: BoundedMap<Application>,
    /// Where the merchant's money is settled to, if the sandbox knows it.
    account: Option<Account>,
    /// By `application_no`.
    pub(crate) changes: BoundedMap<Change>,
}

impl Default for Tables {
    fn default() -> Self {
        Self {
            applications: BoundedMap::watched(MAX_APPLICATIONS),
            account: None,
            changes: BoundedMap::watched(MAX_CHANGES),
        }
    }
}

/// An application for a merchant. The store of the service provider has it.
#[derive(Clone, Debug)]
pub(crate) struct Application {
    /// `applyment_id`
    id: u64,
    new: NewApplication,
    state: State,
    /// Known from `TO_BE_SIGNED` on, and a merchant once the application is finished.
    sub_mchid: Option<String>,
}

impl Stateful for Application {
    const KIND: StateKind = StateKind::Application;

    fn state_name(&self) -> Cow<'static, str> {
        self.name_of_state().into()
    }
}

/// What a request asks for.
#[derive(Clone, Debug)]
struct NewApplication {
    kind: Kind,
    /// The provider's number.
    number: String,
    account: Account,
}

/// Which operations made an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// `applyment4sub`, of a service provider.
    Special,
    /// `ecommerce/applyments`, of a platform.
    Ecommerce,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// WeChat Pay could not take it. The provider submits it again.
    Editing,
    /// Before the audit, of a platform's.
    Checking,
    Auditing,
    Rejected(Objection),
    ToBeConfirmed,
    ToBeSigned,
    Signing,
    Finished,
    Canceled,
}

impl Kind {
    /// Returns the states to a merchant, in their order.
    fn way(self) -> &'static [State] {
        match self {
            Self::Special => &[
                State::Auditing,
                State::ToBeConfirmed,
                State::ToBeSigned,
                State::Signing,
                State::Finished,
            ],
            // In the order in which the documents list them.
            Self::Ecommerce => &[
                State::Checking,
                State::ToBeConfirmed,
                State::Auditing,
                State::ToBeSigned,
                State::Finished,
            ],
        }
    }
}

/// Why an application was rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Objection {
    field: String,
    reason: String,
}

#[cfg(test)]
mod tests;
