//! Sends notifications as they become due.

use std::{sync::Arc, time::Duration};

use tokio::{task::JoinSet, time::timeout};

use super::{Job, SandboxEvent, attempt, message, parcel::Ending};
use crate::sandbox::state::SandboxState;

/// The longest wait, in seconds. `advance` wakes the task, so it need not look more often.
const MAX_WAIT: u64 = 3600;

/// Fires timers and sends notifications as they become due. Ends with the server's runtime, and every
/// attempt on its way with it.
pub(crate) async fn run(state: Arc<SandboxState>) {
    let mut on_way = JoinSet::new();
    let mut epoch = 0;
    loop {
        state.run_due();
        let now = state.clock.now();
        let recorded = state.inputs().map(|inputs| inputs.send(&state));
        let (current, jobs, next) = {
            let mut world = state.world_quietly();
            let jobs = match recorded {
                Some(jobs) => jobs,
                None => {
                    world.outbox.admit(now);
                    world.outbox.start(now)
                }
            };
            let next = [world.timers.next_at(), world.outbox.next_at()];
            (world.outbox.epoch(), jobs, next.into_iter().flatten().min())
        };
        if current != epoch {
            epoch = current;
            on_way.abort_all();
        }
        while on_way.try_join_next().is_some() {}
        for job in jobs {
            on_way.spawn(deliver(Arc::clone(&state), job));
        }
        // Wakes `settle`, which waits until nothing is due.
        state.post.tell();
        let wait = next.map_or(MAX_WAIT, |at| at.saturating_sub(now));
        // At least a second: the clock counts whole ones. What is due already waits for an attempt to end,
        // which wakes this task.
        let wait = Duration::from_secs(wait.clamp(1, MAX_WAIT));
        let _ = timeout(wait, state.woken()).await;
    }
}

/// Sends a notification: first with its fault, if it has one, and then truly.
async fn deliver(state: Arc<SandboxState>, job: Job) {
    let mut on_way = OnWay {
        state: &state,
        job: &job,
        ending: Ending::Refused,
    };
    for fault in [job.fault.map(Some), Some(None)].into_iter().flatten() {
        if state.world().outbox.epoch() != job.way.epoch {
            return;
        }
        let (attempt, ending) = attempt::send(&state, &job, fault).await;
        if let Some(attempt) = attempt {
            match state.inputs() {
                Some(inputs) => inputs.attempt(&state, &job.way, attempt),
                None => state.world().outbox.record(&job.way, attempt),
            }
        }
        if fault.is_none() {
            on_way.ending = ending;
        } else {
            publish(&state, &job);
        }
    }
    drop(on_way);
    publish(&state, &job);
}

/// Ends a job when its future is done, or dropped: otherwise the outbox would wait for it for ever.
struct OnWay<'a> {
    state: &'a SandboxState,
    job: &'a Job,
    ending: Ending,
}

impl Drop for OnWay<'_> {
    fn drop(&mut self) {
        let (way, ending) = (&self.job.way, self.ending.clone());
        match self.state.inputs() {
            Some(inputs) => inputs.end(self.state, way, ending),
            None => self.state.world().outbox.end(way, ending),
        }
    }
}

fn publish(state: &SandboxState, job: &Job) {
    let delivery = || {
        let now = state.clock.now();
        let world = state.world();
        world.outbox.view_of_job(job, now)
    };
    state
        .post
        .publish(|| delivery().map(SandboxEvent::Delivery));
}

/// Makes the bodies of parcels that have none yet, so that the handle shows them before the first attempt.
pub(crate) fn make_bodies(state: &SandboxState) {
    let now = state.clock.now();
    let without_body: Vec<_> = {
        let mut world = state.world_quietly();
        world.outbox.admit(now);
        let parcels = world.outbox.parcels();
        let without = parcels.filter(|(_, parcel)| parcel.body().is_none());
        without
            .map(|(number, parcel)| {
                let id = parcel.id().to_owned();
                (number, id, parcel.notice(), parcel.created())
            })
            .collect()
    };
    for (number, id, notice, created) in without_body {
        // One that is not a merchant of the sandbox has no key: its attempt says so.
        let Some(merchant) = state.merchants.get(&notice.mchid) else {
            continue;
        };
        let mut rng = state.rng().fork();
        match message::body(&notice, &merchant, &id, created, None, &mut rng) {
            Ok(body) => {
                state
                    .world_quietly()
                    .outbox
                    .keep_body(number, &notice, body);
            }
            Err(err) => tracing::warn!(%id, "a notification has no body: {err}"),
        }
    }
}
