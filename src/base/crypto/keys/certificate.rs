//! X.509 certificates: WeChat Pay's platform certificates, and the merchant's API certificate.

use std::{fmt, path::Path, sync::Arc, time::SystemTime};

use x509_cert::der::Decode as _;

use super::{
    PublicKey,
    format::{self, Format},
    input::{self, FromDer},
    pem,
};
use crate::{
    base::crypto::{
        defect::{Defect, Expected},
        digest,
    },
    error::{Cause, cause::Result},
};

/// An X.509 certificate with an RSA key: a platform certificate, or the merchant's own.
///
/// Reading a certificate checks its form, not its dates and not its issuer.
///
/// ```no_run
/// use wechatpay_chain::Certificate;
///
/// # fn main() -> wechatpay_chain::Result<()> {
/// let certificate = Certificate::from_pem_file("apiclient_cert.pem")?;
/// println!("{} is valid until {:?}", certificate.serial(), certificate.not_after());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate(Arc<Inner>);

// Neither dates nor issuer are checked on reading. A platform certificate is trusted because the merchant
// configures it, or because it came encrypted under the APIv3 key; the trust store looks at the dates.
#[derive(PartialEq, Eq)]
struct Inner {
    der: Vec<u8>,
    serial: String,
    not_before: SystemTime,
    not_after: SystemTime,
    public_key: PublicKey,
}

impl Certificate {
    /// Reads the first certificate in the text of a PEM file.
    ///
    /// Text around the block, Windows line breaks and a byte order mark are ignored.
    ///
    /// # Errors
    /// Returns an error if the text has no certificate with an RSA key. The error says what it has
    /// instead.
    ///
    /// ```
    /// use wechatpay_chain::Certificate;
    ///
    /// let err = Certificate::from_pem("-----BEGIN CERTIFICATE-----\nMIID").unwrap_err();
    /// assert!(err.to_string().contains("truncated"));
    /// ```
    pub fn from_pem(pem: &str) -> crate::Result<Self> {
        input::from_pem(pem).map_err(Cause::not_sent)
    }

    /// Reads the first certificate in a PEM file of at most 64 KiB.
    ///
    /// # Errors
    /// Returns an error like [`from_pem`](Self::from_pem) does, or if the file cannot be read.
    pub fn from_pem_file(path: impl AsRef<Path>) -> crate::Result<Self> {
        input::from_pem_file(path.as_ref()).map_err(Cause::not_sent)
    }

    /// Reads a certificate from DER.
    ///
    /// # Errors
    /// Returns an error like [`from_pem`](Self::from_pem) does.
    pub fn from_der(der: &[u8]) -> crate::Result<Self> {
        input::from_der(der).map_err(Cause::not_sent)
    }

    /// Reads a certificate from the base64 of its DER, without `BEGIN` and `END` lines.
    ///
    /// Spaces and line breaks are ignored.
    ///
    /// # Errors
    /// Returns an error like [`from_pem`](Self::from_pem) does.
    pub fn from_base64(text: &str) -> crate::Result<Self> {
        input::from_base64(text).map_err(Cause::not_sent)
    }

    /// Like [`from_pem`](Self::from_pem), for code that may run after a request was sent.
    pub(crate) fn parse_pem(pem: &str) -> Result<Self> {
        input::from_pem(pem)
    }

    /// Like [`from_der`](Self::from_der), without an outcome.
    pub(super) fn parse_der(der: &[u8]) -> Result<Self> {
        input::from_der(der)
    }

    /// Like [`from_pem_file`](Self::from_pem_file), without an outcome.
    pub(crate) fn parse_pem_file(path: &Path) -> Result<Self> {
        input::from_pem_file(path)
    }

    /// Returns the serial number as WeChat Pay writes it: two upper-case hexadecimal digits for each
    /// byte, a leading zero included.
    #[must_use]
    pub fn serial(&self) -> &str {
        &self.0.serial
    }

    /// Returns the start of its validity.
    #[must_use]
    pub fn not_before(&self) -> SystemTime {
        self.0.not_before
    }

    /// Returns the end of its validity.
    #[must_use]
    pub fn not_after(&self) -> SystemTime {
        self.0.not_after
    }

    /// Returns the public key in it.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.0.public_key
    }

    /// Returns this certificate as PEM.
    #[must_use]
    pub fn to_pem(&self) -> String {
        pem::encode("CERTIFICATE", &self.0.der).to_string()
    }

    /// Returns this certificate as DER.
    #[must_use]
    pub fn as_der(&self) -> &[u8] {
        &self.0.der
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("serial", &self.0.serial)
            .field("not_before", &self.0.not_before)
            .field("not_after", &self.0.not_after)
            .field("public_key", &self.0.public_key)
            .finish()
    }
}

impl FromDer for Certificate {
    const EXPECTED: Expected = Expected::Certificate;

    fn parse(der: &[u8]) -> Result<Self, Defect> {
        match format::detect(der)? {
            Format::Certificate => {}
            other => return Err(format::mismatch(&other, Self::EXPECTED)),
        }
        let unreadable = |source| Defect::new("malformed X.509 certificate").with_source(source);
        let certificate = x509_cert::Certificate::from_der(der).map_err(unreadable)?;
        let content = certificate.tbs_certificate();
        let key_info = content.subject_public_key_info();
        format::require_rsa(key_info.algorithm.oid.as_bytes())?;
        // A bit string that is not whole bytes has none. `from_pkcs1` reports it as damaged.
        let pkcs1 = key_info.subject_public_key.as_bytes().unwrap_or_default();
        let validity = content.validity();
        Ok(Self(Arc::new(Inner {
            der: der.to_vec(),
            serial: serial(content.serial_number().as_bytes()),
            not_before: time(validity.not_before)?,
            not_after: time(validity.not_after)?,
            public_key: PublicKey::from_pkcs1(pkcs1)?,
        })))
    }
}

/// Writes a serial number. DER puts a zero byte before a number whose top bit is set, which WeChat Pay
/// and openssl leave out.
fn serial(number: &[u8]) -> String {
    match number {
        [0, rest @ ..] if !rest.is_empty() => digest::hex_upper(rest),
        _ => digest::hex_upper(number),
    }
}

fn time(time: x509_cert::time::Time) -> Result<SystemTime, Defect> {
    SystemTime::UNIX_EPOCH
        .checked_add(time.to_unix_duration())
        .ok_or_else(|| Defect::new("its dates are out of range for this system"))
}
