//! What one sandbox knows: its merchants, its keys, its time, its orders and what arrived so far.

pub(super) mod account;
pub(super) mod authority;
pub(super) mod bounded_map;
pub(super) mod changes;
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

pub(super) use self::request_log::{Sent, header_bytes, line_bytes};
pub use self::{
    changes::{StateChange, StateKind},
    request_log::RecordedRequest,
};

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    ops::{Deref, DerefMut},
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::sync::Notify;

use self::{
    clock::Clock,
    keys::{KeptKeys, KeySource, PlatformKeys},
    merchant::Merchants,
    nonces::Nonces,
    random::Rng,
    request_log::RequestLog,
    world::World,
};
use super::{
    control::Guard,
    faults::Faults,
    journal::Inputs,
    outbox::Post,
    server::{
        Https, Proxy,
        host::{self, Hosts},
        page::Page,
    },
    shaped::Scripts,
};
use crate::error::{Cause, ErrorKind, cause::Result};

/// The state that the handle, the server and the flows share.
// Each part has its own lock, so that a test that reads the request log does not wait for a handler.
// They cannot deadlock: with the world locked, only the clock, `rng`, `merchants` and the subscribers are,
// and these take no other.
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
    pub(super) guard: Guard,
    /// The hosts beside the address that clients may name.
    pub(super) hosts: Hosts,
    pub(super) page: Page,
    /// The folders that `export` wrote last, by merchant ID.
    exported: Mutex<BTreeMap<String, PathBuf>>,
    /// Set when the server starts.
    listeners: OnceLock<(Https, Proxy)>,
    /// If there is a journal.
    inputs: OnceLock<Inputs>,
    /// Whether the entries of a journal are carried out again.
    is_replaying: AtomicBool,
}

impl SandboxState {
    pub(super) fn new(
        address: SocketAddr,
        key_source: KeySource,
        kept: KeptKeys,
        mut rng: Rng,
        settle_after: Option<u64>,
        post: Post,
    ) -> Result<Self> {
        Ok(Self {
            merchants: Merchants::default(),
            platform: PlatformKeys::new(key_source, kept)?,
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
            guard: Guard::default(),
            hosts: Hosts::default(),
            page: Page::default(),
            exported: Mutex::default(),
            listeners: OnceLock::new(),
            inputs: OnceLock::new(),
            is_replaying: AtomicBool::new(false),
        })
    }

    /// Locks the world. Never hold it over RSA or another lock, except those of the clock, `rng` and
    /// `merchants`. When it is released, the sender of notifications looks at what was added, and subscribers
    /// are told which states changed.
    pub(super) fn world(&self) -> LockedWorld<'_> {
        self.locked(self.inputs.get())
    }

    /// Locks the world for what its journal need not have, or has already.
    pub(super) fn world_quietly(&self) -> LockedWorld<'_> {
        self.locked(None)
    }

    fn locked<'a>(&'a self, inputs: Option<&'a Inputs>) -> LockedWorld<'a> {
        LockedWorld {
            world: lock(&self.world),
            clock: &self.clock,
            post: &self.post,
            inputs,
            wake: Wake {
                woken: &self.woken,
                is_needed: false,
            },
        }
    }

    /// Returns what records the inputs, if there is a journal.
    pub(super) fn inputs(&self) -> Option<&Inputs> {
        self.inputs.get()
    }

    pub(super) fn set_inputs(&self, inputs: Inputs) {
        let _ = self.inputs.set(inputs);
    }

    /// Returns whether requests of earlier are carried out again, which were allowed then.
    pub(super) fn is_replaying(&self) -> bool {
        self.is_replaying.load(Ordering::Relaxed)
    }

    pub(super) fn set_replaying(&self, is_replaying: bool) {
        self.is_replaying.store(is_replaying, Ordering::Relaxed);
    }

    /// Notes a change beside the world, which the journal must have.
    pub(super) fn note_change(&self) {
        if let Some(inputs) = self.inputs() {
            inputs.note_change();
        }
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

    pub(super) fn exported(&self) -> MutexGuard<'_, BTreeMap<String, PathBuf>> {
        lock(&self.exported)
    }

    /// Returns where clients on this machine reach the sandbox, such as `http://127.0.0.1:49152`.
    pub(super) fn origin(&self) -> String {
        format!("http://{}", host::to_call(self.address))
    }

    /// Sets the listener of HTTPS and the proxy, which are not started yet.
    pub(super) fn listen_by(&self, https: Https, proxy: Proxy) {
        let _ = self.listeners.set((https, proxy));
    }

    /// Returns the address for HTTPS. The first call starts to listen on it.
    pub(super) fn https_address(self: &Arc<Self>) -> Result<SocketAddr> {
        let (https, _) = self.listeners()?;
        https.address(self).map(host::to_call)
    }

    /// Returns the address of the proxy. The first call starts to listen on it.
    pub(super) fn proxy_address(self: &Arc<Self>) -> Result<SocketAddr> {
        let (_, proxy) = self.listeners()?;
        proxy.address(self).map(host::to_call)
    }

    /// Returns the address of the proxy, if there is one.
    pub(super) fn started_proxy(&self) -> Option<SocketAddr> {
        let (_, proxy) = self.listeners.get()?;
        proxy.started().map(host::to_call)
    }

    fn listeners(&self) -> Result<&(Https, Proxy)> {
        self.listeners
            .get()
            .ok_or_else(|| Cause::new(ErrorKind::Connect, "the sandbox's server has not started"))
    }

    /// Fires the timers that are due by the sandbox's clock.
    pub(super) fn run_due(&self) {
        match self.inputs() {
            Some(inputs) => inputs.run_due(self),
            None => self.fire_due(),
        }
    }

    /// Fires the timers that are due, as part of an input if there is a journal.
    pub(super) fn fire_due(&self) {
        let now = self.clock.now();
        self.world_quietly().run_due(&self.merchants, now);
    }

    /// Tells the sender of notifications that the clock moved, or that somebody waits for it. Of what is
    /// new in the world it learns without.
    pub(super) fn wake(&self) {
        self.woken.notify_one();
    }

    /// Waits for [`wake`](Self::wake). A call since the last time counts.
    pub(super) async fn woken(&self) {
        self.woken.notified().await;
    }
}

/// The world, locked.
// No flow has to remember the sender of notifications, and none can wake it for nothing.
pub(super) struct LockedWorld<'a> {
    // Fields are dropped in this order: the sender is woken when it can have the lock.
    world: MutexGuard<'a, World>,
    clock: &'a Clock,
    post: &'a Post,
    inputs: Option<&'a Inputs>,
    wake: Wake<'a>,
}

struct Wake<'a> {
    woken: &'a Notify,
    is_needed: bool,
}

impl Deref for LockedWorld<'_> {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl DerefMut for LockedWorld<'_> {
    fn deref_mut(&mut self) -> &mut World {
        if let Some(inputs) = self.inputs {
            inputs.note_change();
        }
        &mut self.world
    }
}

impl Drop for LockedWorld<'_> {
    fn drop(&mut self) {
        self.wake.is_needed = self.world.take_news();
        // Before the lock is released: subscribers see the changes in the order in which they were made.
        let changes = self.world.take_changes(self.clock.now_ms());
        if !changes.is_empty() {
            self.post.publish_changes(changes);
        }
    }
}

impl Drop for Wake<'_> {
    fn drop(&mut self) {
        if self.is_needed {
            self.woken.notify_one();
        }
    }
}

/// Locks, even if a handler panicked while it held the lock: one failed request must not fail the
/// rest of the test with a `PoisonError`.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        task::{Context, Waker},
    };

    use super::{timers::Timer, *};
    use crate::sandbox::outbox::{Content, Notice, Outbox};

    #[test]
    fn released_world_wakes_the_sender_if_there_is_news() {
        let address = ([127, 0, 0, 1], 80).into();
        let (rng, post) = (Rng::from_seed(1), Post::default());
        let (source, kept) = (KeySource::Pooled, KeptKeys::none());
        let state = SandboxState::new(address, source, kept, rng, Some(60), post).unwrap();
        let wakes = |change: fn(&mut World)| {
            let mut world = state.world();
            change(&mut world);
            let is_woken = || {
                let mut context = Context::from_waker(Waker::noop());
                pin!(state.woken()).poll(&mut context).is_ready()
            };
            assert!(!is_woken(), "before the lock is released");
            drop(world);
            is_woken()
        };
        let notice = |world: &mut World| {
            world.notify(Notice {
                mchid: "1900000109".to_owned(),
                url: "http://127.0.0.1/".to_owned(),
                content: Content::V3 {
                    event_type: "TRANSACTION.SUCCESS".to_owned(),
                    original_type: "transaction",
                    summary: "",
                    resource: serde_json::Value::Null,
                },
            });
        };
        let timer = |world: &mut World| {
            let timer = Timer {
                mchid: "1900000109".to_owned(),
                key: "a".to_owned(),
                fire: |_, _, _, _| Ok(()),
            };
            world.after(u64::MAX, timer);
        };
        assert!(!wakes(|_| {}));
        assert!(!wakes(|world| world.add_store("1900000109", 0)));
        assert!(wakes(notice));
        assert!(wakes(timer));
        assert!(!wakes(|world| world.outbox.hold()));
        assert!(wakes(|world| world.outbox.supersede(&Outbox::default())));
    }
}
