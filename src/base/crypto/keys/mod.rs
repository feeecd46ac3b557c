//! Keys and certificates: read from files, PEM, base64 and DER, then parsed once.

mod certificate;
mod format;
mod identity;
mod input;
mod pem;
mod private_key;
mod public_key;

pub(crate) use self::identity::KeyAndChain;
pub use self::{certificate::Certificate, private_key::PrivateKey, public_key::PublicKey};
