//! TLS to an origin or to a proxy.

use std::{
    error::Error as StdError,
    io,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

#[cfg(feature = "platform-verifier")]
use rustls::client::danger::ServerCertVerifier;
use rustls::{
    CertificateError, ClientConfig, RootCertStore,
    client::Resumption,
    pki_types::{CertificateDer, ServerName},
    sign::SingleCertAndKey,
};
#[cfg(feature = "platform-verifier")]
use rustls_platform_verifier::Verifier;
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{
    super::{Failure, Stage, meter::Io},
    identity::ClientIdentity,
};
use crate::{
    base::crypto::tls_provider,
    error::{Cause, cause::Result},
};

/// Which certificates a transport trusts, and the TLS configuration made from that.
#[derive(Debug)]
pub(crate) struct Tls {
    /// The number under which a client identity keeps its configuration for this.
    id: u64,
    trust: Trust,
    /// Trusted as well.
    extra: Vec<CertificateDer<'static>>,
    config: OnceLock<Arc<ClientConfig>>,
}

/// Whom to trust. Made at first use, because the process's shared transports may never use TLS.
#[derive(Debug)]
pub(crate) enum Trust {
    /// The public CAs that are built in.
    BuiltIn(OnceLock<Arc<RootCertStore>>),
    /// Whatever the operating system trusts.
    #[cfg(feature = "platform-verifier")]
    Platform(OnceLock<Arc<dyn ServerCertVerifier>>),
}

impl Default for Trust {
    fn default() -> Self {
        Self::BuiltIn(OnceLock::new())
    }
}

impl Trust {
    #[cfg(feature = "platform-verifier")]
    pub(crate) fn platform() -> Self {
        Self::Platform(OnceLock::new())
    }
}

impl Tls {
    pub(crate) fn new(trust: Trust, extra: Vec<CertificateDer<'static>>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            trust,
            extra,
            config: OnceLock::new(),
        }
    }

    /// Checks the configuration, so that building a transport fails and not its first call.
    ///
    /// # Errors
    ///
    /// Returns an error if an extra certificate cannot be used, or if the operating system's trust
    /// cannot be loaded.
    pub(crate) fn check(&self) -> Result<()> {
        // Separately from the rest, so that the error names the right culprit.
        let mut store = RootCertStore::empty();
        for certificate in &self.extra {
            store.add(certificate.clone()).map_err(|e| {
                Cause::config(
                    "a root certificate cannot be used for TLS: expected a CA's certificate",
                )
                .with_source(e)
            })?;
        }
        self.config(None).map(drop).map_err(|e| {
            let what = match self.trust {
                Trust::BuiltIn(_) => "cannot set up TLS",
                #[cfg(feature = "platform-verifier")]
                Trust::Platform(_) => {
                    "cannot load the certificates that the operating system trusts: install CA \
                     certificates, or do without `platform_verifier`"
                }
            };
            Cause::config(what).with_source(e)
        })
    }

    /// Performs the TLS handshake with `host` over `stream`, showing `identity` if there is one.
    pub(crate) async fn connect<T: Io>(
        &self,
        stream: T,
        host: &str,
        identity: Option<&ClientIdentity>,
    ) -> Result<TlsStream<T>, Failure> {
        let config = self
            .config(identity)
            .map_err(|e| failed("cannot set up TLS".to_owned()).with_source(e))?;
        let name = ServerName::try_from(host.to_owned()).map_err(|e| {
            failed(format!("the host `{host}` is not a valid TLS server name")).with_source(e)
        })?;
        TlsConnector::from(config)
            .connect(name, stream)
            .await
            .map_err(|e| failed(explain(&e, host)).with_source(e))
    }

    fn config(
        &self,
        identity: Option<&ClientIdentity>,
    ) -> Result<Arc<ClientConfig>, rustls::Error> {
        if let Some(identity) = identity {
            return identity.config(self.id, || self.make(Some(identity)));
        }
        if let Some(config) = self.config.get() {
            return Ok(Arc::clone(config));
        }
        let config = self.make(None)?;
        Ok(Arc::clone(self.config.get_or_init(|| config)))
    }

    fn make(&self, identity: Option<&ClientIdentity>) -> Result<Arc<ClientConfig>, rustls::Error> {
        let builder = ClientConfig::builder_with_provider(tls_provider())
            .with_safe_default_protocol_versions()?;
        let builder = match &self.trust {
            Trust::BuiltIn(roots) => builder.with_root_certificates(self.built_in(roots)?),
            // rustls calls any other verifier dangerous, because it could accept anything. This one is
            // by the same makers, and verifies as strictly as the built-in one.
            #[cfg(feature = "platform-verifier")]
            Trust::Platform(verifier) => builder
                .dangerous()
                .with_custom_certificate_verifier(self.platform(verifier)?),
        };
        let mut config = match identity {
            Some(identity) => {
                let mut config = builder
                    .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(identity.key())));
                // The default is room for 256 servers, allocated at once. A merchant's identity
                // meets two or three, and there may be thousands of merchants.
                config.resumption = Resumption::in_memory_sessions(8);
                config
            }
            None => builder.with_no_client_auth(),
        };
        // HTTP/2 would carry several requests on one connection, and a byte count could no longer
        // tell which of them has left.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    fn built_in(
        &self,
        made: &OnceLock<Arc<RootCertStore>>,
    ) -> Result<Arc<RootCertStore>, rustls::Error> {
        if let Some(roots) = made.get() {
            return Ok(Arc::clone(roots));
        }
        let mut roots = RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        };
        for certificate in &self.extra {
            roots.add(certificate.clone())?;
        }
        Ok(Arc::clone(made.get_or_init(|| Arc::new(roots))))
    }

    /// One verifier for all identities: on Linux it holds the system's certificates in memory.
    #[cfg(feature = "platform-verifier")]
    fn platform(
        &self,
        made: &OnceLock<Arc<dyn ServerCertVerifier>>,
    ) -> Result<Arc<dyn ServerCertVerifier>, rustls::Error> {
        if let Some(verifier) = made.get() {
            return Ok(Arc::clone(verifier));
        }
        let verifier = platform_verifier(&self.extra)?;
        Ok(Arc::clone(made.get_or_init(|| Arc::new(verifier))))
    }
}

/// Returns the operating system's verifier, which trusts `extra` too.
#[cfg(all(feature = "platform-verifier", not(target_os = "android")))]
fn platform_verifier(extra: &[CertificateDer<'static>]) -> Result<Verifier, rustls::Error> {
    Verifier::new_with_extra_roots(extra.iter().cloned(), tls_provider())
}

/// Returns the operating system's verifier. On Android, nothing can be added to it.
#[cfg(all(feature = "platform-verifier", target_os = "android"))]
fn platform_verifier(extra: &[CertificateDer<'static>]) -> Result<Verifier, rustls::Error> {
    if !extra.is_empty() {
        // An error, because a program that names a CA relies on its being trusted.
        let refused = "on Android, `platform_verifier` excludes root certificates";
        return Err(rustls::Error::General(refused.to_owned()));
    }
    Verifier::new(tls_provider())
}

fn failed(message: String) -> Failure {
    Failure::new(Stage::Tls, message)
}

/// Explains a failed handshake to the person who has to fix it. rustls's own message is the source.
fn explain(error: &io::Error, host: &str) -> String {
    // By its kind, because rustls's messages may change with any version.
    let Some(error) = error.get_ref().and_then(find_rustls) else {
        return match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                format!("{host} closed the connection during the TLS handshake")
            }
            _ => format!("the TLS handshake with {host} was interrupted"),
        };
    };
    match error {
        rustls::Error::InvalidCertificate(why) => match why {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => format!(
                "the TLS certificate of {host} has expired (or this machine's clock is wrong)"
            ),
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => format!(
                "the TLS certificate of {host} is not valid yet (or this machine's clock is wrong)"
            ),
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                format!("the TLS certificate of {host} is for another host")
            }
            CertificateError::UnknownIssuer => format!(
                "the TLS certificate of {host} was issued by an unknown CA: add a private CA with \
                 `root_certificate`"
            ),
            CertificateError::Revoked => {
                format!("the TLS certificate of {host} has been revoked")
            }
            _ => format!("the TLS certificate of {host} is not valid"),
        },
        rustls::Error::InvalidMessage(_) => {
            format!("{host} does not speak TLS on this port")
        }
        rustls::Error::AlertReceived(alert) => {
            format!("{host} refused the TLS handshake with the alert {alert:?}")
        }
        _ => format!("the TLS handshake with {host} failed"),
    }
}

fn find_rustls<'a>(error: &'a (dyn StdError + Send + Sync + 'static)) -> Option<&'a rustls::Error> {
    error.downcast_ref::<rustls::Error>()
}
