//! Receives notifications, from the headers and the body that a web framework provides.

mod builder;

pub use self::builder::NotificationsBuilder;

use std::{
    fmt,
    future::poll_fn,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant, SystemTime},
};

use bytes::Bytes;
use http::HeaderMap;

use super::{
    Call, Client,
    core::{Core, now, unix_seconds},
};
use crate::{
    error::{Cause, ErrorKind, cause},
    protocol::{
        notification::{
            Notification,
            headers::collect,
            open::open,
            receiver::{MAX_BODY, Receiver, check_size},
        },
        trust::signature::SERIAL,
    },
    wire::Clock,
};

/// How long a notification waits for the key that signed it. WeChat Pay expects a response within five
/// seconds and then repeats the notification; by that time the key has arrived.
const MAX_WAIT: Duration = Duration::from_secs(3);
/// How many clients download certificates at a time. A notification with an unknown serial reaches all
/// merchants behind a URL, and must not start hundreds of downloads at once.
const MAX_DOWNLOADS: usize = 8;

impl Client {
    /// Returns a receiver for this client's notifications.
    ///
    /// It shares the client's keys. It accepts the merchant's own notifications, and those that
    /// [`notification_mchid`](crate::ClientBuilder::notification_mchid) and
    /// [`notification_appid`](crate::ClientBuilder::notification_appid) allow.
    pub fn notifications(&self) -> Notifications {
        let core = self.root.core_arc();
        Notifications::of(Member {
            receiver: Arc::clone(&core.receiver),
            core: Some(Arc::clone(core)),
        })
    }

    /// The async form of [`notification`](Client::notification).
    pub fn notification_async<K, V>(
        &self,
        headers: impl IntoIterator<Item = (K, V)>,
        body: &[u8],
    ) -> Call<Notification>
    where
        K: AsRef<str>,
        V: AsRef<[u8]>,
    {
        self.notifications().receive_async(headers, body)
    }
}

/// Receives notifications: verifies and decrypts them.
///
/// [`Client::notifications`](crate::Client::notifications) returns one for a client. A service that
/// receives notifications but makes no calls builds one on its own. It is cheap to clone and to share
/// between threads.
///
/// # Examples
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
///
/// # Several merchants behind one URL
///
/// [`Notifications::all`] combines the receivers of several merchants. Each keeps its own keys, and a
/// notification is opened with the keys of the merchant it is for. [`Notification::mchid`] returns that
/// merchant.
///
/// ```
/// use wechatpay_chain::{Client, Notifications};
///
/// # fn main() -> wechatpay_chain::Result<()> {
/// let clients = [
///     Client::builder().mchid("1900000109").apiv2_key("0123456789abcdef0123456789abcdef").build()?,
///     Client::builder().mchid("1900000110").apiv2_key("fedcba9876543210fedcba9876543210").build()?,
/// ];
/// let notifications = Notifications::all(&clients);
/// # let _ = notifications;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Notifications {
    members: Arc<[Member]>,
}

/// The receiver of one merchant, or of several that share their keys.
#[derive(Clone)]
pub(super) struct Member {
    pub(super) receiver: Arc<Receiver>,
    /// The client that downloads unknown keys, if there is one.
    pub(super) core: Option<Arc<Core>>,
}

impl Notifications {
    /// The maximum size of a notification's body, in bytes.
    pub const MAX_BODY: usize = MAX_BODY;

    /// Returns a builder.
    pub fn builder() -> NotificationsBuilder {
        NotificationsBuilder::default()
    }

    /// Combines several receivers, each a client or another `Notifications`.
    ///
    /// An APIv3 notification is opened by the merchant whose platform keys verify it and whose APIv3
    /// key decrypts it. An APIv2 notification is opened by the merchant that `mch_id` or
    /// `combine_mch_id` names, and an APIv2 refund by the one whose key decrypts it. If merchants share
    /// a key, the one that the notification names goes first.
    ///
    /// A notification for any other merchant is refused. Without receivers, everything is refused.
    pub fn all<I>(receivers: I) -> Self
    where
        I: IntoIterator<Item: Into<Self>>,
    {
        let each = receivers.into_iter().map(Into::into);
        let members = each.flat_map(|one: Self| one.members.to_vec());
        Self {
            members: members.collect(),
        }
    }

    pub(super) fn of(member: Member) -> Self {
        Self {
            members: Arc::new([member]),
        }
    }

    fn receivers(&self) -> Vec<&Receiver> {
        self.members.iter().map(|one| &*one.receiver).collect()
    }

    /// The async form of [`receive`](Notifications::receive).
    pub fn receive_async<K, V>(
        &self,
        headers: impl IntoIterator<Item = (K, V)>,
        body: &[u8],
    ) -> Call<Notification>
    where
        K: AsRef<str>,
        V: AsRef<[u8]>,
    {
        self.receive_since(Instant::now(), headers, body)
    }

    /// The async form of [`receive_at`](Notifications::receive_at).
    pub fn receive_at_async<K, V>(
        &self,
        time: SystemTime,
        headers: impl IntoIterator<Item = (K, V)>,
        body: &[u8],
    ) -> Call<Notification>
    where
        K: AsRef<str>,
        V: AsRef<[u8]>,
    {
        Self::opening(self.arrived_at(time, headers, body))
    }

    /// Like [`receive_async`](Self::receive_async), for a notification that began to arrive at
    /// `received`.
    pub(crate) fn receive_since<K, V>(
        &self,
        received: Instant,
        headers: impl IntoIterator<Item = (K, V)>,
        body: &[u8],
    ) -> Call<Notification>
    where
        K: AsRef<str>,
        V: AsRef<[u8]>,
    {
        Self::opening(self.arrived(received, headers, body))
    }

    fn opening(arrived: cause::Result<Arrived>) -> Call<Notification> {
        Call::new(async move {
            let opened = arrived.map_err(Cause::not_sent)?.open().await;
            opened.map_err(Cause::not_sent)
        })
    }

    /// Checks the size and collects the headers, so that opening borrows nothing.
    pub(crate) fn arrived<K, V>(
        &self,
        received: Instant,
        headers: impl IntoIterator<Item = (K, V)>,
        body: &[u8],
    ) -> cause::Result<Arrived>
    where
        K: AsRef<str>,
        V: AsRef<[u8]>,
    {
        // Checked before the copy: the caller may have read a body of any size.
        check_size(body.len())?;
        Ok(Arrived {
            headers: collect(headers)?,
            body: Bytes::copy_from_slice(body),
            received,
            time: None,
            by: self.clone(),
        })
    }

    /// Like [`arrived`](Self::arrived), for a notification that arrived at `time`.
    pub(crate) fn arrived_at<K, V>(
        &self,
        time: SystemTime,
        headers: impl IntoIterator<Item = (K, V)>,
        body: &[u8],
    ) -> cause::Result<Arrived>
    where
        K: AsRef<str>,
        V: AsRef<[u8]>,
    {
        let mut arrived = self.arrived(Instant::now(), headers, body)?;
        arrived.time = Some(unix_seconds(time));
        Ok(arrived)
    }

    /// Returns the clients that do not know the key of a refused notification but may download it.
    ///
    /// That can explain the refusal in two cases: no client knows the key, or another merchant's key
    /// verified the notification and could not decrypt it.
    fn lacking_key(&self, refused: ErrorKind, serial: Option<&str>) -> Vec<&Arc<Core>> {
        let (ErrorKind::UnknownKey | ErrorKind::Decrypt, Some(serial)) = (refused, serial) else {
            return Vec::new();
        };
        let members = self.members.iter();
        members
            .filter(|member| !member.receiver.trust.may_know(serial))
            .filter_map(|member| member.core.as_ref())
            .filter(|core| core.may_fetch(Some(serial)))
            .collect()
    }

    /// Returns `true` if all verification keys are local, so that receiving usually does not wait.
    fn is_local(&self) -> bool {
        let mut members = self.members.iter();
        members.all(|member| member.receiver.trust.is_local())
    }
}

/// A notification that has arrived but has not been opened.
pub(crate) struct Arrived {
    headers: HeaderMap,
    body: Bytes,
    received: Instant,
    /// The time by which it is judged, in seconds since 1970. `None` for the time when it is opened.
    time: Option<u64>,
    by: Notifications,
}

impl Arrived {
    /// Opens it if that needs neither a [`Verifier`](crate::Verifier) nor a download. Returns `None`
    /// otherwise.
    pub(crate) fn open_at_once(&self) -> Option<cause::Result<Notification>> {
        if !self.by.is_local() {
            return None;
        }
        // With local keys the future never waits, so one poll with a waker that does nothing completes it.
        let opening = pin!(self.open_by_known_keys());
        match opening.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Err(err)) if !self.lacking_key(&err).is_empty() => None,
            Poll::Ready(opened) => Some(opened),
            Poll::Pending => None,
        }
    }

    /// Verifies and decrypts it. If the key is not known, downloads the certificates and tries again.
    pub(crate) async fn open(self) -> cause::Result<Notification> {
        let opened = self.open_by_known_keys().await;
        let Err(err) = &opened else {
            return opened;
        };
        let lacking_key = self.lacking_key(err);
        if lacking_key.is_empty() {
            return opened;
        }
        let fetching = fetch_key(&lacking_key, self.serial());
        // On timeout the first refusal stands. WeChat Pay repeats the notification, and the download goes
        // on in the background meanwhile.
        match Clock::get()?.timeout(MAX_WAIT, fetching).await {
            Ok(Ok(())) => self.open_by_known_keys().await,
            Ok(Err(cause)) => opened.map_err(|err| err.with_source(cause)),
            Err(_) => opened,
        }
    }

    async fn open_by_known_keys(&self) -> cause::Result<Notification> {
        let receivers = self.by.receivers();
        let time = self.time.unwrap_or_else(now);
        open(&receivers, &self.headers, &self.body, time, self.received).await
    }

    fn lacking_key(&self, refused: &Cause) -> Vec<&Arc<Core>> {
        self.by.lacking_key(refused.kind(), self.serial())
    }

    fn serial(&self) -> Option<&str> {
        let serial = self.headers.get(SERIAL)?;
        serial.to_str().ok()
    }
}

/// Has each of the clients download the key, a few at a time.
///
/// # Errors
/// Returns the first error if none of them succeeded.
async fn fetch_key(clients: &[&Arc<Core>], serial: Option<&str>) -> cause::Result<()> {
    let mut fault = None;
    let mut any = false;
    for some in clients.chunks(MAX_DOWNLOADS) {
        let fetching = some.iter().map(|core| core.fetch_key(serial)).collect();
        for fetched in join_all(fetching).await {
            match fetched {
                Ok(()) => any = true,
                Err(cause) => {
                    fault.get_or_insert(cause);
                }
            }
        }
    }
    match fault {
        Some(fault) if !any => Err(fault),
        _ => Ok(()),
    }
}

/// Polls all of the futures concurrently. Written here because it is all the crate would use of the
/// `futures` crate.
async fn join_all<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut waiting: Vec<_> = futures.into_iter().map(Box::pin).map(Some).collect();
    let mut outputs = Vec::with_capacity(waiting.len());
    poll_fn(|cx| {
        for slot in &mut waiting {
            if let Some(Poll::Ready(output)) = slot.as_mut().map(|one| one.as_mut().poll(cx)) {
                outputs.push(output);
                *slot = None;
            }
        }
        match waiting.iter().all(Option::is_none) {
            true => Poll::Ready(std::mem::take(&mut outputs)),
            false => Poll::Pending,
        }
    })
    .await
}

impl From<&Client> for Notifications {
    fn from(client: &Client) -> Self {
        client.notifications()
    }
}

impl From<Client> for Notifications {
    fn from(client: Client) -> Self {
        client.notifications()
    }
}

impl fmt::Debug for Notifications {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let owners: Vec<_> = self.receivers().iter().map(|one| &one.owners).collect();
        f.debug_struct("Notifications")
            .field("owners", &owners)
            .finish_non_exhaustive()
    }
}
