//! What one sandbox knows: its merchants, its keys, its time, its orders and what arrived so far.

pub(super) mod account;
pub(super) mod authority;
pub(super) mod bounded_map;
pub(super) mod clock;
pub(super) mod files;
pub(super) mod keys;
pub(super) mod merchant;
pub(super) mod nonces;
pub(super) mod path_pattern;
pub(super) mod random;
mod request_log;
pub(super) mod timers;
pub(super) mod world;

pub use self::request_log::RecordedRequest;
pub(super) use self::request_log::{header_bytes, line_bytes};

use std::{
    net::SocketAddr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use self::{
    clock::Clock,
    keys::{KeySource, PlatformKeys},
    merchant::Merchants,
    nonces::Nonces,
    random::Rng,
    request_log::RequestLog,
    world::World,
};
use super::{faults::Faults, outbox::Post, shaped::Scripts};
use crate::error::cause::Result;

/// The state that the handle, the server and the flows share.
// Each part has its own lock, so that a test that reads the request log does not wait for a handler.
// They cannot deadlock: with the world locked, only the clock, `rng` and `merchants` are, and these take
// no other.
pub(super) struct SandboxState {
    pub(super) merchants: Merchants,
    pub(super) platform: PlatformKeys,
    pub(super) key_source: KeySource,
    pub(super) clock: Clock,
    pub(super) address: SocketAddr,
    pub(super) post: Post,
    world: Mutex<World>,
    /// Of the nonces in responses. The world has its own, which a snapshot brings back.
    rng: Mutex<Rng>,
    nonces: Mutex<Nonces>,
    requests: Mutex<RequestLog>,
    faults: Mutex<Faults>,
    scripts: Mutex<Scripts>,
    woken: Notify,
}

impl SandboxState {
    pub(super) fn new(
        address: SocketAddr,
        key_source: KeySource,
        mut rng: Rng,
        settle_after: Option<u64>,
        post: Post,
    ) -> Result<Self> {
        Ok(Self {
            merchants: Merchants::default(),
            platform: PlatformKeys::new(key_source)?,
            key_source,
            clock: Clock::default(),
            address,
            post,
            rng: Mutex::new(rng.fork()),
            world: Mutex::new(World::new(rng, settle_after)),
            nonces: Mutex::default(),
            requests: Mutex::default(),
            faults: Mutex::default(),
            scripts: Mutex::default(),
            woken: Notify::new(),
        })
    }

    /// Locks the world. Never hold it over RSA, [`wake`](Self::wake) or another lock, except those
    /// of the clock, `rng` and `merchants`.
    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.world)
    }

    pub(super) fn rng(&self) -> MutexGuard<'_, Rng> {
        lock(&self.rng)
    }

    pub(super) fn nonces(&self) -> MutexGuard<'_, Nonces> {
        lock(&self.nonces)
    }

    pub(super) fn requests(&self) -> MutexGuard<'_, RequestLog> {
        lock(&self.requests)
    }

    pub(super) fn faults(&self) -> MutexGuard<'_, Faults> {
        lock(&self.faults)
    }

    pub(super) fn scripts(&self) -> MutexGuard<'_, Scripts> {
        lock(&self.scripts)
    }

    /// Fires the timers that are due by the sandbox's clock.
    pub(super) fn run_due(&self) {
        let fired = self.world().run_due(&self.merchants, self.clock.now());
        if fired {
            self.wake();
        }
    }

    /// Tells the sender of notifications that there may be a new one, or that the clock moved.
    pub(super) fn wake(&self) {
        self.woken.notify_one();
    }

    /// Waits for [`wake`](Self::wake). A call since the last time counts.
    pub(super) async fn woken(&self) {
        self.woken.notified().await;
    }
}

/// Locks, even if a handler panicked while it held the lock: one failed request must not fail the
/// rest of the test with a `PoisonError`.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
