//! The merchant's API certificate, for TLS.

use std::{fmt, path::Path, sync::Arc};

use rustls::pki_types::PrivateKeyDer;

use crate::{
    base::crypto::{Certificate, KeyAndChain},
    error::{Cause, cause::Result},
    wire::ClientIdentity,
};

/// The merchant's API certificate with its key, to present in TLS where WeChat Pay requires it: in the
/// APIv2 operations that move money out, called with the option `security`.
///
/// Pass it to [`ClientBuilder::client_identity`](crate::ClientBuilder::client_identity). Clones are the
/// same identity. Clients share connections only if they have the same identity.
///
/// # Examples
///
/// ```no_run
/// use wechatpay_chain::{Client, Identity, json};
///
/// # fn main() -> wechatpay_chain::Result<()> {
/// let client = Client::builder()
///     .mchid("1900000109")
///     .apiv2_key("0123456789abcdef0123456789abcdef")
///     .client_identity(Identity::from_pem_files("apiclient_cert.pem", "apiclient_key.pem")?)
///     .build()?;
/// client.chain("v2/secapi/pay/refund").post(json!({
///     "security": true,
///     "xml": { "appid": "wx8888888888888888", "mch_id": "1900000109", "out_trade_no": "1217752501201407033233368018",
///              "out_refund_no": "1217752501201407033233368018", "total_fee": 100, "refund_fee": 100 },
/// }))?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Identity {
    certificate: Certificate,
    tls: Arc<ClientIdentity>,
}

impl Identity {
    /// Parses the contents of `apiclient_cert.pem` and `apiclient_key.pem`.
    ///
    /// Issuing certificates may follow the merchant's own. If one file holds both, pass it twice.
    ///
    /// # Errors
    /// Returns an error if one of them cannot be parsed, or if the key does not match the certificate.
    ///
    /// # Examples
    ///
    /// ```
    /// use wechatpay_chain::Identity;
    ///
    /// assert!(Identity::from_pem("no certificate", "no key").unwrap_err().is_key());
    /// ```
    pub fn from_pem(cert: &str, key: &str) -> crate::Result<Self> {
        KeyAndChain::from_pem(cert, key)
            .and_then(Self::new)
            .map_err(Cause::not_sent)
    }

    /// Reads `apiclient_cert.pem` and `apiclient_key.pem`, at most 64 KiB each.
    ///
    /// # Errors
    /// Returns an error if a file cannot be read, and otherwise like [`from_pem`](Self::from_pem).
    pub fn from_pem_files(cert: impl AsRef<Path>, key: impl AsRef<Path>) -> crate::Result<Self> {
        KeyAndChain::from_pem_files(cert.as_ref(), key.as_ref())
            .and_then(Self::new)
            .map_err(Cause::not_sent)
    }

    /// Opens the contents of `apiclient_cert.p12`, with the old encryption (RC2 and 3DES) or a newer
    /// one. Requires the feature `pkcs12`.
    ///
    /// WeChat Pay sets the merchant ID as the password;
    /// [`ClientBuilder::client_identity_pkcs12`](crate::ClientBuilder::client_identity_pkcs12) uses it.
    ///
    /// # Errors
    /// Returns an error if the password is wrong, the archive is damaged, or it does not hold a key with
    /// its certificate.
    #[cfg(feature = "pkcs12")]
    pub fn from_pkcs12(archive: &[u8], password: &str) -> crate::Result<Self> {
        Self::open_pkcs12(archive, password).map_err(Cause::not_sent)
    }

    #[cfg(feature = "pkcs12")]
    pub(super) fn open_pkcs12(archive: &[u8], password: &str) -> Result<Self> {
        KeyAndChain::from_pkcs12(archive, password).and_then(Self::new)
    }

    /// Returns the merchant's API certificate. Its serial is the one for
    /// [`ClientBuilder::serial`](crate::ClientBuilder::serial).
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    pub(crate) fn tls(&self) -> Arc<ClientIdentity> {
        Arc::clone(&self.tls)
    }

    fn new(identity: KeyAndChain) -> Result<Self> {
        // Parsed once, here. TLS asks for the key at every handshake.
        let chain = identity.chain.into_iter().map(Into::into).collect();
        let key = PrivateKeyDer::try_from(&identity.key[..]).map_err(|what| {
            Cause::key("the client identity's key cannot be used for TLS").with_source(what)
        })?;
        Ok(Self {
            tls: Arc::new(ClientIdentity::new(chain, key.clone_key())?),
            certificate: identity.certificate,
        })
    }
}

/// Shows no key.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("certificate", &self.certificate)
            .finish_non_exhaustive()
    }
}
