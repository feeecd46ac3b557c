//! What drives a future on the caller's own thread.

use std::{
    pin::pin,
    sync::{Arc, Condvar, Mutex, PoisonError},
    task::{Context, Poll, Wake, Waker},
};

use crate::{
    error::{Cause, Result},
    wire::{self, InRuntime},
};

/// Polls a call to its end on this thread, inside the background runtime.
///
/// It works wherever the program's own code runs: in a plain thread, in `spawn_blocking`, and
/// inside a runtime's own worker, because what wakes it always runs on the background thread.
///
/// # Errors
///
/// The future's own, the background thread cannot be started, or this is code that the library
/// itself called and that must not block.
pub(crate) fn block_on<T>(future: InRuntime<T>) -> Result<T> {
    wire::may_block().map_err(Cause::not_sent)?;
    let future = future.in_background().map_err(Cause::not_sent)?;
    drive(future)
}

/// Polls a future of the program's to its end on this thread, inside the runtime for such.
pub(super) fn drive_plugin<F: Future>(future: F) -> Result<F::Output> {
    wire::may_block().map_err(Cause::not_sent)?;
    drive(wire::as_guest(future)).map_err(Cause::not_sent)
}

/// The result of a future that waits for nothing; one that does is driven as by [`block_on`].
pub(super) fn poll_once<T>(mut future: InRuntime<T>) -> Result<T> {
    match future.try_now() {
        Some(result) => result,
        None => block_on(future),
    }
}

fn drive<F: Future>(future: F) -> F::Output {
    // A surrounding task's budget would otherwise run out, for nothing here yields to it.
    let mut future = pin!(tokio::task::unconstrained(future));
    let bell = Arc::new(Bell::default());
    let waker = Waker::from(Arc::clone(&bell));
    let mut cx = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
        bell.wait();
    }
}

/// Sleeps until it is rung. Not `thread::park`, whose one token belongs to the caller.
#[derive(Default)]
struct Bell {
    rung: Mutex<bool>,
    ringing: Condvar,
}

impl Bell {
    fn wait(&self) {
        let mut rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        while !*rung {
            rung = self
                .ringing
                .wait(rung)
                .unwrap_or_else(PoisonError::into_inner);
        }
        *rung = false;
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        *self.rung.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.ringing.notify_one();
    }
}
