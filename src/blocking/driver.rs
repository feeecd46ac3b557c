//! Drives a future on the caller's own thread.

use std::{
    pin::pin,
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use crate::{
    client::Call,
    error::{Cause, Result},
    wire,
};

/// Drives a call to its end on this thread, inside the background runtime.
///
/// This works in every thread that runs the program's code: a plain thread, one of `spawn_blocking`, and
/// a runtime's own worker. It cannot deadlock there, because everything that wakes the future runs on the
/// background thread.
///
/// # Errors
/// Returns the call's error, and an error if the background thread cannot be started or if the caller is
/// code that this library itself is calling and that therefore must not block.
pub(crate) fn block_on<T>(call: Call<T>) -> Result<T> {
    wire::check_may_block().map_err(Cause::not_sent)?;
    warn_on_worker();
    let future = call
        .into_future()
        .in_background()
        .map_err(Cause::not_sent)?;
    drive(future)
}

/// Returns the result of a call that does not wait, or else drives it like [`block_on`].
///
/// A call that does not wait needs no runtime, so this also works where blocking is an error, such as
/// in a callback.
pub(super) fn poll_or_block<T>(is_local: bool, call: Call<T>) -> Result<T> {
    if !is_local {
        return block_on(call);
    }
    let mut future = call.into_future();
    match future.try_now() {
        Some(result) => result,
        None => {
            wire::check_may_block().map_err(Cause::not_sent)?;
            drive(future.in_background().map_err(Cause::not_sent)?)
        }
    }
}

/// Drives the program's own future to its end on this thread, inside the runtime for the program's code.
pub(super) fn block_on_plugin<F: Future>(future: F) -> Result<F::Output> {
    wire::check_may_block().map_err(Cause::not_sent)?;
    drive(wire::run_on_user_runtime(future)).map_err(Cause::not_sent)
}

/// Warns, once per process, that a blocking method runs on a worker of a tokio runtime. It works, but all
/// other tasks of that worker wait. A thread of `spawn_blocking` is not a worker.
fn warn_on_worker() {
    static WARNED: AtomicBool = AtomicBool::new(false);
    if tokio::runtime::worker_index().is_some() && !WARNED.swap(true, Ordering::Relaxed) {
        tracing::warn!(
            "a blocking method was called on a tokio worker thread, where it delays other tasks: \
             use its `_async` form, or spawn_blocking"
        );
    }
}

fn drive<F: Future>(future: F) -> F::Output {
    // Inside a tokio task, the task's budget would run out and every poll return `Pending`, because
    // nothing here yields to the runtime that refills it.
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

/// Sleeps until it is rung. `thread::park` does not work here: its single token belongs to the
/// caller's own code, which may wait for it.
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
