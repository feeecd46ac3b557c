//! Tells a caller that gives up on an attempt whether its request was written.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Baseline;

/// How far a request has come, for a caller that gives up on it, such as at a deadline.
///
/// A dropped future returns nothing, so the state has to be kept outside of it: the caller keeps one
/// clone and gives another to the attempt.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress(Arc<Mutex<State>>);

#[derive(Debug, Default)]
enum State {
    /// There is no connection yet, so nothing was written.
    #[default]
    Connecting,
    Sending(Baseline),
    /// The attempt has ended, and this is whether a byte was written. The baseline is gone on
    /// purpose: the connection may serve another request by now, which must not be sealed.
    Settled(bool),
}

impl Progress {
    /// Returns whether a byte of the request may have left.
    ///
    /// Ends the connection's writing if the attempt is still under way, so ask only after giving
    /// up. See [`Baseline::seal`] for why a false is final.
    pub(crate) fn written(&self) -> bool {
        let mut state = self.lock();
        let written = match &*state {
            State::Connecting => false,
            State::Sending(baseline) => baseline.seal(),
            State::Settled(written) => *written,
        };
        *state = State::Settled(written);
        written
    }

    /// Begins an attempt.
    pub(crate) fn begin(&self) {
        *self.lock() = State::Connecting;
    }

    /// The request is about to be handed to its connection.
    pub(crate) fn sending(&self, baseline: Baseline) {
        *self.lock() = State::Sending(baseline);
    }

    /// A response's head has arrived, so the request was written.
    pub(crate) fn responded(&self) {
        *self.lock() = State::Settled(true);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
