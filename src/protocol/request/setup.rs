//! What a client contributes to its requests, and where they may go.

use std::{sync::Arc, time::Duration};

use http::HeaderValue;

#[cfg(feature = "documents")]
use crate::protocol::options::documented::{Check, Seal};
use crate::{
    error::{Cause, cause::Result, value::shown},
    protocol::{
        trust::guard::Guard,
        url::host::{Base, HostRule, Origin},
    },
};

/// What a client contributes to each of its requests.
pub(crate) struct Setup {
    pub(crate) base: Base,
    pub(crate) hosts: HostRule,
    pub(crate) guard: Arc<Guard>,
    pub(crate) user_agent: HeaderValue,
    pub(crate) timeout: Duration,
    pub(crate) connect_timeout: Duration,
    /// Whether values that WeChat Pay is known to refuse are errors instead of warnings.
    pub(crate) strict: bool,
    #[cfg(feature = "documents")]
    pub(crate) check: Option<Check>,
    /// How to encrypt documented sealed fields, if calls do so by default.
    #[cfg(feature = "documents")]
    pub(crate) seal: Option<Seal>,
}

impl Setup {
    /// Checks that a request may go to `origin`, by the host rule and by whose keys the client has.
    pub(crate) fn check_origin(&self, origin: &Origin, unsigned: bool) -> Result<()> {
        if unsigned {
            self.hosts.check_unsigned(origin)?;
        } else {
            self.hosts.check(origin)?;
        }
        match self.guard.sandbox() {
            Some(id) => self.check_sandbox(id, origin),
            None => Ok(()),
        }
    }

    /// Checks that a request that involves this sandbox ID may go to `origin`.
    pub(super) fn check_sandbox(&self, id: &str, origin: &Origin) -> Result<()> {
        if self.hosts.may_be_sandbox(origin) {
            return Ok(());
        }
        Err(Cause::request(format!(
            "{} belongs to a sandbox, and {origin} is not one: a client with a sandbox's keys \
             sends nothing there",
            shown(id)
        )))
    }
}
