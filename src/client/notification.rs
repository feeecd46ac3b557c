//! Notifications, from headers and bytes as a web framework has them.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::HeaderMap;

use super::{
    Client, NotificationsBuilder,
    core::{Core, now},
};
use crate::{
    error::{Cause, Kind, Result, cause},
    protocol::{
        notification::{MAX_BODY, Notification, Receiver, check_size, collect, open},
        verify::SERIAL,
    },
    wire::InRuntime,
};

/// How long a notification waits for the key that signed it: WeChat Pay sends it again after five
/// seconds without an answer, and by then the key is there.
const MOST_WAIT: Duration = Duration::from_secs(3);

type Receiving = Pin<Box<dyn Future<Output = Result<Notification>> + Send>>;

impl Client {
    /// What receives this client's notifications: it has the keys that the client has, and takes
    /// the merchant's own notifications, and those that
    /// [`notification_mchid`](crate::ClientBuilder::notification_mchid) and
    /// [`notification_appid`](crate::ClientBuilder::notification_appid) name.
    pub fn notifications(&self) -> Notifications {
        let core = self.root.core_arc();
        Notifications {
            receiver: Arc::clone(&core.receiver),
            core: Some(Arc::clone(core)),
        }
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

/// Receives notifications without a client: for a service that is told and never calls.
///
/// Cheap to clone, and to share between threads. A client has its own:
/// [`Client::notifications`](crate::Client::notifications).
///
/// ```no_run
/// use wechatpay_chain::{Notifications, PublicKey};
///
/// # fn main() -> wechatpay_chain::Result<()> {
/// # let (headers, body) = (http::HeaderMap::new(), vec![]);
/// let notifications = Notifications::builder()
///     .mchid("1900000109")
///     .platform_key(
///         "PUB_KEY_ID_0119000001092024000000000000",
///         PublicKey::from_pem_file("pub_key.pem")?,
///     )
///     .apiv3_key(std::env::var("APIV3_KEY").unwrap_or_default())
///     .build()?;
///
/// let notification = notifications.receive(&headers, &body)?;
/// println!("{}: {}", notification.id(), notification.event_type());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Notifications {
    receiver: Arc<Receiver>,
    /// Whose downloads bring the keys that are not known.
    core: Option<Arc<Core>>,
}

impl Notifications {
    /// The largest body that is taken, in bytes.
    pub const MAX_BODY: usize = MAX_BODY;

    /// Begins a configuration.
    pub fn builder() -> NotificationsBuilder {
        NotificationsBuilder::default()
    }

    pub(super) fn of(receiver: Receiver) -> Self {
        Self {
            receiver: Arc::new(receiver),
            core: None,
        }
    }

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
        self.receive_since(Instant::now(), headers, body)
    }

    /// As [`receive_async`](Self::receive_async), of one that began to arrive at `received`.
    pub(crate) fn receive_since<K, V>(
        &self,
        received: Instant,
        headers: impl IntoIterator<Item = (K, V)>,
        body: &[u8],
    ) -> Receiving
    where
        K: AsRef<str>,
        V: AsRef<[u8]>,
    {
        let given = check_size(body.len())
            .and_then(|()| Ok((collect(headers)?, Bytes::copy_from_slice(body))));
        let this = self.clone();
        Box::pin(InRuntime::new(async move {
            let (headers, body) = given.map_err(Cause::not_sent)?;
            let opened = this.open(&headers, &body, received).await;
            opened.map_err(Cause::not_sent)
        }))
    }

    /// One by a key that is not known gets a second hearing where a download of certificates
    /// brought the key.
    async fn open(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        received: Instant,
    ) -> cause::Result<Notification> {
        let opened = open(&[&self.receiver], headers, body, now(), received).await;
        let (Err(err), Some(core)) = (&opened, &self.core) else {
            return opened;
        };
        if err.kind() != Kind::UnknownKey {
            return opened;
        }
        let serial = headers.get(SERIAL).and_then(|serial| serial.to_str().ok());
        match tokio::time::timeout(MOST_WAIT, core.bring_key(serial)).await {
            Ok(Ok(())) => open(&[&self.receiver], headers, body, now(), received).await,
            Ok(Err(cause)) => opened.map_err(|err| err.with_source(cause)),
            Err(_) => opened,
        }
    }

    /// Whether receiving mostly waits for nobody.
    pub(crate) fn is_local(&self) -> bool {
        self.receiver.trust.is_local()
    }
}

impl fmt::Debug for Notifications {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notifications")
            .field("owners", &self.receiver.owners)
            .finish_non_exhaustive()
    }
}
