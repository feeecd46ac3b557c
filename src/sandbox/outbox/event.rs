//! What subscribers see, as it happens.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, Instant},
};

use tokio::sync::Notify;

use super::Delivery;
use crate::sandbox::{
    RecordedRequest,
    state::{StateChange, changes::Changes},
};

/// How many events wait for a slow subscriber. One more drops the oldest.
const MAX_WAITING: usize = 1_000;
/// How many bytes of them wait.
const MAX_BYTES: usize = 32 << 20;
/// How many subscribers there can be. One more ends the oldest.
const MAX_SUBSCRIBERS: usize = 1_000;

/// Something that happened in a sandbox: see [`Sandbox::subscribe`](crate::sandbox::Sandbox::subscribe).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SandboxEvent {
    /// A request arrived. It has no status yet.
    Request(RecordedRequest),
    /// A request was answered, or a fault closed its connection: then it has no status.
    Answered(RecordedRequest),
    /// An attempt to deliver a notification ended.
    Delivery(Delivery),
    /// The state of something changed, or there is a new one: see
    /// [`StateKind`](crate::sandbox::StateKind). Plans of pay-score, and what users sign of them, are not
    /// reported. A query can show a service order that has expired: then it changes at the query.
    State(StateChange),
}

/// Receives a sandbox's events from the moment it was made:
/// [`Sandbox::subscribe`](crate::sandbox::Sandbox::subscribe).
///
/// It keeps the latest 1,000 events that were not received yet, and at most 32 MB of them.
pub struct Subscription {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    blocking: Condvar,
    awaiting: Notify,
}

#[derive(Default)]
struct Waiting {
    events: VecDeque<SandboxEvent>,
    bytes: usize,
    missed: u64,
    has_ended: bool,
}

impl Subscription {
    /// Returns the next event, or `None` if none happens in this time or the sandbox has ended.
    ///
    /// Blocks the thread. In async code, use [`next`](Self::next).
    pub fn next_within(&self, limit: Duration) -> Option<SandboxEvent> {
        // A limit without an end is a wait without one.
        let end = Instant::now().checked_add(limit);
        let mut waiting = self.shared.waiting();
        loop {
            if let Some(event) = waiting.pop() {
                return Some(event);
            }
            if waiting.has_ended {
                return None;
            }
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            let blocking = &self.shared.blocking;
            waiting = match left {
                Some(Duration::ZERO) => return None,
                Some(left) => {
                    let woken = blocking.wait_timeout(waiting, left);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
                None => blocking
                    .wait(waiting)
                    .unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// Waits for the next event. Returns `None` once the sandbox has ended.
    pub async fn next(&self) -> Option<SandboxEvent> {
        loop {
            // Made before the check, so that it notices what happens after it.
            let notified = self.shared.awaiting.notified();
            {
                let mut waiting = self.shared.waiting();
                if let Some(event) = waiting.pop() {
                    return Some(event);
                }
                if waiting.has_ended {
                    return None;
                }
            }
            notified.await;
        }
    }

    /// Returns the next event if there is one, without waiting.
    pub fn try_next(&self) -> Option<SandboxEvent> {
        self.shared.waiting().pop()
    }

    /// Returns how many events were dropped because they were not received in time.
    pub fn missed(&self) -> u64 {
        self.shared.waiting().missed
    }

    /// Waits until an event is missed.
    pub(crate) async fn overrun(&self) {
        loop {
            let notified = self.shared.awaiting.notified();
            if self.missed() > 0 {
                return;
            }
            notified.await;
        }
    }
}

impl SandboxEvent {
    /// Returns about how many bytes it takes.
    fn bytes(&self) -> usize {
        match self {
            Self::Request(request) | Self::Answered(request) => request.bytes(),
            Self::Delivery(delivery) => delivery.bytes,
            Self::State(change) => change.bytes(),
        }
    }
}

impl Waiting {
    fn push(&mut self, event: SandboxEvent) {
        self.bytes += event.bytes();
        self.events.push_back(event);
        while self.events.len() > MAX_WAITING || self.bytes > MAX_BYTES {
            if self.pop().is_none() {
                return;
            }
            self.missed += 1;
        }
    }

    fn pop(&mut self) -> Option<SandboxEvent> {
        let event = self.events.pop_front()?;
        self.bytes = self.bytes.saturating_sub(event.bytes());
        Some(event)
    }
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Waiting)) {
        change(&mut self.waiting());
        self.blocking.notify_all();
        self.awaiting.notify_waiters();
    }
}

/// The subscribers of one sandbox. They end with it.
#[derive(Default)]
pub(super) struct Subscribers(VecDeque<Weak<Shared>>);

impl Subscribers {
    pub(super) fn add(&mut self) -> Subscription {
        let shared = Arc::new(Shared::default());
        self.prune();
        self.0.push_back(Arc::downgrade(&shared));
        if self.0.len() > MAX_SUBSCRIBERS {
            end(self.0.pop_front());
        }
        Subscription { shared }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn publish(&mut self, event: &SandboxEvent) {
        self.prune();
        for shared in self.0.iter().filter_map(Weak::upgrade) {
            shared.change(|waiting| waiting.push(event.clone()));
        }
    }

    pub(super) fn publish_changes(&mut self, changes: Changes) {
        self.prune();
        for shared in self.0.iter().filter_map(Weak::upgrade) {
            shared.change(|waiting| {
                waiting.missed += changes.missed;
                let events = changes.waiting.iter().cloned().map(SandboxEvent::State);
                events.for_each(|event| waiting.push(event));
            });
        }
    }

    fn prune(&mut self) {
        self.0.retain(|shared| shared.strong_count() > 0);
    }
}

impl Drop for Subscribers {
    fn drop(&mut self) {
        while let Some(shared) = self.0.pop_front() {
            end(Some(shared));
        }
    }
}

fn end(shared: Option<Weak<Shared>>) {
    if let Some(shared) = shared.and_then(|shared| shared.upgrade()) {
        shared.change(|waiting| waiting.has_ended = true);
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = self.shared.waiting();
        f.debug_struct("Subscription")
            .field("waiting", &waiting.events.len())
            .field("missed", &waiting.missed)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::{super::DeliveryState, *};

    fn event(id: usize) -> SandboxEvent {
        sized(id, 0)
    }

    fn sized(id: usize, bytes: usize) -> SandboxEvent {
        SandboxEvent::Delivery(Delivery {
            id: id.to_string(),
            mchid: String::new(),
            event_type: String::new(),
            url: String::new(),
            is_v2: false,
            resource: serde_json::Value::Null,
            body: bytes::Bytes::new(),
            attempts: Vec::new(),
            state: DeliveryState::Held,
            bytes,
        })
    }

    #[test]
    fn waiting_events_are_limited_in_bytes() {
        let mut subscribers = Subscribers::default();
        let slow = subscribers.add();
        for id in 0..4 {
            subscribers.publish(&sized(id, MAX_BYTES / 2));
        }
        assert_eq!(slow.missed(), 2);
        // What was received no longer counts.
        assert!(slow.try_next().is_some());
        subscribers.publish(&sized(4, MAX_BYTES / 2));
        assert_eq!(slow.missed(), 2);
        let ids = std::iter::from_fn(|| slow.try_next()).map(|event| match event {
            SandboxEvent::Delivery(delivery) => delivery.id().to_owned(),
            other => panic!("{other:?}"),
        });
        assert_eq!(ids.collect::<Vec<_>>(), ["3", "4"]);
        assert_eq!(slow.shared.waiting().bytes, 0);
    }

    #[test]
    fn slow_subscriber_loses_the_oldest_events_and_is_told() {
        let mut subscribers = Subscribers::default();
        let slow = subscribers.add();
        for id in 0..MAX_WAITING + 3 {
            subscribers.publish(&event(id));
        }
        assert_eq!(slow.missed(), 3);
        let Some(SandboxEvent::Delivery(first)) = slow.try_next() else {
            panic!("no event");
        };
        assert_eq!(first.id(), "3");
        assert_eq!(
            std::iter::from_fn(|| slow.try_next()).count(),
            MAX_WAITING - 1
        );
        assert!(slow.next_within(Duration::ZERO).is_none());
        drop(subscribers);
        assert!(slow.next_within(Duration::MAX).is_none());
    }

    #[test]
    fn dropped_and_surplus_subscriptions_end() {
        let mut subscribers = Subscribers::default();
        drop(subscribers.add());
        subscribers.publish(&event(0));
        assert!(subscribers.is_empty());
        let first = subscribers.add();
        let _others: Vec<_> = (0..MAX_SUBSCRIBERS).map(|_| subscribers.add()).collect();
        assert!(first.next_within(Duration::MAX).is_none());
        assert_eq!(subscribers.0.len(), MAX_SUBSCRIBERS);
    }
}
