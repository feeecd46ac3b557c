//! Keys, signatures, encryption and digests: the only place that uses a crypto library.
//!
//! The library itself is in `backend`: ring, or aws-lc-rs if its feature is on.

pub(crate) mod aead;
mod backend;
mod defect;
mod der;
pub(crate) mod digest;
pub(crate) mod ecb;
mod keys;
#[cfg(feature = "pkcs12")]
mod pkcs12;
mod random;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

#[cfg(feature = "sandbox")]
pub(crate) use self::backend::OtherSignature;
#[cfg(any(test, feature = "sandbox"))]
pub(crate) use self::keys::Issue;
pub use self::keys::{Certificate, PrivateKey, PublicKey};
pub(crate) use self::{
    keys::KeyAndChain,
    random::{nonce, random},
};

#[cfg(not(any(feature = "ring", feature = "aws-lc-rs")))]
compile_error!(
    "wechatpay-chain needs a crypto library: enable its feature `ring` (the default) or `aws-lc-rs`"
);

/// Returns the crypto provider for TLS.
pub(crate) fn tls_provider() -> Arc<CryptoProvider> {
    Arc::new(backend::tls_provider())
}
