//! Which keys of the platform a merchant meets: the public key, certificates, or both.

use http::HeaderValue;

use super::Route;
use crate::sandbox::state::{SandboxState, keys::PlatformKey, merchant::Merchant};

pub(crate) const ROUTES: &[Route] = &[];

/// What one merchant has of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tables {}

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
    /// Both, as during a change-over.
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

/// Returns the key that signs a response, or a notification if nothing is requested.
///
/// `requested` is the request's `Wechatpay-Serial`. If it names no key of the merchant, the response is
/// signed all the same: it is the error about that very ID.
pub(crate) fn signing_key<'a>(
    state: &'a SandboxState,
    merchant: Option<&Merchant>,
    requested: Option<&HeaderValue>,
) -> &'a PlatformKey {
    let requested = requested.and_then(|id| id.to_str().ok());
    merchant
        .zip(requested)
        .and_then(|(merchant, id)| effective_key(state, merchant, id))
        .unwrap_or(&state.platform.public_key)
}

/// Returns the platform key of this ID, if the merchant has it.
pub(crate) fn effective_key<'a>(
    state: &'a SandboxState,
    _merchant: &Merchant,
    id: &str,
) -> Option<&'a PlatformKey> {
    Some(&state.platform.public_key).filter(|key| key.id == id)
}
