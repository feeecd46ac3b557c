//! The HTTP server: accepts connections and passes each request to `exchange`.

mod exchange;
mod host;
mod signing;

pub(super) use signing::Unsigned;

use std::{
    convert::Infallible,
    io,
    net::{SocketAddr, TcpListener as StdListener},
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use axum::Router;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    runtime::{Builder, Runtime},
    sync::{Semaphore, oneshot},
    time,
};

use self::exchange::exchange;
use super::state::SandboxState;
use crate::error::{Cause, ErrorKind, cause::Result};

/// How long an idle connection is kept. WeChat Pay sends this number in `Keep-Alive`.
// The sandbox keeps to it, so that a client meets connections that end while they are pooled.
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(8);
/// How many connections are served at a time. More wait to be accepted.
const MAX_CONNECTIONS: usize = 1_024;

/// A bound listener that is not served yet.
// Two steps, because the state needs the port, and the routes need the state.
pub(super) struct BoundListener {
    listener: StdListener,
    runtime: Runtime,
    pub(super) address: SocketAddr,
}

/// A running server. Dropping it closes every connection and waits for the thread.
pub(super) struct Server {
    stop: Option<oneshot::Sender<Infallible>>,
    thread: Option<JoinHandle<()>>,
}

impl BoundListener {
    pub(super) fn bind(address: SocketAddr) -> Result<Self> {
        let fail = |err: io::Error| {
            Cause::new(
                ErrorKind::Connect,
                format!("the sandbox cannot listen on {address}"),
            )
            .with_source(err)
        };
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

    /// Serves these routes on a new thread.
    // Its own thread and runtime: a test that blocks its thread, or has no runtime at all, still
    // gets responses.
    pub(super) fn serve(self, state: Arc<SandboxState>, routes: Router) -> Result<Server> {
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
        let thread = thread::Builder::new()
            .name("wechatpay-sandbox".to_owned())
            .spawn(move || {
                runtime.spawn(accept(listener, state, routes));
                // Returns when the sender is dropped. The connections end with the runtime.
                let _ = runtime.block_on(stopped);
            })
            .map_err(fail)?;
        Ok(Server {
            stop: Some(stop),
            thread: Some(thread),
        })
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

async fn accept(listener: TcpListener, state: Arc<SandboxState>, routes: Router) {
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let serving = serve_connection(stream, Arc::clone(&state), routes.clone());
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

async fn serve_connection(stream: TcpStream, state: Arc<SandboxState>, routes: Router) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let (state, routes) = (Arc::clone(&state), routes.clone());
        async move { exchange(&state, routes, request).await }
    });
    // The error is dropped: a client that breaks off, or a fault that cuts the connection, is not a
    // failure of the server.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(KEEP_ALIVE_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}
