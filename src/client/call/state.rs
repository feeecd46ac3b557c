//! How far a call has come.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{
    error::{Cause, Outcome, SentError},
    wire::{Clock, Progress, Reports},
};

/// How far a call has come, and so its outcome if it ended now.
///
/// The timeout can end a call at any point, and the future that would know is dropped with it. So
/// each step is noted here, outside that future.
pub(in crate::client) struct CallState {
    steps: Mutex<Steps>,
    pub(super) reports: Reports,
    /// The timers of this call.
    pub(in crate::client) clock: Clock,
}

struct Steps {
    /// The progress of the current attempt, once it starts to send.
    progress: Option<Progress>,
    /// The worst outcome of the attempts before it.
    earlier: Outcome,
    attempts: u32,
}

impl CallState {
    /// # Errors
    /// Returns an error if there are no timers.
    pub(in crate::client) fn new(reports: Reports) -> Result<Self, Cause> {
        Ok(Self {
            steps: Mutex::new(Steps {
                progress: None,
                earlier: Outcome::NotSent,
                attempts: 0,
            }),
            reports,
            clock: Clock::get()?,
        })
    }

    /// Counts one more attempt and returns its number, from 1.
    pub(super) fn start_attempt(&self) -> u32 {
        let mut steps = self.steps();
        steps.attempts += 1;
        steps.attempts
    }

    pub(super) fn attempts(&self) -> u32 {
        self.steps().attempts
    }

    /// Notes that a request starts to be sent, and returns what counts its bytes.
    pub(super) fn start_sending(&self) -> Progress {
        let progress = Progress::default();
        self.steps().progress = Some(progress.clone());
        progress
    }

    /// Notes how an attempt ended that another one follows.
    pub(super) fn end_attempt(&self, outcome: Outcome) {
        let mut steps = self.steps();
        steps.progress = None;
        if outcome != Outcome::NotSent {
            steps.earlier = outcome;
        }
    }

    /// Returns the outcome of the call if it ends here.
    pub(super) fn outcome(&self) -> Outcome {
        let (progress, earlier) = {
            let mut steps = self.steps();
            (steps.progress.take(), steps.earlier)
        };
        match progress {
            // Asking seals the connection: nothing is written after a `false`.
            Some(progress) if progress.written() => Outcome::Unknown,
            _ => earlier,
        }
    }

    /// Turns the error of the last attempt into that of the call: even if the last attempt sent
    /// nothing, an earlier one may have.
    pub(super) fn conclude(&self, err: SentError) -> SentError {
        match err.outcome() {
            Outcome::NotSent => err.amended(self.steps().earlier),
            _ => err,
        }
    }

    fn steps(&self) -> MutexGuard<'_, Steps> {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
