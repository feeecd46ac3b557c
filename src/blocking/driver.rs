//! What drives a future on the caller's own thread.

use std::{
    pin::pin,
    sync::{Arc, Condvar, Mutex, PoisonError},
    task::{Context, Poll, Wake, Waker},
};

use crate::{
    error::{Cause, Result},
    wire::background,
};

/// Polls a future to its end on this thread, with the background runtime around it.
///
/// It works wherever it is called: in a plain thread, in `spawn_blocking`, and inside a runtime's
/// own worker, because what wakes it always runs on the background thread.
///
/// # Errors
///
/// The future's own, or the background thread cannot be started.
pub(crate) fn block_on<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    let _inside = background().map_err(Cause::not_sent)?.enter();
    // A surrounding task's budget would otherwise run out, for nothing here yields to it.
    let mut future = pin!(tokio::task::unconstrained(future));
    let bell = Arc::new(Bell::default());
    let waker = Waker::from(Arc::clone(&bell));
    let mut cx = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(result) = future.as_mut().poll(&mut cx) {
            return result;
        }
        bell.wait();
    }
}

/// The result of a future that waits for nothing; one that does is driven as by [`block_on`].
pub(super) fn poll_once<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    let mut future = pin!(future);
    match future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(result) => result,
        Poll::Pending => block_on(future),
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
