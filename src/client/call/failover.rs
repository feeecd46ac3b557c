//! The backup host: used while the primary host cannot be reached.
//!
//! The switch is sticky for five minutes, so that an outage does not cost every call a connect
//! timeout. After that, one request tries the primary host while all others stay on the backup.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::protocol::{request::Draft, url::host::Base};

/// How long the backup is used before the primary host is tried again.
const STICKY: Duration = Duration::from_secs(5 * 60);

/// The client's base URI and its backup.
pub(in crate::client) struct Failover {
    base: Base,
    backup: Option<Base>,
    /// Until when the backup goes first. `None` while the primary host is in use.
    until: Mutex<Option<Instant>>,
}

/// The hosts that one request may go to, in the order in which they are tried.
pub(super) struct Hosts<'f> {
    failover: &'f Failover,
    /// For each try, whether it goes to the backup. `None` for a request that goes to another host
    /// altogether.
    order: Option<[bool; 2]>,
    /// Whether the request has moved on to the second host.
    turned: bool,
    /// Whether this is the request that tries the primary host again.
    probes_primary: bool,
}

impl Failover {
    pub(in crate::client) fn new(base: Base, backup: Option<Base>) -> Self {
        Self {
            base,
            backup,
            until: Mutex::new(None),
        }
    }

    /// Returns the hosts for a draft. A draft for another host than the base URI's stays there.
    pub(super) fn hosts(&self, draft: &Draft) -> Hosts<'_> {
        // The prefix is compared too: a call may name the same host with another path.
        let ours = self.backup.is_some()
            && draft.origin == self.base.origin
            && draft.target[..draft.prefix] == self.base.prefix;
        if ours {
            self.both(Instant::now())
        } else {
            Hosts {
                failover: self,
                order: None,
                turned: false,
                probes_primary: false,
            }
        }
    }

    /// Once the backup's time is over, a single request tries the primary host, and the others stay
    /// on the backup until that one has succeeded. If all of them tried, a host that is still down
    /// would delay them all.
    fn both(&self, now: Instant) -> Hosts<'_> {
        let mut until = self.lock();
        let backup_first = until.is_some_and(|end| now < end);
        let probes_primary = until.is_some() && !backup_first;
        if probes_primary {
            // Taken at once, so that the next request already stays on the backup.
            *until = now.checked_add(STICKY);
        }
        Hosts {
            failover: self,
            order: Some([backup_first, !backup_first]),
            turned: false,
            probes_primary,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Instant>> {
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hosts<'_> {
    /// Returns the base URI to send to, or `None` for the draft's own.
    pub(super) fn current(&self) -> Option<&Base> {
        let on_backup = self.is_on_backup()?;
        self.failover.backup.as_ref().filter(|_| on_backup)
    }

    /// Moves on to the other host. Returns `false` if this request has no other host, or has tried it.
    pub(super) fn turn(&mut self) -> bool {
        let turns = self.order.is_some() && !self.turned;
        if turns && self.is_on_backup() == Some(true) {
            tracing::warn!("backup host unreachable, trying the primary host");
        }
        self.turned |= turns;
        turns
    }

    /// Remembers which host was reached.
    pub(super) fn reached(&self) {
        let Some(on_backup) = self.is_on_backup() else {
            return;
        };
        // Nothing changed, which is nearly every request: do not take the lock.
        if !self.turned && !self.probes_primary {
            return;
        }
        let until = on_backup.then(|| Instant::now().checked_add(STICKY));
        *self.failover.lock() = until.flatten();
        if on_backup {
            tracing::warn!("failing over to the backup host");
        } else {
            tracing::info!("primary host recovered");
        }
    }

    fn is_on_backup(&self) -> Option<bool> {
        Some(self.order?[usize::from(self.turned)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failover() -> Failover {
        let base = |uri: &str| Base::parse(uri).unwrap();
        Failover::new(
            base("https://api.mch.weixin.qq.com/"),
            Some(base("https://api2.mch.weixin.qq.com/")),
        )
    }

    #[test]
    fn backup_is_sticky_and_one_request_probes_the_primary_host() {
        let failover = failover();
        let now = Instant::now();
        let mut first = failover.both(now);
        assert!(first.current().is_none());
        assert!(first.turn() && !first.turn(), "it moved on twice");
        assert!(first.current().is_some());
        first.reached();

        let later = now + STICKY - Duration::from_secs(1);
        assert!(failover.both(later).current().is_some());

        // One request probes; the others stay on the backup meanwhile.
        let over = now + STICKY + Duration::from_secs(1);
        let probe = failover.both(over);
        assert!(probe.current().is_none());
        for _ in 0..3 {
            assert!(failover.both(over).current().is_some());
        }
        probe.reached();
        for _ in 0..3 {
            assert!(failover.both(over).current().is_none());
        }
    }

    #[test]
    fn failed_probe_delays_the_next_probe() {
        let failover = failover();
        let now = Instant::now();
        let mut first = failover.both(now);
        first.turn();
        first.reached();
        let over = now + STICKY + Duration::from_secs(1);
        let mut probe = failover.both(over);
        assert!(probe.current().is_none());
        probe.turn();
        assert!(probe.current().is_some());
        assert!(failover.both(over + STICKY / 2).current().is_some());
        probe.reached();
        assert!(failover.both(now).current().is_some());
    }

    #[test]
    fn failing_backup_gives_way_to_the_primary_host() {
        let failover = failover();
        let now = Instant::now();
        let mut first = failover.both(now);
        first.turn();
        first.reached();
        let mut second = failover.both(now);
        assert!(second.current().is_some());
        assert!(second.turn());
        assert!(second.current().is_none());
        second.reached();
        assert!(failover.both(now).current().is_none());
    }
}
