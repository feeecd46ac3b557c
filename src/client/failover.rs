//! The backup host: taken where the other cannot be reached, kept for a while, tried back once.

use std::sync::Mutex;
use std::{
    sync::PoisonError,
    time::{Duration, Instant},
};

use crate::protocol::{host::Base, request::Draft};

/// How long the backup is kept before the client's own host is tried again.
const STICKY: Duration = Duration::from_secs(5 * 60);

/// The client's own base URI and its backup.
pub(super) struct Failover {
    base: Base,
    backup: Option<Base>,
    until: Mutex<Option<Instant>>,
}

/// The hosts that one request may go to: one, or two in the order in which they are tried.
pub(super) struct Hosts<'f> {
    failover: &'f Failover,
    /// `None` for a request that is no concern of the failover.
    order: Option<[bool; 2]>,
    turned: bool,
}

impl Failover {
    pub(super) fn new(base: Base, backup: Option<Base>) -> Self {
        Self {
            base,
            backup,
            until: Mutex::new(None),
        }
    }

    /// For a request to the client's own base; one to another host stays there.
    pub(super) fn hosts(&self, draft: &Draft) -> Hosts<'_> {
        let ours = self.backup.is_some()
            && draft.origin == self.base.origin
            && draft.target[..draft.prefix] == self.base.prefix;
        let backup_first = self.lock().is_some_and(|until| Instant::now() < until);
        Hosts {
            failover: self,
            order: ours.then_some([backup_first, !backup_first]),
            turned: false,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hosts<'_> {
    /// Where to send: `None` leaves the request where it was drafted to.
    pub(super) fn current(&self) -> Option<&Base> {
        let on_backup = self.order?[usize::from(self.turned)];
        self.failover.backup.as_ref().filter(|_| on_backup)
    }

    /// Turns to the other host, once.
    pub(super) fn turn(&mut self) -> bool {
        let turns = self.order.is_some() && !self.turned;
        self.turned |= turns;
        turns
    }

    /// Remembers the host that answered.
    pub(super) fn reached(&self) {
        let Some(order) = self.order.filter(|_| self.turned) else {
            return;
        };
        let on_backup = order[1];
        *self.failover.lock() = on_backup.then(|| Instant::now() + STICKY);
        tracing::warn!(
            on_backup,
            "a host could not be reached: turned to the other"
        );
    }
}
