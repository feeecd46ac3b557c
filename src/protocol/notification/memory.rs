use std::{
    collections::{BTreeMap, HashMap},
    convert::Infallible,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::replay::{Admission, Fence, ReplayGuard};

/// A [`ReplayGuard`] in this process's memory.
///
/// Unless told, a lease is a minute, what was handled is remembered for two days, and 65,536
/// notifications are remembered at most: then the oldest that was handled is forgotten, and where
/// all are being handled, the next one is told to come again.
///
/// It forgets when the process ends, and knows nothing of other processes: make the handler
/// itself bear a repeat, by the order's own state.
pub struct MemoryGuard {
    lease: Duration,
    keep: Duration,
    capacity: usize,
    state: Mutex<State>,
}

impl MemoryGuard {
    /// One with the defaults.
    pub fn new() -> Self {
        Self {
            lease: Duration::from_secs(60),
            keep: Duration::from_secs(48 * 60 * 60),
            capacity: 65_536,
            state: Mutex::default(),
        }
    }

    /// How long a handler may take before it counts as dead.
    #[must_use]
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// How long a notification that was handled is remembered.
    #[must_use]
    pub fn keep(mut self, keep: Duration) -> Self {
        self.keep = keep;
        self
    }

    /// How many notifications are remembered; at least one.
    #[must_use]
    pub fn capacity(mut self, notifications: usize) -> Self {
        self.capacity = notifications.max(1);
        self
    }

    fn begin_at(&self, id: &str, now: Instant) -> Admission {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match state.entries.get(id) {
            Some(entry) if entry.end.0 > now => {
                return match entry.stage {
                    Stage::Done => Admission::Done,
                    Stage::Held(_) => Admission::Busy,
                };
            }
            Some(_) => state.remove(id),
            None => {}
        }
        if state.entries.len() >= self.capacity && !state.make_room(now) {
            return Admission::Busy;
        }
        let fence = Fence::new(state.next);
        state.insert(id, now, self.lease, Stage::Held(fence));
        Admission::Proceed(fence)
    }

    fn finish_at(&self, id: &str, fence: Fence, ok: bool, now: Instant) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if ok {
            state.remove(id);
            if state.entries.len() >= self.capacity {
                state.make_room(now);
            }
            state.insert(id, now, self.keep, Stage::Done);
            return;
        }
        let stage = state.entries.get(id).map(|entry| entry.stage);
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
            .field("remembered", &state.entries.len())
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}

/// When something ends, and a number that keeps equal times apart.
type End = (Instant, u64);

#[derive(Default)]
struct State {
    entries: HashMap<Arc<str>, Entry>,
    /// Those that are being handled, by the end of their lease.
    held: BTreeMap<End, Arc<str>>,
    /// Those that were handled, by when they are forgotten.
    done: BTreeMap<End, Arc<str>>,
    next: u64,
}

struct Entry {
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
        const FAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
        let end = (now + time.min(FAR), self.next);
        self.next += 1;
        let id = Arc::<str>::from(id);
        let order = match stage {
            Stage::Held(_) => &mut self.held,
            Stage::Done => &mut self.done,
        };
        order.insert(end, Arc::clone(&id));
        self.entries.insert(id, Entry { end, stage });
    }

    fn remove(&mut self, id: &str) {
        if let Some(entry) = self.entries.remove(id) {
            self.held.remove(&entry.end);
            self.done.remove(&entry.end);
        }
    }

    /// Forgets the oldest that is done, else one whose lease is over.
    fn make_room(&mut self, now: Instant) -> bool {
        let over = |(end, id): (&End, &Arc<str>)| (end.0 <= now).then(|| Arc::clone(id));
        let dead = self.held.first_key_value().and_then(over);
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
    fn what_is_done_stays_done_and_what_failed_comes_again() {
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
    fn a_handler_that_died_lets_the_next_one_through() {
        let guard = MemoryGuard::new().lease(10 * SECOND);
        let now = Instant::now();
        admitted(&guard, "a", now);
        assert_eq!(guard.begin_at("a", now + 9 * SECOND), Busy);
        admitted(&guard, "a", now + 10 * SECOND);
    }

    #[test]
    fn a_late_failure_frees_nobody_elses_lease() {
        let guard = MemoryGuard::new().lease(10 * SECOND);
        let now = Instant::now();
        let first = admitted(&guard, "a", now);
        let second = admitted(&guard, "a", now + 10 * SECOND);
        // Not even when it is told more than once, or after the second holder failed too.
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
    fn a_late_success_is_a_success() {
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
    fn memory_is_bounded_and_a_lease_is_never_pushed_out() {
        let guard = MemoryGuard::new().capacity(100);
        let now = Instant::now();
        for n in 0..10_000 {
            let id = n.to_string();
            let fence = admitted(&guard, &id, now);
            guard.finish_at(&id, fence, n % 2 == 0, now);
        }
        let size = |guard: &MemoryGuard| {
            let state = guard.state.lock().unwrap();
            assert_eq!(state.entries.len(), state.held.len() + state.done.len());
            state.entries.len()
        };
        // The last of them failed, and is forgotten.
        assert_eq!(size(&guard), 99);
        assert_eq!(guard.begin_at("9998", now), Done);
        for n in 0..100 {
            admitted(&guard, &format!("held {n}"), now);
        }
        assert_eq!(guard.begin_at("one more", now), Busy);
        let fence = admitted(&guard, "one more", now + 61 * SECOND);
        guard.finish_at("none that began", fence, true, now + 61 * SECOND);
        assert!(size(&guard) <= 100);
    }

    #[test]
    fn no_duration_is_too_long() {
        let guard = MemoryGuard::new().lease(Duration::MAX).keep(Duration::MAX);
        let fence = admitted(&guard, "a", Instant::now());
        guard.finish_at("a", fence, true, Instant::now());
        assert_eq!(guard.begin_at("a", Instant::now()), Done);
    }
}
