//! What happens later by the sandbox's clock: expiry, and what WeChat Pay settles on its own.

use std::{collections::BTreeMap, fmt};

use super::{merchant::Merchants, world::World};
use crate::sandbox::dispatch::refusal::Refusal;

/// How many timers can wait. One more makes the one that was added first fire before its time.
// None is dropped: with it, frozen money would stay frozen. A timer outlives what it is about, and one more
// reaches further than another: what was added first is over in most cases, what is due first is not.
const MAX_TIMERS: usize = 100_000;

/// Something that happens at a time.
#[derive(Clone)]
pub(crate) struct Timer {
    /// Whose store it is about.
    pub(crate) mchid: String,
    /// The order that it is about.
    pub(crate) key: String,
    /// Called with the world, the merchants, this timer and its own time. The clock may be far beyond that.
    /// A refusal is expected: the merchant or the handle may have decided meanwhile, or what it is about was
    /// dropped for newer ones.
    // A function and not a closure: a snapshot copies the timers.
    pub(crate) fire: fn(&mut World, &Merchants, &Timer, u64) -> Result<(), Refusal>,
}

/// The timers that wait, earliest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Timers {
    // Equal times fire in the order in which they were added.
    waiting: BTreeMap<(u64, u64), Timer>,
    /// When each is due, by the order in which they were added.
    due: BTreeMap<u64, u64>,
    next: u64,
    has_news: bool,
}

impl Timers {
    pub(crate) fn add(&mut self, at: u64, timer: Timer) {
        self.waiting.insert((at, self.next), timer);
        self.due.insert(self.next, at);
        self.next += 1;
        self.has_news = true;
    }

    /// Returns whether a timer was added since the last time.
    pub(crate) fn take_news(&mut self) -> bool {
        std::mem::take(&mut self.has_news)
    }

    /// Removes and returns the next timer that is due, with its time. If none is and too many wait, that is
    /// the one that was added first, and its time is now.
    pub(crate) fn take_due(&mut self, now: u64) -> Option<(u64, Timer)> {
        let (&(at, number), _) = self.waiting.first_key_value()?;
        if at <= now {
            return Some((at, self.take(at, number)?));
        }
        if self.waiting.len() <= MAX_TIMERS {
            return None;
        }
        tracing::warn!("more than {MAX_TIMERS} timers wait: one fires before its time");
        let (&number, &at) = self.due.first_key_value()?;
        Some((now, self.take(at, number)?))
    }

    fn take(&mut self, at: u64, number: u64) -> Option<Timer> {
        self.due.remove(&number);
        self.waiting.remove(&(at, number))
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
            fire: |_, _, _, _| Ok(()),
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
        let all = MAX_TIMERS as u64;
        for at in 1..=all {
            timers.add(all + at, timer(&at.to_string()));
        }
        // It is due before all others, and still waits for its time.
        timers.add(10, timer("soon"));
        timers.add(9, timer("sooner"));
        let fire = |timers: &mut Timers, now| -> Vec<_> {
            let due = std::iter::from_fn(|| timers.take_due(now));
            due.map(|(at, timer)| (at, timer.key)).collect()
        };
        let named = |at, key: &str| (at, key.to_owned());
        assert_eq!(fire(&mut timers, 3), [named(3, "1"), named(3, "2")]);
        assert_eq!(
            fire(&mut timers, 10),
            [named(9, "sooner"), named(10, "soon")]
        );
        assert_eq!(fire(&mut timers, 2 * all).len(), MAX_TIMERS - 2);
        assert!(timers.waiting.is_empty() && timers.due.is_empty());
    }
}
