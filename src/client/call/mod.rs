//! A call: from a draft to a verified response.
//!
//! | module | what |
//! | --- | --- |
//! | `run` | the whole call: timeout, attempts, retries, redirects |
//! | `attempt` | one attempt: sign, choose a host, send |
//! | `sign` | a draft becomes a signed `http::Request` |
//! | `state` | how far the call has come, and so its outcome if it ends now |
//! | `failover` | the backup host |
//! | `upload` | the body of a file upload |
//! | `download` | two calls in one: ask for a file's URL, then fetch it |
//! | `prepared` | a signed request that is not sent |
//! | `span` | what a call logs |

pub(super) mod attempt;
mod download;
pub(super) mod failover;
mod prepared;
mod run;
mod sign;
pub(super) mod span;
pub(super) mod state;
mod upload;

pub use self::prepared::PreparedRequest;

pub(super) use self::sign::sign;

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use super::{Response, core::Core};
use crate::{
    error::{Cause, Result},
    protocol::request::Draft,
    wire::{InRuntime, Reports},
};

/// The future that every `…_async` method returns.
///
/// It is boxed and `Send + 'static`, so it can be stored, spawned and awaited anywhere. It does
/// nothing until it is first polled. It uses the tokio runtime in which it is first polled, or,
/// outside tokio, a background runtime of this library. If that runtime shuts down before the call
/// completes, the call returns an error, whose outcome says whether the request was sent.
///
/// Dropping it cancels the call. If part of the request was already sent, the connection is closed
/// and the effect of a write is not known, as with [`Outcome::Unknown`](crate::Outcome::Unknown):
/// query the order by its number.
///
/// # Examples
///
/// ```
/// use wechatpay_chain::{Call, Client, Response, json};
///
/// fn query(client: &Client, number: &str) -> Call<Response> {
///     client
///         .chain("v3/pay/transactions/out-trade-no/{out_trade_no}")
///         .get_async(json!({ "out_trade_no": number, "query": { "mchid": "1900000109" } }))
/// }
/// ```
#[must_use = "a call does nothing until it is awaited"]
pub struct Call<T = Response> {
    future: InRuntime<T>,
}

impl<T> Call<T> {
    pub(crate) fn new(future: impl Future<Output = Result<T>> + Send + 'static) -> Self {
        Self {
            future: InRuntime::new(future),
        }
    }

    /// A call with a progress callback.
    fn reporting<F>(make: impl FnOnce(Reports) -> F) -> Self
    where
        F: Future<Output = Result<T>> + Send + 'static,
    {
        Self {
            future: InRuntime::reporting(make),
        }
    }

    /// Returns the future, for a blocking method to drive.
    pub(crate) fn into_future(self) -> InRuntime<T> {
        self.future
    }
}

impl Call {
    /// A call whose draft may have to wait, for a key to encrypt with.
    pub(super) fn send(
        core: Arc<Core>,
        draft: impl Future<Output = Result<Draft, Cause>> + Send + 'static,
    ) -> Self {
        Self::reporting(|reports| async move {
            let draft = draft.await.map_err(Cause::not_sent)?;
            // The state of a running call is large. Boxing it here keeps `Call` small until the
            // first poll, and keeps the large future out of this one.
            Box::pin(run::execute(core, draft, reports)).await
        })
    }
}

impl<T> Future for Call<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.future).poll(cx)
    }
}

impl<T> fmt::Debug for Call<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").finish_non_exhaustive()
    }
}
