//! The idle connections, by where they lead.
//!
//! Why a pool of our own, on hyper's connection API, and not hyper-util's legacy client with its
//! pool: that pool hides which connection a request went to, and its error for a connection that
//! closed does not tell whether a byte of the request had left before. For most requests that does
//! not matter; for a payment it decides whether the money may move twice. Here a request keeps its
//! [`Connection`] and thereby its [`Meter`], so the attempt can ask, and it can stop the writing
//! before it asks.
//!
//! It also keeps connections apart by runtime, which that pool does not know of: see [`PoolKey`].

mod driver;

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::{runtime, sync::oneshot};

use self::driver::{Registration, drive};
use super::{
    Body, Clock, Destination,
    connect::{Connected, Probe},
    meter::{MAX_HEAD, Meter},
};
use crate::protocol::url::host::Origin;

/// How long an idle connection is kept, and how many are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Well under the 8 s after which WeChat Pay's servers close an idle connection: a request that
    /// meets their close halfway fails as written, and a payment's outcome is then unknown.
    pub(crate) idle: Duration,
    pub(crate) idle_per_key: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(5),
            idle_per_key: 128,
        }
    }
}

/// How long a connection may take to become ready again after its last response was read to the
/// end.
const SETTLING: Duration = Duration::from_millis(50);

/// Which requests may share a connection.
///
/// The runtime is part of it because a connection is driven by the runtime that it was made on: one
/// that belongs to a parked runtime would hang the requests of another. The identity is part of it
/// because TLS shows it once, for the whole connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PoolKey {
    runtime: runtime::Id,
    origin: Origin,
    identity: Option<u64>,
}

impl PoolKey {
    pub(crate) fn new(runtime: runtime::Id, destination: &Destination) -> Self {
        Self {
            runtime,
            origin: destination.origin.clone(),
            identity: destination.identity.as_ref().map(|identity| identity.id()),
        }
    }
}

/// The idle connections.
///
/// A connection is idle exactly while it is in the map. A request that wants it and the timer that
/// closes it both have to take it out under the lock, so only one of them gets it, and no request
/// is handed a connection that is about to be closed for its age.
#[derive(Default)]
pub(crate) struct Pool {
    idle: Mutex<HashMap<Arc<PoolKey>, Vec<Idle>>>,
    limits: Limits,
}

struct Idle {
    connection: Connection,
    since: Instant,
}

/// A connection in use.
///
/// Dropping it closes it: whatever ends a request early, an error or a caller that gave up, leaves
/// bytes of its response behind, which the next request would take for its own. Only
/// [`park`](Connection::park), after a response that was read to its end, keeps it.
pub(crate) struct Connection {
    pub(crate) sender: http1::SendRequest<Body>,
    pub(crate) meter: Arc<Meter>,
    probe: Probe,
    id: u64,
    key: Arc<PoolKey>,
    pool: Weak<Pool>,
    /// Tells the driver by being dropped that the connection is no longer wanted.
    _wanted: oneshot::Sender<()>,
}

impl Pool {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            idle: Mutex::default(),
            limits,
        }
    }

    /// Returns the idle connection that was used last, if one is alive and young enough.
    ///
    /// The last used one, because it is the least likely to meet the server's own idle timeout, and
    /// because the others then grow old and are closed.
    pub(crate) async fn checkout(&self, key: &PoolKey, clock: Clock) -> Option<Connection> {
        loop {
            let mut connection = self.take_newest(key)?;
            // Right after a response was read, the driver has yet to be polled before hyper takes
            // the next request: a moment's wait is better than a new TLS handshake.
            let ready = connection.sender.is_ready()
                || clock
                    .timeout(SETTLING, connection.sender.ready())
                    .await
                    .is_ok_and(|ready| ready.is_ok());
            // The socket is asked last, right before the connection is used. hyper learns of a
            // server's close only when its driver is polled, so a runtime that was parked would hand
            // a request to a connection that was closed long ago; and an unsolicited response would
            // be read as the response to this request.
            if ready && connection.probe.is_quiet() {
                return Some(connection);
            }
        }
    }

    /// Starts driving a new connection, and returns it for its first request.
    pub(crate) async fn adopt(
        self: &Arc<Self>,
        connected: Connected,
        key: PoolKey,
        clock: Clock,
    ) -> hyper::Result<Connection> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let (sender, driven) = http1::Builder::new()
            // Above the cap on a head, so that the exact cap applies and not hyper's soft one.
            .max_buf_size(MAX_HEAD + 1)
            .handshake::<_, Body>(TokioIo::new(connected.stream))
            .await?;
        let (wanted, unwanted) = oneshot::channel();
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let key = Arc::new(key);
        let registration = Registration {
            pool: Arc::downgrade(self),
            key: Arc::clone(&key),
            id,
            idle: self.limits.idle,
        };
        tokio::spawn(drive(registration, driven, unwanted, clock));
        Ok(Connection {
            sender,
            meter: connected.meter,
            probe: connected.probe,
            id,
            key,
            pool: Arc::downgrade(self),
            _wanted: wanted,
        })
    }

    fn take_newest(&self, key: &PoolKey) -> Option<Connection> {
        let mut dead = Vec::new();
        let mut idle_by_key = self.lock();
        let connections = idle_by_key.get_mut(key)?;
        let mut found = None;
        while let Some(idle) = connections.pop() {
            // The driver's timer does this too, but a parked runtime polls no driver.
            if idle.connection.sender.is_closed() || idle.since.elapsed() >= self.limits.idle {
                dead.push(idle);
            } else {
                found = Some(idle.connection);
                break;
            }
        }
        if connections.is_empty() {
            idle_by_key.remove(key);
        }
        // Dropping a connection wakes its driver, which may run at once on another thread and take
        // this lock.
        drop(idle_by_key);
        drop(dead);
        found
    }

    fn put(&self, connection: Connection) {
        let key = Arc::clone(&connection.key);
        let idle = Idle {
            connection,
            since: Instant::now(),
        };
        let mut idle_by_key = self.lock();
        // A driver that ends first closes the sender and then removes its connection under this
        // lock. So a connection whose sender is open here will still be removed, and one whose
        // sender is closed would stay in the map forever.
        if idle.connection.sender.is_closed() {
            drop(idle_by_key);
            return;
        }
        let connections = idle_by_key.entry(key).or_default();
        connections.push(idle);
        let oldest = (connections.len() > self.limits.idle_per_key).then(|| connections.remove(0));
        drop(idle_by_key);
        drop(oldest);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<PoolKey>, Vec<Idle>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(crate) fn idle_count(&self) -> usize {
        self.lock().values().map(Vec::len).sum()
    }
}

impl Connection {
    /// Returns the connection to the pool. Only after its response was read to the end.
    pub(crate) fn park(self) {
        if let Some(pool) = self.pool.upgrade() {
            pool.put(self);
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
