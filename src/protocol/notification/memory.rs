//! A replay guard in the memory of this process.

use std::{
    collections::{BTreeMap, HashMap},
    convert::Infallible,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::replay::{Admission, Fence, ReplayGuard};

/// A [`ReplayGuard`] in the memory of this process.
///
/// It loses its memory when the process ends and does not know about other processes, so handlers
/// must still tolerate a repeat, for example by checking the state of the order first.
///
/// At capacity it forgets the oldest notification that was handled. If all of them are still being
/// handled, [`begin`](ReplayGuard::begin) returns [`Admission::Busy`], and WeChat Pay sends the
/// notification again later.
///
/// ```
/// use std::time::Duration;
/// use wechatpay_chain::MemoryGuard;
///
/// let guard = MemoryGuard::new()
///     .lease(Duration::from_secs(30))
///     .keep(Duration::from_secs(3 * 24 * 60 * 60))
///     .capacity(10_000);
/// # let _ = guard;
/// ```
pub struct MemoryGuard {
    lease: Duration,
    keep: Duration,
    capacity: usize,
    state: Mutex<State>,
}

impl MemoryGuard {
    /// Creates a guard with a lease of 60 seconds that remembers 65,536 notifications for 48 hours.
    pub fn new() -> Self {
        Self {
            lease: Duration::from_secs(60),
            keep: Duration::from_secs(48 * 60 * 60),
            capacity: 65_536,
            state: Mutex::default(),
        }
    }

    /// Sets how long a handler may take before it counts as dead. Defaults to 60 seconds.
    #[must_use]
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// Sets how long a handled notification is remembered. Defaults to 48 hours; WeChat Pay repeats one
    /// for a little more than 24 hours.
    #[must_use]
    pub fn keep(mut self, keep: Duration) -> Self {
        self.keep = keep;
        self
    }

    /// Sets how many notifications are remembered. Defaults to 65,536; the minimum is 1.
    #[must_use]
    pub fn capacity(mut self, notifications: usize) -> Self {
        self.capacity = notifications.max(1);
        self
    }

    fn begin_at(&self, id: &str, now: Instant) -> Admission {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match state.records.get(id) {
            Some(record) if record.end.0 > now => {
                return match record.stage {
                    Stage::Done => Admission::Done,
                    Stage::Held(_) => Admission::Busy,
                };
            }
            // Expired: the lease of a dead handler, or a handled notification that need not be
            // remembered any longer.
            Some(_) => state.remove(id),
            None => {}
        }
        // Being full of notifications that are being handled is a reason to try later, not to forget a
        // lease: that would admit a second handler.
        if state.records.len() >= self.capacity && !state.make_room(now) {
            return Admission::Busy;
        }
        // `next` only grows and is shared by all IDs, so a fence is never issued twice.
        let fence = Fence::new(state.next);
        state.insert(id, now, self.lease, Stage::Held(fence));
        Admission::Proceed(fence)
    }

    fn finish_at(&self, id: &str, fence: Fence, ok: bool, now: Instant) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if ok {
            // Whatever the fence says: the work is done, even if the lease ended in the meantime.
            state.remove(id);
            if state.records.len() >= self.capacity {
                state.make_room(now);
            }
            state.insert(id, now, self.keep, Stage::Done);
            return;
        }
        // A failure frees the notification only for the latest holder. An earlier one, whose lease
        // ended, would otherwise admit a third handler beside the second.
        let stage = state.records.get(id).map(|record| record.stage);
        if stage == Some(Stage::Held(fence)) {
            state.remove(id);
        }
    }
}

impl Default for MemoryGuard {
    fn default() -> Self {
        Self::new()
    }
}

impl ReplayGuard for MemoryGuard {
    type Error = Infallible;

    async fn begin(&self, id: &str) -> Result<Admission, Infallible> {
        Ok(self.begin_at(id, Instant::now()))
    }

    async fn finish(&self, id: &str, fence: Fence, ok: bool) -> Result<(), Infallible> {
        self.finish_at(id, fence, ok, Instant::now());
        Ok(())
    }
}

impl fmt::Debug for MemoryGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        f.debug_struct("MemoryGuard")
            .field("remembered", &state.records.len())
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}

/// When a record ends, and a number that distinguishes equal times.
type End = (Instant, u64);

#[derive(Default)]
struct State {
    records: HashMap<Arc<str>, Record>,
    /// The notifications that are being handled, by the end of their lease.
    held: BTreeMap<End, Arc<str>>,
    /// The notifications that were handled, by the time at which they are forgotten.
    done: BTreeMap<End, Arc<str>>,
    next: u64,
}

struct Record {
    end: End,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Held(Fence),
    Done,
}

impl State {
    fn insert(&mut self, id: &str, now: Instant, time: Duration, stage: Stage) {
        // `Instant + Duration::MAX` would overflow and panic.
        const FAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
        let end = (now + time.min(FAR), self.next);
        self.next += 1;
        let id = Arc::<str>::from(id);
        let order = match stage {
            Stage::Held(_) => &mut self.held,
            Stage::Done => &mut self.done,
        };
        order.insert(end, Arc::clone(&id));
        self.records.insert(id, Record { end, stage });
    }

    fn remove(&mut self, id: &str) {
        if let Some(record) = self.records.remove(id) {
            self.held.remove(&record.end);
            self.done.remove(&record.end);
        }
    }

    /// Forgets one notification: preferably one whose lease has ended, else the oldest handled one.
    /// Returns `false` if all are being handled.
    fn make_room(&mut self, now: Instant) -> bool {
        let ended = |(end, id): (&End, &Arc<str>)| (end.0 <= now).then(|| Arc::clone(id));
        // Both maps are sorted by time, so the oldest record of each is the first one.
        let dead = self.held.first_key_value().and_then(ended);
        let oldest = || self.done.first_key_value().map(|(_, id)| Arc::clone(id));
        match dead.or_else(oldest) {
            Some(id) => {
                self.remove(&id);
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Admission::*, *};

    const SECOND: Duration = Duration::from_secs(1);

    fn admitted(guard: &MemoryGuard, id: &str, now: Instant) -> Fence {
        match guard.begin_at(id, now) {
            Proceed(fence) => fence,
            other => panic!("{id} is {other:?}"),
        }
    }

    #[test]
    fn handled_is_remembered_and_failed_is_admitted_again() {
        let guard = MemoryGuard::new();
        let now = Instant::now();
        let first = admitted(&guard, "a", now);
        assert_eq!(guard.begin_at("a", now), Busy);
        guard.finish_at("a", first, false, now);
        let second = admitted(&guard, "a", now);
        guard.finish_at("a", second, true, now);
        assert_eq!(guard.begin_at("a", now), Done);
        for fence in [first, second] {
            guard.finish_at("a", fence, false, now);
            assert_eq!(guard.begin_at("a", now + 47 * 3600 * SECOND), Done);
        }
        admitted(&guard, "a", now + 49 * 3600 * SECOND);
    }

    #[test]
    fn dead_handler_is_replaced_after_its_lease() {
        let guard = MemoryGuard::new().lease(10 * SECOND);
        let now = Instant::now();
        admitted(&guard, "a", now);
        assert_eq!(guard.begin_at("a", now + 9 * SECOND), Busy);
        admitted(&guard, "a", now + 10 * SECOND);
    }

    #[test]
    fn late_failure_does_not_end_another_lease() {
        let guard = MemoryGuard::new().lease(10 * SECOND);
        let now = Instant::now();
        let first = admitted(&guard, "a", now);
        let second = admitted(&guard, "a", now + 10 * SECOND);
        // Not even if it is reported repeatedly, or after the second holder has failed, too.
        for _ in 0..3 {
            guard.finish_at("a", first, false, now + 11 * SECOND);
            assert_eq!(guard.begin_at("a", now + 12 * SECOND), Busy);
        }
        guard.finish_at("a", second, false, now + 13 * SECOND);
        let third = admitted(&guard, "a", now + 13 * SECOND);
        for late in [first, second] {
            guard.finish_at("a", late, false, now + 14 * SECOND);
            assert_eq!(guard.begin_at("a", now + 14 * SECOND), Busy);
        }
        guard.finish_at("a", third, true, now + 15 * SECOND);
        assert_eq!(guard.begin_at("a", now + 16 * SECOND), Done);
    }

    #[test]
    fn late_success_counts() {
        let guard = MemoryGuard::new().lease(10 * SECOND);
        let now = Instant::now();
        let first = admitted(&guard, "a", now);
        let second = admitted(&guard, "a", now + 10 * SECOND);
        guard.finish_at("a", first, true, now + 11 * SECOND);
        assert_eq!(guard.begin_at("a", now + 12 * SECOND), Done);
        guard.finish_at("a", second, false, now + 13 * SECOND);
        assert_eq!(guard.begin_at("a", now + 14 * SECOND), Done);
    }

    #[test]
    fn memory_is_bounded_and_leases_are_kept() {
        let guard = MemoryGuard::new().capacity(100);
        let now = Instant::now();
        for n in 0..10_000 {
            let id = n.to_string();
            let fence = admitted(&guard, &id, now);
            guard.finish_at(&id, fence, n % 2 == 0, now);
        }
        let size = |guard: &MemoryGuard| {
            let state = guard.state.lock().unwrap();
            assert_eq!(state.records.len(), state.held.len() + state.done.len());
            state.records.len()
        };
        // The last one failed and is forgotten.
        assert_eq!(size(&guard), 99);
        assert_eq!(guard.begin_at("9998", now), Done);
        for n in 0..100 {
            admitted(&guard, &format!("held {n}"), now);
        }
        assert_eq!(guard.begin_at("one more", now), Busy);
        let fence = admitted(&guard, "one more", now + 61 * SECOND);
        guard.finish_at("never began", fence, true, now + 61 * SECOND);
        assert!(size(&guard) <= 100);
    }

    #[test]
    fn longest_durations_do_not_overflow() {
        let guard = MemoryGuard::new().lease(Duration::MAX).keep(Duration::MAX);
        let fence = admitted(&guard, "a", Instant::now());
        guard.finish_at("a", fence, true, Instant::now());
        assert_eq!(guard.begin_at("a", Instant::now()), Done);
    }
}
