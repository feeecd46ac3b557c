//! Keys that must not be trusted, and serials that must not be used to sign, checked in one place.
//!
//! A client, its trust store and its requests share one guard, so a key that
//! [`ClientBuilder::build`] refuses is also refused later: when the program adds it, when a rotation
//! brings it, and when a download does.
//!
//! [`ClientBuilder::build`]: crate::ClientBuilder::build

use std::{
    borrow::Cow,
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
};

use super::key::PlatformKey;
use crate::{
    base::crypto::PublicKey,
    error::{Cause, cause::Result, value::shown},
    protocol::merchant::is_sandbox_id,
};

/// The checks that every key of one client passes, however it arrives.
pub(crate) struct Guard {
    sandboxes: Sandboxes,
    /// The first sandbox ID that was accepted. It is never forgotten: a request signed with that
    /// key may still be on its way.
    sandbox: OnceLock<String>,
    /// The merchant's own keys, including those before a rotation. The lock is held while keys of
    /// either side change, so that no change is lost and no key ends up on both sides.
    own: Mutex<Vec<MerchantCredentials>>,
}

/// Whether the keys of a sandbox are accepted.
///
/// They are public knowledge, so a signature by one of them proves nothing outside a test.
pub(crate) enum Sandboxes {
    Accepted,
    /// With the reason, for the error.
    Refused(Cow<'static, str>),
}

/// A serial and a key of the merchant.
#[derive(PartialEq, Eq)]
pub(crate) struct MerchantCredentials {
    pub(crate) serial: String,
    pub(crate) key: PublicKey,
}

impl Guard {
    pub(crate) fn new(sandboxes: Sandboxes) -> Self {
        Self {
            sandboxes,
            sandbox: OnceLock::new(),
            own: Mutex::default(),
        }
    }

    /// Returns an ID of the sandbox whose keys are or were in use by this client.
    pub(crate) fn sandbox(&self) -> Option<&str> {
        self.sandbox.get().map(String::as_str)
    }

    /// # Errors
    /// Returns an error if this serial or platform key ID belongs to a sandbox and sandboxes are
    /// refused.
    pub(super) fn check_id(&self, id: &str) -> Result<()> {
        match &self.sandboxes {
            Sandboxes::Refused(why) if is_sandbox_id(id) => {
                Err(Cause::config(format!("{} is a sandbox's{why}", shown(id))))
            }
            _ => Ok(()),
        }
    }

    /// Accepts a serial or a platform key ID, and remembers it if it belongs to a sandbox.
    ///
    /// # Errors
    /// Returns an error if it belongs to a sandbox and sandboxes are refused.
    pub(crate) fn take_id(&self, id: &str) -> Result<()> {
        self.check_id(id)?;
        if is_sandbox_id(id) {
            self.sandbox.get_or_init(|| id.to_owned());
        }
        Ok(())
    }

    /// Accepts another key of the merchant and installs it with `put`. `trusted` returns the platform keys
    /// of the client; it is called under the guard's lock, so that none is added meanwhile.
    ///
    /// # Errors
    /// Returns an error if the key is trusted as a platform key, if it belongs to a sandbox and
    /// those are refused, or if `put` fails.
    pub(crate) fn take_own(
        &self,
        own: MerchantCredentials,
        trusted: impl FnOnce() -> Vec<PlatformKey>,
        put: impl FnOnce() -> Result<()>,
    ) -> Result<()> {
        let mut all = self.lock();
        // A key on both sides would let the merchant, or someone who stole its key, sign "responses".
        if let Some(key) = trusted().iter().find(|key| own.is(key)) {
            return Err(Cause::config(format!(
                "rotate_key: the serial or the key is that of the trusted platform key {}: give the \
                 merchant's own (apiclient_key.pem, and the serial of apiclient_cert.pem)",
                key.id()
            )));
        }
        self.take_id(&own.serial)?;
        put()?;
        // Old keys stay in the list: a signature by one of them may still be on its way.
        if !all.contains(&own) {
            all.push(own);
        }
        Ok(())
    }

    /// Blocks all other changes of keys, and gives access to the merchant's own.
    pub(super) fn lock(&self) -> MutexGuard<'_, Vec<MerchantCredentials>> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MerchantCredentials {
    /// Returns whether a platform key is this one, by its serial or by the key itself.
    pub(super) fn is(&self, key: &PlatformKey) -> bool {
        self.serial.eq_ignore_ascii_case(key.id()) || self.key == *key.key()
    }
}
