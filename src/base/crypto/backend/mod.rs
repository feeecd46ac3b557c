//! The crypto library: ring or aws-lc-rs, behind the same names.
//!
//! aws-lc-rs copies ring's API for digests, HMAC, AES-GCM, RSA signatures and random bytes. That part
//! is written once, here, against whichever library is compiled in. `ring.rs` and `aws_lc.rs` hold what
//! differs: RSA encryption, the form in which a key is loaded, SHA-1, and the provider for TLS.

#[cfg(feature = "aws-lc-rs")]
mod aws_lc;
#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
mod ring;

// The leading `::` distinguishes the crate from the module of the same name.
#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
use ::ring as library;
#[cfg(feature = "aws-lc-rs")]
use aws_lc_rs as library;

use library::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    digest, hmac,
    rand::{SecureRandom as _, SystemRandom},
    signature::{RSA_PKCS1_SHA256, RsaKeyPair},
};

#[cfg(feature = "aws-lc-rs")]
pub(crate) use self::aws_lc::{MAX_PRIVATE_BITS, PrivateKey, PublicKey, Sha1, tls_provider};
#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
pub(crate) use self::ring::{MAX_PRIVATE_BITS, PrivateKey, PublicKey, Sha1, tls_provider};
use crate::error::BoxError;

/// The numbers of a PKCS#1 `RSAPrivateKey`, big-endian.
// aws-lc-rs reads them from the document itself.
#[cfg_attr(feature = "aws-lc-rs", allow(dead_code))]
pub(crate) struct Parts<'a> {
    pub(crate) n: &'a [u8],
    pub(crate) e: &'a [u8],
    pub(crate) d: &'a [u8],
    pub(crate) p: &'a [u8],
    pub(crate) q: &'a [u8],
    pub(crate) dp: &'a [u8],
    pub(crate) dq: &'a [u8],
}

/// RSASSA-PKCS1-v1_5 with SHA-256.
fn sign(key: &RsaKeyPair, modulus_len: usize, message: &[u8]) -> Result<Vec<u8>, BoxError> {
    // Both libraries take a random number generator to blind the private-key operation, although the
    // signature itself is deterministic.
    let mut signature = vec![0; modulus_len];
    key.sign(
        &RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        message,
        &mut signature,
    )
    .map_err(|_| "RSA signing failed")?;
    Ok(signature)
}

/// A signature that is not RSASSA-PKCS1-v1_5 with SHA-256.
#[cfg(feature = "sandbox")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OtherSignature {
    /// RSASSA-PKCS1-v1_5 with SHA-1.
    Sha1,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Sha512,
    /// RSASSA-PSS with SHA-256.
    Pss,
}

/// Verifies a signature as nobody should make it, to name the mistake.
#[cfg(feature = "sandbox")]
pub(crate) fn verify_other(
    with: OtherSignature,
    pkcs1: &[u8],
    message: &[u8],
    signature: &[u8],
) -> bool {
    use library::signature::{
        RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA512,
        RSA_PSS_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
    };

    let algorithm: &'static dyn VerificationAlgorithm = match with {
        OtherSignature::Sha1 => &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
        OtherSignature::Sha512 => &RSA_PKCS1_2048_8192_SHA512,
        OtherSignature::Pss => &RSA_PSS_2048_8192_SHA256,
    };
    let key = UnparsedPublicKey::new(algorithm, pkcs1);
    key.verify(message, signature).is_ok()
}

pub(crate) struct Sha256(digest::Context);

impl Sha256 {
    pub(crate) fn new() -> Self {
        Self(digest::Context::new(&digest::SHA256))
    }

    pub(crate) fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    pub(crate) fn finish(self) -> [u8; 32] {
        fixed(self.0.finish().as_ref())
    }
}

pub(crate) fn hmac_sha256(key: &[u8], data: &[u8]) -> [u8; 32] {
    fixed(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), data).as_ref())
}

fn fixed<const N: usize>(digest: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(digest);
    out
}

/// Decrypts AES-256-GCM. `None` if the tag does not match.
pub(crate) fn open(
    key: &[u8; 32],
    nonce: [u8; 12],
    associated_data: &[u8],
    ciphertext_and_tag: &[u8],
) -> Option<Vec<u8>> {
    // Uniqueness matters to the side that encrypts: WeChat Pay. For decryption the nonce is just data.
    let nonce = Nonce::assume_unique_for_key(nonce);
    // A copy, because the caller's buffer is borrowed from a response or a notification that may be
    // opened again with another key.
    let mut data = ciphertext_and_tag.to_vec();
    let length = gcm(key)?
        .open_in_place(nonce, Aad::from(associated_data), &mut data)
        .ok()?
        .len();
    data.truncate(length);
    Some(data)
}

/// Encrypts with AES-256-GCM. The tag is at the end.
// For tests only: a release build cannot use a nonce twice.
#[cfg(any(test, fuzzing, feature = "sandbox"))]
pub(crate) fn seal(
    key: &[u8; 32],
    nonce: [u8; 12],
    associated_data: &[u8],
    plaintext: &[u8],
) -> Option<Vec<u8>> {
    let nonce = Nonce::assume_unique_for_key(nonce);
    let mut data = plaintext.to_vec();
    gcm(key)?
        .seal_in_place_append_tag(nonce, Aad::from(associated_data), &mut data)
        .ok()?;
    Some(data)
}

fn gcm(key: &[u8; 32]) -> Option<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM, key)
        .ok()
        .map(LessSafeKey::new)
}

pub(crate) fn random(out: &mut [u8]) -> Result<(), BoxError> {
    SystemRandom::new()
        .fill(out)
        .map_err(|_| "the crypto library's SystemRandom failed".into())
}
