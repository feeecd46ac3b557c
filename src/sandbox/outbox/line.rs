//! Which parcel is sent next, and when.

use std::collections::{BTreeSet, VecDeque};

use super::{MAX_WAITING, delivery::Release};
use crate::sandbox::state::random::Rng;

/// Parcels by their numbers, in line.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    /// When scheduled attempts are due, and of which parcel.
    due: BTreeSet<(u64, u64)>,
    /// Parcels of which a copy is to be sent at once.
    copies: VecDeque<u64>,
    /// Released parcels, which are sent one after another: otherwise they would overtake each other.
    released: VecDeque<(u64, Kind)>,
    /// Whether one of them is on its way.
    is_releasing: bool,
    is_held: bool,
}

/// A parcel whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Turn {
    pub(super) number: u64,
    /// When it was due.
    pub(super) at: u64,
    pub(super) kind: Kind,
    /// Whether the next released parcel waits for it.
    pub(super) is_released: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Scheduled,
    /// Beside the schedule.
    Copy,
}

impl Line {
    /// Moves a parcel to another time, or out of the schedule.
    pub(super) fn reschedule(&mut self, number: u64, before: Option<u64>, due: Option<u64>) {
        if let Some(before) = before {
            self.due.remove(&(before, number));
        }
        self.due.extend(due.map(|due| (due, number)));
    }

    /// Takes a parcel out of those that were released. Its copies stay.
    pub(super) fn withdraw(&mut self, number: u64) {
        let scheduled = (number, Kind::Scheduled);
        self.released.retain(|released| *released != scheduled);
    }

    pub(super) fn add_copy(&mut self, number: u64) {
        self.copies.push_back(number);
        if self.copies.len() > MAX_WAITING {
            self.copies.pop_front();
        }
    }

    pub(super) fn hold(&mut self) {
        self.is_held = true;
    }

    pub(super) fn is_held(&self) -> bool {
        self.is_held
    }

    /// Releases what is held and due by now, one after another in this order.
    pub(super) fn release(&mut self, order: Release, now: u64, rng: &mut Rng) {
        self.is_held = false;
        let later = self.due.split_off(&(now.saturating_add(1), 0));
        let due = std::mem::replace(&mut self.due, later).into_iter();
        let mut released: Vec<_> = due.map(|(_, number)| (number, Kind::Scheduled)).collect();
        let copies = self.copies.drain(..);
        released.extend(copies.map(|number| (number, Kind::Copy)));
        // A parcel and then its copies, in the order of creation.
        released.sort_unstable();
        match order {
            Release::InOrder => {}
            Release::Reversed => released.reverse(),
            Release::Shuffled => shuffle(&mut released, rng),
        }
        self.released.extend(released);
    }

    /// Takes the next parcel out of the line, unless it is held.
    pub(super) fn take(&mut self, now: u64) -> Option<Turn> {
        if self.is_held {
            return None;
        }
        let turn = |number, at, kind, is_released| Turn {
            number,
            at,
            kind,
            is_released,
        };
        if let Some(number) = self.copies.pop_front() {
            return Some(turn(number, now, Kind::Copy, false));
        }
        if !self.is_releasing {
            if let Some((number, kind)) = self.released.pop_front() {
                // At its release, not when it was due: then the schedule begins.
                return Some(turn(number, now, kind, true));
            }
        }
        let (at, number) = self.due.first().copied().filter(|(at, _)| *at <= now)?;
        self.due.remove(&(at, number));
        Some(turn(number, at, Kind::Scheduled, false))
    }

    /// Notes that a released parcel left: the next one waits for it.
    pub(super) fn begin_released(&mut self) {
        self.is_releasing = true;
    }

    /// Notes that the released parcel on its way has arrived, or never will.
    pub(super) fn end_released(&mut self) {
        self.is_releasing = false;
    }

    /// Returns when the next parcel is due, if it waits for nothing else.
    pub(super) fn next_at(&self) -> Option<u64> {
        let (at, _) = self.due.first().filter(|_| !self.is_held)?;
        Some(*at)
    }

    /// Returns whether a parcel could leave by now. What is held could not.
    pub(super) fn has_turn(&self, now: u64) -> bool {
        let is_due = || self.next_at().is_some_and(|at| at <= now);
        !self.is_held && (!self.copies.is_empty() || !self.released.is_empty() || is_due())
    }

    #[cfg(test)]
    pub(super) fn scheduled(&self) -> usize {
        self.due.len()
    }
}

/// Fisher and Yates' shuffle.
fn shuffle<T>(line: &mut [T], rng: &mut Rng) {
    for last in (1..line.len()).rev() {
        let other = rng.below(last as u64 + 1) as usize;
        line.swap(last, other);
    }
}
