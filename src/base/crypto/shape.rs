//! Which of the key formats a DER document is, told by its first few elements.

use super::{
    defect::{Defect, Due},
    der::{self, Flaw, Reader},
    pem,
};

/// What a DER document holds.
#[derive(Debug)]
pub(super) enum Shape<'a> {
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

/// The shape of `input`, which is one whole DER document.
pub(super) fn of(input: &[u8]) -> Result<Shape<'_>, Defect> {
    // Some PKCS#12 archives are BER of indefinite length.
    if input.starts_with(&[der::SEQUENCE, 0x80, der::INTEGER, 1, 3]) {
        return Ok(Shape::Pkcs12);
    }
    let mut document = Reader::new(input);
    let top = match document.next() {
        _ if input.is_empty() => return Err(Defect::new("it is empty")),
        _ if input.first() != Some(&der::SEQUENCE) => return Err(not_der(input)),
        Ok(top) => top,
        Err(Flaw::Short { declared, present }) => {
            return Err(Defect::new(format!(
                "it is truncated: its DER is {declared} bytes long by its own account, and {present} are there"
            )));
        }
        Err(Flaw::Malformed) => return Err(Defect::new("it is not DER")),
    };
    if !document.rest().is_empty() {
        return Err(Defect::new(format!(
            "{} bytes follow the end of its DER; is it two files in one?",
            document.rest().len()
        )));
    }
    Ok(within(top.value))
}

/// Why a document of this shape is not what is due.
pub(super) fn mismatch(shape: &Shape<'_>, due: Due) -> Defect {
    Defect::new(match (shape, due) {
        (Shape::EncryptedPrivateKeyInfo, Due::PrivateKey) => pem::ENCRYPTED,
        (Shape::EcPrivateKey, _) => pem::EC,
        (Shape::Pkcs12, Due::PrivateKey) => {
            "it is a PKCS#12 archive (.p12); the key comes out of it by: \
             openssl pkcs12 -legacy -in apiclient_cert.p12 -nocerts -nodes -out apiclient_key.pem \
             (before OpenSSL 3, without -legacy)"
        }
        (Shape::Pkcs12, _) => {
            "it is a PKCS#12 archive (.p12); the certificate comes out of it by: \
             openssl pkcs12 -legacy -in apiclient_cert.p12 -clcerts -nokeys -out apiclient_cert.pem \
             (before OpenSSL 3, without -legacy)"
        }
        (Shape::Certificate, Due::PrivateKey) => {
            "it is a certificate; the private key lies beside it, as apiclient_key.pem"
        }
        (Shape::RsaPublicKey | Shape::PublicKeyInfo { .. }, _) => "it is a public key",
        (
            Shape::RsaPrivateKey | Shape::PrivateKeyInfo { .. } | Shape::EncryptedPrivateKeyInfo,
            _,
        ) => "it is a private key, which stays with its owner; was the wrong file named?",
        (_, Due::PrivateKey) => "it is DER, but neither a PKCS#1 nor a PKCS#8 private key",
        (_, Due::PublicKey) => "it is DER, but neither a public key nor a certificate",
        (_, Due::Certificate) => "it is DER, but not an X.509 certificate",
    })
}

/// Refuses keys of any algorithm but RSA.
pub(super) fn require_rsa(algorithm: &[u8]) -> Result<(), Defect> {
    const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
    const RSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
    const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
    const CURVE_25519: &[u8] = &[0x2b, 0x65];

    match algorithm {
        RSA => Ok(()),
        RSA_PSS => Err(Defect::new(
            "it is an RSA key for PSS signatures only; WeChat Pay takes plain RSA keys",
        )),
        EC => Err(Defect::new(pem::EC)),
        _ if algorithm.starts_with(CURVE_25519) => Err(Defect::new(pem::EC)),
        _ => Err(Defect::new(
            "it is a key of another algorithm; WeChat Pay takes RSA keys only",
        )),
    }
}

fn within(content: &[u8]) -> Shape<'_> {
    private(content)
        .or_else(|| public(content))
        .or_else(|| signed(content))
        .unwrap_or(Shape::Unknown)
}

/// What begins with a version number.
fn private(content: &[u8]) -> Option<Shape<'_>> {
    let mut reader = Reader::new(content);
    let version = reader.unsigned()?;
    if version.len() > 1 {
        return None;
    }
    let second = reader.next().ok()?;
    match (second.tag, version) {
        (der::SEQUENCE, [3]) => Some(Shape::Pkcs12),
        (der::SEQUENCE, _) => {
            let algorithm = Reader::new(second.value).take(der::OID)?;
            let key = reader.take(der::OCTET_STRING)?;
            Some(Shape::PrivateKeyInfo { algorithm, key })
        }
        (der::OCTET_STRING, [1]) => Some(Shape::EcPrivateKey),
        // Version, then n, e, d, p, q, dP, dQ, qInv.
        (der::INTEGER, _) => {
            for _ in 0..7 {
                reader.unsigned()?;
            }
            Some(Shape::RsaPrivateKey)
        }
        _ => None,
    }
}

fn public(content: &[u8]) -> Option<Shape<'_>> {
    let mut reader = Reader::new(content);
    if let Some(algorithm) = reader.take(der::SEQUENCE) {
        let algorithm = Reader::new(algorithm).take(der::OID)?;
        let second = reader.next().ok()?;
        if !reader.rest().is_empty() {
            return None;
        }
        return match (second.tag, second.value) {
            (der::BIT_STRING, [0, key @ ..]) => Some(Shape::PublicKeyInfo { algorithm, key }),
            (der::OCTET_STRING, _) => Some(Shape::EncryptedPrivateKeyInfo),
            _ => None,
        };
    }
    reader.unsigned()?;
    reader.unsigned()?;
    reader.rest().is_empty().then_some(Shape::RsaPublicKey)
}

fn signed(content: &[u8]) -> Option<Shape<'_>> {
    let mut reader = Reader::new(content);
    reader.take(der::SEQUENCE)?;
    reader.take(der::SEQUENCE)?;
    reader.take(der::BIT_STRING)?;
    Some(Shape::Certificate)
}

fn not_der(input: &[u8]) -> Defect {
    let start = input.trim_ascii_start();
    if start.starts_with(b"-----BEGIN") || start.starts_with(b"\xef\xbb\xbf-----BEGIN") {
        return Defect::new("it is PEM text and not DER; use from_pem");
    }
    if input
        .iter()
        .all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace())
    {
        return Defect::new("it is text and not DER; use from_base64 if it is bare base64");
    }
    Defect::new("it is not DER: it does not begin with a SEQUENCE")
}
