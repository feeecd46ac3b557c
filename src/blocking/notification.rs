use std::{ops::ControlFlow, time::Instant};

use super::driver::{block_on, drive_plugin};
use crate::{
    client::{Client, Notifications},
    error::{Cause, Result},
    protocol::notification::{Ack, Notification, ReplayGuard},
    wire::InRuntime,
};

impl Client {
    /// Verifies and opens a notification, APIv3's or APIv2's, from the request's headers (a
    /// [`HeaderMap`](http::HeaderMap), or anything that yields names and values) and its body,
    /// byte for byte as it came. It does no I/O; with a remote [`Verifier`](crate::Verifier) it
    /// waits as a blocking verb does.
    ///
    /// # Errors
    /// The error names the step that refused it: headers, time, signature, body, decryption,
    /// resource or owner. WeChat Pay's own probe of whether signatures are verified is
    /// [`is_probe`](crate::Error::is_probe). Answer it with
    /// [`Ack::refusal`](crate::Ack::refusal).
    ///
    /// One that is genuine but another merchant's, or that cannot be read, comes again for a day:
    /// [`refused_notification`](crate::Error::refused_notification) gives its content, and
    /// [`Ack::dismiss`](crate::Ack::dismiss) makes it stop.
    pub fn notification<K, V>(
        &self,
        headers: impl IntoIterator<Item = (K, V)>,
        body: &[u8],
    ) -> Result<Notification>
    where
        K: AsRef<str>,
        V: AsRef<[u8]>,
    {
        self.notifications().receive(headers, body)
    }
}

impl Notifications {
    /// Verifies and opens a notification: see [`Client::notification`].
    ///
    /// # Errors
    /// As [`Client::notification`].
    pub fn receive<K, V>(
        &self,
        headers: impl IntoIterator<Item = (K, V)>,
        body: &[u8],
    ) -> Result<Notification>
    where
        K: AsRef<str>,
        V: AsRef<[u8]>,
    {
        let arrived = self.arrived(Instant::now(), headers, body);
        let arrived = arrived.map_err(Cause::not_sent)?;
        if let Some(opened) = arrived.open_at_once() {
            return opened.map_err(Cause::not_sent);
        }
        block_on(InRuntime::new(async move {
            arrived.open().await.map_err(Cause::not_sent)
        }))
    }
}

impl Notification {
    /// Handles a notification once, though it comes more often: asks the guard, runs the handler
    /// if that one says so, and tells the guard how it went. Returns the answer to give.
    ///
    /// The handler runs on this very thread, and may block.
    ///
    /// # Errors
    /// Where the handler or the guard failed, as the error's source: answer with
    /// [`Ack::refusal`], and it comes again.
    pub fn once<G, E>(&self, guard: &G, handler: impl FnOnce() -> Result<(), E>) -> Result<Ack>
    where
        G: ReplayGuard,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let begun = drive_plugin(guard.begin(self.id()))?;
        let fence = match self.admitted(begun)? {
            ControlFlow::Continue(fence) => fence,
            ControlFlow::Break(ack) => return Ok(ack),
        };
        // The program's own code, on its own thread, with nothing of this library around it.
        let handled = handler();
        let finished = drive_plugin(guard.finish(self.id(), fence, handled.is_ok()))?;
        self.concluded(handled, finished)
    }
}
