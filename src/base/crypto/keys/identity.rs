//! The client identity for mutual TLS: a private key and its certificate, from PEM or PKCS#12.

use std::{fmt, path::Path};

use zeroize::Zeroizing;

use super::{
    Certificate, PrivateKey,
    input::{self, FromDer as _},
    pem,
};
#[cfg(feature = "pkcs12")]
use crate::base::crypto::pkcs12;
use crate::{
    base::crypto::defect::{Defect, Expected},
    error::{Cause, cause::Result},
};

/// A private key with its certificate and, if given, its issuers' certificates.
pub(crate) struct KeyAndChain {
    /// The certificates in DER, the key's own first, as TLS needs them.
    pub(crate) chain: Vec<Vec<u8>>,
    /// The key in DER, PKCS#1 or PKCS#8.
    pub(crate) key: Zeroizing<Vec<u8>>,
    /// The key's own certificate.
    pub(crate) certificate: Certificate,
}

impl KeyAndChain {
    /// Reads two PEM texts, which may be the same.
    pub(crate) fn from_pem(certificates: &str, key: &str) -> Result<Self> {
        let key =
            private_key(key).map_err(|cause| cause.into_error(Expected::PrivateKey.name()))?;
        let chain = pem::decode_certificates(certificates)
            .map_err(|cause| cause.into_error(Expected::Certificate.name()))?;
        Self::new(key, chain)
    }

    /// Reads two PEM files, which may be the same.
    pub(crate) fn from_pem_files(certificates: &Path, key: &Path) -> Result<Self> {
        let key = input::read_file(key, Expected::PrivateKey, private_key)?;
        let chain = input::read_file(
            certificates,
            Expected::Certificate,
            pem::decode_certificates,
        )?;
        Self::new(key, chain)
    }

    /// Opens a PKCS#12 archive.
    #[cfg(feature = "pkcs12")]
    pub(crate) fn from_pkcs12(archive: &[u8], password: &str) -> Result<Self> {
        let contents = pkcs12::open(archive, password)
            .map_err(|cause| cause.into_error("PKCS#12 archive (.p12)"))?;
        Self::new(contents.key, contents.certificates)
    }

    /// Finds the key's certificate, and moves it to the front.
    fn new(key: Zeroizing<Vec<u8>>, mut chain: Vec<Zeroizing<Vec<u8>>>) -> Result<Self> {
        // Checked at build time. In a handshake, the mismatch would be an alert without a reason.
        let public = PrivateKey::parse_der(&key)?.public_key();
        let own = chain.iter().enumerate().find_map(|(at, der)| {
            let certificate = Certificate::parse(der).ok()?;
            (*certificate.public_key() == public).then_some((at, certificate))
        });
        let Some((at, certificate)) = own else {
            // If the certificate cannot be read at all, that error explains more than a mismatch.
            let first = chain
                .first()
                .map(|der| Certificate::parse_der(der))
                .transpose()?;
            let serial = first.map_or_else(String::new, |first| {
                format!(" (the certificate's serial is {})", first.serial())
            });
            return Err(Cause::key(format!(
                "the client identity's certificate and private key do not match{serial}; \
                 use apiclient_cert.pem and the apiclient_key.pem issued with it"
            )));
        };
        // The order in a PKCS#12 archive is arbitrary.
        chain[..=at].rotate_right(1);
        Ok(Self {
            chain: chain.iter().map(|der| der.to_vec()).collect(),
            key,
            certificate,
        })
    }
}

fn private_key(text: &str) -> Result<Zeroizing<Vec<u8>>, Defect> {
    let der = pem::decode(text, Expected::PrivateKey)?;
    // Parsed here too, so that an error names the file.
    PrivateKey::parse(&der)?;
    Ok(der)
}

/// Does not show the key.
impl fmt::Debug for KeyAndChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyAndChain")
            .field("certificate", &self.certificate)
            .field("chain", &self.chain.len())
            .finish_non_exhaustive()
    }
}
