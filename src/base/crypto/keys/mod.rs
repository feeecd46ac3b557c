//! Keys and certificates: read from files, PEM, base64 and DER, then parsed once.

mod certificate;
mod format;
mod identity;
mod input;
#[cfg(any(test, feature = "sandbox"))]
mod issue;
mod pem;
mod private_key;
mod public_key;

pub(crate) use self::identity::KeyAndChain;
#[cfg(any(test, feature = "sandbox"))]
pub(crate) use self::issue::Issue;
pub use self::{certificate::Certificate, private_key::PrivateKey, public_key::PublicKey};
