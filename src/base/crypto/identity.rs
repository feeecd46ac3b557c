//! A certificate with the key it belongs to, out of PEM or PKCS#12.

use std::{fmt, path::Path};

use zeroize::Zeroizing;

use super::{
    Certificate, PrivateKey,
    defect::{Defect, Due},
    input::{self, FromDer as _},
    pem,
};
use crate::error::{Cause, cause::Result};

/// A private key with its certificate and, where given, those above it.
pub(crate) struct KeyAndChain {
    /// The DER of the certificates, the key's own first.
    pub(crate) chain: Vec<Vec<u8>>,
    /// The key's PKCS#1 or PKCS#8 DER.
    pub(crate) key: Zeroizing<Vec<u8>>,
    /// The key's own certificate.
    pub(crate) certificate: Certificate,
}

impl KeyAndChain {
    /// Takes the texts of two PEM files, or the same one twice.
    pub(crate) fn from_pem(certificates: &str, key: &str) -> Result<Self> {
        let key = private_key(key).map_err(|cause| cause.into_error(Due::PrivateKey.name()))?;
        let chain = pem::decode_certificates(certificates)
            .map_err(|cause| cause.into_error(Due::Certificate.name()))?;
        Self::new(key, chain)
    }

    /// Reads two PEM files, or the same one twice.
    pub(crate) fn from_pem_files(certificates: &Path, key: &Path) -> Result<Self> {
        let key = input::read_file(key, Due::PrivateKey, private_key)?;
        let chain = input::read_file(certificates, Due::Certificate, pem::decode_certificates)?;
        Self::new(key, chain)
    }

    /// Opens a PKCS#12 archive.
    #[cfg(feature = "pkcs12")]
    pub(crate) fn from_pkcs12(archive: &[u8], password: &str) -> Result<Self> {
        let contents = super::pkcs12::open(archive, password)
            .map_err(|cause| cause.into_error("PKCS#12 archive (.p12)"))?;
        Self::new(contents.key, contents.certificates)
    }

    /// Finds the key's certificate among those given, and puts it first.
    fn new(key: Zeroizing<Vec<u8>>, mut chain: Vec<Zeroizing<Vec<u8>>>) -> Result<Self> {
        let public = PrivateKey::parse_der(&key)?.public_key();
        let own = chain.iter().enumerate().find_map(|(at, der)| {
            let certificate = Certificate::parse(der).ok()?;
            (*certificate.public_key() == public).then_some((at, certificate))
        });
        let Some((at, certificate)) = own else {
            // A certificate that cannot be read at all says more than that it does not match.
            let first = chain
                .first()
                .map(|der| Certificate::parse_der(der))
                .transpose()?;
            let serial = first.map_or_else(String::new, |first| {
                format!(" (the certificate's serial is {})", first.serial())
            });
            return Err(Cause::key(format!(
                "the client identity's certificate and private key do not belong together{serial}: \
                 give apiclient_cert.pem and the apiclient_key.pem that came with it"
            )));
        };
        chain[..=at].rotate_right(1);
        Ok(Self {
            chain: chain.iter().map(|der| der.to_vec()).collect(),
            key,
            certificate,
        })
    }
}

fn private_key(text: &str) -> Result<Zeroizing<Vec<u8>>, Defect> {
    let der = pem::decode(text, Due::PrivateKey)?;
    // Read here too, so that what is wrong with it is told with the file's name.
    PrivateKey::parse(&der)?;
    Ok(der)
}

/// Shows no key.
impl fmt::Debug for KeyAndChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyAndChain")
            .field("certificate", &self.certificate)
            .field("chain", &self.chain.len())
            .finish_non_exhaustive()
    }
}
