//! The sandbox's clock. A test can move it ahead.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// The real time plus what [`advance`](Self::advance) added.
#[derive(Default)]
pub(crate) struct Clock {
    ahead: Mutex<Duration>,
    /// The time at which it stands still. Zero: it moves.
    held: AtomicU64,
}

impl Clock {
    /// Returns the time that orders and schedules see, in seconds since 1970.
    pub(crate) fn now(&self) -> u64 {
        self.real().saturating_add(self.ahead().as_secs())
    }

    /// Returns [`now`](Self::now) in milliseconds since 1970.
    pub(crate) fn now_ms(&self) -> u64 {
        let real = real_millis();
        let real = match self.held.load(Ordering::Relaxed) {
            0 => real,
            // Within the second at which it stands still, it may go on.
            held if real / 1_000 == held => real,
            held => held.saturating_mul(1_000),
        };
        let ahead = u64::try_from(self.ahead().as_millis()).unwrap_or(u64::MAX);
        real.saturating_add(ahead)
    }

    /// Returns the real time of what a request sees: that of its journal's entry if it is carried out again.
    pub(crate) fn real(&self) -> u64 {
        match self.held.load(Ordering::Relaxed) {
            0 => real_now(),
            held => held,
        }
    }

    /// Lets the clock stand still at this real time.
    pub(crate) fn hold(&self, real: u64) {
        self.held.store(real, Ordering::Relaxed);
    }

    /// Lets the clock move again.
    pub(crate) fn let_go(&self) {
        self.held.store(0, Ordering::Relaxed);
    }

    /// Returns how far the clock is ahead of the real time.
    pub(crate) fn ahead(&self) -> Duration {
        *self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets how far the clock is ahead of the real time: only a snapshot moves it back.
    pub(crate) fn set_ahead(&self, ahead: Duration) {
        *self.ahead.lock().unwrap_or_else(PoisonError::into_inner) = ahead;
    }

    /// Moves the clock ahead.
    // Saturates: a test may well pass `Duration::MAX` for "the end of time".
    pub(crate) fn advance(&self, by: Duration) {
        let mut ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        *ahead = ahead.saturating_add(by);
    }
}

/// Returns the real time, in seconds since 1970.
///
/// Signatures carry this time: a client compares it with its own clock, which
/// [`advance`](Clock::advance) does not move.
pub(crate) fn real_now() -> u64 {
    since_1970().as_secs()
}

/// Returns the real time, in milliseconds since 1970.
pub(crate) fn real_millis() -> u64 {
    u64::try_from(since_1970().as_millis()).unwrap_or(u64::MAX)
}

fn since_1970() -> Duration {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advance_moves_the_clock_without_overflow() {
        let clock = Clock::default();
        let before = clock.now();
        clock.advance(Duration::from_secs(7200));
        assert!(clock.now() >= before + 7200);
        clock.advance(Duration::MAX);
        assert_eq!(clock.now(), u64::MAX);
    }
}
