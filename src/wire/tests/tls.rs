//! TLS: private CAs, client identities, and what a failed handshake reports.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::{
    RootCertStore, ServerConfig, ServerConnection, StreamOwned, pki_types::PrivateKeyDer,
    server::WebPkiClientVerifier,
};

use super::{
    super::{ClientIdentity, Stage, Transport},
    Attempt, chain, fetch, get, runtime, send,
    server::{Received, Server, ok},
    transport,
};
use crate::base::crypto::tls_provider;

/// A CA, and a certificate that it issued for a server at `localhost` and 127.0.0.1.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    server: Arc<ServerConfig>,
}

impl Authority {
    pub(super) fn new() -> Self {
        Self::with(|_| {}, false)
    }

    fn with(alter: impl FnOnce(&mut CertificateParams), ask_identity: bool) -> Self {
        // A name per CA. With equal names, one CA's certificates would fail as forged by the other's
        // key, and not as issued by an unknown CA.
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let name = format!("private CA {}", NEXT.fetch_add(1, Ordering::Relaxed));
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let root = params.self_signed(&key).unwrap();
        let issuer = Issuer::new(params, key);

        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let mut params = CertificateParams::new(names).unwrap();
        alter(&mut params);
        let key = KeyPair::generate().unwrap();
        let leaf = params.signed_by(&key, &issuer).unwrap().der().clone();
        let builder = ServerConfig::builder_with_provider(tls_provider())
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = if ask_identity {
            let mut roots = RootCertStore::empty();
            roots.add(root.der().clone()).unwrap();
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), tls_provider())
                    .allow_unauthenticated()
                    .build()
                    .unwrap();
            builder.with_client_cert_verifier(verifier)
        } else {
            builder.with_no_client_auth()
        };
        let mut server = builder.with_single_cert(vec![leaf], private(&key)).unwrap();
        server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Self {
            issuer,
            pem: root.pem(),
            server: Arc::new(server),
        }
    }

    pub(super) fn pem(&self) -> &str {
        &self.pem
    }

    /// Returns a transport that trusts the CA.
    pub(super) fn transport(&self) -> Transport {
        Transport::builder()
            .no_proxy()
            .root_certificates_pem(&self.pem)
            .build()
            .unwrap()
    }

    pub(super) fn accept(&self, stream: TcpStream) -> StreamOwned<ServerConnection, TcpStream> {
        let connection = ServerConnection::new(Arc::clone(&self.server)).unwrap();
        StreamOwned::new(connection, stream)
    }

    fn identity(&self, name: &str) -> ClientIdentity {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        let leaf = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        ClientIdentity::new(vec![leaf], private(&key)).unwrap()
    }
}

fn private(key: &KeyPair) -> PrivateKeyDer<'static> {
    PrivateKeyDer::try_from(key.serialize_der()).unwrap()
}

/// Returns a server that responds with the agreed protocol and the size of the client's certificate.
pub(super) fn serve(authority: Arc<Authority>) -> Server {
    Server::start(move |stream, _| {
        let mut stream = authority.accept(stream);
        while Received::read(&mut stream).is_some() {
            let alpn = stream.conn.alpn_protocol().unwrap_or_default();
            let shown = stream.conn.peer_certificates().map_or(0, |c| c[0].len());
            let body = format!("{} {shown}", String::from_utf8_lossy(alpn));
            stream.write_all(&ok(&body)).unwrap();
            stream.flush().unwrap();
        }
    })
}

fn https(server: &Server, host: &str) -> Attempt {
    let mut attempt = get(server.port, "/");
    attempt.destination.origin.https = true;
    attempt.destination.origin.host = host.to_owned();
    attempt
}

#[test]
fn private_ca_is_trusted_once_added() {
    let authority = Arc::new(Authority::new());
    let server = serve(Arc::clone(&authority));
    runtime().block_on(async {
        let transport = authority.transport();
        for host in ["localhost", "127.0.0.1"] {
            for _ in 0..3 {
                let body = fetch(&transport, https(&server, host)).await.unwrap();
                assert_eq!(body, "http/1.1 0");
            }
        }
    });
    assert_eq!(server.accepted(), 2);
}

#[test]
fn certificate_errors_are_explained() {
    let good = Arc::new(Authority::new());
    let expired = Arc::new(Authority::with(
        |params| {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2021, 1, 1);
        },
        false,
    ));
    let early = Arc::new(Authority::with(
        |params| params.not_before = date_time_ymd(2090, 1, 1),
        false,
    ));
    let other = Arc::new(Authority::with(
        |params| {
            *params = CertificateParams::new(vec!["example.com".to_owned()]).unwrap();
        },
        false,
    ));
    let cases = [
        (
            &good,
            transport(),
            "the TLS certificate of localhost was issued by an unknown CA",
        ),
        (
            &expired,
            expired.transport(),
            "the TLS certificate of localhost has expired",
        ),
        (
            &early,
            early.transport(),
            "the TLS certificate of localhost is not valid yet",
        ),
        (
            &other,
            other.transport(),
            "the TLS certificate of localhost is for another host",
        ),
    ];
    runtime().block_on(async {
        for (authority, transport, words) in cases {
            let authority = Arc::clone(authority);
            let server = Server::start(move |stream, _| {
                let _ = authority.accept(stream).read(&mut [0]);
            });
            let failure = send(&transport, https(&server, "localhost"))
                .await
                .unwrap_err();
            assert_eq!((failure.stage, failure.written), (Stage::Tls, false));
            assert!(
                failure.to_string().starts_with(words),
                "{}",
                chain(&failure)
            );
        }
    });
}

#[test]
fn servers_without_tls_are_reported() {
    let plain = Server::start(|mut stream, _| {
        let _ = stream.read(&mut [0; 100]);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    let closing = Server::start(|mut stream, _| {
        let _ = stream.read(&mut [0; 10_000]);
    });
    runtime().block_on(async {
        let transport = transport();
        for (server, words) in [
            (&plain, "localhost does not speak TLS on this port"),
            (
                &closing,
                "localhost closed the connection during the TLS handshake",
            ),
        ] {
            let failure = send(&transport, https(server, "localhost"))
                .await
                .unwrap_err();
            assert_eq!((failure.stage, failure.written), (Stage::Tls, false));
            assert_eq!(failure.to_string(), words, "{}", chain(&failure));
        }
    });
}

#[test]
fn identities_do_not_share_connections() {
    let authority = Arc::new(Authority::with(|_| {}, true));
    let server = serve(Arc::clone(&authority));
    let (one, two) = (authority.identity("1"), authority.identity("merchant two"));
    let (one, two) = (Arc::new(one), Arc::new(two));
    runtime().block_on(async {
        let transport = authority.transport();
        let mut shown = Vec::new();
        for identity in [None, Some(&one), Some(&two), Some(&one), None, Some(&two)] {
            let mut attempt = https(&server, "localhost");
            attempt.destination.identity = identity.cloned();
            shown.push(fetch(&transport, attempt).await.unwrap());
        }
        assert_eq!(shown[0], "http/1.1 0");
        assert!(shown[1] != shown[0] && shown[2] != shown[0] && shown[1] != shown[2]);
        assert_eq!(
            (&shown[3], &shown[4], &shown[5]),
            (&shown[1], &shown[0], &shown[2])
        );
    });
    assert_eq!(server.accepted(), 3);
}

#[test]
fn identity_requires_a_matching_key() {
    let authority = Authority::new();
    let key = KeyPair::generate().unwrap();
    let stranger = KeyPair::generate().unwrap();
    let params = CertificateParams::new(Vec::new()).unwrap();
    let leaf = params
        .signed_by(&key, &authority.issuer)
        .unwrap()
        .der()
        .clone();
    let error = ClientIdentity::new(vec![leaf], private(&stranger)).unwrap_err();
    assert!(error.is_key());
    let shown = format!("{:?}", authority.identity("x"));
    assert!(shown.len() < 60, "{shown}");
}

#[test]
fn tls_truncation_does_not_end_a_response() {
    let authority = Arc::new(Authority::new());
    let sockets = Mutex::new(());
    let server = Server::start({
        let authority = Arc::clone(&authority);
        move |stream, _| {
            let _one_at_a_time = sockets.lock().unwrap();
            let mut stream = authority.accept(stream);
            Received::read(&mut stream).unwrap();
            // No length and no close_notify: an attacker could have cut the body anywhere.
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\npart of").unwrap();
            stream.flush().unwrap();
        }
    });
    runtime().block_on(async {
        let transport = authority.transport();
        let response = send(&transport, https(&server, "localhost")).await.unwrap();
        response.body.collect(100).await.unwrap_err();
    });
}
