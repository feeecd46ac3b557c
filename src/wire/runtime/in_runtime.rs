//! Keeps a future inside one runtime, whatever polls it.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use tokio::runtime::Handle;

use super::{reports::Reports, thread::background};
use crate::error::{Result, cause};

/// A future that is always polled inside one and the same runtime: the one in which it was first
/// polled, or the background runtime.
///
/// Its connections are driven by the runtime they were made on, so a call that moved to another
/// runtime halfway would wait for a driver that nothing polls. With this, any executor can poll a
/// call, and may move it between threads. Progress is delivered outside of that runtime: see
/// [`Reports`].
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

    /// Returns a future that reports its progress.
    pub(crate) fn reporting<F>(make: impl FnOnce(Reports) -> F) -> Self
    where
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let reports = Reports::default();
        let mut this = Self::new(make(reports.clone()));
        this.reports = Some(reports);
        this
    }

    /// Moves the future into the background runtime, whatever runtime is current. Has no effect
    /// after the first poll.
    pub(crate) fn in_background(mut self) -> cause::Result<Self> {
        if self.runtime.is_none() {
            self.runtime = Some(background()?.clone());
        }
        Ok(self)
    }

    /// Returns the result if the future waits for nothing. Polls it without a runtime.
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
        // Entering is cheap but not free, and in the usual case there is nothing to change.
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
        reports.set_waker(cx.waker());
        loop {
            let polled = this.poll_inside(cx);
            // `poll_inside` has left the runtime, so the callback runs in the caller's context.
            let delivered = reports.deliver();
            match polled {
                Poll::Ready(result) => {
                    reports.close();
                    return Poll::Ready(result);
                }
                // The call may be waiting for just this delivery: see `Reporter::tell`.
                Poll::Pending if delivered => {}
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

impl<T> Drop for InRuntime<T> {
    fn drop(&mut self) {
        // The connection's driver may outlive the call and still hold a reporter.
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
