//! Drives a connection in a background task, and closes it after it was idle for too long.

use std::{
    future::poll_fn,
    pin::pin,
    sync::{Arc, Weak},
    task::Poll,
    time::{Duration, Instant},
};

use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::sync::oneshot;

use super::{
    super::{Body, Clock, connect::Stream},
    Idle, Pool, PoolKey,
};

/// How long a connection that is no longer wanted may take to close: TLS sends a close_notify.
const FAREWELL: Duration = Duration::from_secs(1);

/// A connection's entry in the pool, which is removed when this is dropped.
///
/// The driver owns it, so it is dropped however the driver ends. A runtime that shuts down
/// drops its tasks unfinished, and its connections leave the pool that way.
pub(super) struct Registration {
    pub(super) pool: Weak<Pool>,
    pub(super) key: Arc<PoolKey>,
    pub(super) id: u64,
    pub(super) idle: Duration,
}

impl Registration {
    /// Removes the connection if it was idle for too long. Otherwise returns when to look again.
    fn expire(&self) -> Option<Instant> {
        let now = Instant::now();
        let pool = self.pool.upgrade()?;
        let since = pool
            .lock()
            .get(&*self.key)
            .and_then(|idle| idle.iter().find(|idle| idle.connection.id == self.id))
            .map(|idle| idle.since);
        match since {
            // In use. If it came back right now, this is when it would be too old.
            None => Some(now + self.idle),
            Some(since) if since + self.idle > now => Some(since + self.idle),
            // The lock was released in between, so a request may have taken it.
            Some(_) => match self.remove(&pool) {
                Some(_) => None,
                None => Some(now + self.idle),
            },
        }
    }

    fn remove(&self, pool: &Pool) -> Option<Idle> {
        let mut idle_by_key = pool.lock();
        let connections = idle_by_key.get_mut(&*self.key)?;
        let at = connections
            .iter()
            .position(|idle| idle.connection.id == self.id)?;
        let idle = connections.remove(at);
        if connections.is_empty() {
            idle_by_key.remove(&*self.key);
        }
        Some(idle)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        if let Some(pool) = self.pool.upgrade() {
            drop(self.remove(&pool));
        }
    }
}

/// Drives a connection until it closes, is no longer wanted, or was idle for too long.
pub(super) async fn drive(
    registration: Registration,
    driven: http1::Connection<TokioIo<Stream>, Body>,
    mut unwanted: oneshot::Receiver<()>,
    clock: Clock,
) {
    // Locals are dropped before arguments, so this closes the sender before the registration is
    // removed: `Pool::put` relies on that order.
    let mut driven = pin!(driven);
    // One timer for the connection's whole life, moved on only when it fires: a request would
    // otherwise set and cancel a timer of the background thread each time.
    let mut alarm = pin!(clock.sleep(registration.idle));
    let closed = poll_fn(|cx| {
        if driven.as_mut().poll(cx).is_ready() {
            return Poll::Ready(true);
        }
        if pin!(&mut unwanted).poll(cx).is_ready() {
            return Poll::Ready(false);
        }
        while alarm.as_mut().poll(cx).is_ready() {
            match registration.expire() {
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
