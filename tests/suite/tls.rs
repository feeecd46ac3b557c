//! TLS in front of the tests' server: it notes which certificate each connection showed.

use std::{
    io::Cursor,
    sync::{Arc, Mutex, PoisonError},
};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, PKCS_RSA_SHA256};
use rsa::pkcs8::{EncodePrivateKey as _, LineEnding};
use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::WebPkiClientVerifier,
};
use tokio::{net::TcpListener, net::TcpStream, sync::oneshot};
use tokio_rustls::TlsAcceptor;
use wechatpay_chain::{Certificate, Transport, TransportBuilder};

use super::{
    keys::{self, Pair},
    server::Server,
};

/// A certificate authority of this run's own: its key is the platform's, for want of a third.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub pem: String,
}

pub fn key(pair: &Pair) -> KeyPair {
    let pem = pair.rsa.to_pkcs8_pem(LineEnding::LF).expect("PEM");
    KeyPair::from_pem_and_sign_algo(&pem, &PKCS_RSA_SHA256).expect("a key")
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new([]).expect("parameters");
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

impl Authority {
    pub fn new() -> Self {
        let key = key(keys::platform());
        let mut params = named("Test CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Self {
            issuer: Issuer::new(params, key),
            pem,
        }
    }

    /// A certificate for a pair's key, as PEM.
    pub fn certify(&self, name: &str, pair: &Pair) -> String {
        let certificate = named(name).signed_by(&key(pair), &self.issuer);
        certificate.expect("a certificate").pem()
    }

    /// A transport that trusts it.
    pub fn transport(&self) -> Transport {
        self.trusted_by(Transport::builder().no_proxy())
    }

    /// A transport that trusts it and goes by a proxy.
    pub fn transport_by(&self, proxy: &str) -> Transport {
        self.trusted_by(Transport::builder().proxy(proxy))
    }

    fn trusted_by(&self, transport: TransportBuilder) -> Transport {
        transport
            .root_certificate(Certificate::from_pem(&self.pem).expect("a certificate"))
            .build()
            .expect("a transport")
    }

    /// For a server of these names; a client certificate is asked for, and may be demanded.
    pub fn server_config(&self, names: &[&str], demanded: bool) -> ServerConfig {
        let key = KeyPair::generate().expect("a key");
        let certificate = CertificateParams::new(
            names
                .iter()
                .map(|name| name.to_string())
                .collect::<Vec<_>>(),
        )
        .expect("parameters")
        .signed_by(&key, &self.issuer)
        .expect("a certificate");
        let mut roots = RootCertStore::empty();
        let root = CertificateDer::from_pem_slice(self.pem.as_bytes()).expect("PEM");
        roots.add(root).expect("a root");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::clone(&provider));
        let verifier = match demanded {
            true => verifier,
            false => verifier.allow_unauthenticated(),
        };
        ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_client_cert_verifier(verifier.build().expect("a verifier"))
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::from_pem_reader(Cursor::new(key.serialize_pem())).expect("a key"),
            )
            .expect("a configuration")
    }
}

/// TLS that is undone here, and passed on to a server.
pub struct Front {
    port: u16,
    shown: Arc<Mutex<Vec<Option<Vec<u8>>>>>,
    _running: oneshot::Sender<()>,
}

impl Front {
    /// In front of `server`; a client certificate is asked for, and may be demanded.
    pub fn start(server: &Server, authority: &Authority, demanded: bool) -> Self {
        let acceptor =
            TlsAcceptor::from(Arc::new(authority.server_config(&["localhost"], demanded)));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("a socket");
        let port = listener.local_addr().expect("an address").port();
        let shown = Arc::new(Mutex::new(Vec::new()));
        let (_running, ended) = oneshot::channel::<()>();
        let behind = server.port();
        std::thread::spawn({
            let shown = Arc::clone(&shown);
            move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .expect("a runtime");
                runtime.block_on(async move {
                    let listener = TcpListener::from_std(listener).expect("a socket");
                    tokio::select! {
                        () = accept(listener, acceptor, behind, shown) => {}
                        _ = ended => {}
                    }
                });
            }
        });
        Self {
            port,
            shown,
            _running,
        }
    }

    pub fn url(&self) -> String {
        format!("https://localhost:{}/", self.port)
    }

    /// For each connection whose handshake was done, the certificate that it showed.
    pub fn shown(&self) -> Vec<Option<Vec<u8>>> {
        self.shown
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

async fn accept(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    behind: u16,
    shown: Arc<Mutex<Vec<Option<Vec<u8>>>>>,
) {
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, shown) = (acceptor.clone(), Arc::clone(&shown));
        tokio::spawn(async move {
            let Ok(mut stream) = acceptor.accept(stream).await else {
                return;
            };
            let certificate = stream.get_ref().1.peer_certificates();
            let certificate = certificate.and_then(|chain| Some(chain.first()?.to_vec()));
            shown
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(certificate);
            let mut onward = TcpStream::connect(("127.0.0.1", behind)).await.expect("it");
            let _ = tokio::io::copy_bidirectional(&mut stream, &mut onward).await;
        });
    }
}
