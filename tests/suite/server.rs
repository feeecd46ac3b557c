//! An HTTP/1.1 server of the tests' own: it keeps what arrives, byte for byte, and answers by a
//! closure. A panic in the closure, or a request that is no HTTP, fails the test.

mod answer;

pub use answer::{Answer, REQUEST_ID};

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use tokio::net::TcpSocket;
use wechatpay_chain::{CertificateMode, Client, RetryPolicy};

use super::keys::{self, Pair};

/// How long a test waits for what should come at once.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Server {
    port: u16,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    seen: Mutex<Seen>,
    changed: Condvar,
    ending: AtomicBool,
}

/// What has happened so far.
#[derive(Default)]
pub struct Seen {
    pub requests: Vec<Request>,
    /// Connections that were accepted.
    pub opened: usize,
    /// Connections of which the client's end was seen, or that the server closed.
    pub closed: usize,
    faults: Vec<String>,
    streams: HashMap<usize, TcpStream>,
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// The number of its connection, from 0.
    pub connection: usize,
    /// The number of the request among all of this server's, from 0.
    pub number: usize,
}

/// What the server does with a request.
pub enum Reply {
    Answer(Answer),
    /// Closes the connection without a word.
    Close,
    /// Resets the connection.
    Reset,
    /// Says nothing until the client goes.
    Silence,
    /// Writes what it likes, then closes.
    Raw(Box<dyn FnOnce(&mut TcpStream) + Send>),
}

impl From<Answer> for Reply {
    fn from(answer: Answer) -> Self {
        Self::Answer(answer)
    }
}

impl Server {
    pub fn start<R: Into<Reply>>(answer: impl Fn(&Request) -> R + Send + Sync + 'static) -> Self {
        Self::on(
            TcpListener::bind("127.0.0.1:0").expect("a free port"),
            answer,
        )
    }

    /// At a [`vacant_port`]. It is vacant again once the server is dropped.
    pub fn at<R: Into<Reply>>(
        port: u16,
        answer: impl Fn(&Request) -> R + Send + Sync + 'static,
    ) -> Self {
        let listener = in_runtime(|| bound(port).listen(128).and_then(|all| all.into_std()));
        let listener = listener.expect("a listener");
        listener.set_nonblocking(false).expect("a socket");
        Self::on(listener, answer)
    }

    fn on<R: Into<Reply>>(
        listener: TcpListener,
        answer: impl Fn(&Request) -> R + Send + Sync + 'static,
    ) -> Self {
        let port = listener.local_addr().expect("an address").port();
        let shared = Arc::new(Shared::default());
        let answer = Arc::new(move |request: &Request| answer(request).into());
        let accepting = thread::spawn({
            let shared = Arc::clone(&shared);
            move || accept(&listener, &shared, &answer)
        });
        Self {
            port,
            shared,
            accepting: Some(accepting),
        }
    }

    /// Answers everything with a signed 200 and `{}`.
    pub fn agreeable() -> Self {
        Self::start(|_| Answer::signed(200, "{}"))
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// A client of this server that never sends a call twice, nor another than it is told.
    pub fn client(&self) -> Client {
        keys::builder()
            .base_uri(self.url())
            .retry(RetryPolicy::none())
            .certificate_mode(CertificateMode::Fixed)
            .build()
            .expect("a client")
    }

    pub fn requests(&self) -> Vec<Request> {
        self.shared.seen().requests.clone()
    }

    /// How many connections were made.
    pub fn connections(&self) -> usize {
        self.shared.seen().opened
    }

    /// The one request that came.
    pub fn only(&self) -> Request {
        let mut requests = self.requests();
        assert_eq!(requests.len(), 1, "requests: {requests:#?}");
        requests.remove(0)
    }

    /// Waits until it is so.
    #[track_caller]
    pub fn wait_until(&self, what: &str, so: impl Fn(&Seen) -> bool) {
        let (seen, waited) = self
            .shared
            .changed
            .wait_timeout_while(self.shared.seen(), PATIENCE, |seen| !so(seen))
            .unwrap_or_else(PoisonError::into_inner);
        assert!(
            !waited.timed_out(),
            "{what}: not within {PATIENCE:?}; {} requests, {} connections opened, {} closed",
            seen.requests.len(),
            seen.opened,
            seen.closed
        );
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.ending.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        // The listener goes with its thread: from here on, nobody listens at the port.
        let _ = self.accepting.take().map(JoinHandle::join);
        let mut seen = self.shared.seen();
        for (_, stream) in seen.streams.drain() {
            let _ = stream.shutdown(Shutdown::Both);
        }
        if !thread::panicking() {
            assert!(
                seen.faults.is_empty(),
                "in the server: {}",
                seen.faults.join("\n")
            );
        }
    }
}

impl Shared {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, change: impl FnOnce(&mut Seen) -> T) -> T {
        let changed = change(&mut self.seen());
        self.changed.notify_all();
        changed
    }
}

type Answering = Arc<dyn Fn(&Request) -> Reply + Send + Sync>;

fn accept(
    listener: &TcpListener,
    shared: &Arc<Shared>,
    answer: &Arc<impl Fn(&Request) -> Reply + Send + Sync + 'static>,
) {
    for stream in listener.incoming() {
        if shared.ending.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else { continue };
        let number = shared.change(|seen| {
            let number = seen.opened;
            seen.streams
                .extend(stream.try_clone().map(|twin| (number, twin)));
            seen.opened += 1;
            number
        });
        let shared = Arc::clone(shared);
        let answer: Answering = answer.clone();
        thread::spawn(move || {
            let served = catch_unwind(AssertUnwindSafe(|| serve(stream, number, &shared, &answer)));
            shared.change(|seen| {
                seen.closed += 1;
                if let Err(panic) = served {
                    let text = panic
                        .downcast_ref::<String>()
                        .cloned()
                        .or_else(|| panic.downcast_ref::<&str>().map(|text| text.to_string()));
                    seen.faults.push(text.unwrap_or_else(|| "a panic".into()));
                }
            });
        });
    }
}

fn serve(stream: TcpStream, connection: usize, shared: &Shared, answer: &Answering) {
    let _ = stream.set_nodelay(true);
    let mut writer = stream.try_clone().expect("a second handle");
    let mut reader = BufReader::new(stream);
    while let Some(mut request) = read(&mut reader, connection) {
        request.number = shared.change(|seen| {
            let number = seen.requests.len();
            seen.requests.push(Request {
                number,
                ..request.clone()
            });
            number
        });
        match answer(&request) {
            Reply::Answer(answer) => {
                // The client may have gone: that is its affair.
                if writer.write_all(&answer.bytes()).is_err() || answer.closes {
                    break;
                }
            }
            Reply::Close => break,
            Reply::Reset => {
                // A socket is closed with its last handle.
                drop(writer);
                shared.change(|seen| seen.streams.remove(&connection));
                return reset(reader.into_inner());
            }
            Reply::Silence => {
                let _ = reader.read_to_end(&mut Vec::new());
                break;
            }
            Reply::Raw(write) => {
                write(&mut writer);
                break;
            }
        }
    }
    let _ = writer.shutdown(Shutdown::Both);
}

fn reset(stream: TcpStream) {
    in_runtime(|| {
        stream.set_nonblocking(true).expect("a socket");
        let stream = tokio::net::TcpStream::from_std(stream).expect("a socket");
        stream.set_zero_linger().expect("a socket");
    });
}

/// For what tokio's sockets can do and those of std cannot.
fn in_runtime<T>(work: impl FnOnce() -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .expect("a runtime");
    let _inside = runtime.enter();
    work()
}

/// The next request, `None` where the client closed first.
pub fn read(reader: &mut impl BufRead, connection: usize) -> Option<Request> {
    let mut line = || {
        let mut line = Vec::new();
        match reader.read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => None,
            Ok(_) => {
                let line = line.strip_suffix(b"\r\n").expect("a line ends in CR LF");
                Some(String::from_utf8(line.to_vec()).expect("a head of text"))
            }
        }
    };
    let first = line()?;
    let parts = first.split(' ').collect::<Vec<_>>();
    let [method, target, "HTTP/1.1"] = parts[..] else {
        panic!("no request line: {first:?}");
    };
    let mut headers = Vec::new();
    loop {
        let line = line()?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(": ").expect("a header");
        headers.push((name.to_owned(), value.to_owned()));
    }
    let mut request = Request {
        method: method.to_owned(),
        target: target.to_owned(),
        headers,
        body: Vec::new(),
        connection,
        number: 0,
    };
    assert!(
        request.header("host").is_some(),
        "no Host, or two: {request:?}"
    );
    assert!(
        request.all("transfer-encoding").is_empty(),
        "a body without a length: {request:?}"
    );
    let length = request.all("content-length");
    assert!(length.len() <= 1, "two lengths: {request:?}");
    if let Some(length) = length.first() {
        let length: usize = length.parse().expect("a length");
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        request.body = body;
    }
    Some(request)
}

impl Request {
    /// All values of a header.
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.headers
            .iter()
            .filter(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
            .collect()
    }

    /// The value of a header that is there once.
    pub fn header(&self, name: &str) -> Option<&str> {
        match self.all(name)[..] {
            [one] => Some(one),
            _ => None,
        }
    }

    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The fields of its Authorization, once the signature is seen to fit the bytes that came.
    #[track_caller]
    pub fn authorization(&self, key: &Pair) -> HashMap<String, String> {
        self.authorization_by("WECHATPAY2-SHA256-RSA2048", key)
    }

    /// The same of another scheme.
    #[track_caller]
    pub fn authorization_by(&self, scheme: &str, key: &Pair) -> HashMap<String, String> {
        let header = self.header("authorization").expect("an Authorization");
        let fields = header
            .strip_prefix(scheme)
            .and_then(|rest| rest.strip_prefix(' '))
            .unwrap_or_else(|| panic!("not of {scheme}: {header}"))
            .split(',')
            .map(|field| {
                let (name, value) = field.split_once('=').expect("a field");
                let value = value.strip_prefix('"').and_then(|v| v.strip_suffix('"'));
                (name.to_owned(), value.expect("quotes").to_owned())
            })
            .collect::<HashMap<_, _>>();
        assert_eq!(fields.len(), 5, "{header}");
        let timestamp: u64 = fields["timestamp"].parse().expect("seconds");
        assert!(timestamp.abs_diff(now()) < 60, "{timestamp}");
        let nonce = &fields["nonce_str"];
        assert_eq!(nonce.len(), 32, "{nonce}");
        assert!(nonce.bytes().all(|b| b.is_ascii_alphanumeric()), "{nonce}");
        let mut message =
            format!("{}\n{}\n{timestamp}\n{nonce}\n", self.method, self.target).into_bytes();
        message.extend_from_slice(&self.body);
        message.push(b'\n');
        let signature = BASE64_STANDARD
            .decode(&fields["signature"])
            .expect("base64");
        assert!(
            key.verifies(&message, &signature),
            "the signature does not fit what came: {self:?}"
        );
        fields
    }
}

/// A port where nobody listens but a [`Server::at`] it. A socket that never listens is bound to it
/// for as long as the process lives, so that the system gives it to nobody else.
pub fn vacant_port() -> u16 {
    static HELD: Mutex<Vec<TcpSocket>> = Mutex::new(Vec::new());
    let socket = bound(0);
    let port = socket.local_addr().expect("an address").port();
    HELD.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(socket);
    port
}

/// A socket that shares its port with others of this kind.
fn bound(port: u16) -> TcpSocket {
    let socket = TcpSocket::new_v4().expect("a socket");
    #[cfg(unix)]
    socket.set_reuseport(true).expect("a socket");
    #[cfg(windows)]
    socket.set_reuseaddr(true).expect("a socket");
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    socket.bind(address).expect("a free port");
    socket
}

pub fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock")
        .as_secs()
}
