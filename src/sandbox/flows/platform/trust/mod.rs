//! Which keys of the platform a merchant meets: the public key, certificates, or both.

mod routes;

use std::sync::PoisonError;

use http::HeaderValue;

pub(crate) use self::routes::ROUTES;

use crate::{
    error::cause::Result,
    sandbox::state::{
        SandboxState,
        keys::{PlatformCertificate, PlatformKey},
        merchant::Merchant,
    },
};

/// How the platform signs for a merchant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PlatformTrust {
    pub(crate) mode: PlatformMode,
    pub(crate) certificates: Rotation,
}

/// Which kinds of platform keys a merchant has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PlatformMode {
    /// The public key only, as new merchants have it.
    #[default]
    PublicKey,
    /// Platform certificates only.
    Certificate,
    /// Both, as during a change-over. A certificate signs unless the public key is asked for.
    Both,
}

/// Which platform certificates are effective.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rotation {
    /// The old one only.
    #[default]
    Old,
    /// Both. The old one signs unless the new one is asked for.
    Both,
    /// The new one only.
    New,
}

impl PlatformTrust {
    fn has_public_key(self) -> bool {
        self.mode != PlatformMode::Certificate
    }

    /// Returns the numbers of the effective certificates, the one that signs first.
    fn certificates(self) -> &'static [usize] {
        match self.mode {
            PlatformMode::PublicKey => &[],
            PlatformMode::Certificate | PlatformMode::Both => self.certificates.numbers(),
        }
    }

    /// Makes the certificates that it may need. Takes up to seconds.
    // Also those of a merchant with the public key only: its mode can change on another thread.
    pub(crate) fn prepare(self, state: &SandboxState) -> Result<()> {
        let mut numbers = self.certificates.numbers().iter();
        numbers.try_for_each(|nth| state.platform.certificate(*nth).map(drop))
    }
}

impl Rotation {
    fn numbers(self) -> &'static [usize] {
        match self {
            Self::Old => &[0],
            Self::Both => &[0, 1],
            Self::New => &[1],
        }
    }
}

/// Changes how the platform signs for a merchant. Call it on the handle's thread: it may draw keys.
pub(crate) fn change(
    state: &SandboxState,
    merchant: &Merchant,
    change: impl Fn(&mut PlatformTrust),
) -> Result<()> {
    let mut changed = merchant.trust();
    change(&mut changed);
    // Before the change: a response in between must find its key.
    changed.prepare(state)?;
    let mut trust = merchant
        .trust
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    change(&mut trust);
    Ok(())
}

/// Returns the platform certificates that are effective for a merchant, the one that signs first.
pub(crate) fn certificates<'a>(
    state: &'a SandboxState,
    merchant: &Merchant,
) -> impl Iterator<Item = &'a PlatformCertificate> {
    let numbers = merchant.trust().certificates().iter();
    numbers.filter_map(|nth| state.platform.made_certificate(*nth))
}

/// Returns the platform's public key, if the merchant has it.
pub(crate) fn public_key<'a>(
    state: &'a SandboxState,
    merchant: &Merchant,
) -> Option<&'a PlatformKey> {
    let has_it = merchant.trust().has_public_key();
    has_it.then_some(&state.platform.public_key)
}

/// Returns the key that signs a response, or a notification if nothing is requested.
///
/// `requested` is the request's `Wechatpay-Serial`. If it names no key of the merchant, the response is
/// signed all the same: a client that has only an old certificate learns of the new one by its serial.
pub(crate) fn signing_key<'a>(
    state: &'a SandboxState,
    merchant: Option<&Merchant>,
    requested: Option<&HeaderValue>,
) -> &'a PlatformKey {
    let Some(merchant) = merchant else {
        return &state.platform.public_key;
    };
    let requested = requested.and_then(|id| id.to_str().ok());
    requested
        .and_then(|id| effective_key(state, merchant, id))
        .or_else(|| certificates(state, merchant).map(|made| &made.key).next())
        .unwrap_or(&state.platform.public_key)
}

/// Returns the key that signs a list of certificates: one of the list, if it has any.
pub(crate) fn list_signing_key<'a>(
    state: &'a SandboxState,
    merchant: Option<&Merchant>,
    requested: Option<&HeaderValue>,
) -> &'a PlatformKey {
    let is_listed = |id: &&HeaderValue| {
        let listed = merchant.map(|merchant| certificates(state, merchant));
        listed.is_some_and(|mut listed| listed.any(|made| **id == made.key.id))
    };
    signing_key(state, merchant, requested.filter(is_listed))
}

/// Returns the platform key of this ID, if the merchant has it.
pub(crate) fn effective_key<'a>(
    state: &'a SandboxState,
    merchant: &Merchant,
    id: &str,
) -> Option<&'a PlatformKey> {
    certificates(state, merchant)
        .map(|made| &made.key)
        .chain(public_key(state, merchant))
        .find(|key| key.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mode_and_rotation_say_which_keys_are_effective() {
        use PlatformMode::{Both as Either, Certificate, PublicKey};
        use Rotation::{Both, New, Old};
        for (mode, rotation, has_public_key, certificates) in [
            (PublicKey, Old, true, &[][..]),
            (PublicKey, Both, true, &[]),
            (Certificate, Old, false, &[0]),
            (Certificate, Both, false, &[0, 1]),
            (Certificate, New, false, &[1]),
            (Either, Old, true, &[0]),
            (Either, New, true, &[1]),
        ] {
            let trust = PlatformTrust {
                mode,
                certificates: rotation,
            };
            assert_eq!(trust.has_public_key(), has_public_key, "{trust:?}");
            assert_eq!(trust.certificates(), certificates, "{trust:?}");
        }
    }
}
