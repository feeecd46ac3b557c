//! ring, with the `rsa` crate for what ring leaves out: RSA encryption and drawing keys.
//!
//! ring parses a public key anew for each signature, in some microseconds; it has no parsed form.

use getrandom::SysRng;
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    digest, hmac,
    rand::{SecureRandom as _, SystemRandom},
    signature::{self, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, UnparsedPublicKey},
};
use rsa::{BoxedUint, traits::PrivateKeyParts as _};
use rustls::crypto::CryptoProvider;
use sha1::Digest as _;
#[cfg(any(test, feature = "sandbox"))]
use zeroize::Zeroizing;

use super::private_key::Parts;
use crate::error::BoxError;

pub(super) const MAX_PRIVATE_BITS: usize = 4096;

pub(super) struct PrivateKey {
    signing: signature::RsaKeyPair,
    decrypting: rsa::PrivateKey,
}

impl PrivateKey {
    pub(super) fn new(pkcs1: &[u8], parts: &Parts<'_>) -> Result<Self, BoxError> {
        let signing = signature::RsaKeyPair::from_der(pkcs1).map_err(|error| error.to_string())?;
        let [n, e, d, p, q] = [parts.n, parts.e, parts.d, parts.p, parts.q].map(number);
        let decrypting = rsa::PrivateKey::from_components(n, e, d, vec![p, q])?;
        // ring would find these wrong only when it signs.
        if decrypting.dp() != Some(&number(parts.dp)) || decrypting.dq() != Some(&number(parts.dq))
        {
            return Err("InconsistentComponents".into());
        }
        Ok(Self {
            signing,
            decrypting,
        })
    }

    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, BoxError> {
        let mut signature = vec![0; self.signing.public().modulus_len()];
        self.signing
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                message,
                &mut signature,
            )
            .map_err(|_| "ring's RSA signing failed")?;
        Ok(signature)
    }

    pub(super) fn decrypt_oaep(&self, ciphertext: &[u8]) -> Result<Vec<u8>, BoxError> {
        Ok(self
            .decrypting
            .oaep_decrypt_with_rng::<sha1::Sha1, _>(&mut SysRng, ciphertext)?)
    }

    /// With implicit rejection: a ciphertext whose padding is wrong gives a message that is drawn
    /// from the key and the ciphertext.
    pub(super) fn decrypt_pkcs1(&self, ciphertext: &[u8]) -> Result<Vec<u8>, BoxError> {
        Ok(self
            .decrypting
            .pkcs1v15_decrypt_with_rng(&mut SysRng, ciphertext)?)
    }

    #[cfg(any(test, feature = "sandbox"))]
    pub(super) fn generate() -> Result<Zeroizing<Vec<u8>>, BoxError> {
        to_pkcs8(&rsa::PrivateKey::new(&mut SysRng, 2048)?)
    }

    #[cfg(any(test, feature = "sandbox"))]
    pub(super) fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, BoxError> {
        to_pkcs8(&self.decrypting)
    }
}

#[cfg(any(test, feature = "sandbox"))]
fn to_pkcs8(key: &rsa::PrivateKey) -> Result<Zeroizing<Vec<u8>>, BoxError> {
    use rsa::traits::PublicKeyParts as _;

    use super::der;

    let integer = |number: &BoxedUint| der::integer(&Zeroizing::new(number.to_be_bytes()));
    let [p, q] = key.primes() else {
        return Err("it is not a key of two primes".into());
    };
    let missing = "its CRT values are missing";
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

pub(super) struct PublicKey {
    verifying: UnparsedPublicKey<Vec<u8>>,
    encrypting: rsa::PublicKey,
}

impl PublicKey {
    pub(super) fn new(n: &[u8], e: &[u8], pkcs1: &[u8], _spki: &[u8]) -> Result<Self, BoxError> {
        Ok(Self {
            verifying: UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pkcs1.to_vec()),
            encrypting: rsa::PublicKey::new(number(n), number(e))?,
        })
    }

    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.verifying.verify(message, signature).is_ok()
    }

    pub(super) fn encrypt_oaep(&self, plaintext: &[u8]) -> Result<Vec<u8>, BoxError> {
        Ok(self
            .encrypting
            .oaep_encrypt_with_rng::<sha1::Sha1, _>(&mut SysRng, plaintext)?)
    }

    pub(super) fn encrypt_pkcs1(&self, plaintext: &[u8]) -> Result<Vec<u8>, BoxError> {
        Ok(self
            .encrypting
            .pkcs1v15_encrypt_with_rng(&mut SysRng, plaintext)?)
    }
}

fn number(big_endian: &[u8]) -> BoxedUint {
    BoxedUint::from_be_slice_vartime(big_endian)
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

/// Of the `sha1` crate, which uses the processor's own instructions: ring's takes some ten times as
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

pub(super) fn hmac_sha256(key: &[u8], data: &[u8]) -> [u8; 32] {
    fixed(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), data).as_ref())
}

fn fixed<const N: usize>(digest: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(digest);
    out
}

pub(super) fn open(
    key: &[u8; 32],
    nonce: [u8; 12],
    associated_data: &[u8],
    ciphertext_and_tag: &[u8],
) -> Option<Vec<u8>> {
    let nonce = Nonce::assume_unique_for_key(nonce);
    let mut data = ciphertext_and_tag.to_vec();
    let length = gcm(key)?
        .open_in_place(nonce, Aad::from(associated_data), &mut data)
        .ok()?
        .len();
    data.truncate(length);
    Some(data)
}

#[cfg(any(test, fuzzing))]
pub(super) fn seal(
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

pub(super) fn random(out: &mut [u8]) -> Result<(), BoxError> {
    SystemRandom::new()
        .fill(out)
        .map_err(|_| "ring's SystemRandom failed".into())
}

pub(super) fn tls_provider() -> CryptoProvider {
    rustls::crypto::ring::default_provider()
}
