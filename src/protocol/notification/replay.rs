//! Each notification once, though it comes more often.

use std::{future::Future, sync::Arc};

use super::{Ack, Notification};
use crate::error::{BoxError, Cause, Error, Kind, Result};

/// Whether a notification may be handled now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Handle it, then say how it went by [`ReplayGuard::finish`].
    Go,
    /// It was handled before: answer success, and do no more.
    Done,
    /// It is being handled: answer failure, so that it comes again should that one die.
    Busy,
}

/// Remembers which notifications were handled, in two steps: a notification whose handler failed
/// or died is let through again.
///
/// [`MemoryGuard`](super::MemoryGuard) is one for a single process. Where several processes
/// receive, they share one: a table or a key-value store, with a lease that ends by itself
/// (`examples/shared_replay_guard.rs`).
pub trait ReplayGuard: Send + Sync + 'static {
    /// What goes wrong while asking; it becomes the source of this crate's error.
    type Error: Into<Box<dyn std::error::Error + Send + Sync>>;

    /// Asks to handle the notification `id`. In one indivisible step, it is either taken for a
    /// while, [`Admission::Go`], or found taken. The lease must outlast the slowest handler: once
    /// it is over, whoever held it counts as dead.
    fn begin(&self, id: &str) -> impl Future<Output = Result<Admission, Self::Error>> + Send;

    /// Says how it went. With `ok` the notification is done, and remembered for longer than
    /// WeChat Pay repeats it (a day and a bit); without, it is let through at once.
    fn finish(&self, id: &str, ok: bool) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

impl<G: ReplayGuard> ReplayGuard for Arc<G> {
    type Error = G::Error;

    fn begin(&self, id: &str) -> impl Future<Output = Result<Admission, Self::Error>> + Send {
        G::begin(self, id)
    }

    fn finish(&self, id: &str, ok: bool) -> impl Future<Output = Result<(), Self::Error>> + Send {
        G::finish(self, id, ok)
    }
}

impl Notification {
    /// The future of [`once`](Notification::once).
    ///
    /// Where it is dropped half-way, or the handler panics, the guard's lease ends by itself and
    /// the notification is let through again.
    ///
    /// ```
    /// # async fn f(notification: wechatpay_chain::Notification) {
    /// use wechatpay_chain::{Ack, MemoryGuard};
    ///
    /// let guard = MemoryGuard::new(); // one for the whole process
    /// let answer = notification
    ///     .once_async(&guard, async {
    ///         // Ship the goods …
    ///         Ok::<_, std::io::Error>(())
    ///     })
    ///     .await
    ///     .unwrap_or_else(|err| Ack::refusal(&err));
    /// # let _ = answer;
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`once`](Notification::once).
    pub async fn once_async<G, F, E>(&self, guard: &G, handler: F) -> Result<Ack>
    where
        G: ReplayGuard,
        F: Future<Output = Result<(), E>>,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let at = |what: &'static str| move |err: G::Error| failed(what, err.into());
        match guard
            .begin(self.id())
            .await
            .map_err(at("the replay guard did not begin"))?
        {
            Admission::Done => return Ok(self.ack()),
            Admission::Busy => return Ok(self.fail("being handled")),
            Admission::Go => {}
        }
        let handled = handler.await;
        let finished = guard.finish(self.id(), handled.is_ok()).await;
        // What the handler has to say goes before a guard that failed too.
        handled.map_err(|err| failed("its handler failed", err.into()))?;
        finished.map_err(at("handled, but the replay guard did not finish"))?;
        Ok(self.ack())
    }
}

fn failed(what: &'static str, source: BoxError) -> Error {
    Cause::new(Kind::Handler, what)
        .with_source(source)
        .in_step("handling")
        .not_sent()
}
