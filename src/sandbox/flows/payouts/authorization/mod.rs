//! A user's authorization to transfer without a confirmation each time.
//!
//! `WAIT_USER_CONFIRM` → `TAKING_EFFECT` → `CLOSED`; an unconfirmed one is closed after a day.

mod routes;
mod rules;
mod view;

pub(crate) use routes::{ROUTES, asked_for, named};
pub(crate) use rules::{
    CloseReason, NewAuthorization, agree, check_effective, close, create, forget,
};

use std::borrow::Cow;

use crate::sandbox::state::{StateKind, bounded_map::BoundedMap, changes::Stateful};

/// How many authorizations of a merchant are kept.
const MAX_AUTHORIZATIONS: usize = 10_000;

/// The authorizations of one merchant, or of a service provider for its sub-merchants.
#[derive(Clone, Debug)]
pub(crate) struct Tables {
    /// By `out_authorization_no`.
    pub(crate) authorizations: BoundedMap<Authorization>,
}

impl Default for Tables {
    fn default() -> Self {
        Self {
            authorizations: BoundedMap::watched(MAX_AUTHORIZATIONS),
        }
    }
}

/// An authorization, from its request on.
#[derive(Clone, Debug)]
pub(crate) struct Authorization {
    /// What was asked for. The same again is the same authorization.
    pub(crate) new: NewAuthorization,
    /// Opens the page on which the user agrees.
    package_info: String,
    created_at: u64,
    /// Since the user agreed.
    agreed: Option<Agreed>,
    state: State,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Agreed {
    /// `authorization_id`
    id: String,
    at: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting,
    Effective,
    Closed { at: u64, reason: CloseReason },
}

impl Authorization {
    /// Returns the state as the API names it.
    fn state(&self) -> &'static str {
        match self.state {
            State::Waiting => "WAIT_USER_CONFIRM",
            State::Effective => "TAKING_EFFECT",
            State::Closed { .. } => "CLOSED",
        }
    }

    fn has_id(&self, id: &str) -> bool {
        self.agreed.as_ref().is_some_and(|agreed| agreed.id == id)
    }

    fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed { .. })
    }
}

impl Stateful for Authorization {
    const KIND: StateKind = StateKind::TransferAuthorization;

    fn state_name(&self) -> Cow<'static, str> {
        self.state().into()
    }
}
