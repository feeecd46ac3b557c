use std::{fmt, path::Path, sync::Arc};

use super::{
    Certificate, backend,
    defect::{Defect, Due},
    der::{self, Reader},
    digest, input,
    input::FromDer,
    pem,
    shape::{self, Shape},
};
use crate::error::{Cause, Kind, cause::Result};

/// An RSA public key: WeChat Pay's own, or the one in a certificate of its platform.
///
/// It verifies answers and notifications, and encrypts personal data for WeChat Pay. It is read
/// from SPKI (`BEGIN PUBLIC KEY`), PKCS#1 (`BEGIN RSA PUBLIC KEY`) or an X.509 certificate, from 2048 to
/// 8192 bits. Two are equal when they are the same key, whatever they were read from.
#[derive(Clone)]
pub struct PublicKey(Arc<Inner>);

struct Inner {
    key: backend::PublicKey,
    spki: Vec<u8>,
    bits: usize,
}

impl PublicKey {
    /// Reads a key from the text of a PEM file, such as the `pub_key.pem` of the merchant platform.
    ///
    /// Text around the block, Windows line breaks and a byte order mark do no harm.
    ///
    /// # Errors
    /// When it is no RSA public key or certificate of a usable size; the error says what it is.
    ///
    /// ```
    /// use wechatpay_chain::PublicKey;
    ///
    /// let err = PublicKey::from_pem("-----BEGIN EC PRIVATE KEY-----").unwrap_err();
    /// assert!(err.to_string().contains("RSA keys only"));
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

    /// Reads a key from SPKI, PKCS#1 or certificate DER, and finds out which it is.
    ///
    /// # Errors
    /// As [`from_pem`](Self::from_pem).
    pub fn from_der(der: &[u8]) -> crate::Result<Self> {
        input::from_der(der).map_err(Cause::not_sent)
    }

    /// Reads a key from the base64 of its SPKI, PKCS#1 or certificate DER, without `BEGIN` and
    /// `END` lines. Spaces and line breaks do no harm.
    ///
    /// # Errors
    /// As [`from_pem`](Self::from_pem).
    pub fn from_base64(text: &str) -> crate::Result<Self> {
        input::from_base64(text).map_err(Cause::not_sent)
    }

    /// This key as PEM (`BEGIN PUBLIC KEY`).
    #[must_use]
    pub fn to_pem(&self) -> String {
        pem::encode("PUBLIC KEY", &self.0.spki).to_string()
    }

    /// The size of the modulus.
    pub(crate) fn bits(&self) -> usize {
        self.0.bits
    }

    /// Whether `signature` is RSASSA-PKCS1-v1_5 with SHA-256 over `message`, by this key's owner.
    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.key.verify(message, signature)
    }

    /// RSA-OAEP with SHA-1 and MGF1-SHA-1.
    pub(crate) fn encrypt_oaep(&self, plaintext: &[u8]) -> Result<Vec<u8>> {
        self.check_room(plaintext, 42)?;
        self.0.key.encrypt_oaep(plaintext).map_err(not_encrypted)
    }

    /// RSAES-PKCS1-v1_5, which some old overseas APIs ask for.
    pub(crate) fn encrypt_pkcs1(&self, plaintext: &[u8]) -> Result<Vec<u8>> {
        self.check_room(plaintext, 11)?;
        self.0.key.encrypt_pkcs1(plaintext).map_err(not_encrypted)
    }

    pub(super) fn from_parts(n: &[u8], e: &[u8]) -> Result<Self, Defect> {
        let bits = der::bits(n);
        if !(2048..=8192).contains(&bits) {
            return Err(Defect::new(format!(
                "it is an RSA key of {bits} bits; keys of 2048 to 8192 bits can be used"
            )));
        }
        let odd = |number: &[u8]| number.last().is_some_and(|last| last % 2 == 1);
        // The exponent's upper bound is that of both backends: verifying takes its time by it.
        if !odd(n) || !odd(e) || der::bits(e) < 2 || der::bits(e) > 33 {
            return Err(Defect::new(
                "it has the form of an RSA key, but its numbers are not one",
            ));
        }
        let pkcs1 = der::rsa_public_key(n, e);
        let spki = der::subject_public_key_info(&pkcs1);
        let key = backend::PublicKey::new(n, e, &pkcs1, &spki).map_err(|source| {
            Defect::new("it has the form of an RSA key, but its numbers are not one")
                .with_source(source)
        })?;
        Ok(Self(Arc::new(Inner { key, spki, bits })))
    }

    pub(super) fn from_pkcs1(pkcs1: &[u8]) -> Result<Self, Defect> {
        let mut document = Reader::new(pkcs1);
        document
            .take(der::SEQUENCE)
            .filter(|_| document.rest().is_empty())
            .and_then(|numbers| {
                let mut numbers = Reader::new(numbers);
                let parts = (numbers.unsigned()?, numbers.unsigned()?);
                numbers.rest().is_empty().then_some(parts)
            })
            .ok_or_else(|| Defect::new("it is damaged: there is no whole RSA public key in it"))
            .and_then(|(n, e)| Self::from_parts(n, e))
    }

    fn check_room(&self, plaintext: &[u8], padding: usize) -> Result<()> {
        let limit = self.0.bits.div_ceil(8) - padding;
        if plaintext.len() > limit {
            return Err(Cause::request(format!(
                "the text to encrypt is {} bytes long; this key of {} bits takes at most {limit} bytes",
                plaintext.len(),
                self.0.bits
            )));
        }
        Ok(())
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.spki == other.0.spki
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fingerprint = digest::hex_lower(&digest::sha256(&self.0.spki));
        f.debug_struct("PublicKey")
            .field("bits", &self.0.bits)
            .field("spki_sha256", &fingerprint)
            .finish()
    }
}

impl FromDer for PublicKey {
    const DUE: Due = Due::PublicKey;

    fn parse(der: &[u8]) -> Result<Self, Defect> {
        match shape::of(der)? {
            Shape::RsaPublicKey => Self::from_pkcs1(der),
            Shape::PublicKeyInfo { algorithm, key } => {
                shape::require_rsa(algorithm)?;
                Self::from_pkcs1(key)
            }
            Shape::Certificate => Ok(Certificate::parse(der)?.public_key().clone()),
            other => Err(shape::mismatch(&other, Self::DUE)),
        }
    }
}

fn not_encrypted(source: crate::error::BoxError) -> Cause {
    Cause::new(Kind::Request, "the text cannot be encrypted").with_source(source)
}
