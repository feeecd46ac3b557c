//! What one sandbox knows: its keys, its time, its orders and what arrived so far.

mod bounded_map;
pub(super) mod clock;
pub(super) mod keys;
mod ledger;
pub(super) mod nonces;
pub(super) mod random;
mod request_log;

pub use self::request_log::RecordedRequest;

use std::{
    net::SocketAddr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use self::{
    clock::Clock,
    keys::{Keys, PlatformKey},
    ledger::Ledger,
    nonces::Nonces,
    request_log::RequestLog,
};
use super::{faults::Faults, response::ApiResponse};
use crate::error::cause::Result;

/// The state that the handle, the server and the flows share.
// Each part has its own lock, so that a test that reads the request log does not wait for a handler.
// They cannot deadlock: only the clock is read while another lock is held, and it takes no other.
pub(super) struct SandboxState {
    pub(super) keys: Keys,
    pub(super) clock: Clock,
    pub(super) address: SocketAddr,
    mchid: String,
    appid: String,
    ledger: Mutex<Ledger>,
    nonces: Mutex<Nonces>,
    requests: Mutex<RequestLog>,
    faults: Mutex<Faults>,
}

impl SandboxState {
    pub(super) fn new(keys: Keys, address: SocketAddr, mchid: String, appid: String) -> Self {
        Self {
            keys,
            clock: Clock::default(),
            address,
            mchid,
            appid,
            ledger: Mutex::default(),
            nonces: Mutex::default(),
            requests: Mutex::default(),
            faults: Mutex::default(),
        }
    }

    pub(super) fn mchid(&self) -> &str {
        &self.mchid
    }

    pub(super) fn appid(&self) -> &str {
        &self.appid
    }

    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        lock(&self.ledger)
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

    /// Returns the platform key with this ID.
    // There is one key today. Callers ask by ID, as they must once keys rotate.
    pub(super) fn platform_key(&self, id: &str) -> Option<&PlatformKey> {
        Some(&self.keys.platform).filter(|key| key.id == id)
    }

    /// Returns a random number of `length` digits that begins with `prefix`.
    pub(super) fn random_number(
        &self,
        prefix: &str,
        length: usize,
    ) -> std::result::Result<String, ApiResponse> {
        let digits = or_system_error(random::digits(length.saturating_sub(prefix.len())))?;
        Ok(format!("{prefix}{digits}"))
    }

    /// Returns `length` random letters and digits.
    pub(super) fn random_token(&self, length: usize) -> std::result::Result<String, ApiResponse> {
        or_system_error(random::token(length))
    }
}

fn or_system_error(result: Result<String>) -> std::result::Result<String, ApiResponse> {
    result.map_err(|_| ApiResponse::system_error("no random numbers"))
}

/// Locks, even if a handler panicked while it held the lock: one failed request must not fail the
/// rest of the test with a `PoisonError`.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
