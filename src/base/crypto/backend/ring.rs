//! What is special about ring: it has neither RSA encryption nor key generation, so the `rsa` crate
//! does both.
//!
//! ring signs and verifies, because it is much faster. It has no parsed form of a public key: it parses
//! the key for each signature, in some microseconds.

use getrandom::SysRng;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use rsa::{BoxedUint, traits::PrivateKeyParts as _};
use rustls::crypto::CryptoProvider;
use sha1::Digest as _;
#[cfg(any(test, feature = "sandbox"))]
use zeroize::Zeroizing;

use super::Parts;
use crate::error::BoxError;

// ring refuses larger private keys.
pub(crate) const MAX_PRIVATE_BITS: usize = 4096;

pub(crate) struct PrivateKey {
    signing: RsaKeyPair,
    decrypting: rsa::PrivateKey,
}

impl PrivateKey {
    pub(crate) fn new(pkcs1: &[u8], parts: &Parts<'_>) -> Result<Self, BoxError> {
        let signing = RsaKeyPair::from_der(pkcs1).map_err(|error| error.to_string())?;
        let [n, e, d, p, q] = [parts.n, parts.e, parts.d, parts.p, parts.q].map(number);
        // Checks that n is the product of p and q, and that d belongs to e.
        let decrypting = rsa::PrivateKey::from_components(n, e, d, vec![p, q])?;
        // ring notices wrong CRT values only when it signs. A damaged key is an error at build time.
        if decrypting.dp() != Some(&number(parts.dp)) || decrypting.dq() != Some(&number(parts.dq))
        {
            return Err("InconsistentComponents".into());
        }
        Ok(Self {
            signing,
            decrypting,
        })
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, BoxError> {
        super::sign(&self.signing, self.signing.public().modulus_len(), message)
    }

    pub(crate) fn decrypt_oaep(&self, ciphertext: &[u8]) -> Result<Vec<u8>, BoxError> {
        Ok(self
            .decrypting
            .oaep_decrypt_with_rng::<sha1::Sha1, _>(&mut SysRng, ciphertext)?)
    }

    /// With implicit rejection: if the padding is wrong, the `rsa` crate returns a message derived from
    /// the key and the ciphertext.
    pub(crate) fn decrypt_pkcs1(&self, ciphertext: &[u8]) -> Result<Vec<u8>, BoxError> {
        Ok(self
            .decrypting
            .pkcs1v15_decrypt_with_rng(&mut SysRng, ciphertext)?)
    }

    #[cfg(any(test, feature = "sandbox"))]
    pub(crate) fn generate() -> Result<Zeroizing<Vec<u8>>, BoxError> {
        to_pkcs8(&rsa::PrivateKey::new(&mut SysRng, 2048)?)
    }

    #[cfg(any(test, feature = "sandbox"))]
    pub(crate) fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, BoxError> {
        to_pkcs8(&self.decrypting)
    }
}

#[cfg(any(test, feature = "sandbox"))]
fn to_pkcs8(key: &rsa::PrivateKey) -> Result<Zeroizing<Vec<u8>>, BoxError> {
    use rsa::traits::PublicKeyParts as _;

    use crate::base::crypto::der;

    let integer = |number: &BoxedUint| der::integer(&Zeroizing::new(number.to_be_bytes()));
    let [p, q] = key.primes() else {
        return Err("the key does not have two primes".into());
    };
    let missing = "the CRT values are missing";
    let numbers = [
        der::integer(&[]),
        integer(key.n()),
        integer(key.e()),
        integer(key.d()),
        integer(p),
        integer(q),
        integer(key.dp().ok_or(missing)?),
        integer(key.dq().ok_or(missing)?),
        integer(&key.crt_coefficient().ok_or(missing)?),
    ];
    let numbers: Vec<&[u8]> = numbers.iter().map(|number| &number[..]).collect();
    Ok(der::private_key_info(&der::element(
        der::SEQUENCE,
        &numbers,
    )))
}

pub(crate) struct PublicKey {
    verifying: UnparsedPublicKey<Vec<u8>>,
    encrypting: rsa::PublicKey,
}

impl PublicKey {
    pub(crate) fn new(n: &[u8], e: &[u8], pkcs1: &[u8], _spki: &[u8]) -> Result<Self, BoxError> {
        Ok(Self {
            verifying: UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pkcs1.to_vec()),
            encrypting: rsa::PublicKey::new(number(n), number(e))?,
        })
    }

    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.verifying.verify(message, signature).is_ok()
    }

    pub(crate) fn encrypt_oaep(&self, plaintext: &[u8]) -> Result<Vec<u8>, BoxError> {
        Ok(self
            .encrypting
            .oaep_encrypt_with_rng::<sha1::Sha1, _>(&mut SysRng, plaintext)?)
    }

    pub(crate) fn encrypt_pkcs1(&self, plaintext: &[u8]) -> Result<Vec<u8>, BoxError> {
        Ok(self
            .encrypting
            .pkcs1v15_encrypt_with_rng(&mut SysRng, plaintext)?)
    }
}

// The precision follows the length of the number. The `rsa` crate then resizes secret numbers to a
// public width.
fn number(big_endian: &[u8]) -> BoxedUint {
    BoxedUint::from_be_slice_vartime(big_endian)
}

/// SHA-1 of the `sha1` crate, which uses the processor's instructions. ring's takes about ten times as
/// long, and bills are large.
pub(crate) struct Sha1(sha1::Sha1);

impl Sha1 {
    pub(crate) fn new() -> Self {
        Self(sha1::Sha1::new())
    }

    pub(crate) fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    pub(crate) fn finish(self) -> [u8; 20] {
        self.0.finalize().into()
    }
}

pub(crate) fn tls_provider() -> CryptoProvider {
    rustls::crypto::ring::default_provider()
}
