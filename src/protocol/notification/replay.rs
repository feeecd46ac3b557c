//! Each notification once, though it comes more often.

use std::{future::Future, ops::ControlFlow, sync::Arc};

use super::{Ack, Notification};
use crate::error::{BoxError, Cause, Error, Kind, Result};

/// Whether a notification may be handled now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Admission {
    /// Handle it, then report the result, with this fence, to [`ReplayGuard::finish`].
    Proceed(Fence),
    /// It was handled before: answer success, and do no more.
    Done,
    /// It is being handled: answer failure, so that it comes again should that one die.
    Busy,
}

/// Which admission a holder was given: a number that the guard never gives out twice for the same
/// notification.
///
/// A handler that outlives its lease does not know it. Its fence tells the guard that someone else
/// has been admitted since, so its failure does not free the notification while that one is still
/// at work.
///
/// ```
/// use wechatpay_chain::Fence;
///
/// let fence = Fence::new(7); // a row's version, for example
/// assert_eq!(fence.number(), 7);
/// assert_ne!(fence, Fence::new(8));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fence(u64);

impl Fence {
    /// A fence out of the guard's own counter.
    #[must_use]
    pub fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number that it was made from.
    #[must_use]
    pub fn number(self) -> u64 {
        self.0
    }
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
    /// while, [`Admission::Proceed`] with a new [`Fence`], or found taken. The lease must outlast
    /// the slowest handler: when it ends, its holder counts as dead and the next one is admitted.
    fn begin(&self, id: &str) -> impl Future<Output = Result<Admission, Self::Error>> + Send;

    /// Reports how it went, with the fence of the admission.
    ///
    /// With `ok` the notification is done, and remembered for longer than WeChat Pay repeats it
    /// (a little more than a day). That holds for an old fence too: the work has been done.
    /// Without `ok` the notification is let through at once, but only if `fence` is the latest
    /// one: otherwise nothing changes.
    fn finish(
        &self,
        id: &str,
        fence: Fence,
        ok: bool,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

impl<G: ReplayGuard> ReplayGuard for Arc<G> {
    type Error = G::Error;

    fn begin(&self, id: &str) -> impl Future<Output = Result<Admission, Self::Error>> + Send {
        G::begin(self, id)
    }

    fn finish(
        &self,
        id: &str,
        fence: Fence,
        ok: bool,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send {
        G::finish(self, id, fence, ok)
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
        let fence = match self.admitted(guard.begin(self.id()).await)? {
            ControlFlow::Continue(fence) => fence,
            ControlFlow::Break(ack) => return Ok(ack),
        };
        let handled = handler.await;
        let finished = guard.finish(self.id(), fence, handled.is_ok()).await;
        self.concluded(handled, finished)
    }

    /// Whether to go on, or what to answer at once.
    pub(crate) fn admitted(
        &self,
        begun: Result<Admission, impl Into<BoxError>>,
    ) -> Result<ControlFlow<Ack, Fence>> {
        match begun.map_err(|err| failed("the replay guard did not begin", err.into()))? {
            Admission::Done => Ok(ControlFlow::Break(self.ack())),
            Admission::Busy => Ok(ControlFlow::Break(self.fail("being handled"))),
            Admission::Proceed(fence) => Ok(ControlFlow::Continue(fence)),
        }
    }

    /// What to answer in the end.
    pub(crate) fn concluded(
        &self,
        handled: Result<(), impl Into<BoxError>>,
        finished: Result<(), impl Into<BoxError>>,
    ) -> Result<Ack> {
        // What the handler has to say goes before a guard that failed too.
        handled.map_err(|err| failed("its handler failed", err.into()))?;
        finished
            .map_err(|err| failed("handled, but the replay guard did not finish", err.into()))?;
        Ok(self.ack())
    }
}

fn failed(what: &'static str, source: BoxError) -> Error {
    Cause::new(Kind::Handler, what)
        .with_source(source)
        .in_step("handling")
        .not_sent()
}
