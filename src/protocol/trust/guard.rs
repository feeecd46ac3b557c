//! Keys that must not be trusted and serials that must not be used to sign, checked in one place.
//!
//! A client, its trust store and its requests share one guard, so a key that
//! [`ClientBuilder::build`] refuses is also refused later: when it is added by the program, by a
//! rotation or by a download.
//!
//! [`ClientBuilder::build`]: crate::ClientBuilder::build

use std::{
    borrow::Cow,
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
};

use super::{PlatformKey, TrustStore};
use crate::{
    base::crypto::PublicKey,
    error::{Cause, cause::Result},
    protocol::{merchant::is_sandbox_id, path::shown},
};

pub(crate) struct Guard {
    sandboxes: Sandboxes,
    /// The first ID of a sandbox's that was taken. It is never forgotten: what was signed with its
    /// key may still be on its way.
    sandbox: OnceLock<String>,
    /// The merchant's own keys, those before a rotation too. Held while keys of either side are
    /// changed, so that no change is lost and no key is on both sides.
    own: Mutex<Vec<Own>>,
}

/// Whether a sandbox's keys are taken. They are not secret, so nothing that they sign proves
/// anything outside a test.
pub(crate) enum Sandboxes {
    Taken,
    /// And why.
    Refused(Cow<'static, str>),
}

/// A serial and a key of the merchant's own.
#[derive(PartialEq, Eq)]
pub(crate) struct Own {
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

    /// An ID of the sandbox whose keys are or were in use here.
    pub(crate) fn sandbox(&self) -> Option<&str> {
        self.sandbox.get().map(String::as_str)
    }

    /// # Errors
    /// Where this serial, or ID of a platform key, is a sandbox's, and sandboxes are refused.
    pub(super) fn check_id(&self, id: &str) -> Result<()> {
        match &self.sandboxes {
            Sandboxes::Refused(why) if is_sandbox_id(id) => {
                Err(Cause::config(format!("{} is a sandbox's{why}", shown(id))))
            }
            _ => Ok(()),
        }
    }

    /// Takes a serial, or the ID of a platform key.
    ///
    /// # Errors
    /// Where it is a sandbox's, and sandboxes are refused.
    pub(crate) fn take_id(&self, id: &str) -> Result<()> {
        self.check_id(id)?;
        if is_sandbox_id(id) {
            self.sandbox.get_or_init(|| id.to_owned());
        }
        Ok(())
    }

    /// Takes another key of the merchant's own, and puts it in its place by `put`.
    ///
    /// # Errors
    /// Where it is trusted as WeChat Pay's, or a sandbox's, and those of `put`.
    pub(crate) fn take_own(
        &self,
        own: Own,
        store: Option<&TrustStore>,
        put: impl FnOnce() -> Result<()>,
    ) -> Result<()> {
        let mut all = self.lock();
        let trusted = store.map(TrustStore::all).unwrap_or_default();
        if let Some(key) = trusted.iter().find(|key| own.is(key)) {
            return Err(Cause::config(format!(
                "rotate_key: the serial or the key is that of the trusted platform key {}: give the \
                 merchant's own (apiclient_key.pem, and the serial of apiclient_cert.pem)",
                key.id()
            )));
        }
        self.take_id(&own.serial)?;
        put()?;
        if !all.contains(&own) {
            all.push(own);
        }
        Ok(())
    }

    /// Holds all changes of keys up, and knows the merchant's own.
    pub(super) fn lock(&self) -> MutexGuard<'_, Vec<Own>> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Own {
    /// Whether a platform key is this one, by its serial or by the key itself.
    pub(super) fn is(&self, key: &PlatformKey) -> bool {
        self.serial.eq_ignore_ascii_case(key.id()) || self.key == *key.key()
    }
}
