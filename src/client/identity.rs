use std::{fmt, path::Path, sync::Arc};

use rustls::pki_types::PrivateKeyDer;

use crate::{
    base::crypto::{Certificate, KeyAndChain},
    error::{Cause, cause::Result},
    wire::ClientIdentity,
};

/// The merchant's API certificate with its key, to show in TLS where WeChat Pay demands it: the
/// APIv2 operations that move money out, called with the option `security`.
///
/// Given to [`ClientBuilder::client_identity`](crate::ClientBuilder::client_identity). Clones are
/// one identity: clients that share one may share connections, and no others may.
///
/// ```no_run
/// use serde_json::json;
/// use wechatpay_chain::{Client, Identity};
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
    /// Takes the texts of `apiclient_cert.pem` and `apiclient_key.pem`. Certificates above the
    /// merchant's own may follow it; one file with both may be given twice.
    ///
    /// # Errors
    /// When one of them cannot be read, or the two do not belong together.
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

    /// Reads `apiclient_cert.pem` and `apiclient_key.pem`, of at most 64 KiB each.
    ///
    /// # Errors
    /// As [`from_pem`](Self::from_pem), and when a file cannot be read.
    pub fn from_pem_files(cert: impl AsRef<Path>, key: impl AsRef<Path>) -> crate::Result<Self> {
        KeyAndChain::from_pem_files(cert.as_ref(), key.as_ref())
            .and_then(Self::new)
            .map_err(Cause::not_sent)
    }

    /// Opens the bytes of `apiclient_cert.p12`, in its old encryption (RC2 and 3DES) or a newer
    /// one. Its password is the merchant ID, unless someone changed it:
    /// [`ClientBuilder::client_identity_pkcs12`](crate::ClientBuilder::client_identity_pkcs12)
    /// fills that in. With the feature `pkcs12`.
    ///
    /// # Errors
    /// When the password is another, the archive is damaged or holds no key with its certificate.
    #[cfg(feature = "pkcs12")]
    pub fn from_pkcs12(archive: &[u8], password: &str) -> crate::Result<Self> {
        Self::open_pkcs12(archive, password).map_err(Cause::not_sent)
    }

    #[cfg(feature = "pkcs12")]
    pub(super) fn open_pkcs12(archive: &[u8], password: &str) -> Result<Self> {
        KeyAndChain::from_pkcs12(archive, password).and_then(Self::new)
    }

    /// The merchant's API certificate. Its serial is what
    /// [`ClientBuilder::serial`](crate::ClientBuilder::serial) takes.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    pub(crate) fn tls(&self) -> Arc<ClientIdentity> {
        Arc::clone(&self.tls)
    }

    fn new(identity: KeyAndChain) -> Result<Self> {
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
