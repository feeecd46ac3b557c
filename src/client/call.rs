use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use super::{Response, core::Core, exchange};
use crate::{
    error::{Cause, Result},
    protocol::request::Draft,
    wire::{InRuntime, Reports},
};

/// A call under way: the future that an `…_async` verb returns.
///
/// Boxed, `Send + 'static`: it can be stored, spawned and awaited anywhere. It uses the tokio
/// runtime that it is first polled in, or, outside tokio, a background runtime of this library's.
/// Nothing is sent before the first poll. Where that runtime ends before the call does, the call
/// ends with an error, whose outcome says whether the request was sent.
///
/// Dropping it cancels the call. Where the request had begun to go out, the connection is closed
/// and what became of a write is unknown, as after [`Outcome::Unknown`](crate::Outcome::Unknown):
/// query by the order number.
#[must_use = "a call does nothing until it is awaited"]
pub struct Call {
    pub(crate) future: InRuntime<Response>,
}

impl Call {
    pub(super) fn new(core: Arc<Core>, draft: Result<Draft, Cause>) -> Self {
        Self::after(core, std::future::ready(draft))
    }

    pub(super) fn of<F>(make: impl FnOnce(Reports) -> F) -> Self
    where
        F: Future<Output = Result<Response>> + Send + 'static,
    {
        Self {
            future: InRuntime::reporting(make),
        }
    }

    /// A call whose draft waits for something.
    pub(super) fn after(
        core: Arc<Core>,
        draft: impl Future<Output = Result<Draft, Cause>> + Send + 'static,
    ) -> Self {
        Self::of(|reports| async move {
            let draft = draft.await.map_err(Cause::not_sent)?;
            // The exchange's state is large: it is made at the first poll, in a box of its own.
            Box::pin(exchange::execute(core, draft, reports)).await
        })
    }
}

impl Future for Call {
    type Output = Result<Response>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.future).poll(cx)
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").finish_non_exhaustive()
    }
}
