//! Notifications, blocking.

use std::{
    ops::ControlFlow,
    time::{Instant, SystemTime},
};

use super::driver::{block_on, block_on_plugin};
use crate::{
    client::{Arrived, Call, Client, Notifications},
    error::{Cause, Result, cause},
    protocol::notification::{Notification, ack::Ack, replay::ReplayGuard},
};

impl Client {
    /// Verifies and decrypts a notification, of APIv3 or APIv2.
    ///
    /// Takes the headers of the request (a [`HeaderMap`](http::HeaderMap), or any iterator over names and
    /// values) and its body, byte for byte as it arrived. Does no I/O, unless the signing key is unknown
    /// and can be downloaded; with a remote [`Verifier`](crate::Verifier) it blocks like a blocking verb.
    ///
    /// # Errors
    /// Returns an error that names the step that failed: headers, time, signature, body, decryption,
    /// resource or owner. A probe, which WeChat Pay sends to check that signatures are verified, is
    /// [`is_probe`](crate::Error::is_probe). Respond with [`Ack::refusal`](crate::Ack::refusal).
    ///
    /// A genuine notification that belongs to another merchant or cannot be parsed is repeated for a day:
    /// [`refused_notification`](crate::Error::refused_notification) returns its content, and
    /// [`Ack::dismiss`](crate::Ack::dismiss) stops it.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # fn f(client: wechatpay_chain::Client, headers: wechatpay_chain::http::HeaderMap, body: &[u8])
    /// # -> wechatpay_chain::Result<()> {
    /// let notification = client.notification(&headers, body)?;
    /// println!("{}: {}", notification.id(), notification.event_type());
    /// # Ok(())
    /// # }
    /// ```
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
    /// Verifies and decrypts a notification; see [`Client::notification`].
    ///
    /// # Errors
    /// Like [`Client::notification`].
    pub fn receive<K, V>(
        &self,
        headers: impl IntoIterator<Item = (K, V)>,
        body: &[u8],
    ) -> Result<Notification>
    where
        K: AsRef<str>,
        V: AsRef<[u8]>,
    {
        open(self.arrived(Instant::now(), headers, body))
    }

    /// Verifies and decrypts a notification that was kept, as of the time when it arrived; otherwise like
    /// [`receive`](Self::receive).
    ///
    /// It is for logs and dead letters. Never call it in a handler with a time from the request: then anyone
    /// who recorded a notification could send it again, at any later time.
    ///
    /// ```no_run
    /// # use std::time::SystemTime;
    /// # use wechatpay_chain::{Notifications, http::HeaderMap};
    /// # fn f(notifications: Notifications, arrived: SystemTime, headers: HeaderMap, body: &[u8])
    /// # -> wechatpay_chain::Result<()> {
    /// let notification = notifications.receive_at(arrived, &headers, body)?;
    /// println!("{}: {}", notification.id(), notification.event_type());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Like [`Client::notification`].
    pub fn receive_at<K, V>(
        &self,
        time: SystemTime,
        headers: impl IntoIterator<Item = (K, V)>,
        body: &[u8],
    ) -> Result<Notification>
    where
        K: AsRef<str>,
        V: AsRef<[u8]>,
    {
        open(self.arrived_at(time, headers, body))
    }
}

fn open(arrived: cause::Result<Arrived>) -> Result<Notification> {
    let arrived = arrived.map_err(Cause::not_sent)?;
    // Nearly always: with local keys nothing waits, so no runtime and no thread is involved, and a
    // notification can be opened anywhere.
    if let Some(opened) = arrived.open_at_once() {
        return opened.map_err(Cause::not_sent);
    }
    block_on(Call::new(async move {
        arrived.open().await.map_err(Cause::not_sent)
    }))
}

impl Notification {
    /// Handles a notification once, even if it arrives several times. Returns the acknowledgement to
    /// respond with.
    ///
    /// The guard decides whether the handler runs, and learns whether it succeeded. The handler runs on
    /// the calling thread and may block.
    ///
    /// # Errors
    /// Returns an error if the handler or the guard fails, with their error as its source. Respond with
    /// [`Ack::refusal`]; then WeChat Pay repeats the notification.
    pub fn once<G, E>(&self, guard: &G, handler: impl FnOnce() -> Result<(), E>) -> Result<Ack>
    where
        G: ReplayGuard,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let admission = block_on_plugin(guard.begin(self.id()))?;
        let fence = match self.admitted(admission)? {
            ControlFlow::Continue(fence) => fence,
            ControlFlow::Break(ack) => return Ok(ack),
        };
        // The program's code, so it runs outside of this library's runtime.
        let handled = handler();
        let finished = block_on_plugin(guard.finish(self.id(), fence, handled.is_ok()))?;
        self.concluded(handled, finished)
    }
}
