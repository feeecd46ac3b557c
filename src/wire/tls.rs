use std::{
    error::Error as StdError,
    io,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use rustls::{
    CertificateError, ClientConfig, RootCertStore,
    client::Resumption,
    pki_types::{CertificateDer, ServerName},
    sign::SingleCertAndKey,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{ClientIdentity, Failure, Stage, metered::Io};
use crate::{
    base::crypto::tls_provider,
    error::{Cause, cause::Result},
};

/// Whom a transport trusts, and the TLS configurations made from that.
#[derive(Debug)]
pub(crate) struct Tls {
    id: u64,
    extra: Vec<CertificateDer<'static>>,
    roots: OnceLock<Arc<RootCertStore>>,
    config: OnceLock<Arc<ClientConfig>>,
}

impl Tls {
    /// Trust in the public roots that are built in, and in `extra`.
    pub(crate) fn new(extra: Vec<CertificateDer<'static>>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            extra,
            roots: OnceLock::new(),
            config: OnceLock::new(),
        }
    }

    /// Refuses a root certificate that cannot be used, before a connection needs it.
    pub(crate) fn check(&self) -> Result<()> {
        self.config(None).map(drop).map_err(|e| {
            Cause::config("a root certificate cannot be used for TLS: give the certificate of a CA")
                .with_source(e)
        })
    }

    /// Shakes hands over `stream` as the client of `host`.
    pub(crate) async fn connect<T: Io>(
        &self,
        stream: T,
        host: &str,
        identity: Option<&ClientIdentity>,
    ) -> Result<TlsStream<T>, Failure> {
        let config = self
            .config(identity)
            .map_err(|e| failed("TLS cannot be set up".to_owned()).with_source(e))?;
        let name = ServerName::try_from(host.to_owned()).map_err(|e| {
            failed(format!("TLS cannot be asked for the host `{host}`")).with_source(e)
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
            .with_safe_default_protocol_versions()?
            .with_root_certificates(self.roots()?);
        let mut config = match identity {
            Some(identity) => {
                let mut config = builder
                    .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(identity.key())));
                // The default remembers 256 servers; a merchant's identity meets two or three.
                config.resumption = Resumption::in_memory_sessions(8);
                config
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    fn roots(&self) -> Result<Arc<RootCertStore>, rustls::Error> {
        if let Some(roots) = self.roots.get() {
            return Ok(Arc::clone(roots));
        }
        let mut roots = RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        };
        for certificate in &self.extra {
            roots.add(certificate.clone())?;
        }
        Ok(Arc::clone(self.roots.get_or_init(|| Arc::new(roots))))
    }
}

fn failed(message: String) -> Failure {
    Failure::new(Stage::Tls, message)
}

/// What a failed handshake means, in the words of whoever has to mend it.
fn explain(error: &io::Error, host: &str) -> String {
    let Some(error) = error.get_ref().and_then(find_rustls) else {
        return match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                format!("{host} closed the connection during the TLS handshake")
            }
            _ => format!("the TLS handshake with {host} broke off"),
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
                format!("the TLS certificate is for another host than {host}")
            }
            CertificateError::UnknownIssuer => format!(
                "the TLS certificate of {host} is by an unknown CA: a private gateway's CA is \
                 trusted with `root_certificate`"
            ),
            CertificateError::Revoked => format!("the TLS certificate of {host} is revoked"),
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
