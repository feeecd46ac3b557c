use std::{fmt, path::Path, sync::Arc};

#[cfg(any(test, feature = "sandbox"))]
use zeroize::Zeroizing;

use super::{
    PublicKey, backend,
    defect::{Defect, Due},
    der::{self, Reader},
    input::{self, FromDer},
    shape::{self, Shape},
};
use crate::error::{Cause, Kind, cause::Result};

/// The merchant's RSA private key: it signs requests and opens what was encrypted for the merchant.
///
/// It is the `apiclient_key.pem` that came with the merchant's API certificate. PKCS#1
/// (`BEGIN RSA PRIVATE KEY`) and PKCS#8 (`BEGIN PRIVATE KEY`) are both taken, from 2048 to 4096
/// bits (8192 with the feature `aws-lc-rs`). A clone is the same key and costs next to nothing. `Debug` shows the size only.
///
/// The bytes it is read from are wiped from this crate's own memory. What the crypto library keeps
/// is freed when the last clone is dropped, and wiped where the library does that: `ring` does not.
#[derive(Clone)]
pub struct PrivateKey(Arc<Inner>);

struct Inner {
    key: backend::PrivateKey,
    public: PublicKey,
}

impl PrivateKey {
    /// Reads a key from the text of a PEM file.
    ///
    /// Text around the block, Windows line breaks and a byte order mark do no harm.
    ///
    /// # Errors
    /// When it is no unencrypted RSA private key of a usable size; the error says what it is.
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
    /// As [`from_pem`](Self::from_pem), and when the file cannot be read.
    pub fn from_pem_file(path: impl AsRef<Path>) -> crate::Result<Self> {
        input::from_pem_file(path.as_ref()).map_err(Cause::not_sent)
    }

    /// Reads a key from PKCS#1 or PKCS#8 DER, and finds out which it is.
    ///
    /// # Errors
    /// As [`from_pem`](Self::from_pem).
    pub fn from_der(der: &[u8]) -> crate::Result<Self> {
        input::from_der(der).map_err(Cause::not_sent)
    }

    /// Reads a key from the base64 of its PKCS#1 or PKCS#8 DER, without `BEGIN` and `END` lines.
    /// Spaces and line breaks do no harm.
    ///
    /// # Errors
    /// As [`from_pem`](Self::from_pem).
    pub fn from_base64(text: &str) -> crate::Result<Self> {
        input::from_base64(text).map_err(Cause::not_sent)
    }

    /// The public half of this key.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        self.0.public.clone()
    }

    /// As [`from_der`](Self::from_der), without an outcome.
    pub(super) fn parse_der(der: &[u8]) -> Result<Self> {
        input::from_der(der)
    }

    /// RSASSA-PKCS1-v1_5 with SHA-256.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>> {
        self.0.key.sign(message).map_err(|source| {
            Cause::new(Kind::Sign, "the private key did not sign").with_source(source)
        })
    }

    /// RSA-OAEP with SHA-1 and MGF1-SHA-1.
    pub(crate) fn decrypt_oaep(&self, ciphertext: &[u8]) -> Result<Vec<u8>> {
        self.check_size(ciphertext)?;
        self.0.key.decrypt_oaep(ciphertext).map_err(|source| {
            Cause::new(
                Kind::Decrypt,
                "the RSA ciphertext does not open: it is for another key, altered, or not OAEP with SHA-1",
            )
            .with_source(source)
        })
    }

    /// RSAES-PKCS1-v1_5 with implicit rejection: a ciphertext that was altered, or made for another
    /// key, gives bytes of no meaning and no error.
    pub(crate) fn decrypt_pkcs1(&self, ciphertext: &[u8]) -> Result<Vec<u8>> {
        self.check_size(ciphertext)?;
        self.0.key.decrypt_pkcs1(ciphertext).map_err(|source| {
            let reason = if cfg!(feature = "aws-lc-rs") {
                "the feature `aws-lc-rs` cannot decrypt PKCS#1 v1.5 safely: use the feature `ring`, or"
            } else {
                "the RSA ciphertext is not one for this key; to see what openssl makes of it:"
            };
            Cause::new(
                Kind::Decrypt,
                format!(
                    "{reason} base64 -d field.txt | openssl pkeyutl -decrypt -inkey \
                     apiclient_key.pem -pkeyopt rsa_padding_mode:pkcs1"
                ),
            )
            .with_source(source)
        })
    }

    fn check_size(&self, ciphertext: &[u8]) -> Result<()> {
        let expected = self.0.public.bits().div_ceil(8);
        if ciphertext.len() == expected {
            return Ok(());
        }
        Err(Cause::new(
            Kind::Decrypt,
            format!(
                "the RSA ciphertext is {} bytes long; one for this key has {expected}",
                ciphertext.len()
            ),
        ))
    }

    /// Draws a new key of 2048 bits.
    #[cfg(any(test, feature = "sandbox"))]
    pub(crate) fn generate() -> Result<Self> {
        let der = backend::PrivateKey::generate()
            .map_err(|source| Cause::key("a new RSA key cannot be drawn").with_source(source))?;
        Self::parse_der(&der)
    }

    /// This key as a PKCS#8 PEM text.
    #[cfg(any(test, feature = "sandbox"))]
    pub(crate) fn to_pkcs8_pem(&self) -> Result<Zeroizing<String>> {
        let der = self.0.key.to_pkcs8().map_err(|source| {
            Cause::key("the private key cannot be written out").with_source(source)
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
    const DUE: Due = Due::PrivateKey;

    fn parse(der: &[u8]) -> Result<Self, Defect> {
        let pkcs1 = match shape::of(der)? {
            Shape::RsaPrivateKey => der,
            Shape::PrivateKeyInfo { algorithm, key } => {
                shape::require_rsa(algorithm)?;
                key
            }
            other => return Err(shape::mismatch(&other, Self::DUE)),
        };
        let parts = Parts::read(pkcs1)?;
        let bits = der::bits(parts.n);
        if !(2048..=backend::MAX_PRIVATE_BITS).contains(&bits) {
            return Err(Defect::new(format!(
                "it is an RSA key of {bits} bits; keys of 2048 to {} bits can be used",
                backend::MAX_PRIVATE_BITS
            )));
        }
        let public = PublicKey::from_parts(parts.n, parts.e)?;
        let key = backend::PrivateKey::new(pkcs1, &parts).map_err(|source| {
            Defect::new(format!(
                "it has the form of an RSA key of {bits} bits, but the crypto library cannot use its numbers; \
                 is the file damaged, or made in an unusual way?"
            ))
            .with_source(source)
        })?;
        Ok(Self(Arc::new(Inner { key, public })))
    }
}

/// The numbers of PKCS#1's `RSAPrivateKey` that the backends ask for, big-endian.
// aws-lc-rs reads them out of the document itself.
#[cfg_attr(feature = "aws-lc-rs", allow(dead_code))]
pub(super) struct Parts<'a> {
    pub(super) n: &'a [u8],
    pub(super) e: &'a [u8],
    pub(super) d: &'a [u8],
    pub(super) p: &'a [u8],
    pub(super) q: &'a [u8],
    pub(super) dp: &'a [u8],
    pub(super) dq: &'a [u8],
}

impl<'a> Parts<'a> {
    fn read(pkcs1: &'a [u8]) -> Result<Self, Defect> {
        let damaged = || Defect::new("it is damaged: there is no whole RSA private key in it");
        let mut document = Reader::new(pkcs1);
        let mut numbers = Reader::new(document.take(der::SEQUENCE).ok_or_else(damaged)?);
        let version = numbers.unsigned().ok_or_else(damaged)?;
        if !version.is_empty() {
            return Err(Defect::new(
                "it is an RSA key of more than two primes, which cannot be used",
            ));
        }
        let mut next = || numbers.unsigned().ok_or_else(damaged);
        Ok(Self {
            n: next()?,
            e: next()?,
            d: next()?,
            p: next()?,
            q: next()?,
            dp: next()?,
            dq: next()?,
        })
    }
}
