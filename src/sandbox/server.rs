//! The server: accepts, reads, hands to the routes, signs what comes back.

use std::{
    convert::Infallible,
    io,
    net::{SocketAddr, TcpListener as StdListener},
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use axum::{Router, body::Body, response::IntoResponse};
use bytes::Bytes;
use http::{Request, Response, StatusCode, header::CONNECTION};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    runtime::{Builder, Runtime},
    sync::{Semaphore, oneshot},
    time,
};
use tower_service::Service;

use super::{
    answer::Answer,
    check,
    fault::Fault,
    host,
    seal::{self, IDLE, Spoil},
    spoilt,
    world::World,
};
use crate::error::{Cause, Kind, cause::Result};

/// A request's body must arrive within this time.
const BODY_TIME: Duration = Duration::from_secs(30);
/// The largest body taken.
const MAX_BODY: usize = 16 << 20;
/// How many connections are served at a time; more wait.
const CONNECTIONS: usize = 1_024;

/// A listener that is bound and not served yet.
pub(super) struct Bound {
    listener: StdListener,
    runtime: Runtime,
    pub(super) address: SocketAddr,
}

/// A running server. Dropping it ends every connection and waits for the thread.
pub(super) struct Server {
    stop: Option<oneshot::Sender<Infallible>>,
    thread: Option<JoinHandle<()>>,
}

impl Bound {
    pub(super) fn bind(address: SocketAddr) -> Result<Self> {
        let fail = |err: io::Error| {
            Cause::new(
                Kind::Connect,
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

    /// Serves these routes on a thread of its own.
    pub(super) fn serve(self, world: Arc<World>, routes: Router) -> Result<Server> {
        let Self {
            listener, runtime, ..
        } = self;
        let fail = |err: io::Error| {
            Cause::new(Kind::Connect, "the sandbox's server cannot start").with_source(err)
        };
        let listener = {
            let _in_runtime = runtime.enter();
            TcpListener::from_std(listener).map_err(fail)?
        };
        let (stop, stopped) = oneshot::channel::<Infallible>();
        let thread = thread::Builder::new()
            .name("wechatpay-sandbox".to_owned())
            .spawn(move || {
                runtime.spawn(accept(listener, world, routes));
                // Ends when the sender is dropped; the connections end with the runtime.
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
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn accept(listener: TcpListener, world: Arc<World>, routes: Router) {
    let free = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&free).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let served = connection(stream, Arc::clone(&world), routes.clone());
                tokio::spawn(async move {
                    served.await;
                    drop(place);
                });
            }
            // Such as no file descriptors left: some connection will end.
            Err(_) => time::sleep(Duration::from_millis(20)).await,
        }
    }
}

async fn connection(stream: TcpStream, world: Arc<World>, routes: Router) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let (world, routes) = (Arc::clone(&world), routes.clone());
        async move { exchange(&world, routes, request).await }
    });
    // A client that breaks off is no concern of the server's.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// One request and its answer; an error closes the connection without one.
async fn exchange(
    world: &World,
    routes: Router,
    request: Request<Incoming>,
) -> io::Result<Response<Body>> {
    let (parts, body) = request.into_parts();
    if !host::is_ours(&parts, world.address) {
        return Ok(Answer::error(
            StatusCode::MISDIRECTED_REQUEST,
            "INVALID_REQUEST",
            "the Host header must be the sandbox's own address",
        )
        .into_response());
    }
    let (body, refusal) = match read(body).await {
        Ok(body) => (body, None),
        Err(refusal) => (Bytes::new(), Some(refusal)),
    };
    let target = check::target(&parts);
    let serial = parts.headers.get(check::SERIAL).cloned();
    let id = world.requests().arrived(
        parts.method.clone(),
        target,
        parts.headers.clone(),
        body.clone(),
    );
    let answered = |response: Response<Body>| {
        world.requests().answered(id, response.status());
        Ok(response)
    };

    if let Some(refusal) = refusal {
        let mut response =
            seal::signed(world, refusal.into_response(), serial.as_ref(), None).await;
        // The rest of the body is not read.
        response
            .headers_mut()
            .insert(CONNECTION, http::HeaderValue::from_static("close"));
        return answered(response);
    }

    let fault = world.faults().take(parts.uri.path());
    let response = match &fault {
        Some(Fault::Hangup) => return Err(io::ErrorKind::ConnectionAborted.into()),
        Some(Fault::Raw {
            status,
            headers,
            body,
        }) => return answered(spoilt::raw(*status, headers, body)),
        Some(Fault::Error {
            status,
            code,
            message,
            retry_after,
        }) => spoilt::error(*status, code, message, *retry_after),
        _ => route(routes, Request::from_parts(parts, Body::from(body))).await,
    };
    let spoil = fault.as_ref().and_then(Spoil::of);
    let response = seal::signed(world, response, serial.as_ref(), spoil).await;
    match fault {
        Some(Fault::LostAnswer) => Err(io::ErrorKind::ConnectionAborted.into()),
        Some(Fault::Delay(delay)) => {
            time::sleep(delay).await;
            answered(response)
        }
        Some(Fault::Cut(after)) => answered(spoilt::cut(response, after).await),
        Some(Fault::Flood(bytes)) => answered(spoilt::flood(bytes)),
        _ => answered(response),
    }
}

/// Reads the whole body, or says why not.
async fn read(body: Incoming) -> std::result::Result<Bytes, Answer> {
    let whole = time::timeout(BODY_TIME, Limited::new(body, MAX_BODY).collect());
    match whole.await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(err)) if err.is::<LengthLimitError>() => Err(Answer::error(
            StatusCode::PAYLOAD_TOO_LARGE,
            "INVALID_REQUEST",
            "请求体过大",
        )),
        Ok(Err(_)) => Err(Answer::invalid_request("请求体读取失败")),
        Err(_) => Err(Answer::error(
            StatusCode::REQUEST_TIMEOUT,
            "INVALID_REQUEST",
            "请求体读取超时",
        )),
    }
}

async fn route(mut routes: Router, request: Request<Body>) -> Response<Body> {
    // A router is always ready.
    match routes.call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}
