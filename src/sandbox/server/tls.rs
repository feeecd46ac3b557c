//! The sandbox over HTTPS, on a port of its own, with the client certificates that APIv2 requires for money
//! that goes out.

use std::{
    iter, mem,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rustls::{
    DigitallySignedStruct, DistinguishedName, RootCertStore, ServerConfig, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    pki_types::{CertificateDer, PrivateKeyDer, UnixTime},
    server::{
        WebPkiClientVerifier,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    runtime::Handle,
    time,
};
use tokio_rustls::TlsAcceptor;

use super::{Bound, accept_each, serve_connection};
use crate::{
    base::crypto::{Certificate, KeyAndChain, tls_provider},
    error::{Cause, ErrorKind, cause::Result},
    sandbox::{
        dispatch::pipeline::{ClientCertificate, Listener},
        state::{SandboxState, authority::Subject},
    },
};

/// How long a handshake may take.
pub(super) const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// The HTTPS listener, which starts when it is first asked for: most sandboxes need none, and its keys take
/// up to seconds to draw.
pub(in crate::sandbox) struct Https {
    /// Spawns onto the server's thread, from any other.
    runtime: Handle,
    listener: Mutex<Lazy>,
}

impl Https {
    /// Returns a listener on this address, or on the sandbox's address and a free port.
    pub(super) fn new(runtime: Handle, bound: Option<Bound>) -> Self {
        Self {
            runtime,
            listener: Mutex::new(Lazy::new(bound)),
        }
    }

    /// Returns the address, which it starts to listen on if this is the first call.
    pub(in crate::sandbox) fn address(&self, state: &Arc<SandboxState>) -> Result<SocketAddr> {
        // Held while it starts: a second caller waits for the same listener.
        let mut lazy = self.listener.lock().unwrap_or_else(PoisonError::into_inner);
        lazy.address(state, |bound| {
            let acceptor = Acceptor::new(state, bound.address, None)?;
            let listener = bound.listen(&self.runtime)?;
            self.runtime.spawn(accept(listener, Arc::new(acceptor)));
            Ok(())
        })
    }
}

/// A listener that starts when it is first asked for.
pub(super) enum Lazy {
    /// On the sandbox's address and a free port.
    Free,
    Bound(Bound),
    Started(SocketAddr),
}

impl Lazy {
    pub(super) fn new(bound: Option<Bound>) -> Self {
        bound.map_or(Self::Free, Self::Bound)
    }

    /// Returns the address, if it has started.
    pub(super) fn started(&self) -> Option<SocketAddr> {
        match self {
            Self::Started(address) => Some(*address),
            _ => None,
        }
    }

    /// Returns the address. If this is the first call, it starts.
    pub(super) fn address(
        &mut self,
        state: &SandboxState,
        start: impl FnOnce(Bound) -> Result<()>,
    ) -> Result<SocketAddr> {
        let bound = match mem::replace(self, Self::Free) {
            Self::Free => Bound::new(SocketAddr::new(state.address.ip(), 0))?,
            Self::Bound(bound) => bound,
            Self::Started(address) => {
                *self = Self::Started(address);
                return Ok(address);
            }
        };
        let address = bound.address;
        start(bound)?;
        *self = Self::Started(address);
        Ok(address)
    }
}

/// What accepting a connection needs.
pub(super) struct Acceptor {
    tls: TlsAcceptor,
    verifier: Arc<dyn ClientCertVerifier>,
    address: SocketAddr,
    state: Arc<SandboxState>,
}

async fn accept(listener: TcpListener, acceptor: Arc<Acceptor>) {
    accept_each(listener, |stream| {
        let acceptor = Arc::clone(&acceptor);
        async move { acceptor.serve(stream, None).await }
    })
    .await;
}

impl Acceptor {
    /// Returns an acceptor with a certificate of these hosts, or of the address if there are none.
    pub(super) fn new(
        state: &Arc<SandboxState>,
        address: SocketAddr,
        hosts: Option<&[&str]>,
    ) -> Result<Self> {
        let (config, verifier) = server_config(state, address.ip(), hosts)?;
        Ok(Self {
            tls: TlsAcceptor::from(Arc::new(config)),
            verifier,
            address,
            state: Arc::clone(state),
        })
    }

    /// Serves one connection, as this host if there is one. A failed handshake ends it: the client has the
    /// reason from TLS.
    pub(super) async fn serve(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin,
        host: Option<&'static str>,
    ) {
        let handshake = time::timeout(HANDSHAKE_TIMEOUT, self.tls.accept(stream));
        let Ok(Ok(stream)) = handshake.await else {
            return;
        };
        let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
        let listener = Listener {
            address: self.address,
            host,
            tls: true,
            client_certificate: self.judge(chain),
        };
        serve_connection(stream, Arc::clone(&self.state), listener).await;
    }

    fn judge(&self, chain: &[CertificateDer<'_>]) -> ClientCertificate {
        let Some((own, issuers)) = chain.split_first() else {
            return ClientCertificate::None;
        };
        match self
            .verifier
            .verify_client_cert(own, issuers, UnixTime::now())
        {
            Ok(_) => Certificate::from_der(own)
                .map_or(ClientCertificate::Invalid, ClientCertificate::Valid),
            Err(_) => ClientCertificate::Invalid,
        }
    }
}

/// Returns the configuration, and what tells whether a client's certificate is of the sandbox's CA.
fn server_config(
    state: &SandboxState,
    bound: IpAddr,
    hosts: Option<&[&str]>,
) -> Result<(ServerConfig, Arc<dyn ClientCertVerifier>)> {
    let fail = |err: rustls::Error| no_tls().with_source(err);
    let authority = state.platform.authority()?;
    let own = state.platform.tls()?;
    let key = &own.private;
    let given = &state.hosts;
    let names: Vec<_> = iter::once("localhost").chain(given.names()).collect();
    let addresses: Vec<_> = own_addresses(bound)
        .into_iter()
        .chain(given.addresses())
        .collect();
    let mut subject = Subject {
        name: "WeChat Pay sandbox",
        serial: own.serial,
        key: &key.public_key(),
        dns: &names,
        ip: &addresses,
    };
    if let Some(hosts) = hosts {
        (subject.dns, subject.ip) = (hosts, &[]);
        // Two certificates of one issuer must not have the same serial.
        let [.., last] = &mut subject.serial;
        *last ^= 1;
    }
    let certificate = authority.issue(&subject)?;
    let mut roots = RootCertStore::empty();
    roots.add(der(&authority.certificate)).map_err(fail)?;
    let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), tls_provider())
        .allow_unauthenticated()
        .build()
        .map_err(|err| no_tls().with_source(err))?;
    let own = KeyAndChain::from_pem(&certificate.to_pem(), &key.to_pkcs8_pem()?)?;
    let key = PrivateKeyDer::try_from(&own.key[..]).map_err(|what| no_tls().with_source(what))?;
    let mut config = ServerConfig::builder_with_provider(tls_provider())
        .with_safe_default_protocol_versions()
        .map_err(fail)?
        .with_client_cert_verifier(Arc::new(AnyClient(Arc::clone(&verifier))))
        .with_single_cert(vec![der(&certificate)], key.clone_key())
        .map_err(fail)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok((config, verifier))
}

/// Returns the addresses under which clients reach a listener on `bound`.
fn own_addresses(bound: IpAddr) -> Vec<IpAddr> {
    let mut addresses = vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    if !bound.is_unspecified() && !bound.is_loopback() {
        addresses.push(bound);
    }
    addresses
}

fn der(certificate: &Certificate) -> CertificateDer<'static> {
    CertificateDer::from(certificate.as_der().to_vec())
}

fn no_tls() -> Cause {
    Cause::new(ErrorKind::Config, "the sandbox cannot set up TLS")
}

/// Completes the handshake with any certificate whose key the client has, or with none.
// As WeChat Pay's gateway does: it answers a certificate of another CA with a page, not with an alert.
#[derive(Debug)]
struct AnyClient(Arc<dyn ClientCertVerifier>);

impl ClientCertVerifier for AnyClient {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        // A client that has a hint keeps a certificate of another CA to itself.
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}
