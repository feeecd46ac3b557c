//! Notifications, from headers and bytes as a web framework has them.

use std::{pin::Pin, sync::Arc, time::Instant};

use bytes::Bytes;

use super::{Client, core::now};
use crate::{
    error::Result,
    protocol::notification::{Notification, Notifications, check_size, collect},
    wire::InRuntime,
};

type Receiving = Pin<Box<dyn Future<Output = Result<Notification>> + Send>>;

impl Client {
    /// What receives this client's notifications: it takes the keys that the client has, and the
    /// merchant's own notifications, and those that
    /// [`notification_mchid`](crate::ClientBuilder::notification_mchid) and
    /// [`notification_appid`](crate::ClientBuilder::notification_appid) name.
    pub fn notifications(&self) -> &Notifications {
        &self.root.core().notifications
    }

    /// The future of [`notification`](Client::notification).
    ///
    /// # Errors
    /// As [`notification`](Client::notification).
    pub fn notification_async<K, V>(
        &self,
        headers: impl IntoIterator<Item = (K, V)>,
        body: &[u8],
    ) -> Receiving
    where
        K: AsRef<str>,
        V: AsRef<[u8]>,
    {
        self.notifications().receive_async(headers, body)
    }
}

impl Notifications {
    /// The future of [`receive`](Notifications::receive).
    ///
    /// # Errors
    /// As [`receive`](Notifications::receive).
    pub fn receive_async<K, V>(
        &self,
        headers: impl IntoIterator<Item = (K, V)>,
        body: &[u8],
    ) -> Receiving
    where
        K: AsRef<str>,
        V: AsRef<[u8]>,
    {
        let received = Instant::now();
        let given = check_size(body.len())
            .and_then(|()| Ok((collect(headers)?, Bytes::copy_from_slice(body))));
        let receiver = Arc::clone(&self.0);
        Box::pin(InRuntime::new(async move {
            let (headers, body) = given?;
            receiver.open(&headers, &body, now(), received).await
        }))
    }
}
