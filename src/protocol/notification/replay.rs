//! Handling each notification once, although WeChat Pay may send it several times.

use std::{future::Future, ops::ControlFlow, sync::Arc};

use super::{Notification, ack::Ack};
use crate::error::{BoxError, Cause, Error, ErrorKind, Result};

/// Whether a notification may be handled now. [`ReplayGuard::begin`] returns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Admission {
    /// Not handled yet. Handle it, then report the result with this fence to
    /// [`ReplayGuard::finish`].
    Proceed(Fence),
    /// Handled before. Acknowledge it without handling it again.
    Done,
    /// Being handled by someone else. Report a failure, so that WeChat Pay sends it again in case the
    /// other handler dies.
    Busy,
}

/// A fencing token: the number of an admission, which a guard never issues twice for the same
/// notification.
///
/// A handler cannot notice that its lease has ended and that another handler was admitted. When it
/// reports a failure afterwards, the fence shows the guard that this holder is not the latest, so the
/// notification is not released while the other handler is still working.
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
    /// Creates a fence from a guard's counter.
    #[must_use]
    pub fn new(number: u64) -> Self {
        Self(number)
    }

    /// Returns the number that the fence was created from.
    #[must_use]
    pub fn number(self) -> u64 {
        self.0
    }
}

/// Remembers which notifications were handled, so that each is handled once.
///
/// WeChat Pay sends a notification again if it gets no acknowledgement in time, and sometimes
/// without a reason. A guard works in two steps, [`begin`](Self::begin) and
/// [`finish`](Self::finish), so that a notification whose handler failed or died is admitted again:
/// marking it as handled at the start would lose it, marking it at the end would let two handlers
/// run at the same time.
///
/// [`MemoryGuard`](crate::MemoryGuard) serves a single process. Several processes need a shared
/// guard: a table or a key-value store with a lease that ends by itself
/// (`examples/shared_replay_guard.rs`). [`Notification::once`] applies a guard.
///
/// ```
/// # async fn f() -> Result<(), std::convert::Infallible> {
/// use wechatpay_chain::{Admission, MemoryGuard, ReplayGuard};
///
/// let guard = MemoryGuard::new();
/// let Admission::Proceed(fence) = guard.begin("EV-2018022511223320873").await? else {
///     unreachable!("nothing was handled yet")
/// };
/// assert_eq!(guard.begin("EV-2018022511223320873").await?, Admission::Busy);
/// guard.finish("EV-2018022511223320873", fence, true).await?;
/// assert_eq!(guard.begin("EV-2018022511223320873").await?, Admission::Done);
/// # Ok(())
/// # }
/// ```
///
/// Official page: "通知规则", on repeated notifications.
pub trait ReplayGuard: Send + Sync + 'static {
    /// The error of the guard's storage. It becomes the source of this crate's error.
    type Error: Into<Box<dyn std::error::Error + Send + Sync>>;

    /// Requests to handle the notification `id`.
    ///
    /// In one atomic step, the guard either grants a lease, [`Admission::Proceed`] with a new
    /// [`Fence`], or finds that the notification is taken. The lease must be longer than the slowest
    /// handler takes: when it ends, its holder counts as dead and another one is admitted.
    ///
    /// # Errors
    ///
    /// Returns an error if the guard's storage fails. The notification is then not handled.
    fn begin(&self, id: &str) -> impl Future<Output = Result<Admission, Self::Error>> + Send;

    /// Reports the result of a handler, with the fence of its admission.
    ///
    /// If `ok` is true, the notification is done and must be remembered for longer than WeChat Pay
    /// repeats it (a little more than a day). This applies to an old fence as well, because the work
    /// has been done. If `ok` is false, the notification is released immediately, but only if `fence`
    /// is the latest one; otherwise nothing changes.
    ///
    /// # Errors
    ///
    /// Returns an error if the guard's storage fails. The lease then ends by itself.
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
    /// Runs a handler unless the notification was handled before; the async form of
    /// [`once`](Notification::once).
    ///
    /// If the future is dropped before it completes, or if the handler panics, the guard's lease ends
    /// by itself and the notification is admitted again.
    ///
    /// ```
    /// # async fn f(notification: wechatpay_chain::Notification) {
    /// use wechatpay_chain::{Ack, MemoryGuard};
    ///
    /// let guard = MemoryGuard::new(); // one for the whole process
    /// let ack = notification
    ///     .once_async(&guard, async {
    ///         // Ship the goods …
    ///         Ok::<_, std::io::Error>(())
    ///     })
    ///     .await
    ///     .unwrap_or_else(|err| Ack::refusal(&err));
    /// # let _ = ack;
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if the handler or the guard fails, as [`once`](Notification::once) does.
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

    /// Returns the fence to continue with, or the acknowledgement to send immediately.
    pub(crate) fn admitted(
        &self,
        admission: Result<Admission, impl Into<BoxError>>,
    ) -> Result<ControlFlow<Ack, Fence>> {
        match admission.map_err(|err| failed("the replay guard failed to begin", err.into()))? {
            // Success, although nothing is done now: WeChat Pay should stop sending it.
            Admission::Done => Ok(ControlFlow::Break(self.ack())),
            Admission::Busy => Ok(ControlFlow::Break(self.fail("being handled"))),
            Admission::Proceed(fence) => Ok(ControlFlow::Continue(fence)),
        }
    }

    /// Returns the acknowledgement after the handler has run.
    pub(crate) fn concluded(
        &self,
        handled: Result<(), impl Into<BoxError>>,
        finished: Result<(), impl Into<BoxError>>,
    ) -> Result<Ack> {
        // If both failed, the handler's error is the one that explains what happened.
        handled.map_err(|err| failed("the handler failed", err.into()))?;
        finished.map_err(|err| {
            failed(
                "the notification was handled, but the replay guard failed to finish",
                err.into(),
            )
        })?;
        Ok(self.ack())
    }
}

fn failed(what: &'static str, source: BoxError) -> Error {
    Cause::new(ErrorKind::Handler, what)
        .with_source(source)
        .in_step("handling")
        .not_sent()
}
