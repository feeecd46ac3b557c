use super::driver::{block_on, poll_once};
use crate::{
    client::{Client, Notifications},
    error::Result,
    protocol::notification::{Ack, Notification, ReplayGuard},
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
        let future = self.receive_async(headers, body);
        if self.is_local() {
            poll_once(future)
        } else {
            block_on(future)
        }
    }
}

impl Notification {
    /// Handles a notification once, though it comes more often: asks the guard, runs the handler
    /// if that one says so, and tells the guard how it went. Returns the answer to give.
    ///
    /// # Errors
    /// Where the handler or the guard failed, as the error's source: answer with
    /// [`Ack::refusal`], and it comes again.
    pub fn once<G, E>(&self, guard: &G, handler: impl FnOnce() -> Result<(), E>) -> Result<Ack>
    where
        G: ReplayGuard,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        block_on(self.once_async(guard, async { handler() }))
    }
}
