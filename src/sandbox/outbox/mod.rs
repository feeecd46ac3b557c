//! Notifications: what a flow has to say to a merchant, on its way to the merchant's URL.
//!
//! A flow queues a [`Notice`]. It becomes a parcel, which is sent by the schedule until it is
//! acknowledged; the handle sees it as a [`Delivery`].

mod attempt;
mod deliver;
mod delivery;
mod documented;
mod event;
mod line;
mod message;
mod notice;
mod parcel;
mod post;
mod queue;
mod schedule;

pub(crate) use self::{
    deliver::{make_bodies, run},
    documented::{Maker, check_event},
    notice::{Content, Notice},
    post::Post,
};
pub use self::{
    delivery::{Attempt, Delivery, DeliveryFault, DeliveryState, Release},
    event::{SandboxEvent, Subscription},
};

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use bytes::Bytes;

pub(crate) use self::parcel::Ending;
use self::{
    line::{Kind, Line, Turn},
    parcel::Parcel,
    queue::Queue,
};
use super::state::random::Rng;

/// How many notifications are kept. One more drops the oldest, if possible one that needs nothing more.
pub(crate) const MAX_DELIVERIES: usize = 10_000;
/// How many bytes of them are kept, those of their attempts included.
const MAX_BYTES: usize = 32 << 20;
/// How many attempts are on their way at a time.
const MAX_ON_WAY: usize = 64;
/// How many faults, and how many copies, can wait. One more drops the oldest.
const MAX_WAITING: usize = 1_000;

/// The notifications of one sandbox.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outbox {
    /// What was queued since the task looked last, with its ID.
    queued: Queue,
    /// By their order.
    parcels: BTreeMap<u64, Parcel>,
    next: u64,
    line: Line,
    on_way: usize,
    faults: VecDeque<DeliveryFault>,
    /// Where everything goes, in place of the notifications' own URLs.
    redirect: Option<String>,
    bytes: usize,
    /// Counts the snapshots that were restored: an attempt of an earlier epoch no longer counts.
    epoch: u64,
    /// Whether there is something that the task does not know.
    has_news: bool,
}

/// An attempt to make.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    way: Way,
    id: String,
    notice: Arc<Notice>,
    created: u64,
    body: Option<Bytes>,
    /// Sent before the true one.
    fault: Option<DeliveryFault>,
    url: String,
}

/// Which attempt of which parcel is on its way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way {
    epoch: u64,
    turn: Turn,
    /// Which of the parcel's schedules it belongs to: `resend` begins a new one.
    schedule: u64,
}

impl Way {
    /// Returns it as numbers, for a journal.
    pub(crate) fn numbers(&self) -> [u64; 6] {
        let turn = &self.turn;
        let is_copy = turn.kind == Kind::Copy;
        [
            self.epoch,
            self.schedule,
            turn.number,
            turn.at,
            is_copy.into(),
            turn.is_released.into(),
        ]
    }

    pub(crate) fn from_numbers(numbers: [u64; 6]) -> Self {
        let [epoch, schedule, number, at, is_copy, is_released] = numbers;
        Self {
            epoch,
            schedule,
            turn: Turn {
                number,
                at,
                kind: match is_copy {
                    0 => Kind::Scheduled,
                    _ => Kind::Copy,
                },
                is_released: is_released != 0,
            },
        }
    }
}

impl Outbox {
    /// Queues a notification.
    pub(crate) fn push(&mut self, id: String, notice: Notice) {
        self.has_news = true;
        self.queued.push(id, notice);
    }

    /// Makes parcels of what was queued, due now.
    pub(crate) fn admit(&mut self, now: u64) {
        while let Some((id, notice)) = self.queued.pop() {
            let number = self.next;
            self.next += 1;
            self.line.reschedule(number, None, Some(now));
            let parcel = Parcel::new(id, notice, now);
            self.bytes += parcel.bytes();
            self.parcels.insert(number, parcel);
        }
        self.trim();
    }

    /// Makes this outbox the successor of another, whose attempts on their way no longer count.
    pub(crate) fn supersede(&mut self, other: &Self) {
        self.epoch = other.epoch;
        self.restart();
    }

    /// Begins a new epoch: attempts on their way no longer count.
    pub(crate) fn restart(&mut self) {
        self.has_news = true;
        self.epoch += 1;
        // What was on its way when the snapshot was taken is sent again.
        self.on_way = 0;
        self.line.end_released();
        for (number, parcel) in &mut self.parcels {
            self.line
                .reschedule(*number, None, parcel.back_to_waiting());
        }
    }

    /// Returns whether nothing is queued that is no parcel yet.
    pub(crate) fn has_all_admitted(&self) -> bool {
        self.queued.is_empty()
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Returns whether something was added, released or ended since the last time.
    pub(crate) fn take_news(&mut self) -> bool {
        std::mem::take(&mut self.has_news)
    }

    /// Returns the attempts to make now, and takes them on their way.
    pub(crate) fn start(&mut self, now: u64) -> Vec<Job> {
        let mut jobs = Vec::new();
        while self.on_way < MAX_ON_WAY {
            let Some(turn) = self.line.take(now) else {
                break;
            };
            let Some(parcel) = self.parcels.get_mut(&turn.number) else {
                continue;
            };
            let notice = parcel.notice();
            let fault = match turn.kind {
                Kind::Copy => None,
                Kind::Scheduled => take_fault(&mut self.faults, notice.is_v2()),
            };
            let url = self.redirect.clone().unwrap_or_else(|| notice.url.clone());
            self.on_way += 1;
            if turn.is_released {
                self.line.begin_released();
            }
            jobs.push(Job {
                way: Way {
                    epoch: self.epoch,
                    turn,
                    schedule: parcel.leave(turn.kind == Kind::Scheduled),
                },
                id: parcel.id().to_owned(),
                notice,
                created: parcel.created(),
                body: parcel.body(),
                fault,
                url,
            });
        }
        jobs
    }

    /// Returns when the next attempt is due, if it waits for nothing else.
    pub(crate) fn next_at(&self) -> Option<u64> {
        self.line.next_at()
    }

    /// Returns whether nothing is due or on its way. What is held is not due.
    pub(crate) fn is_settled(&self, now: u64) -> bool {
        let is_held = self.line.is_held();
        self.on_way == 0 && (is_held || self.queued.is_empty() && !self.line.has_turn(now))
    }

    /// Keeps the body that the parcel of a notice is sent with, unless it has one. Returns the one it has.
    // After a restored snapshot, the number may be another parcel's.
    pub(crate) fn keep_body(&mut self, number: u64, notice: &Arc<Notice>, body: Bytes) -> Bytes {
        let parcel = self.parcels.get_mut(&number);
        let Some(parcel) = parcel.filter(|parcel| Arc::ptr_eq(&parcel.notice(), notice)) else {
            return body;
        };
        let (body, added) = parcel.keep_body(body);
        self.bytes += added;
        body
    }

    /// Keeps an attempt that was made.
    pub(crate) fn record(&mut self, way: &Way, attempt: Attempt) {
        if way.epoch != self.epoch {
            return;
        }
        if let Some(parcel) = self.parcels.get_mut(&way.turn.number) {
            let before = parcel.bytes();
            parcel.record(attempt);
            self.bytes = self.bytes + parcel.bytes() - before;
        }
        self.trim();
    }

    /// Ends an attempt.
    pub(crate) fn end(&mut self, way: &Way, ending: Ending) {
        self.has_news = true;
        if way.epoch != self.epoch {
            return;
        }
        self.on_way = self.on_way.saturating_sub(1);
        if way.turn.is_released {
            self.line.end_released();
        }
        let Some(parcel) = self.parcels.get_mut(&way.turn.number) else {
            return;
        };
        let was_due = parcel.due();
        let schedule = (way.turn.kind == Kind::Scheduled).then_some(way.schedule);
        parcel.end(ending, way.turn.at, schedule);
        let due = parcel.due();
        // A released parcel is no longer scheduled, though it was due.
        if was_due != due {
            self.line.reschedule(way.turn.number, was_due, due);
        }
    }

    /// Begins a parcel's schedule again, whatever came of it. Returns whether there is one.
    pub(crate) fn resend(&mut self, id: &str, now: u64) -> bool {
        let Some(number) = self.number_of(id) else {
            return false;
        };
        if let Some(parcel) = self.parcels.get_mut(&number) {
            self.line.withdraw(number);
            self.line.reschedule(number, parcel.due(), Some(now));
            parcel.restart(now);
            self.has_news = true;
        }
        true
    }

    /// Sends a copy of a parcel at once. Returns whether there is one.
    pub(crate) fn duplicate(&mut self, id: &str) -> bool {
        let Some(number) = self.number_of(id) else {
            return false;
        };
        self.has_news = true;
        self.line.add_copy(number);
        true
    }

    pub(crate) fn hold(&mut self) {
        self.line.hold();
    }

    pub(crate) fn is_held(&self) -> bool {
        self.line.is_held()
    }

    /// Sends what was held and is due by now, one after another in this order.
    pub(crate) fn release(&mut self, order: Release, now: u64, rng: &mut Rng) {
        self.has_news = true;
        self.line.release(order, now, rng);
    }

    /// Adds a fault for the next notification that it can apply to.
    pub(crate) fn add_fault(&mut self, fault: DeliveryFault) {
        self.faults.push_back(fault);
        if self.faults.len() > MAX_WAITING {
            self.faults.pop_front();
        }
    }

    /// Returns the faults that wait for notifications, the next one first.
    pub(crate) fn faults(&self) -> impl Iterator<Item = DeliveryFault> {
        self.faults.iter().copied()
    }

    pub(crate) fn clear_faults(&mut self) {
        self.faults.clear();
    }

    pub(crate) fn redirect_to(&mut self, url: Option<String>) {
        self.redirect = url;
    }

    pub(crate) fn redirect(&self) -> Option<&str> {
        self.redirect.as_deref()
    }

    /// Returns all parcels with their numbers, oldest first.
    pub(crate) fn parcels(&self) -> impl Iterator<Item = (u64, &Parcel)> {
        self.parcels
            .iter()
            .map(|(number, parcel)| (*number, parcel))
    }

    /// Returns all notifications as the handle sees them, oldest first.
    pub(crate) fn views(&self, now: u64) -> Vec<Delivery> {
        let parcels = self.parcels.values();
        parcels
            .map(|parcel| parcel.view(now, self.line.is_held()))
            .collect()
    }

    /// Returns the notification with this ID as the handle sees it.
    pub(crate) fn view(&self, id: &str, now: u64) -> Option<Delivery> {
        self.view_of(self.number_of(id)?, now)
    }

    /// Returns the notification of a job, unless the job is of an earlier epoch.
    fn view_of_job(&self, job: &Job, now: u64) -> Option<Delivery> {
        let is_current = job.way.epoch == self.epoch;
        is_current.then(|| self.view_of(job.way.turn.number, now))?
    }

    fn view_of(&self, number: u64, now: u64) -> Option<Delivery> {
        Some(self.parcels.get(&number)?.view(now, self.line.is_held()))
    }

    fn number_of(&self, id: &str) -> Option<u64> {
        // The latest first: that is what is asked for.
        let mut parcels = self.parcels.iter().rev();
        parcels.find_map(|(number, parcel)| (parcel.id() == id).then_some(*number))
    }

    fn trim(&mut self) {
        while self.parcels.len() > MAX_DELIVERIES
            || self.bytes > MAX_BYTES && self.parcels.len() > 1
        {
            let finished = self.parcels.iter().find(|(_, parcel)| parcel.is_finished());
            let oldest = finished.or_else(|| self.parcels.iter().next());
            let Some(number) = oldest.map(|(number, _)| *number) else {
                return;
            };
            if let Some(parcel) = self.parcels.remove(&number) {
                self.bytes = self.bytes.saturating_sub(parcel.bytes());
                self.line.reschedule(number, parcel.due(), None);
            }
        }
    }
}

/// Takes the first fault that applies to this version.
fn take_fault(faults: &mut VecDeque<DeliveryFault>, is_v2: bool) -> Option<DeliveryFault> {
    let applies = |fault: &DeliveryFault| !is_v2 || fault.applies_to_v2();
    let at = faults.iter().position(applies)?;
    faults.remove(at)
}

#[cfg(test)]
mod tests;
