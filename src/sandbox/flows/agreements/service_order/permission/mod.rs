//! The permission that a user gives for a service: what it costs may then be collected without confirming
//! each order.
//!
//! `UNBINDUSER` → the user opens the service: `AVAILABLE` → the user or the merchant closes it:
//! `UNAVAILABLE`, and from there again.

mod routes;
mod rules;
mod view;

pub(crate) use routes::ROUTES;
pub(super) use rules::check_user;
pub(crate) use rules::{close, open};

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::order::User;
use crate::sandbox::{
    checks::merchant::Acting,
    dispatch::refusal::Refusal,
    state::{StateKind, changes::Stateful},
};

/// How long the authorization page opens with a token, in seconds.
const TOKEN_LIFETIME: u64 = 3600;

/// A permission, from its pre-authorization on.
#[derive(Clone, Debug)]
pub(crate) struct Permission {
    pub(super) acting: Acting,
    pub(super) service_id: String,
    pub(super) appid: String,
    pub(super) sub_appid: Option<String>,
    /// The merchant's `authorization_code`.
    pub(super) code: String,
    pub(super) notify_url: Option<String>,
    /// The body of the pre-authorization. The same body again is the same permission.
    request: Map<String, Value>,
    pub(super) id: String,
    token: Token,
    pub(super) state: State,
}

/// Opens the authorization page.
#[derive(Clone, Debug)]
struct Token {
    text: String,
    issued_at: u64,
}

// The user is part of the state: no open permission without one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    Unbound,
    Open {
        user: User,
        since: u64,
    },
    Closed {
        user: User,
        since: u64,
        at: u64,
        /// What the merchant closed it with. The same again changes nothing.
        by: Option<Map<String, Value>>,
    },
}

impl Stateful for Permission {
    const KIND: StateKind = StateKind::Permission;

    fn state_name(&self) -> Cow<'static, str> {
        self.state_text().into()
    }
}

impl Permission {
    fn state_text(&self) -> &'static str {
        match self.state {
            State::Unbound => "UNBINDUSER",
            State::Open { .. } => "AVAILABLE",
            State::Closed { .. } => "UNAVAILABLE",
        }
    }

    fn user(&self) -> Option<&User> {
        match &self.state {
            State::Unbound => None,
            State::Open { user, .. } | State::Closed { user, .. } => Some(user),
        }
    }

    /// Returns whether it is of this user, by either ID.
    fn is_of(&self, user: &User) -> bool {
        let is_same =
            |own: &Option<String>, other: &Option<String>| other.is_some() && own == other;
        self.user().is_some_and(|own| {
            is_same(&own.openid, &user.openid) || is_same(&own.sub_openid, &user.sub_openid)
        })
    }

    /// Opens the service as this user, or as the one who closed it.
    fn open(&mut self, someone: User, now: u64) -> Result<(), Refusal> {
        let user = match &self.state {
            State::Unbound => someone,
            State::Closed { user, .. } => user.clone(),
            State::Open { .. } => return Err(self.wrong_state()),
        };
        if now.saturating_sub(self.token.issued_at) >= TOKEN_LIFETIME {
            return Err(Refusal::new(
                400,
                "INVALID_REQUEST",
                "INVALID_REQUEST",
                format!("预授权token已失效: authorize {} again", self.code),
            ));
        }
        self.state = State::Open { user, since: now };
        Ok(())
    }

    /// Closes the service: as the user, or as the merchant with this request.
    fn close(&mut self, by: Option<Map<String, Value>>, now: u64) -> Result<(), Refusal> {
        let State::Open { user, since } = &self.state else {
            return Err(self.wrong_state());
        };
        self.state = State::Closed {
            user: user.clone(),
            since: *since,
            at: now,
            by,
        };
        Ok(())
    }

    fn wrong_state(&self) -> Refusal {
        let (code, message) = match self.state {
            State::Closed { .. } => ("ORDER_CANCELED", "单据已取消"),
            _ => ("INVALID_ORDER_STATE", "单据状态错误"),
        };
        let message = format!("{message}: {} is {}", self.code, self.state_text());
        Refusal::new(400, code, code, message)
    }
}
