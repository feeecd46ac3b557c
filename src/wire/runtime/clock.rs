use std::{
    future::Future,
    time::{Duration, Instant},
};

use tokio::{
    runtime::Handle,
    time::{Sleep, Timeout},
};

use super::thread::background;
use crate::error::cause;

/// The timers of all calls. They belong to the background thread, whatever runtime a call runs in.
///
/// The caller's runtime cannot have them: its timers panic if it was built without time or has shut
/// down, and they stand still while nothing drives it: a current-thread runtime is not driven
/// during a blocking call made inside it, so a timeout there would never fire. The background
/// thread is always driven and never ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(&'static Handle);

// A tokio timer registers with the runtime that is entered while it is created, and may be polled
// anywhere afterwards. So entering the background runtime here is enough.
impl Clock {
    /// # Errors
    ///
    /// Returns an error if the background thread cannot be started.
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
