//! The backup host: taken where the other cannot be reached, kept for a while, tried back once.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
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
    /// Whether it is the one that tries the client's own host again.
    tries_back: bool,
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
        if ours {
            self.both(Instant::now())
        } else {
            Hosts {
                failover: self,
                order: None,
                turned: false,
                tries_back: false,
            }
        }
    }

    /// Once the backup's time is over, one request alone tries the client's own host; the others
    /// stay where they are served until it has been reached.
    fn both(&self, now: Instant) -> Hosts<'_> {
        let mut until = self.lock();
        let backup_first = until.is_some_and(|end| now < end);
        let tries_back = until.is_some() && !backup_first;
        if tries_back {
            *until = now.checked_add(STICKY);
        }
        Hosts {
            failover: self,
            order: Some([backup_first, !backup_first]),
            turned: false,
            tries_back,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Instant>> {
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hosts<'_> {
    /// Where to send: `None` leaves the request where it was drafted to.
    pub(super) fn current(&self) -> Option<&Base> {
        let on_backup = self.is_on_backup()?;
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
        let Some(on_backup) = self.is_on_backup() else {
            return;
        };
        if !self.turned && !self.tries_back {
            return;
        }
        let until = on_backup.then(|| Instant::now().checked_add(STICKY));
        *self.failover.lock() = until.flatten();
        tracing::warn!(
            on_backup,
            "a host could not be reached, or can be again: turned to the other"
        );
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
    fn the_backup_is_kept_and_the_own_host_tried_back_by_one_alone() {
        let failover = failover();
        let now = Instant::now();
        let mut first = failover.both(now);
        assert!(first.current().is_none());
        assert!(first.turn() && !first.turn(), "it turned twice");
        assert!(first.current().is_some());
        first.reached();

        let later = now + STICKY - Duration::from_secs(1);
        assert!(failover.both(later).current().is_some());

        // One tries, and the others wait for what becomes of it.
        let over = now + STICKY + Duration::from_secs(1);
        let trying = failover.both(over);
        assert!(trying.current().is_none());
        for _ in 0..3 {
            assert!(failover.both(over).current().is_some());
        }
        trying.reached();
        for _ in 0..3 {
            assert!(failover.both(over).current().is_none());
        }
    }

    #[test]
    fn an_own_host_that_is_still_away_is_left_alone_for_as_long_again() {
        let failover = failover();
        let now = Instant::now();
        let mut first = failover.both(now);
        first.turn();
        first.reached();
        let over = now + STICKY + Duration::from_secs(1);
        let mut trying = failover.both(over);
        assert!(trying.current().is_none());
        trying.turn();
        assert!(trying.current().is_some());
        assert!(failover.both(over + STICKY / 2).current().is_some());
        trying.reached();
        assert!(failover.both(now).current().is_some());
    }

    #[test]
    fn a_backup_that_goes_away_gives_the_own_host_its_place_back() {
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
