//! What is special about aws-lc-rs: it does RSA encryption and key generation itself, and loads private
//! keys from PKCS#8.

use aws_lc_rs::{
    digest,
    rsa::{
        OAEP_SHA1_MGF1SHA1, OaepPrivateDecryptingKey, OaepPublicEncryptingKey,
        Pkcs1PublicEncryptingKey, PrivateDecryptingKey, PublicEncryptingKey,
    },
    signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair},
};
#[cfg(any(test, feature = "sandbox"))]
use aws_lc_rs::{
    encoding::{AsDer as _, Pkcs8V1Der},
    rsa::KeySize,
};
use rustls::crypto::CryptoProvider;
#[cfg(any(test, feature = "sandbox"))]
use zeroize::Zeroizing;

use super::{Parts, fixed};
use crate::{base::crypto::der, error::BoxError};

pub(crate) const MAX_PRIVATE_BITS: usize = 8192;

pub(crate) struct PrivateKey {
    signing: RsaKeyPair,
    decrypting: OaepPrivateDecryptingKey,
}

impl PrivateKey {
    pub(crate) fn new(pkcs1: &[u8], _parts: &Parts<'_>) -> Result<Self, BoxError> {
        // `PrivateDecryptingKey` reads PKCS#8 only. Wrapping PKCS#1 is simpler than two paths.
        let pkcs8 = der::private_key_info(pkcs1);
        let decrypting = PrivateDecryptingKey::from_pkcs8(&pkcs8)?;
        Ok(Self {
            signing: RsaKeyPair::from_pkcs8(&pkcs8)?,
            decrypting: OaepPrivateDecryptingKey::new(decrypting)?,
        })
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, BoxError> {
        super::sign(&self.signing, self.signing.public_modulus_len(), message)
    }

    pub(crate) fn decrypt_oaep(&self, ciphertext: &[u8]) -> Result<Vec<u8>, BoxError> {
        let mut out = vec![0; self.decrypting.min_output_size()];
        let length = self
            .decrypting
            .decrypt(&OAEP_SHA1_MGF1SHA1, ciphertext, &mut out, None)?
            .len();
        out.truncate(length);
        Ok(out)
    }

    /// Always an error. AWS-LC has no implicit rejection: it reports wrong padding, and that tells an
    /// attacker who sends many ciphertexts what another one holds.
    pub(crate) fn decrypt_pkcs1(&self, _ciphertext: &[u8]) -> Result<Vec<u8>, BoxError> {
        Err("AWS-LC has no implicit rejection".into())
    }

    #[cfg(any(test, feature = "sandbox"))]
    pub(crate) fn generate() -> Result<Zeroizing<Vec<u8>>, BoxError> {
        to_pkcs8(&RsaKeyPair::generate(KeySize::Rsa2048)?)
    }

    #[cfg(any(test, feature = "sandbox"))]
    pub(crate) fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, BoxError> {
        to_pkcs8(&self.signing)
    }
}

#[cfg(any(test, feature = "sandbox"))]
fn to_pkcs8(key: &RsaKeyPair) -> Result<Zeroizing<Vec<u8>>, BoxError> {
    let der: Pkcs8V1Der<'_> = key.as_der()?;
    Ok(Zeroizing::new(der.as_ref().to_vec()))
}

pub(crate) struct PublicKey {
    verifying: ParsedPublicKey,
    oaep: OaepPublicEncryptingKey,
    pkcs1: Pkcs1PublicEncryptingKey,
}

impl PublicKey {
    pub(crate) fn new(_n: &[u8], _e: &[u8], pkcs1: &[u8], spki: &[u8]) -> Result<Self, BoxError> {
        let encrypting = PublicEncryptingKey::from_der(spki)?;
        Ok(Self {
            verifying: ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pkcs1)?,
            oaep: OaepPublicEncryptingKey::new(encrypting.clone())?,
            pkcs1: Pkcs1PublicEncryptingKey::new(encrypting)?,
        })
    }

    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.verifying.verify_sig(message, signature).is_ok()
    }

    pub(crate) fn encrypt_oaep(&self, plaintext: &[u8]) -> Result<Vec<u8>, BoxError> {
        let mut out = vec![0; self.oaep.ciphertext_size()];
        self.oaep
            .encrypt(&OAEP_SHA1_MGF1SHA1, plaintext, &mut out, None)?;
        Ok(out)
    }

    pub(crate) fn encrypt_pkcs1(&self, plaintext: &[u8]) -> Result<Vec<u8>, BoxError> {
        let mut out = vec![0; self.pkcs1.ciphertext_size()];
        self.pkcs1.encrypt(plaintext, &mut out)?;
        Ok(out)
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

pub(crate) fn tls_provider() -> CryptoProvider {
    rustls::crypto::aws_lc_rs::default_provider()
}
