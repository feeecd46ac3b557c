use std::{
    fmt,
    future::{pending, ready},
    pin::Pin,
    sync::{Mutex, OnceLock, PoisonError},
    task::{Context, Poll, Waker},
    thread,
};

use tokio::runtime::{Builder, Handle};

use super::{Reports, outside};
use crate::error::{Cause, Kind, Result, cause};

/// The runtime for whoever has none: blocking verbs, and async verbs outside tokio.
///
/// One thread, started when it is first needed, and never ended. All blocking calls depend on it,
/// so it never runs code of the program's: that has [`guest`].
pub(crate) fn background() -> cause::Result<&'static Handle> {
    static BACKGROUND: Thread = Thread::new("wechatpay-chain");
    BACKGROUND.handle()
}

/// The runtime for futures of the program's own, such as a signer's, where the program has no
/// runtime that is being driven. Its thread holds up nobody but them.
pub(crate) fn guest() -> cause::Result<&'static Handle> {
    static GUEST: Thread = Thread::new("wechatpay-guest");
    GUEST.handle()
}

/// A thread of this library's with a runtime of its own.
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
        // A failure is not kept: there may be a thread to spare the next time.
        let handle = self.start().map_err(|e| {
            let message = format!("the background thread `{}` cannot be started", self.name);
            Cause::new(Kind::Transport, message).with_source(e)
        })?;
        Ok(self.handle.get_or_init(|| handle))
    }

    /// Runs the runtime on a thread that is spawned here, because tokio panics where it cannot
    /// spawn a worker of its own.
    fn start(&self) -> std::io::Result<Handle> {
        let runtime = Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .thread_name(format!("{}-dns", self.name))
            .build()?;
        let handle = runtime.handle().clone();
        thread::Builder::new()
            .name(self.name.to_owned())
            .spawn(move || {
                let _marked = outside::Place::LibraryThread.mark();
                runtime.block_on(pending::<()>())
            })?;
        Ok(handle)
    }
}

/// Spawns work beside the caller that runs code of the program's, and so does not belong on the
/// background thread.
pub(crate) fn spawn_beside(work: impl Future<Output = ()> + Send + 'static) -> cause::Result<()> {
    let background = background()?.id();
    match Handle::try_current() {
        Ok(around) if around.id() != background => around.spawn(work),
        _ => guest()?.spawn(work),
    };
    Ok(())
}

/// Whether the runtime around the caller has ended, or is ending: what is spawned there is
/// cancelled at once.
pub(crate) fn is_gone() -> bool {
    Handle::try_current().is_ok_and(|handle| {
        let probe = handle.spawn(ready(()));
        let abort = probe.abort_handle();
        // A surrounding task's budget is not this question's affair.
        let mut probe = std::pin::pin!(tokio::task::unconstrained(probe));
        let answer = probe.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        abort.abort();
        matches!(answer, Poll::Ready(Err(err)) if err.is_cancelled())
    })
}

/// A future that is always polled inside one and the same runtime: the one it was first polled
/// in, or the background runtime.
///
/// So its connections stay with one runtime, and it can be polled by any executor. What it reports
/// is told outside of that runtime: see [`Reports`].
pub(crate) struct InRuntime<T> {
    future: Pin<Box<dyn Future<Output = Result<T>> + Send>>,
    runtime: Option<Handle>,
    reports: Option<Reports>,
}

impl<T> InRuntime<T> {
    pub(crate) fn new(future: impl Future<Output = Result<T>> + Send + 'static) -> Self {
        Self {
            future: Box::pin(future),
            runtime: None,
            reports: None,
        }
    }

    /// A future that has something to report.
    pub(crate) fn reporting<F>(make: impl FnOnce(Reports) -> F) -> Self
    where
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let reports = Reports::default();
        let mut this = Self::new(make(reports.clone()));
        this.reports = Some(reports);
        this
    }

    /// The same future inside the background runtime, whichever runtime is around it. Only before
    /// the first poll.
    pub(crate) fn in_background(mut self) -> cause::Result<Self> {
        if self.runtime.is_none() {
            self.runtime = Some(background()?.clone());
        }
        Ok(self)
    }

    /// The result, where it waits for nothing. It has no runtime yet.
    pub(crate) fn try_now(&mut self) -> Option<Result<T>> {
        let mut cx = Context::from_waker(Waker::noop());
        match self.future.as_mut().poll(&mut cx) {
            Poll::Ready(result) => Some(result),
            Poll::Pending => None,
        }
    }

    fn poll_inside(&mut self, cx: &mut Context<'_>) -> Poll<Result<T>> {
        let current = Handle::try_current().ok();
        let runtime = match &self.runtime {
            Some(runtime) => runtime,
            None => {
                let runtime = match &current {
                    Some(current) => current.clone(),
                    None => match background() {
                        Ok(background) => background.clone(),
                        Err(e) => return Poll::Ready(Err(e.not_sent())),
                    },
                };
                self.runtime.insert(runtime)
            }
        };
        if current.is_some_and(|current| current.id() == runtime.id()) {
            return self.future.as_mut().poll(cx);
        }
        let _inside = runtime.enter();
        self.future.as_mut().poll(cx)
    }
}

impl<T> Future for InRuntime<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T>> {
        let this = &mut *self;
        let Some(reports) = this.reports.clone() else {
            return this.poll_inside(cx);
        };
        reports.wakes(cx.waker());
        loop {
            let polled = this.poll_inside(cx);
            // The runtime is left by now.
            let delivered = reports.deliver();
            match polled {
                Poll::Ready(result) => {
                    reports.close();
                    return Poll::Ready(result);
                }
                // It may wait for the delivery.
                Poll::Pending if delivered => {}
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

impl<T> Drop for InRuntime<T> {
    fn drop(&mut self) {
        if let Some(reports) = &self.reports {
            reports.close();
        }
    }
}

impl<T> fmt::Debug for InRuntime<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InRuntime").finish_non_exhaustive()
    }
}
