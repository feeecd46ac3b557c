//! The program's own code, which this library calls.

use std::{
    any::Any,
    cell::Cell,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::{Pin, pin},
    task::{Context, Poll},
};

use tokio::runtime::Handle;

use super::runtime::{background, guest, is_gone};
use crate::error::{Cause, Kind, cause};

/// Where a blocking verb is refused, because it would wait for what waits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A progress callback.
    Callback,
    /// A signer, a verifier or a replay guard.
    Plugin,
    /// A thread on which this library's own work is done.
    LibraryThread,
}

thread_local! {
    static PLACE: Cell<Option<Place>> = const { Cell::new(None) };
}

impl Place {
    /// This thread is there until the mark is dropped.
    pub(super) fn mark(self) -> Mark {
        Mark(PLACE.replace(Some(self)))
    }

    fn describe(self) -> &'static str {
        match self {
            Self::Callback => "inside a progress callback",
            Self::Plugin => "inside a Signer, a Verifier or a ReplayGuard",
            Self::LibraryThread => "on a thread of this library",
        }
    }
}

pub(super) struct Mark(Option<Place>);

impl Drop for Mark {
    fn drop(&mut self) {
        PLACE.set(self.0);
    }
}

/// Refuses to block where that is an error.
pub(crate) fn may_block() -> cause::Result<()> {
    match PLACE.get() {
        None => Ok(()),
        Some(place) => Err(Cause::request(format!(
            "a blocking call was made {}, where it could wait for itself: make it on another \
             thread, or await its `_async` twin elsewhere",
            place.describe()
        ))),
    }
}

/// Polls a future of the program's, never with the background runtime around it: where that would
/// be so, the guest runtime is.
///
/// # Errors
/// Where the runtime of the call has ended, on which the future may rely, and where the guest's
/// thread cannot be started.
pub(crate) async fn outside<F: Future>(future: F) -> cause::Result<F::Output> {
    let mut future = pin!(future);
    std::future::poll_fn(|cx| {
        let guest = match instead() {
            Ok(guest) => guest,
            Err(cause) => return Poll::Ready(Err(cause)),
        };
        if guest.is_none() && is_gone() {
            return Poll::Ready(Err(ended()));
        }
        let polled = {
            let _inside = guest.map(Handle::enter);
            poll_marked(future.as_mut(), cx)
        };
        match polled {
            Ok(polled) => polled.map(Ok),
            // tokio's timers panic where their runtime ends meanwhile.
            Err(_) if guest.is_none() && is_gone() => Poll::Ready(Err(ended())),
            Err(panic) => resume_unwind(panic),
        }
    })
    .await
}

/// As [`outside`], for code that waits for nothing.
pub(crate) fn outside_now<T>(code: impl FnOnce() -> T) -> T {
    let _inside = instead().ok().flatten().map(Handle::enter);
    let _marked = Place::Plugin.mark();
    code()
}

/// The guest runtime, where code of the program's needs one: none is around, or the background
/// one.
fn instead() -> cause::Result<Option<&'static Handle>> {
    match Handle::try_current() {
        Ok(around) if around.id() != background()?.id() => Ok(None),
        _ => guest().map(Some),
    }
}

/// Polls a future of the program's inside the guest runtime, whichever runtime is around: for a
/// blocking call, during which that one may stand still.
///
/// # Errors
/// Where the guest's thread cannot be started.
pub(crate) async fn as_guest<F: Future>(future: F) -> cause::Result<F::Output> {
    let guest = guest()?;
    let mut future = pin!(future);
    Ok(std::future::poll_fn(|cx| {
        let _inside = guest.enter();
        let _marked = Place::Plugin.mark();
        future.as_mut().poll(cx)
    })
    .await)
}

fn poll_marked<F: Future>(
    future: Pin<&mut F>,
    cx: &mut Context<'_>,
) -> Result<Poll<F::Output>, Box<dyn Any + Send>> {
    let _marked = Place::Plugin.mark();
    catch_unwind(AssertUnwindSafe(|| future.poll(cx)))
}

/// The cause where the runtime of a call has ended.
pub(crate) fn ended() -> Cause {
    Cause::new(
        Kind::Transport,
        "the tokio runtime in which this call began has been shut down",
    )
}
