//! Notifications, from headers and bytes as a web framework has them.

use std::{
    fmt,
    future::poll_fn,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker},
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
    wire::{Clock, InRuntime},
};

/// How long a notification waits for the key that signed it: WeChat Pay sends it again after five
/// seconds without an answer, and by then the key is there.
const MOST_WAIT: Duration = Duration::from_secs(3);
/// How many clients ask for a key at a time.
const AT_ONCE: usize = 8;

type Receiving = Pin<Box<dyn Future<Output = Result<Notification>> + Send>>;

impl Client {
    /// What receives this client's notifications: it has the keys that the client has, and takes
    /// the merchant's own notifications, and those that
    /// [`notification_mchid`](crate::ClientBuilder::notification_mchid) and
    /// [`notification_appid`](crate::ClientBuilder::notification_appid) name.
    pub fn notifications(&self) -> Notifications {
        let core = self.root.core_arc();
        Notifications::of(Member {
            receiver: Arc::clone(&core.receiver),
            core: Some(Arc::clone(core)),
        })
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
///
/// # Several merchants behind one URL
///
/// [`Notifications::all`] puts the receivers of several merchants together. Each keeps its own
/// keys, and a notification is opened by those of the merchant that it is for:
/// [`Notification::mchid`] says which one that is.
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

/// The receiver of one merchant, or of several with the same keys.
#[derive(Clone)]
pub(super) struct Member {
    pub(super) receiver: Arc<Receiver>,
    /// Whose downloads bring the keys that are not known.
    pub(super) core: Option<Arc<Core>>,
}

impl Notifications {
    /// The largest body that is taken, in bytes.
    pub const MAX_BODY: usize = MAX_BODY;

    /// Begins a configuration.
    pub fn builder() -> NotificationsBuilder {
        NotificationsBuilder::default()
    }

    /// Receives for all of these, each a client or what receives already.
    ///
    /// An APIv3 notification is opened by the merchant whose platform keys verify it and whose APIv3
    /// key decrypts it; an APIv2 one by the merchant that `mch_id` or `combine_mch_id` names, and a
    /// refund by the one whose key decrypts it. Where merchants share a key, the one that the
    /// notification names goes first.
    ///
    /// A merchant whose client is not among them is refused, as is everything where there are none.
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
        let arrived = self.arrived(received, headers, body);
        Box::pin(InRuntime::new(async move {
            let opened = arrived.map_err(Cause::not_sent)?.open().await;
            opened.map_err(Cause::not_sent)
        }))
    }

    /// What arrived, to be opened now or later.
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
        check_size(body.len())?;
        Ok(Arrived {
            headers: collect(headers)?,
            body: Bytes::copy_from_slice(body),
            received,
            by: self.clone(),
        })
    }

    /// The clients to whom the key that signed a notification is not known, and who may bring it,
    /// where that may be why it was refused: no key was known, or it verified by another merchant's
    /// and did not decrypt.
    fn ignorant(&self, refused: Kind, serial: Option<&str>) -> Vec<&Arc<Core>> {
        let (Kind::UnknownKey | Kind::Decrypt, Some(serial)) = (refused, serial) else {
            return Vec::new();
        };
        let members = self.members.iter();
        members
            .filter(|member| !member.receiver.trust.may_know(serial))
            .filter_map(|member| member.core.as_ref())
            .filter(|core| core.may_bring(Some(serial)))
            .collect()
    }

    /// Whether receiving mostly waits for nobody.
    fn is_local(&self) -> bool {
        let mut members = self.members.iter();
        members.all(|member| member.receiver.trust.is_local())
    }
}

/// A notification as it arrived, not opened yet.
pub(crate) struct Arrived {
    headers: HeaderMap,
    body: Bytes,
    received: Instant,
    by: Notifications,
}

impl Arrived {
    /// The result, where it takes neither a [`Verifier`](crate::Verifier) nor a download.
    pub(crate) fn open_at_once(&self) -> Option<cause::Result<Notification>> {
        if !self.by.is_local() {
            return None;
        }
        let opening = pin!(self.open_by_known_keys());
        match opening.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Err(err)) if !self.ignorant(&err).is_empty() => None,
            Poll::Ready(opened) => Some(opened),
            Poll::Pending => None,
        }
    }

    /// Verifies and opens it. One by a key that is not known gets a second hearing where a
    /// download of certificates brought the key.
    pub(crate) async fn open(self) -> cause::Result<Notification> {
        let opened = self.open_by_known_keys().await;
        let Err(err) = &opened else {
            return opened;
        };
        let ignorant = self.ignorant(err);
        if ignorant.is_empty() {
            return opened;
        }
        let bringing = bring_key(&ignorant, self.serial());
        match Clock::get()?.timeout(MOST_WAIT, bringing).await {
            Ok(Ok(())) => self.open_by_known_keys().await,
            Ok(Err(cause)) => opened.map_err(|err| err.with_source(cause)),
            Err(_) => opened,
        }
    }

    async fn open_by_known_keys(&self) -> cause::Result<Notification> {
        let receivers = self.by.receivers();
        open(&receivers, &self.headers, &self.body, now(), self.received).await
    }

    fn ignorant(&self, refused: &Cause) -> Vec<&Arc<Core>> {
        self.by.ignorant(refused.kind(), self.serial())
    }

    fn serial(&self) -> Option<&str> {
        let serial = self.headers.get(SERIAL)?;
        serial.to_str().ok()
    }
}

/// Lets each of the clients ask for the key, a few at a time.
///
/// # Errors
/// Where none of them could: the first one's.
async fn bring_key(clients: &[&Arc<Core>], serial: Option<&str>) -> cause::Result<()> {
    let mut fault = None;
    let mut any = false;
    for some in clients.chunks(AT_ONCE) {
        let asking = some.iter().map(|core| core.bring_key(serial)).collect();
        for brought in all(asking).await {
            match brought {
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

/// Waits for all of the futures at once.
async fn all<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
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
