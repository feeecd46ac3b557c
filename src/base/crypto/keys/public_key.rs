//! WeChat Pay's public key.

use std::{fmt, path::Path, sync::Arc};

use super::{
    Certificate,
    format::{self, Format},
    input::{self, FromDer},
    pem,
};
#[cfg(feature = "sandbox")]
use crate::base::crypto::OtherSignature;
use crate::{
    base::crypto::{
        backend,
        defect::{Defect, Expected},
        der::{self, Reader},
        digest,
    },
    error::{BoxError, Cause, ErrorKind, cause::Result},
};

/// An RSA public key: WeChat Pay's own, or the one in a platform certificate.
///
/// Verifies responses and notifications, and encrypts personal data for WeChat Pay. SPKI
/// (`BEGIN PUBLIC KEY`), PKCS#1 (`BEGIN RSA PUBLIC KEY`) and X.509 certificates are accepted, with 2048
/// to 8192 bits. Two values are equal if they are the same key, whatever they were read from.
///
/// ```no_run
/// use wechatpay_chain::{Client, PublicKey};
///
/// # fn main() -> wechatpay_chain::Result<()> {
/// let client = Client::builder().platform_key(
///     "PUB_KEY_ID_0119000001092024000000000000",
///     PublicKey::from_pem_file("pub_key.pem")?,
/// );
/// # let _ = client;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PublicKey(Arc<Inner>);

struct Inner {
    key: backend::PublicKey,
    spki: Vec<u8>,
    #[cfg(feature = "sandbox")]
    pkcs1: Vec<u8>,
    bits: usize,
}

impl PublicKey {
    /// Reads a key from the text of a PEM file, such as the `pub_key.pem` of the merchant platform.
    ///
    /// Text around the block, Windows line breaks and a byte order mark are ignored.
    ///
    /// # Errors
    /// Returns an error if the text is not an RSA public key or a certificate of an accepted size. The
    /// error says what it is instead.
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
    /// Returns an error like [`from_pem`](Self::from_pem) does, or if the file cannot be read.
    pub fn from_pem_file(path: impl AsRef<Path>) -> crate::Result<Self> {
        input::from_pem_file(path.as_ref()).map_err(Cause::not_sent)
    }

    /// Reads a key from DER: SPKI, PKCS#1 or a certificate.
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

    /// Returns this key as PEM (`BEGIN PUBLIC KEY`).
    #[must_use]
    pub fn to_pem(&self) -> String {
        pem::encode("PUBLIC KEY", &self.0.spki).to_string()
    }

    /// Returns this key as PEM of PKCS#1 (`BEGIN RSA PUBLIC KEY`).
    #[cfg(feature = "sandbox")]
    pub(crate) fn to_pkcs1_pem(&self) -> String {
        pem::encode("RSA PUBLIC KEY", &self.0.pkcs1).to_string()
    }

    /// Returns the size of the modulus, in bits.
    pub(crate) fn bits(&self) -> usize {
        self.0.bits
    }

    /// Verifies an RSASSA-PKCS1-v1_5 signature with SHA-256.
    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.key.verify(message, signature)
    }

    /// Verifies a signature of another kind.
    #[cfg(feature = "sandbox")]
    pub(crate) fn verify_other(
        &self,
        with: OtherSignature,
        message: &[u8],
        signature: &[u8],
    ) -> bool {
        backend::verify_other(with, &self.0.pkcs1, message, signature)
    }

    /// Encrypts with RSA-OAEP, SHA-1 and MGF1-SHA-1: see
    /// [`PrivateKey::decrypt_oaep`](super::PrivateKey::decrypt_oaep).
    pub(crate) fn encrypt_oaep(&self, plaintext: &[u8]) -> Result<Vec<u8>> {
        self.check_room(plaintext, 42)?;
        self.0.key.encrypt_oaep(plaintext).map_err(not_encrypted)
    }

    /// Encrypts with RSAES-PKCS1-v1_5, which some old overseas APIs require.
    pub(crate) fn encrypt_pkcs1(&self, plaintext: &[u8]) -> Result<Vec<u8>> {
        self.check_room(plaintext, 11)?;
        self.0.key.encrypt_pkcs1(plaintext).map_err(not_encrypted)
    }

    /// Returns the key as X.509's `SubjectPublicKeyInfo`.
    #[cfg(any(test, feature = "sandbox"))]
    pub(super) fn spki(&self) -> &[u8] {
        &self.0.spki
    }

    pub(super) fn from_parts(n: &[u8], e: &[u8]) -> Result<Self, Defect> {
        let bits = der::bits(n);
        if !(2048..=8192).contains(&bits) {
            return Err(Defect::new(format!(
                "RSA key of {bits} bits; expected 2048 to 8192 bits"
            )));
        }
        // ring parses a public key only when it verifies. Numbers that cannot be a key are found here.
        let odd = |number: &[u8]| number.last().is_some_and(|last| last % 2 == 1);
        // The exponent's upper bound is that of both backends: verification takes longer the larger it
        // is. Checked here, so that both report the same error, and at build time.
        if !odd(n) || !odd(e) || der::bits(e) < 2 || der::bits(e) > 33 {
            return Err(Defect::new("the numbers in it are not an RSA key"));
        }
        // Encoded again instead of kept as read, so that equal keys have equal bytes: `==`, `to_pem`
        // and the fingerprint in `Debug` do not depend on the format of the input.
        let pkcs1 = der::rsa_public_key(n, e);
        let spki = der::subject_public_key_info(&pkcs1);
        let key = backend::PublicKey::new(n, e, &pkcs1, &spki).map_err(|source| {
            Defect::new("the numbers in it are not an RSA key").with_source(source)
        })?;
        Ok(Self(Arc::new(Inner {
            key,
            spki,
            #[cfg(feature = "sandbox")]
            pkcs1,
            bits,
        })))
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
            .ok_or_else(|| Defect::new("damaged: incomplete RSA public key"))
            .and_then(|(n, e)| Self::from_parts(n, e))
    }

    // OAEP with SHA-1 takes 42 bytes of the modulus, PKCS#1 v1.5 takes 11. The libraries report only that
    // something failed; the limit tells the user which field to shorten.
    fn check_room(&self, plaintext: &[u8], padding: usize) -> Result<()> {
        let limit = self.0.bits.div_ceil(8) - padding;
        if plaintext.len() > limit {
            return Err(Cause::request(format!(
                "text too long to encrypt: {} bytes; expected at most {limit} for this key of {} bits",
                plaintext.len(),
                self.0.bits,
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
    const EXPECTED: Expected = Expected::PublicKey;

    fn parse(der: &[u8]) -> Result<Self, Defect> {
        match format::detect(der)? {
            Format::RsaPublicKey => Self::from_pkcs1(der),
            Format::PublicKeyInfo { algorithm, key } => {
                format::require_rsa(algorithm)?;
                Self::from_pkcs1(key)
            }
            Format::Certificate => Ok(Certificate::parse(der)?.public_key().clone()),
            other => Err(format::mismatch(&other, Self::EXPECTED)),
        }
    }
}

fn not_encrypted(source: BoxError) -> Cause {
    Cause::new(ErrorKind::Request, "encryption with the public key failed").with_source(source)
}
