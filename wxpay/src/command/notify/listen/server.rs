//! The HTTP server: few connections, short headers, small bodies, and little time for each.

use std::{convert::Infallible, sync::Arc, time::Duration};

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc, watch},
    task::JoinSet,
    time::timeout,
};
use wechatpay_chain::{
    Method, Notifications,
    http::{Request, Response, StatusCode, header},
};

use super::{
    super::message::Message,
    handle::{Handler, Seen},
};

const MAX_CONNECTIONS: usize = 64;
const MAX_HEADERS: usize = 100;
/// For a line or all headers, in bytes.
const MAX_HEAD: usize = 64 << 10;
const HEAD_TIME: Duration = Duration::from_secs(10);
const BODY_TIME: Duration = Duration::from_secs(10);
/// How long responses have to leave after the end.
const END_TIME: Duration = Duration::from_secs(2);

pub(super) struct Server {
    listener: TcpListener,
    handler: Arc<Handler>,
    seen: mpsc::Sender<Seen>,
    permits: Arc<Semaphore>,
    connections: JoinSet<()>,
    ending: watch::Sender<bool>,
}

impl Server {
    pub(super) fn new(
        listener: TcpListener,
        handler: Arc<Handler>,
        seen: mpsc::Sender<Seen>,
    ) -> Self {
        Self {
            listener,
            handler,
            seen,
            permits: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
            connections: JoinSet::new(),
            ending: watch::Sender::new(false),
        }
    }

    /// Takes the next connection, and serves it beside the others. Loses none if it is dropped.
    pub(super) async fn accept(&mut self) {
        // No more than these: the others wait in the system's queue.
        let Ok(permit) = Arc::clone(&self.permits).acquire_owned().await else {
            return;
        };
        let stream = match self.listener.accept().await {
            Ok((stream, _)) => stream,
            Err(_) => {
                // No more files, say. Trying again at once would only keep the processor busy.
                tokio::time::sleep(Duration::from_millis(100)).await;
                return;
            }
        };
        while self.connections.try_join_next().is_some() {}
        let serving = serve(
            stream,
            Arc::clone(&self.handler),
            self.seen.clone(),
            self.ending.subscribe(),
        );
        self.connections.spawn(async move {
            serving.await;
            drop(permit);
        });
    }

    /// Lets the responses leave, and closes all connections.
    pub(super) async fn end(mut self) {
        drop(self.listener);
        self.ending.send_replace(true);
        let all = async { while self.connections.join_next().await.is_some() {} };
        // A slower connection loses its response, and the notification is sent again.
        let _ = timeout(END_TIME, all).await;
    }
}

async fn serve(
    stream: TcpStream,
    handler: Arc<Handler>,
    seen: mpsc::Sender<Seen>,
    mut ending: watch::Receiver<bool>,
) {
    let service = service_fn(move |request| {
        let (handler, seen) = (Arc::clone(&handler), seen.clone());
        async move { Ok::<_, Infallible>(respond(request, handler, seen).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD)
        .preserve_header_case(true)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let is_done = tokio::select! {
        // An error here is the sender's: it hung up, or it does not speak HTTP.
        _ = connection.as_mut() => true,
        _ = ending.changed() => false,
    };
    if !is_done {
        connection.as_mut().graceful_shutdown();
        let _ = connection.await;
    }
}

async fn respond(
    request: Request<Incoming>,
    handler: Arc<Handler>,
    seen: mpsc::Sender<Seen>,
) -> Response<Full<Bytes>> {
    if request.method() != Method::POST {
        let mut response = plain(
            StatusCode::METHOD_NOT_ALLOWED,
            "wxpay listen: notifications are sent with POST\n",
        );
        let allowed = header::HeaderValue::from_static("POST");
        response.headers_mut().insert(header::ALLOW, allowed);
        return response;
    }
    let message = match read(request).await {
        Ok(message) => message,
        Err(response) => return response,
    };
    // A task of its own: it is shown and kept even if the sender breaks off meanwhile.
    let handled = tokio::spawn(async move {
        let (shown, response) = handler.handle(message).await;
        let _ = seen.send(shown).await;
        response
    });
    handled.await.unwrap_or_else(|_| {
        plain(
            StatusCode::INTERNAL_SERVER_ERROR,
            "wxpay listen: not handled\n",
        )
    })
}

async fn read(request: Request<Incoming>) -> Result<Message, Response<Full<Bytes>>> {
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, Notifications::MAX_BODY).collect();
    let body = match timeout(BODY_TIME, body).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(err)) if err.is::<LengthLimitError>() => {
            return Err(plain(
                StatusCode::PAYLOAD_TOO_LARGE,
                "wxpay listen: a notification has at most 1 MiB\n",
            ));
        }
        Ok(Err(_)) => {
            return Err(plain(
                StatusCode::BAD_REQUEST,
                "wxpay listen: broken body\n",
            ));
        }
        Err(_) => {
            return Err(plain(
                StatusCode::REQUEST_TIMEOUT,
                "wxpay listen: the body did not arrive\n",
            ));
        }
    };
    let target = parts.uri.path_and_query();
    Ok(Message {
        method: parts.method,
        target: target.map_or("/", |target| target.as_str()).to_owned(),
        extensions: parts.extensions,
        ..Message::new(parts.headers, body)
    })
}

fn plain(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    response
}
