//! The two threads of this library, each with its own runtime: one for the library's work, one for
//! the program's.

use std::{
    future::{pending, ready},
    sync::{Mutex, OnceLock, PoisonError},
    task::{Context, Poll, Waker},
    thread,
};

use tokio::runtime::{Builder, Handle};

use super::no_blocking::NoBlocking;
use crate::error::{Cause, ErrorKind, cause};

/// Returns the background runtime, for blocking verbs and for async verbs outside tokio.
///
/// It has one thread, which starts at first use and never ends. Every blocking call depends on that
/// thread, and every timer, so it never runs the program's code: one signer that blocks would stop
/// them all. The program's code has [`user_runtime`].
pub(crate) fn background() -> cause::Result<&'static Handle> {
    static BACKGROUND: Thread = Thread::new("wechatpay-chain");
    BACKGROUND.handle()
}

/// Returns the runtime for the program's futures, such as a signer's, where the program has no
/// runtime that is being driven. If one of them blocks its thread, only others like it wait.
pub(crate) fn user_runtime() -> cause::Result<&'static Handle> {
    static USER: Thread = Thread::new("wechatpay-user");
    USER.handle()
}

/// A thread with a current-thread runtime, started at first use.
struct Thread {
    name: &'static str,
    handle: OnceLock<Handle>,
    starting: Mutex<()>,
}

impl Thread {
    const fn new(name: &'static str) -> Self {
        Self {
            name,
            handle: OnceLock::new(),
            starting: Mutex::new(()),
        }
    }

    fn handle(&self) -> cause::Result<&Handle> {
        if let Some(handle) = self.handle.get() {
            return Ok(handle);
        }
        let _one_at_a_time = self.starting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(handle) = self.handle.get() {
            return Ok(handle);
        }
        // `OnceLock` alone is not enough: a failure must not be stored, because the machine may be
        // able to start a thread the next time.
        let handle = self.start().map_err(|e| {
            let message = format!("cannot start the background thread `{}`", self.name);
            Cause::new(ErrorKind::Transport, message).with_source(e)
        })?;
        Ok(self.handle.get_or_init(|| handle))
    }

    /// Starts a thread that drives a current-thread runtime.
    ///
    /// Not tokio's multi-thread runtime, which panics if it cannot start its worker: the caller
    /// should get an error.
    fn start(&self) -> std::io::Result<Handle> {
        let runtime = Builder::new_current_thread()
            .enable_io()
            .enable_time()
            // Names the threads of its blocking pool, which looks up hosts and reads files.
            .thread_name(format!("{}-dns", self.name))
            .build()?;
        let handle = runtime.handle().clone();
        thread::Builder::new()
            .name(self.name.to_owned())
            .spawn(move || {
                let _refused = NoBlocking::LibraryThread.enter();
                runtime.block_on(pending::<()>())
            })?;
        Ok(handle)
    }
}

/// Spawns work that runs the program's code, and therefore does not belong on the background
/// thread: on the current runtime, or on the user runtime.
pub(crate) fn spawn_user_work(
    work: impl Future<Output = ()> + Send + 'static,
) -> cause::Result<()> {
    let background = background()?.id();
    match Handle::try_current() {
        Ok(current) if current.id() != background => current.spawn(work),
        _ => user_runtime()?.spawn(work),
    };
    Ok(())
}

/// Returns whether the current runtime has shut down or is shutting down.
///
/// tokio has no method for this, and a handle outlives its runtime. But a task that is spawned on
/// a runtime that has shut down is cancelled at once, while on any other it is pending until the
/// scheduler has run.
pub(crate) fn is_runtime_shut_down() -> bool {
    Handle::try_current().is_ok_and(|handle| {
        let probe = handle.spawn(ready(()));
        let abort = probe.abort_handle();
        // Unconstrained: with the surrounding task's budget used up, tokio would say pending.
        let mut probe = std::pin::pin!(tokio::task::unconstrained(probe));
        let polled = probe.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        abort.abort();
        matches!(polled, Poll::Ready(Err(err)) if err.is_cancelled())
    })
}
