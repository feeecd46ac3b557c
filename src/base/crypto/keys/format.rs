//! Tells the formats of keys and certificates in DER apart, by their first few elements.
//!
//! A user does not always know which format a file has, and its label may be wrong (PKCS#1 labelled
//! `PRIVATE KEY`). So the content decides, and an error names the format that was found.

use super::pem;
use crate::base::crypto::{
    defect::{Defect, Expected},
    der::{self, Flaw, Reader},
};

/// The format of a DER document.
#[derive(Debug)]
pub(super) enum Format<'a> {
    /// PKCS#1's `RSAPrivateKey`.
    RsaPrivateKey,
    /// PKCS#1's `RSAPublicKey`.
    RsaPublicKey,
    /// PKCS#8's `PrivateKeyInfo`.
    PrivateKeyInfo {
        algorithm: &'a [u8],
        key: &'a [u8],
    },
    /// PKCS#8's `EncryptedPrivateKeyInfo`.
    EncryptedPrivateKeyInfo,
    /// X.509's `SubjectPublicKeyInfo`.
    PublicKeyInfo {
        algorithm: &'a [u8],
        key: &'a [u8],
    },
    /// SEC 1's `ECPrivateKey`.
    EcPrivateKey,
    /// An X.509 certificate, or its request.
    Certificate,
    /// A PKCS#12 archive.
    Pkcs12,
    Unknown,
}

/// Detects the format of `input`: exactly one DER document.
pub(super) fn detect(input: &[u8]) -> Result<Format<'_>, Defect> {
    // Some PKCS#12 archives are BER of indefinite length, which the reader does not read.
    if input.starts_with(&[der::SEQUENCE, 0x80, der::INTEGER, 1, 3]) {
        return Ok(Format::Pkcs12);
    }
    let mut document = Reader::new(input);
    let top = match document.next() {
        _ if input.is_empty() => return Err(Defect::new("empty input")),
        _ if input.first() != Some(&der::SEQUENCE) => return Err(not_der(input)),
        Ok(top) => top,
        Err(Flaw::Short { declared, present }) => {
            return Err(Defect::new(format!(
                "truncated DER: expected {declared} bytes, found {present}"
            )));
        }
        Err(Flaw::Malformed) => return Err(Defect::new("invalid DER")),
    };
    // Strict: of two keys pasted together, one would silently be ignored.
    if !document.rest().is_empty() {
        return Err(Defect::new(format!(
            "{} extra bytes after the end of the DER; is this two files in one?",
            document.rest().len()
        )));
    }
    Ok(format_of(top.value))
}

/// Why a document in this format is not what is expected.
pub(super) fn mismatch(format: &Format<'_>, expected: Expected) -> Defect {
    Defect::new(match (format, expected) {
        (Format::EncryptedPrivateKeyInfo, Expected::PrivateKey) => pem::ENCRYPTED,
        (Format::EcPrivateKey, _) => pem::EC,
        (Format::Pkcs12, Expected::PrivateKey) => {
            "this is a PKCS#12 archive (.p12); extract the key with: \
             openssl pkcs12 -legacy -in apiclient_cert.p12 -nocerts -nodes -out apiclient_key.pem \
             (before OpenSSL 3, without -legacy)"
        }
        (Format::Pkcs12, _) => {
            "this is a PKCS#12 archive (.p12); extract the certificate with: \
             openssl pkcs12 -legacy -in apiclient_cert.p12 -clcerts -nokeys -out apiclient_cert.pem \
             (before OpenSSL 3, without -legacy)"
        }
        (Format::Certificate, Expected::PrivateKey) => {
            "this is a certificate; the private key is in the file next to it, apiclient_key.pem"
        }
        (Format::RsaPublicKey | Format::PublicKeyInfo { .. }, _) => "this is a public key",
        (
            Format::RsaPrivateKey | Format::PrivateKeyInfo { .. } | Format::EncryptedPrivateKeyInfo,
            _,
        ) => "this is a private key; check that it is the right file",
        (_, Expected::PrivateKey) => "expected a PKCS#1 or PKCS#8 private key, found other DER",
        (_, Expected::PublicKey) => "expected a public key or a certificate, found other DER",
        (_, Expected::Certificate) => "expected an X.509 certificate, found other DER",
    })
}

/// Returns an error for a key of any algorithm other than RSA.
pub(super) fn require_rsa(algorithm: &[u8]) -> Result<(), Defect> {
    const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
    const RSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
    const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
    const CURVE_25519: &[u8] = &[0x2b, 0x65];

    match algorithm {
        RSA => Ok(()),
        RSA_PSS => Err(Defect::new(
            "this RSA key is for PSS signatures only; WeChat Pay accepts plain RSA keys",
        )),
        EC => Err(Defect::new(pem::EC)),
        _ if algorithm.starts_with(CURVE_25519) => Err(Defect::new(pem::EC)),
        _ => Err(Defect::new(
            "this key is for another algorithm; WeChat Pay accepts RSA keys only",
        )),
    }
}

fn format_of(content: &[u8]) -> Format<'_> {
    private(content)
        .or_else(|| public(content))
        .or_else(|| signed(content))
        .unwrap_or(Format::Unknown)
}

/// Private keys and PKCS#12 archives begin with a version number.
fn private(content: &[u8]) -> Option<Format<'_>> {
    let mut reader = Reader::new(content);
    let version = reader.unsigned()?;
    if version.len() > 1 {
        return None;
    }
    let second = reader.next().ok()?;
    match (second.tag, version) {
        (der::SEQUENCE, [3]) => Some(Format::Pkcs12),
        (der::SEQUENCE, _) => {
            let algorithm = Reader::new(second.value).take(der::OID)?;
            let key = reader.take(der::OCTET_STRING)?;
            Some(Format::PrivateKeyInfo { algorithm, key })
        }
        (der::OCTET_STRING, [1]) => Some(Format::EcPrivateKey),
        // Version, then n, e, d, p, q, dP, dQ, qInv.
        (der::INTEGER, _) => {
            for _ in 0..7 {
                reader.unsigned()?;
            }
            Some(Format::RsaPrivateKey)
        }
        _ => None,
    }
}

fn public(content: &[u8]) -> Option<Format<'_>> {
    let mut reader = Reader::new(content);
    if let Some(algorithm) = reader.take(der::SEQUENCE) {
        let algorithm = Reader::new(algorithm).take(der::OID)?;
        let second = reader.next().ok()?;
        if !reader.rest().is_empty() {
            return None;
        }
        return match (second.tag, second.value) {
            (der::BIT_STRING, [0, key @ ..]) => Some(Format::PublicKeyInfo { algorithm, key }),
            (der::OCTET_STRING, _) => Some(Format::EncryptedPrivateKeyInfo),
            _ => None,
        };
    }
    reader.unsigned()?;
    reader.unsigned()?;
    reader.rest().is_empty().then_some(Format::RsaPublicKey)
}

fn signed(content: &[u8]) -> Option<Format<'_>> {
    let mut reader = Reader::new(content);
    reader.take(der::SEQUENCE)?;
    reader.take(der::SEQUENCE)?;
    reader.take(der::BIT_STRING)?;
    Some(Format::Certificate)
}

fn not_der(input: &[u8]) -> Defect {
    let start = input.trim_ascii_start();
    if start.starts_with(b"-----BEGIN") || start.starts_with(b"\xef\xbb\xbf-----BEGIN") {
        return Defect::new("expected DER, found PEM; use from_pem");
    }
    if input
        .iter()
        .all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace())
    {
        return Defect::new("expected DER, found text; use from_base64 if it is base64");
    }
    Defect::new("expected DER, found no SEQUENCE at the start")
}
