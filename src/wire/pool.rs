use std::{
    collections::HashMap,
    fmt,
    future::poll_fn,
    pin::pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    task::Poll,
    time::{Duration, Instant},
};

use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::{runtime, sync::oneshot};

use super::{
    Body, Clock, Target,
    connect::{Connected, Stream},
    head::MAX_HEAD,
    metered::Meter,
    socket::Watch,
};

/// How long and how many connections are kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// The server keeps an idle connection for 8 s; one kept longer than that here meets resets.
    pub(crate) idle: Duration,
    pub(crate) idle_per_place: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(5),
            idle_per_place: 128,
        }
    }
}

/// How long a connection that is waited for no more may take to say goodbye.
const FAREWELL: Duration = Duration::from_secs(1);

/// How long a connection whose last answer was read to the end may take to be ready again.
const SETTLING: Duration = Duration::from_millis(50);

/// Which requests may share a connection.
///
/// The runtime is part of it: a connection is driven by the runtime it was made on, and one that
/// belongs to a parked runtime would hang a request of another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) runtime: runtime::Id,
    pub(crate) https: bool,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) identity: Option<u64>,
}

impl Place {
    pub(crate) fn new(runtime: runtime::Id, target: &Target, identity: Option<u64>) -> Self {
        Self {
            runtime,
            https: target.https,
            host: target.host.to_ascii_lowercase(),
            port: target.port,
            identity,
        }
    }
}

/// The idle connections.
///
/// A connection is idle exactly while it is in this list. Whoever takes it out under the lock,
/// a request or its own timer, has it alone.
#[derive(Default)]
pub(crate) struct Pool {
    idle: Mutex<HashMap<Arc<Place>, Vec<Idle>>>,
    limits: Limits,
}

struct Idle {
    connection: Connection,
    since: Instant,
}

/// A connection in use. Dropping it closes it; [`park`](Connection::park) keeps it.
pub(crate) struct Connection {
    pub(crate) sender: http1::SendRequest<Body>,
    pub(crate) meter: Arc<Meter>,
    watch: Watch,
    id: u64,
    place: Arc<Place>,
    pool: Weak<Pool>,
    /// Tells the driver by being dropped.
    _wanted: oneshot::Sender<()>,
}

impl Pool {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            idle: Mutex::default(),
            limits,
        }
    }

    /// The idle connection that was used last, if one is alive and young enough.
    pub(crate) async fn checkout(&self, place: &Place, clock: Clock) -> Option<Connection> {
        loop {
            let mut connection = self.take_newest(place)?;
            // Not ready where its last answer was read a moment ago: its driver must come round.
            let ready = connection.sender.is_ready()
                || clock
                    .timeout(SETTLING, connection.sender.ready())
                    .await
                    .is_ok_and(|ready| ready.is_ok());
            if ready && connection.watch.is_quiet() {
                return Some(connection);
            }
        }
    }

    /// Starts driving a connection that was just made.
    pub(crate) async fn adopt(
        self: &Arc<Self>,
        connected: Connected,
        place: Place,
        clock: Clock,
    ) -> hyper::Result<Connection> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let (sender, driven) = http1::Builder::new()
            // Above the cap on a head, so that it is the one that counts.
            .max_buf_size(MAX_HEAD + 1)
            .handshake::<_, Body>(TokioIo::new(connected.stream))
            .await?;
        let (wanted, unwanted) = oneshot::channel();
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let place = Arc::new(place);
        let entry = Entry {
            pool: Arc::downgrade(self),
            place: Arc::clone(&place),
            id,
            idle: self.limits.idle,
        };
        tokio::spawn(drive(entry, driven, unwanted, clock));
        Ok(Connection {
            sender,
            meter: connected.meter,
            watch: connected.watch,
            id,
            place,
            pool: Arc::downgrade(self),
            _wanted: wanted,
        })
    }

    fn take_newest(&self, place: &Place) -> Option<Connection> {
        let mut dead = Vec::new();
        let mut list = self.lock();
        let there = list.get_mut(place)?;
        let mut found = None;
        while let Some(idle) = there.pop() {
            // A runtime that was parked runs no timers, so age is checked here too.
            if idle.connection.sender.is_closed() || idle.since.elapsed() >= self.limits.idle {
                dead.push(idle);
            } else {
                found = Some(idle.connection);
                break;
            }
        }
        if there.is_empty() {
            list.remove(place);
        }
        // Dropping wakes drivers, which take this lock.
        drop(list);
        drop(dead);
        found
    }

    fn put(&self, connection: Connection) {
        let place = Arc::clone(&connection.place);
        let idle = Idle {
            connection,
            since: Instant::now(),
        };
        let mut list = self.lock();
        // A driver that has ended removes its entry, under this lock and after it closed the
        // sender: one pushed after that would stay.
        if idle.connection.sender.is_closed() {
            drop(list);
            return;
        }
        let there = list.entry(place).or_default();
        there.push(idle);
        let over = (there.len() > self.limits.idle_per_place).then(|| there.remove(0));
        drop(list);
        drop(over);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<Place>, Vec<Idle>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(crate) fn idle_count(&self) -> usize {
        self.lock().values().map(Vec::len).sum()
    }
}

impl Connection {
    /// Gives it back. Only after its answer was read to the end.
    pub(crate) fn park(self) {
        if let Some(pool) = self.pool.upgrade() {
            pool.put(self);
        }
    }
}

/// What a driver knows of its connection's place in the pool, which goes when the driver does:
/// with a runtime that is shut down go the entries of its connections.
struct Entry {
    pool: Weak<Pool>,
    place: Arc<Place>,
    id: u64,
    idle: Duration,
}

impl Entry {
    /// Closes the connection if it was idle too long, else says when to look again.
    fn look(&self) -> Option<Instant> {
        let now = Instant::now();
        let pool = self.pool.upgrade()?;
        let since = pool
            .lock()
            .get(&*self.place)
            .and_then(|there| there.iter().find(|idle| idle.connection.id == self.id))
            .map(|idle| idle.since);
        match since {
            // In use: if it comes back right now, this is when it would be too old.
            None => Some(now + self.idle),
            Some(since) if since + self.idle > now => Some(since + self.idle),
            // Gone from the list already means a request took it just now.
            Some(_) => match self.take(&pool) {
                Some(_) => None,
                None => Some(now + self.idle),
            },
        }
    }

    fn take(&self, pool: &Pool) -> Option<Idle> {
        let mut list = pool.lock();
        let there = list.get_mut(&*self.place)?;
        let at = there
            .iter()
            .position(|idle| idle.connection.id == self.id)?;
        let idle = there.remove(at);
        if there.is_empty() {
            list.remove(&*self.place);
        }
        Some(idle)
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if let Some(pool) = self.pool.upgrade() {
            drop(self.take(&pool));
        }
    }
}

/// Runs a connection until it closes, is not wanted any more, or was idle too long.
async fn drive(
    entry: Entry,
    driven: http1::Connection<TokioIo<Stream>, Body>,
    mut unwanted: oneshot::Receiver<()>,
    clock: Clock,
) {
    // Bound after `entry`, so dropped before it: the sender is closed when the entry is removed.
    let mut driven = pin!(driven);
    let mut alarm = pin!(clock.sleep(entry.idle));
    let closed = poll_fn(|cx| {
        if driven.as_mut().poll(cx).is_ready() {
            return Poll::Ready(true);
        }
        if pin!(&mut unwanted).poll(cx).is_ready() {
            return Poll::Ready(false);
        }
        while alarm.as_mut().poll(cx).is_ready() {
            match entry.look() {
                Some(next) => alarm.as_mut().reset(next.into()),
                None => return Poll::Ready(false),
            }
        }
        Poll::Pending
    })
    .await;
    if !closed {
        let _ = clock.timeout(FAREWELL, driven).await;
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
