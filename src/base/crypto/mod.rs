//! Keys, signatures, encryption and digests: the one place that knows a crypto library.
//!
//! The libraries stand in `ring` and `aws_lc`, which offer the same names; the rest is the same for
//! both. With both features on, aws-lc-rs serves.

#[cfg(feature = "aws-lc-rs")]
mod aws_lc;
#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
mod ring;

pub(crate) mod aead;
mod certificate;
mod defect;
mod der;
pub(crate) mod digest;
pub(crate) mod ecb;
mod identity;
mod input;
#[cfg(feature = "pkcs12")]
mod pbe;
mod pem;
#[cfg(feature = "pkcs12")]
mod pkcs12;
mod private_key;
mod public_key;
mod random;
mod shape;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

#[cfg(feature = "aws-lc-rs")]
use self::aws_lc as backend;
#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
use self::ring as backend;

pub use self::{certificate::Certificate, private_key::PrivateKey, public_key::PublicKey};
pub(crate) use self::{
    identity::KeyAndChain,
    random::{nonce, random},
};

#[cfg(not(any(feature = "ring", feature = "aws-lc-rs")))]
compile_error!(
    "wechatpay-chain needs a crypto library: switch on its feature `ring` (the default) or `aws-lc-rs`"
);

/// The crypto library's part of TLS.
pub(crate) fn tls_provider() -> Arc<CryptoProvider> {
    Arc::new(backend::tls_provider())
}
