//! The HTTP server: accepts connections and passes each request to `exchange`.

mod events;
mod exchange;
pub(super) mod host;
pub(super) mod page;
mod proxy;
mod signing;
mod tls;

pub(crate) use self::signing::{SignatureFault, sign};
pub(super) use self::{proxy::Proxy, tls::Https};

use std::{
    convert::Infallible,
    future::poll_fn,
    io,
    net::{SocketAddr, TcpListener as StdListener},
    pin::pin,
    sync::Arc,
    task::Poll,
    thread::{self, JoinHandle},
    time::Duration,
};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    runtime::{Builder, Handle, Runtime},
    sync::{Notify, Semaphore, oneshot},
    time,
};

use self::exchange::exchange;
use crate::error::{Cause, ErrorKind, cause::Result};
use crate::sandbox::{
    dispatch::pipeline::{ClientCertificate, Listener},
    outbox,
    state::SandboxState,
};

/// How long an idle connection is kept. WeChat Pay sends this number in `Keep-Alive`.
// The sandbox keeps to it, so that a client meets connections that end while they are pooled.
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(8);
/// How many connections are served at a time. More wait to be accepted.
const MAX_CONNECTIONS: usize = 1_024;

/// An address that is taken and not served yet.
pub(super) struct Bound {
    listener: StdListener,
    address: SocketAddr,
}

/// The bound listeners of a sandbox.
// Two steps, because the state needs the port, and the server needs the state.
pub(super) struct BoundListener {
    http: Bound,
    https: Option<Bound>,
    proxy: Option<Bound>,
    runtime: Runtime,
}

/// A running server. Dropping it closes every connection and waits for the thread.
pub(super) struct Server {
    stop: Option<oneshot::Sender<Infallible>>,
    runtime: Handle,
    thread: Option<JoinHandle<()>>,
}

impl Bound {
    fn new(wanted: SocketAddr) -> Result<Self> {
        let fail = |err| cannot_listen(wanted, err);
        let listener = StdListener::bind(wanted).map_err(fail)?;
        listener.set_nonblocking(true).map_err(fail)?;
        let address = listener.local_addr().map_err(fail)?;
        Ok(Self { listener, address })
    }

    /// Registers the listener with this runtime, not with one that the caller may be in.
    fn listen(self, runtime: &Handle) -> Result<TcpListener> {
        let _in_runtime = runtime.enter();
        TcpListener::from_std(self.listener).map_err(|err| cannot_listen(self.address, err))
    }
}

impl BoundListener {
    /// Takes the address of HTTP, and those of HTTPS and of the proxy if they are given.
    pub(super) fn bind(
        http: SocketAddr,
        https: Option<SocketAddr>,
        proxy: Option<SocketAddr>,
    ) -> Result<Self> {
        Ok(Self {
            http: Bound::new(http)?,
            https: https.map(Bound::new).transpose()?,
            proxy: proxy.map(Bound::new).transpose()?,
            runtime: Builder::new_current_thread()
                .enable_io()
                .enable_time()
                .build()
                .map_err(|err| cannot_listen(http, err))?,
        })
    }

    /// Returns the address of HTTP.
    pub(super) fn address(&self) -> SocketAddr {
        self.http.address
    }

    /// Serves the sandbox on a new thread.
    // Its own thread and runtime: a test that blocks its thread, or has no runtime at all, still
    // gets responses.
    pub(super) fn serve(self, state: Arc<SandboxState>) -> Result<Server> {
        let runtime = self.runtime;
        let handle = runtime.handle().clone();
        let listener = self.http.listen(&handle)?;
        let (has_https, has_proxy) = (self.https.is_some(), self.proxy.is_some());
        state.listen_by(
            Https::new(handle.clone(), self.https),
            Proxy::new(handle.clone(), self.proxy),
        );
        if has_https {
            state.https_address()?;
        }
        if has_proxy {
            state.proxy_address()?;
        }
        let (stop, stopped) = oneshot::channel::<Infallible>();
        let thread = thread::Builder::new()
            .name("wechatpay-sandbox".to_owned())
            .spawn(move || {
                runtime.spawn(accept(listener, Arc::clone(&state)));
                runtime.spawn(outbox::run(state));
                // Returns when the sender is dropped. The connections end with the runtime.
                let _ = runtime.block_on(stopped);
            })
            .map_err(|err| {
                Cause::new(ErrorKind::Connect, "the sandbox cannot start its server")
                    .with_source(err)
            })?;
        Ok(Server {
            stop: Some(stop),
            runtime: handle,
            thread: Some(thread),
        })
    }
}

fn cannot_listen(address: SocketAddr, err: io::Error) -> Cause {
    let what = format!("the sandbox cannot listen on {address}");
    Cause::new(ErrorKind::Connect, what).with_source(err)
}

impl Server {
    /// Returns what spawns onto the server's thread.
    pub(super) fn runtime(&self) -> &Handle {
        &self.runtime
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // First the signal, then the wait: the thread ends only when the sender is gone.
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn accept(listener: TcpListener, state: Arc<SandboxState>) {
    let plain = Listener {
        address: state.address,
        host: None,
        tls: false,
        client_certificate: ClientCertificate::None,
    };
    let serve = |stream| serve_connection(stream, Arc::clone(&state), plain.clone());
    accept_each(listener, serve).await;
}

/// Serves each connection in a task of its own, up to the limit at a time.
async fn accept_each<S>(listener: TcpListener, serve: impl Fn(TcpStream) -> S)
where
    S: Future<Output = ()> + Send + 'static,
{
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let _ = stream.set_nodelay(true);
                let serving = serve(stream);
                tokio::spawn(async move {
                    serving.await;
                    drop(permit);
                });
            }
            // For example, no file descriptors are left. Wait until a connection ends.
            Err(_) => time::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// Serves the requests of one connection, which may be encrypted.
async fn serve_connection(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    state: Arc<SandboxState>,
    listener: Listener,
) {
    // A stream of events that is not read cannot be ended from within: nobody asks its body for more.
    let hangup = Arc::new(Notify::new());
    let hung_up = Arc::clone(&hangup);
    let service = service_fn(move |request| {
        let (state, listener, hangup) = (Arc::clone(&state), listener.clone(), hangup.clone());
        async move { exchange(&state, listener, &hangup, request).await }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(KEEP_ALIVE_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    let (mut connection, mut hung_up) = (pin!(connection), pin!(hung_up.notified()));
    // The error is dropped: a client that breaks off, or a fault that cuts the connection, is not a
    // failure of the server.
    poll_fn(|cx| {
        let has_ended =
            connection.as_mut().poll(cx).is_ready() || hung_up.as_mut().poll(cx).is_ready();
        if has_ended {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}
