//! Runs the program's own code: signers, verifiers and replay guards.
//!
//! That code may block, may spawn on the runtime around it, and may panic. Inside the background
//! runtime each of these would reach every other call of the process: a blocked thread stops all
//! timers and blocking verbs, and a spawned task lives on a thread that it may block later. So the
//! program's code runs with the program's own runtime as the current one, or with the user runtime.

use std::{
    any::Any,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    pin::{Pin, pin},
    task::{Context, Poll},
};

use tokio::runtime::Handle;

use super::{
    no_blocking::NoBlocking,
    thread::{background, is_runtime_shut_down, user_runtime},
};
use crate::error::{Cause, ErrorKind, cause};

/// Polls the program's own future inside the current runtime or, instead of the background
/// runtime, inside the user runtime.
///
/// # Errors
///
/// Returns an error if the current runtime has shut down, since the future may depend on it, or if
/// the user runtime's thread cannot be started.
pub(crate) async fn run_user_future<F: Future>(future: F) -> cause::Result<F::Output> {
    let mut future = pin!(future);
    std::future::poll_fn(|cx| {
        let substitute = match substitute() {
            Ok(substitute) => substitute,
            Err(cause) => return Poll::Ready(Err(cause)),
        };
        if substitute.is_none() && is_runtime_shut_down() {
            return Poll::Ready(Err(runtime_shut_down()));
        }
        let polled = {
            let _inside = substitute.map(Handle::enter);
            poll_caught(future.as_mut(), cx)
        };
        match polled {
            Ok(polled) => polled.map(Ok),
            // A runtime may shut down between the check above and the poll, and tokio's timers and
            // I/O then panic inside the future. The call reports that as the error it is. Any other
            // panic is the program's own, and goes on to the caller.
            Err(_) if substitute.is_none() && is_runtime_shut_down() => {
                Poll::Ready(Err(runtime_shut_down()))
            }
            Err(panic) => resume_unwind(panic),
        }
    })
    .await
}

/// Runs the program's code if it waits for nothing: see [`run_user_future`].
pub(crate) fn run_user_code<T>(code: impl FnOnce() -> T) -> T {
    let _inside = substitute().ok().flatten().map(Handle::enter);
    let _refused = NoBlocking::Plugin.enter();
    code()
}

/// Polls the program's own future inside the user runtime, whatever runtime is current.
///
/// For a blocking call: the current runtime may stand still until that call returns.
///
/// # Errors
///
/// Returns an error if the user runtime's thread cannot be started.
pub(crate) async fn run_on_user_runtime<F: Future>(future: F) -> cause::Result<F::Output> {
    let runtime = user_runtime()?;
    let mut future = pin!(future);
    Ok(std::future::poll_fn(|cx| {
        let _inside = runtime.enter();
        let _refused = NoBlocking::Plugin.enter();
        future.as_mut().poll(cx)
    })
    .await)
}

/// Returns the cause of a failure that comes from the shutdown of a call's runtime.
pub(crate) fn runtime_shut_down() -> Cause {
    Cause::new(
        ErrorKind::Transport,
        "the tokio runtime in which this call began has been shut down",
    )
}

/// Returns the user runtime if the program's code needs it: no runtime is current, or the
/// background runtime is.
fn substitute() -> cause::Result<Option<&'static Handle>> {
    match Handle::try_current() {
        Ok(current) if current.id() != background()?.id() => Ok(None),
        _ => user_runtime().map(Some),
    }
}

fn poll_caught<F: Future>(
    future: Pin<&mut F>,
    cx: &mut Context<'_>,
) -> Result<Poll<F::Output>, Box<dyn Any + Send>> {
    let _refused = NoBlocking::Plugin.enter();
    // After a panic the future is not polled again, so what it left half done is never seen.
    catch_unwind(AssertUnwindSafe(|| future.poll(cx)))
}
