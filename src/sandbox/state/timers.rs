//! What happens later by the sandbox's clock: expiry, and what WeChat Pay settles on its own.

use std::{collections::BTreeMap, fmt};

use super::{merchant::Merchants, world::World};

/// How many timers can wait. One more makes the first of them fire before its time.
// None is dropped: with it, frozen money would stay frozen.
const MAX_TIMERS: usize = 100_000;

/// Something that happens at a time.
#[derive(Clone)]
pub(crate) struct Timer {
    /// Whose store it is about.
    pub(crate) mchid: String,
    /// The order that it is about.
    pub(crate) key: String,
    /// Called with the world, the merchants, this timer and its own time. The clock may be far beyond that.
    // A function and not a closure: a snapshot copies the timers.
    pub(crate) fire: fn(&mut World, &Merchants, &Timer, u64),
}

/// The timers that wait, earliest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Timers {
    // Equal times fire in the order in which they were added.
    waiting: BTreeMap<(u64, u64), Timer>,
    next: u64,
    has_news: bool,
}

impl Timers {
    pub(crate) fn add(&mut self, at: u64, timer: Timer) {
        self.waiting.insert((at, self.next), timer);
        self.next += 1;
        self.has_news = true;
    }

    /// Returns whether a timer was added since the last time.
    pub(crate) fn take_news(&mut self) -> bool {
        std::mem::take(&mut self.has_news)
    }

    /// Removes and returns the next timer with its time, if it is due or too many wait.
    pub(crate) fn take_due(&mut self, now: u64) -> Option<(u64, Timer)> {
        let is_full = self.waiting.len() > MAX_TIMERS;
        let entry = self.waiting.first_entry()?;
        let (at, _) = *entry.key();
        if at > now && is_full {
            tracing::warn!(
                "more than {MAX_TIMERS} timers wait: the first one fires before its time"
            );
        }
        (at <= now || is_full).then(|| (at, entry.remove()))
    }

    /// Returns when the next timer is due.
    pub(crate) fn next_at(&self) -> Option<u64> {
        self.waiting.first_key_value().map(|((at, _), _)| *at)
    }
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timer")
            .field("mchid", &self.mchid)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timer(key: &str) -> Timer {
        Timer {
            mchid: "1900000109".to_owned(),
            key: key.to_owned(),
            fire: |_, _, _, _| {},
        }
    }

    #[test]
    fn timers_fire_by_time_and_then_in_their_order() {
        let mut timers = Timers::default();
        for (at, key) in [(20, "c"), (10, "a"), (20, "d"), (10, "b"), (30, "e")] {
            timers.add(at, timer(key));
        }
        let due = std::iter::from_fn(|| timers.take_due(20));
        let due: Vec<_> = due
            .map(|(at, timer)| format!("{at}{}", timer.key))
            .collect();
        assert_eq!(due, ["10a", "10b", "20c", "20d"]);
        assert_eq!(timers.next_at(), Some(30));
    }

    #[test]
    fn surplus_timers_fire_early_and_none_is_lost() {
        let mut timers = Timers::default();
        let all = MAX_TIMERS as u64 + 5;
        for at in (1..=all).rev() {
            timers.add(at, timer("x"));
        }
        let mut fire = |now| -> Vec<_> {
            let due = std::iter::from_fn(|| timers.take_due(now));
            due.map(|(at, _)| at).collect()
        };
        assert_eq!(fire(0), [1, 2, 3, 4, 5]);
        assert_eq!(fire(all).len(), MAX_TIMERS);
    }
}
