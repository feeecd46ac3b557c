use std::{
    future::Future,
    time::{Duration, Instant},
};

use tokio::{
    runtime::Handle,
    time::{Sleep, Timeout},
};

use super::background;
use crate::error::cause;

/// The clock of all calls: its timers belong to the background thread, whichever runtime a call
/// runs on.
///
/// A runtime's own timers panic once it has ended, and where it was built without time; and they
/// stand still while it is not driven, as a current-thread runtime is not during a blocking call
/// inside it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(&'static Handle);

impl Clock {
    /// # Errors
    /// Where the background thread cannot be started.
    pub(crate) fn get() -> cause::Result<Self> {
        background().map(Self)
    }

    pub(crate) fn sleep(self, time: Duration) -> Sleep {
        let _inside = self.0.enter();
        tokio::time::sleep(time)
    }

    pub(crate) fn timeout<F: Future>(self, limit: Duration, future: F) -> Timeout<F> {
        let _inside = self.0.enter();
        tokio::time::timeout(limit, future)
    }

    pub(crate) fn timeout_at<F: Future>(self, end: Instant, future: F) -> Timeout<F> {
        let _inside = self.0.enter();
        tokio::time::timeout_at(end.into(), future)
    }
}
