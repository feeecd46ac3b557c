//! The merchant's private key.

use std::{fmt, path::Path, sync::Arc};

#[cfg(any(test, feature = "sandbox"))]
use zeroize::Zeroizing;

use super::{
    PublicKey,
    format::{self, Format},
    input::{self, FromDer},
};
use crate::{
    base::crypto::{
        backend::{self, Parts},
        defect::{Defect, Expected},
        der::{self, Reader},
    },
    error::{Cause, ErrorKind, cause::Result},
};

/// The merchant's RSA private key: signs requests, and decrypts what was encrypted for the merchant.
///
/// This is `apiclient_key.pem`, issued with the merchant's API certificate. Both PKCS#1
/// (`BEGIN RSA PRIVATE KEY`) and PKCS#8 (`BEGIN PRIVATE KEY`) are accepted, with 2048 to 4096 bits (8192
/// with the feature `aws-lc-rs`). Cloning is cheap and shares the key. `Debug` shows the size only.
///
/// This crate wipes the buffers that it reads the key through. The crypto library's copy is freed when
/// the last clone is dropped; `ring` frees it without wiping it.
///
/// ```no_run
/// use wechatpay_chain::{Client, PrivateKey};
///
/// # fn main() -> wechatpay_chain::Result<()> {
/// let client = Client::builder()
///     .mchid("1900000109")
///     .serial("3775B6A45ACD588826D15E583A95F5DD00000000")
///     .private_key(PrivateKey::from_pem_file("apiclient_key.pem")?);
/// # let _ = client;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PrivateKey(Arc<Inner>);

struct Inner {
    key: backend::PrivateKey,
    public: PublicKey,
}

impl PrivateKey {
    /// Reads a key from the text of a PEM file.
    ///
    /// Text around the block, Windows line breaks and a byte order mark are ignored.
    ///
    /// # Errors
    /// Returns an error if the text is not an unencrypted RSA private key of an accepted size. The error
    /// says what it is instead.
    ///
    /// ```
    /// use wechatpay_chain::PrivateKey;
    ///
    /// let err = PrivateKey::from_pem("apiclient_key.pem").unwrap_err();
    /// assert!(err.to_string().contains("use from_pem_file"));
    /// ```
    pub fn from_pem(pem: &str) -> crate::Result<Self> {
        input::from_pem(pem).map_err(Cause::not_sent)
    }

    /// Reads a key from a PEM file of at most 64 KiB.
    ///
    /// # Errors
    /// Returns an error like [`from_pem`](Self::from_pem) does, or if the file cannot be read.
    pub fn from_pem_file(path: impl AsRef<Path>) -> crate::Result<Self> {
        input::from_pem_file(path.as_ref()).map_err(Cause::not_sent)
    }

    /// Reads a key from DER, PKCS#1 or PKCS#8.
    ///
    /// # Errors
    /// Returns an error like [`from_pem`](Self::from_pem) does.
    pub fn from_der(der: &[u8]) -> crate::Result<Self> {
        input::from_der(der).map_err(Cause::not_sent)
    }

    /// Reads a key from the base64 of its DER, without `BEGIN` and `END` lines.
    ///
    /// Spaces and line breaks are ignored.
    ///
    /// # Errors
    /// Returns an error like [`from_pem`](Self::from_pem) does.
    pub fn from_base64(text: &str) -> crate::Result<Self> {
        input::from_base64(text).map_err(Cause::not_sent)
    }

    /// Returns the public key that belongs to this key.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        self.0.public.clone()
    }

    /// Like [`from_der`](Self::from_der), without an outcome.
    pub(super) fn parse_der(der: &[u8]) -> Result<Self> {
        input::from_der(der)
    }

    /// Signs with RSASSA-PKCS1-v1_5 and SHA-256, the only scheme of APIv3.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        self.0.key.sign(message).map_err(|source| {
            Cause::new(ErrorKind::Signing, "signing with the private key failed")
                .with_source(source)
        })
    }

    /// Decrypts RSA-OAEP with SHA-1 and MGF1-SHA-1.
    // SHA-1, because WeChat Pay uses it. OAEP does not depend on collision resistance. With SHA-256
    // our own round trips would pass, and the real API would refuse every field.
    pub(crate) fn decrypt_oaep(&self, ciphertext: &[u8]) -> Result<Vec<u8>> {
        self.check_size(ciphertext)?;
        self.0.key.decrypt_oaep(ciphertext).map_err(|source| {
            Cause::new(
                ErrorKind::Decrypt,
                "cannot decrypt the RSA ciphertext: it is for another key, altered, or not OAEP with SHA-1",
            )
            .with_source(source)
        })
    }

    /// Decrypts RSAES-PKCS1-v1_5. A ciphertext that was altered, or made for another key, gives
    /// meaningless bytes instead of an error.
    // This is implicit rejection. An error for wrong padding would be an oracle: an attacker who
    // can send many ciphertexts and sees which ones fail can decrypt another one (Bleichenbacher).
    // AWS-LC does not offer it, so with that backend this is always an error.
    pub(crate) fn decrypt_pkcs1(&self, ciphertext: &[u8]) -> Result<Vec<u8>> {
        self.check_size(ciphertext)?;
        self.0.key.decrypt_pkcs1(ciphertext).map_err(|source| {
            let reason = if cfg!(feature = "aws-lc-rs") {
                "the feature `aws-lc-rs` cannot decrypt PKCS#1 v1.5 safely; use the feature `ring`, or:"
            } else {
                "cannot decrypt the RSA ciphertext; to see what openssl reports:"
            };
            Cause::new(
                ErrorKind::Decrypt,
                format!(
                    "{reason} base64 -d field.txt | openssl pkeyutl -decrypt -inkey \
                     apiclient_key.pem -pkeyopt rsa_padding_mode:pkcs1"
                ),
            )
            .with_source(source)
        })
    }

    // Checked first, because the size is public: a more specific error reveals nothing, and a truncated
    // field is the most common mistake.
    fn check_size(&self, ciphertext: &[u8]) -> Result<()> {
        let expected = self.0.public.bits().div_ceil(8);
        if ciphertext.len() == expected {
            return Ok(());
        }
        Err(Cause::new(
            ErrorKind::Decrypt,
            format!(
                "invalid RSA ciphertext: {} bytes, expected {expected} for this key",
                ciphertext.len()
            ),
        ))
    }

    /// Generates a key of 2048 bits.
    #[cfg(any(test, feature = "sandbox"))]
    pub(crate) fn generate() -> Result<Self> {
        let der = backend::PrivateKey::generate()
            .map_err(|source| Cause::key("cannot generate an RSA key").with_source(source))?;
        Self::parse_der(&der)
    }

    /// Returns this key as PKCS#8 in PEM.
    #[cfg(any(test, feature = "sandbox"))]
    pub(crate) fn to_pkcs8_pem(&self) -> Result<Zeroizing<String>> {
        let der =
            self.0.key.to_pkcs8().map_err(|source| {
                Cause::key("cannot encode the private key").with_source(source)
            })?;
        Ok(super::pem::encode("PRIVATE KEY", &der))
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateKey")
            .field("bits", &self.0.public.bits())
            .finish_non_exhaustive()
    }
}

impl FromDer for PrivateKey {
    const EXPECTED: Expected = Expected::PrivateKey;

    fn parse(der: &[u8]) -> Result<Self, Defect> {
        let pkcs1 = match format::detect(der)? {
            // The label of a PEM block does not decide: files with PKCS#1 under `PRIVATE KEY` exist.
            Format::RsaPrivateKey => der,
            Format::PrivateKeyInfo { algorithm, key } => {
                format::require_rsa(algorithm)?;
                key
            }
            other => return Err(format::mismatch(&other, Self::EXPECTED)),
        };
        let parts = read_parts(pkcs1)?;
        // WeChat Pay's keys have 2048 bits. The libraries refuse shorter ones too, with a less helpful
        // error.
        let bits = der::bits(parts.n);
        if !(2048..=backend::MAX_PRIVATE_BITS).contains(&bits) {
            return Err(Defect::new(format!(
                "RSA key of {bits} bits; expected 2048 to {} bits",
                backend::MAX_PRIVATE_BITS
            )));
        }
        let public = PublicKey::from_parts(parts.n, parts.e)?;
        let key = backend::PrivateKey::new(pkcs1, &parts).map_err(|source| {
            Defect::new(format!(
                "the crypto library rejects the numbers of this RSA key of {bits} bits; \
                 the file may be damaged"
            ))
            .with_source(source)
        })?;
        Ok(Self(Arc::new(Inner { key, public })))
    }
}

/// Reads PKCS#1's `RSAPrivateKey`.
fn read_parts(pkcs1: &[u8]) -> Result<Parts<'_>, Defect> {
    let damaged = || Defect::new("damaged: incomplete RSA private key");
    let mut document = Reader::new(pkcs1);
    let mut numbers = Reader::new(document.take(der::SEQUENCE).ok_or_else(damaged)?);
    // 0 is a key with two primes. `unsigned` strips leading zeros, so that 0 is empty.
    let version = numbers.unsigned().ok_or_else(damaged)?;
    if !version.is_empty() {
        return Err(Defect::new(
            "RSA key with more than two primes, which is not supported",
        ));
    }
    let mut next = || numbers.unsigned().ok_or_else(damaged);
    Ok(Parts {
        n: next()?,
        e: next()?,
        d: next()?,
        p: next()?,
        q: next()?,
        dp: next()?,
        dq: next()?,
    })
}
