//! A TCP server on plain threads, and requests as it reads them.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
};

/// A TCP server on its own thread, with one more thread for each connection.
pub(super) struct Server {
    pub(super) port: u16,
    accepted: Arc<AtomicUsize>,
    stopping: Arc<AtomicBool>,
    panicked: Arc<AtomicBool>,
    open: Arc<Mutex<Vec<TcpStream>>>,
    acceptor: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts a server. `serve` gets each connection and its number, from 0.
    pub(super) fn start(serve: impl Fn(TcpStream, usize) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let accepted = Arc::new(AtomicUsize::new(0));
        let stopping = Arc::new(AtomicBool::new(false));
        let panicked = Arc::new(AtomicBool::new(false));
        let open = Arc::new(Mutex::new(Vec::new()));
        let serve = Arc::new(serve);
        let acceptor = thread::spawn({
            let (accepted, stopping) = (Arc::clone(&accepted), Arc::clone(&stopping));
            let (panicked, open) = (Arc::clone(&panicked), Arc::clone(&open));
            move || {
                let mut serving = Vec::new();
                for stream in listener.incoming() {
                    if stopping.load(Ordering::SeqCst) {
                        break;
                    }
                    let Ok(stream) = stream else { continue };
                    stream.set_nodelay(true).unwrap();
                    let number = accepted.fetch_add(1, Ordering::SeqCst);
                    open.lock().unwrap().push(stream.try_clone().unwrap());
                    let (serve, open) = (Arc::clone(&serve), Arc::clone(&open));
                    serving.push(thread::spawn(move || {
                        // The copy kept for `drop` would hold the socket open, so remove it.
                        let peer = stream.peer_addr();
                        serve(stream, number);
                        if let Ok(peer) = peer {
                            let mut open = open.lock().unwrap();
                            open.retain(|other| other.peer_addr().is_ok_and(|a| a != peer));
                        }
                    }));
                }
                for thread in serving {
                    if thread.join().is_err() {
                        panicked.store(true, Ordering::SeqCst);
                    }
                }
            }
        });
        Self {
            port,
            accepted,
            stopping,
            panicked,
            open,
            acceptor: Some(acceptor),
        }
    }

    /// Starts a server that responds to every request with what `respond` returns.
    pub(super) fn responding(
        respond: impl Fn(&Received) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        Self::start(move |mut stream, _| {
            while let Some(request) = Received::read(&mut stream) {
                if stream.write_all(&respond(&request)).is_err() {
                    return;
                }
            }
        })
    }

    pub(super) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        for stream in self.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(acceptor) = self.acceptor.take() {
            acceptor.join().unwrap();
        }
        if !thread::panicking() {
            assert!(!self.panicked.load(Ordering::SeqCst), "the server panicked");
        }
    }
}

/// Returns a server that serves one request per connection, and reports each close.
pub(super) fn once() -> (Server, mpsc::Receiver<()>) {
    let (tell, closed) = mpsc::channel();
    let server = Server::start(move |mut stream, _| {
        Received::read(&mut stream).unwrap();
        stream.write_all(&ok("once")).unwrap();
        stream.shutdown(Shutdown::Both).unwrap();
        let _ = tell.send(());
    });
    (server, closed)
}

/// A request as it arrived, parsed without an HTTP library.
#[derive(Clone, Debug)]
pub(super) struct Received {
    pub(super) head: String,
    pub(super) body: Vec<u8>,
}

impl Received {
    /// Reads a request, or returns `None` if the connection ends before it is complete.
    pub(super) fn read(stream: &mut impl Read) -> Option<Self> {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read(&mut byte) {
                Ok(1) => head.push(byte[0]),
                _ => return None,
            }
        }
        let mut this = Self {
            head: String::from_utf8(head).unwrap(),
            body: Vec::new(),
        };
        let len = this
            .header("content-length")
            .map_or(0, |v| v.parse().unwrap());
        this.body.resize(len, 0);
        stream.read_exact(&mut this.body).ok()?;
        Some(this)
    }

    pub(super) fn line(&self) -> &str {
        self.head.lines().next().unwrap()
    }

    pub(super) fn path(&self) -> &str {
        self.line().split(' ').nth(1).unwrap()
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (n, v) = line.split_once(": ")?;
            n.eq_ignore_ascii_case(name).then_some(v)
        })
    }
}

/// Returns a complete 200 response.
pub(super) fn ok(body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Reads some bytes and closes with the others unread, which makes the kernel send a reset.
pub(super) fn reset_after(mut stream: TcpStream, bytes: usize) -> io::Result<()> {
    let mut some = vec![0; bytes];
    stream.read_exact(&mut some)
}
