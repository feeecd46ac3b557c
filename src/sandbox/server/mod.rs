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

/// A bound listener that is not served yet.
// Two steps, because the state needs the port, and the server needs the state.
pub(super) struct BoundListener {
    listener: StdListener,
    runtime: Runtime,
    pub(super) address: SocketAddr,
}

/// A running server. Dropping it closes every connection and waits for the thread.
pub(super) struct Server {
    stop: Option<oneshot::Sender<Infallible>>,
    pub(super) proxy: Proxy,
    runtime: Handle,
    thread: Option<JoinHandle<()>>,
}

impl BoundListener {
    pub(super) fn bind(address: SocketAddr) -> Result<Self> {
        let fail = |err| cannot_listen(address, err);
        let listener = StdListener::bind(address).map_err(fail)?;
        listener.set_nonblocking(true).map_err(fail)?;
        Ok(Self {
            address: listener.local_addr().map_err(fail)?,
            listener,
            runtime: Builder::new_current_thread()
                .enable_io()
                .enable_time()
                .build()
                .map_err(fail)?,
        })
    }

    /// Serves the sandbox on a new thread.
    // Its own thread and runtime: a test that blocks its thread, or has no runtime at all, still
    // gets responses.
    pub(super) fn serve(self, state: Arc<SandboxState>) -> Result<Server> {
        let Self {
            listener, runtime, ..
        } = self;
        let fail = |err: io::Error| {
            Cause::new(ErrorKind::Connect, "the sandbox cannot start its server").with_source(err)
        };
        let listener = {
            // Registers the listener with this runtime, not with one that the caller may be in.
            let _in_runtime = runtime.enter();
            TcpListener::from_std(listener).map_err(fail)?
        };
        let (stop, stopped) = oneshot::channel::<Infallible>();
        let handle = runtime.handle().clone();
        state.listen_on_https_by(Https::new(handle.clone()));
        let thread = thread::Builder::new()
            .name("wechatpay-sandbox".to_owned())
            .spawn(move || {
                runtime.spawn(accept(listener, Arc::clone(&state)));
                runtime.spawn(outbox::run(state));
                // Returns when the sender is dropped. The connections end with the runtime.
                let _ = runtime.block_on(stopped);
            })
            .map_err(fail)?;
        Ok(Server {
            stop: Some(stop),
            proxy: Proxy::new(handle.clone()),
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
