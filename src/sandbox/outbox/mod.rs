//! Notifications: what a flow has to say to a merchant, on its way to the merchant's URL.

mod attempt;
mod deliver;
mod event;
mod notice;
mod schedule;

#[allow(unused_imports)] // Until a flow notifies.
pub(crate) use self::notice::Content;
pub(crate) use self::notice::Notice;

use std::{collections::VecDeque, sync::Arc, time::Duration};

use tokio::time::timeout;

use super::state::SandboxState;

/// How many notifications can wait. One more drops the oldest.
const MAX_QUEUED: usize = 10_000;

/// The notifications of one sandbox.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outbox {
    queued: VecDeque<Notice>,
    /// Counts the snapshots that were restored: a delivery of an earlier epoch is cancelled.
    epoch: u64,
}

impl Outbox {
    /// Queues a notification.
    pub(crate) fn push(&mut self, notice: Notice) {
        self.queued.push_back(notice);
        if self.queued.len() > MAX_QUEUED {
            self.queued.pop_front();
        }
    }

    /// Makes this outbox the successor of another, whose deliveries on their way are cancelled.
    pub(crate) fn supersede(&mut self, other: &Self) {
        self.epoch = other.epoch + 1;
    }
}

/// Fires timers and sends notifications as they become due. Ends with the server's runtime.
pub(crate) async fn run(state: Arc<SandboxState>) {
    loop {
        state.run_due();
        let next = state.world().timers.next_at();
        let wait = next.map_or(MAX_WAIT, |at| at.saturating_sub(state.clock.now()));
        // At least a second: the clock counts whole ones.
        let wait = Duration::from_secs(wait.clamp(1, MAX_WAIT));
        let _ = timeout(wait, state.woken()).await;
    }
}

/// The longest wait, in seconds. `advance` wakes the task, so it need not look more often.
const MAX_WAIT: u64 = 3600;
