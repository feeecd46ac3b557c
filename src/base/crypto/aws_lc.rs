//! aws-lc-rs, which does all of it.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    digest, hmac,
    rand::SystemRandom,
    rsa::{
        OAEP_SHA1_MGF1SHA1, OaepPrivateDecryptingKey, OaepPublicEncryptingKey,
        Pkcs1PublicEncryptingKey, PrivateDecryptingKey, PublicEncryptingKey,
    },
    signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair},
};
#[cfg(any(test, feature = "sandbox"))]
use aws_lc_rs::{
    encoding::{AsDer as _, Pkcs8V1Der},
    rsa::KeySize,
};
use rustls::crypto::CryptoProvider;
#[cfg(any(test, feature = "sandbox"))]
use zeroize::Zeroizing;

use super::{der, private_key::Parts};
use crate::error::BoxError;

pub(super) const MAX_PRIVATE_BITS: usize = 8192;

pub(super) struct PrivateKey {
    signing: RsaKeyPair,
    decrypting: OaepPrivateDecryptingKey,
}

impl PrivateKey {
    pub(super) fn new(pkcs1: &[u8], _parts: &Parts<'_>) -> Result<Self, BoxError> {
        let pkcs8 = der::private_key_info(pkcs1);
        let decrypting = PrivateDecryptingKey::from_pkcs8(&pkcs8)?;
        Ok(Self {
            signing: RsaKeyPair::from_pkcs8(&pkcs8)?,
            decrypting: OaepPrivateDecryptingKey::new(decrypting)?,
        })
    }

    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, BoxError> {
        let mut signature = vec![0; self.signing.public_modulus_len()];
        self.signing.sign(
            &RSA_PKCS1_SHA256,
            &SystemRandom::new(),
            message,
            &mut signature,
        )?;
        Ok(signature)
    }

    pub(super) fn decrypt_oaep(&self, ciphertext: &[u8]) -> Result<Vec<u8>, BoxError> {
        let mut out = vec![0; self.decrypting.min_output_size()];
        let length = self
            .decrypting
            .decrypt(&OAEP_SHA1_MGF1SHA1, ciphertext, &mut out, None)?
            .len();
        out.truncate(length);
        Ok(out)
    }

    /// AWS-LC has no implicit rejection: it tells a wrong padding by an error, from which an
    /// attacker who sends many ciphertexts learns what another one holds.
    pub(super) fn decrypt_pkcs1(&self, _ciphertext: &[u8]) -> Result<Vec<u8>, BoxError> {
        Err("AWS-LC has no implicit rejection".into())
    }

    #[cfg(any(test, feature = "sandbox"))]
    pub(super) fn generate() -> Result<Zeroizing<Vec<u8>>, BoxError> {
        to_pkcs8(&RsaKeyPair::generate(KeySize::Rsa2048)?)
    }

    #[cfg(any(test, feature = "sandbox"))]
    pub(super) fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, BoxError> {
        to_pkcs8(&self.signing)
    }
}

#[cfg(any(test, feature = "sandbox"))]
fn to_pkcs8(key: &RsaKeyPair) -> Result<Zeroizing<Vec<u8>>, BoxError> {
    let der: Pkcs8V1Der<'_> = key.as_der()?;
    Ok(Zeroizing::new(der.as_ref().to_vec()))
}

pub(super) struct PublicKey {
    verifying: ParsedPublicKey,
    oaep: OaepPublicEncryptingKey,
    pkcs1: Pkcs1PublicEncryptingKey,
}

impl PublicKey {
    pub(super) fn new(_n: &[u8], _e: &[u8], pkcs1: &[u8], spki: &[u8]) -> Result<Self, BoxError> {
        let encrypting = PublicEncryptingKey::from_der(spki)?;
        Ok(Self {
            verifying: ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pkcs1)?,
            oaep: OaepPublicEncryptingKey::new(encrypting.clone())?,
            pkcs1: Pkcs1PublicEncryptingKey::new(encrypting)?,
        })
    }

    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.verifying.verify_sig(message, signature).is_ok()
    }

    pub(super) fn encrypt_oaep(&self, plaintext: &[u8]) -> Result<Vec<u8>, BoxError> {
        let mut out = vec![0; self.oaep.ciphertext_size()];
        self.oaep
            .encrypt(&OAEP_SHA1_MGF1SHA1, plaintext, &mut out, None)?;
        Ok(out)
    }

    pub(super) fn encrypt_pkcs1(&self, plaintext: &[u8]) -> Result<Vec<u8>, BoxError> {
        let mut out = vec![0; self.pkcs1.ciphertext_size()];
        self.pkcs1.encrypt(plaintext, &mut out)?;
        Ok(out)
    }
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

pub(crate) struct Sha1(digest::Context);

impl Sha1 {
    pub(crate) fn new() -> Self {
        Self(digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY))
    }

    pub(crate) fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    pub(crate) fn finish(self) -> [u8; 20] {
        fixed(self.0.finish().as_ref())
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
    Ok(aws_lc_rs::rand::fill(out)?)
}

pub(super) fn tls_provider() -> CryptoProvider {
    rustls::crypto::aws_lc_rs::default_provider()
}
