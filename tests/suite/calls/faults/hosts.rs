//! The hosts that produce the faults: a server, a bare socket, or nothing at all.

use std::{
    any::Any,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::{PrivateKeyDer, pem::PemObject as _};
use wechatpay_chain::{Client, ClientBuilder, Transport};

use crate::{
    calls::connections,
    fixtures::{
        keys,
        server::{MockResponse, Reply, Request, Server, vacant_port},
    },
};

/// A host that a client calls, with the settings that its fault needs.
pub struct Host {
    url: String,
    arrived: Box<dyn Fn() -> usize>,
    /// Blocks until the fault is in place.
    ready: Box<dyn Fn()>,
    transport: Option<Transport>,
    pub timeout: Duration,
    pub connect_timeout: Duration,
    pub redirects: bool,
    /// The size of a POST's body.
    pub body: usize,
    /// The number of successful calls to make first.
    pub before: usize,
    _owned: Box<dyn Any>,
}

impl Host {
    fn new(url: String, owned: impl Any, arrived: impl Fn() -> usize + 'static) -> Self {
        Self {
            url,
            arrived: Box::new(arrived),
            ready: Box::new(|| {}),
            transport: None,
            timeout: Duration::from_secs(20),
            connect_timeout: Duration::from_secs(5),
            redirects: false,
            body: 10,
            before: 0,
            _owned: Box::new(owned),
        }
    }

    pub fn builder(&self) -> ClientBuilder {
        let Some(transport) = &self.transport else {
            return keys::builder().base_uri(&self.url);
        };
        Client::builder()
            .mchid(keys::MCHID)
            .serial(keys::SERIAL)
            .private_key(keys::merchant().private())
            .platform_key(keys::PLATFORM_ID, keys::platform().public())
            .transport(transport.clone())
            .base_uri(&self.url)
    }

    pub fn ready(&self) {
        (self.ready)();
    }

    /// Returns how many requests arrived. Waits until it is as many as expected, up to a minute.
    pub fn arrived(&self, expected: usize) -> usize {
        let start = Instant::now();
        while (self.arrived)() < expected && start.elapsed() < Duration::from_secs(60) {
            thread::sleep(Duration::from_millis(1));
        }
        (self.arrived)()
    }

    /// Shortens the call's timeout, for a server that stalls.
    pub fn with_short_timeout(mut self) -> Self {
        self.timeout = Duration::from_millis(1_500);
        self
    }

    /// Shortens the connect timeout, for a server that does not complete the handshake.
    pub fn with_short_connect_timeout(mut self) -> Self {
        self.connect_timeout = Duration::from_millis(150);
        self
    }

    pub fn following_redirects(mut self) -> Self {
        self.redirects = true;
        self
    }

    pub fn with_body(mut self, bytes: usize) -> Self {
        self.body = bytes;
        self
    }
}

/// A server that responds with `respond`.
pub fn server<R: Into<Reply>>(respond: impl Fn(&Request) -> R + Send + Sync + 'static) -> Host {
    let server = Arc::new(Server::start(respond));
    let owned = Arc::clone(&server);
    Host::new(server.url(), owned, move || server.requests().len())
}

/// A server that writes these bytes, runs `then`, and closes the connection.
pub fn writing(
    bytes: impl Into<Vec<u8>>,
    then: impl Fn(&mut TcpStream) + Clone + Send + Sync + 'static,
) -> Host {
    let bytes = bytes.into();
    server(move |_| {
        let (bytes, then) = (bytes.clone(), then.clone());
        Reply::Raw(Box::new(move |stream| {
            let _ = stream.write_all(&bytes);
            then(stream);
        }))
    })
}

/// Waits until the client closes the connection.
pub fn stall(stream: &mut TcpStream) {
    let _ = stream.read(&mut [0]);
}

pub fn close(_: &mut TcpStream) {}

/// Writes these bytes again and again.
pub fn drip(
    bytes: &'static [u8],
    every: Duration,
) -> impl Fn(&mut TcpStream) + Clone + Send + Sync + 'static {
    move |stream| {
        while stream.write_all(bytes).is_ok() {
            thread::sleep(every);
        }
    }
}

/// A server that resets its first connection while it is idle after one response.
pub fn resetting_an_idle_connection() -> Host {
    let reset = Arc::new(AtomicBool::new(false));
    let server = Arc::new(Server::start({
        let reset = Arc::clone(&reset);
        move |request| {
            if request.number > 0 {
                return Reply::Response(MockResponse::signed(200, "{}"));
            }
            let reset = Arc::clone(&reset);
            Reply::Raw(Box::new(move |stream| {
                let _ = stream.write_all(&MockResponse::signed(200, "{}").bytes());
                while !reset.load(Ordering::SeqCst) {
                    thread::sleep(Duration::from_millis(1));
                }
            }))
        }
    }));
    let (owned, counted) = (Arc::clone(&server), Arc::clone(&server));
    let mut host = Host::new(server.url(), owned, move || counted.requests().len() - 1);
    host.before = 1;
    host.ready = Box::new(move || {
        reset.store(true, Ordering::SeqCst);
        server.wait_until("the idle connection is closed", |seen| seen.closed > 0);
    });
    host
}

/// A port where nothing listens.
pub fn refused() -> Host {
    let url = format!("http://127.0.0.1:{}/", vacant_port());
    Host::new(url, (), || 0)
}

/// A host name that never resolves: `.invalid` is reserved for that.
pub fn unresolvable() -> Host {
    let mut host = Host::new("http://wechatpay.invalid/".into(), (), || 0);
    host.timeout = Duration::from_secs(30);
    host
}

/// A port whose accept queue is full.
pub fn unresponsive() -> Host {
    let full = connections::full_port();
    Host::new(format!("http://127.0.0.1:{}/", full.port), full, || 0)
}

/// A bare socket. `serve` handles each connection, and those that delivered a byte are counted.
pub fn socket(
    scheme: &str,
    serve: impl Fn(TcpStream) -> Read + Clone + Send + Sync + 'static,
) -> Host {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("{scheme}://{}/", listener.local_addr().expect("an address"));
    let (arrived, stop) = (Arc::new(AtomicUsize::new(0)), StopOnDrop::default());
    thread::spawn({
        let (arrived, stopped) = (Arc::clone(&arrived), Arc::clone(&stop.0));
        move || {
            for stream in listener.incoming().flatten() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let (serve, arrived) = (serve.clone(), Arc::clone(&arrived));
                thread::spawn(move || {
                    if serve(stream) == Read::Some {
                        arrived.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
        }
    });
    Host::new(url, stop, move || arrived.load(Ordering::SeqCst))
}

#[derive(PartialEq, Eq)]
pub enum Read {
    Nothing,
    Some,
}

#[derive(Default)]
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Closes a stream with a reset.
pub fn reset(stream: TcpStream) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .expect("a runtime");
    let _inside = runtime.enter();
    stream.set_nonblocking(true).expect("a socket");
    let stream = tokio::net::TcpStream::from_std(stream).expect("a socket");
    stream.set_zero_linger().expect("a socket");
}

/// What is wrong with a server's TLS certificate.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    Expired,
    NotYetValid,
    WrongName,
    UnknownIssuer,
}

/// A server whose TLS certificate the client must reject. A byte that arrives counts as a request.
pub fn tls(flaw: Flaw) -> Host {
    let authority_key = KeyPair::generate().expect("a key");
    let mut authority = CertificateParams::new([]).expect("parameters");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = authority.self_signed(&authority_key).expect("a root").pem();
    let issuer = Issuer::new(authority, authority_key);

    let name = match flaw {
        Flaw::WrongName => "elsewhere.example",
        _ => "127.0.0.1",
    };
    let mut params = CertificateParams::new([name.to_owned()]).expect("parameters");
    match flaw {
        Flaw::Expired => params.not_after = date_time_ymd(2020, 1, 1),
        Flaw::NotYetValid => params.not_before = date_time_ymd(2090, 1, 1),
        Flaw::WrongName | Flaw::UnknownIssuer => {}
    }
    let key = KeyPair::generate().expect("a key");
    let certificate = params.signed_by(&key, &issuer).expect("a certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).expect("a key"),
        )
        .expect("a configuration");
    let config = Arc::new(config);

    let mut host = socket("https", move |stream| {
        let connection = rustls::ServerConnection::new(Arc::clone(&config)).expect("TLS");
        let mut stream = rustls::StreamOwned::new(connection, stream);
        match stream.read(&mut [0; 16]) {
            Ok(read) if read > 0 => Read::Some,
            _ => Read::Nothing,
        }
    });
    let transport = Transport::builder().no_proxy();
    let transport = match flaw {
        Flaw::UnknownIssuer => transport,
        _ => transport.root_certificates_pem(&root),
    };
    host.transport = Some(transport.build().expect("a transport"));
    host
}

/// A server behind a proxy that sends this response to CONNECT.
pub fn proxied(response: &'static str) -> Host {
    let proxy = socket("http", move |mut stream| {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n == 1) {
            head.push(byte[0]);
        }
        let _ = stream.write_all(response.as_bytes());
        Read::Nothing
    });
    let transport = Transport::builder().proxy(&proxy.url).build();
    let mut host = Host::new("http://127.0.0.1:9/".into(), proxy, || 0);
    host.transport = Some(transport.expect("a transport"));
    host
}
