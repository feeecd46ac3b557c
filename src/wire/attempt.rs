//! Sends a request once, and tells exactly what was written if that fails.
//!
//! The order matters: the progress has its baseline before hyper gets the request, and the
//! connection is sealed before the counts are read.

use std::{error::Error as StdError, io, sync::Arc};

use http::{Request, StatusCode, Version};
use tokio::runtime::Handle;

use super::{
    Body, Clock, Destination, Failure, Incoming, IncomingBody, Progress, Stage, Transport,
    connect::connect,
    meter::{HeadTooLarge, MAX_HEAD},
    pool::{Connection, PoolKey},
    request,
};

impl Transport {
    /// Sends a request once and waits for the head of its response.
    ///
    /// Retries nothing. If the future is dropped before it completes, its connection is closed and
    /// not a byte more is written; `progress` then tells whether one was.
    ///
    /// Must be polled inside a tokio runtime: see [`InRuntime`](super::InRuntime).
    pub(crate) async fn send(
        &self,
        mut request: Request<Body>,
        destination: Destination,
        progress: Progress,
    ) -> Result<Incoming, Failure> {
        let runtime = Handle::try_current()
            .map_err(|e| {
                Failure::new(Stage::Request, "no tokio runtime to send on").with_source(e)
            })?
            .id();
        let clock = Clock::get().map_err(|cause| {
            Failure::new(Stage::Request, "no timers to send with").with_source(cause)
        })?;
        progress.begin();
        request::frame(&mut request, &destination.origin)?;

        let key = PoolKey::new(runtime, &destination);
        let pool = self.pool();
        let idle = match destination.fresh_connection {
            true => None,
            false => pool.checkout(&key, clock).await,
        };
        // A failure on an old connection may only mean that the server had closed it.
        let reused = idle.is_some();
        let connection = match idle {
            Some(connection) => connection,
            None => {
                let connected = connect((self.proxy(), self.tls()), &destination, clock).await?;
                pool.adopt(connected, key, clock).await.map_err(|e| {
                    Failure::new(Stage::Exchange, "the new connection cannot be used")
                        .with_source(e)
                })?
            }
        };

        deliver(connection, request, &progress)
            .await
            .map_err(|failure| Failure { reused, ..failure })
    }
}

/// Sends a request on an idle connection, and tells exactly what was written if that fails.
async fn deliver(
    connection: Connection,
    mut request: Request<Body>,
    progress: &Progress,
) -> Result<Incoming, Failure> {
    let meter = Arc::clone(&connection.meter);
    // hyper skips interim responses. Counting them is all that is needed: see `MAX_INTERIM`.
    hyper::ext::on_informational(&mut request, move |_| meter.count_interim());
    // From here on, a byte may leave at any time.
    progress.sending(connection.meter.baseline());
    let seal = SealOnDrop(progress);
    let result = exchange(connection, request).await;
    if result.is_ok() {
        progress.responded();
    }
    drop(seal);
    result.map_err(|failure| Failure {
        written: progress.written(),
        ..failure
    })
}

/// Ends a request's writing when the attempt ends, also when its future is dropped at an await.
///
/// Without it, the driver could go on writing what hyper has buffered, although the caller knows that
/// nothing was written. Harmless after a response: the progress is settled by then.
struct SealOnDrop<'a>(&'a Progress);

impl Drop for SealOnDrop<'_> {
    fn drop(&mut self) {
        self.0.written();
    }
}

async fn exchange(mut connection: Connection, request: Request<Body>) -> Result<Incoming, Failure> {
    let method = request.method().clone();
    let response = connection
        .sender
        .try_send_request(request)
        .await
        .map_err(|e| explain(e.into_error()))?;
    let (head, body) = response.into_parts();
    // hyper hands over a 101 as it does any response; the connection is then no longer HTTP.
    if head.status == StatusCode::SWITCHING_PROTOCOLS {
        return Err(Failure::new(
            Stage::Exchange,
            "the server tried to switch to another protocol (101)",
        ));
    }
    if head.version != Version::HTTP_11 && head.version != Version::HTTP_10 {
        return Err(Failure::new(
            Stage::Exchange,
            format!(
                "the server responded with {:?}; expected HTTP/1.1",
                head.version
            ),
        ));
    }
    // From here on the connection belongs to the body, which returns it to the pool.
    let has_body = method != http::Method::HEAD;
    Ok(Incoming {
        status: head.status,
        version: head.version,
        headers: head.headers,
        body: IncomingBody::new(body, connection, has_body),
    })
}

/// Explains an error of hyper's. Whether a byte was written is never inferred from it: only the
/// meter knows.
fn explain(error: hyper::Error) -> Failure {
    // hyper's predicate for this exists only with its `server` feature.
    let too_many = error.is_parse() && error.to_string().contains("too large");
    let too_large = too_many || is_too_large(&error);
    let stage = if too_large {
        Stage::HeadTooLarge
    } else {
        Stage::Exchange
    };
    let message = if too_large {
        format!("the response's headers exceed {MAX_HEAD} bytes, or are more than 100")
    } else if error.is_parse() {
        "the server's response is not valid HTTP/1.1".to_owned()
    } else if error.is_incomplete_message() {
        "the server closed the connection before responding".to_owned()
    } else if error.is_user() {
        "the request's body could not be read to its end".to_owned()
    } else if error.is_canceled() || error.is_closed() {
        "the connection was closed before the request could be written".to_owned()
    } else if is_reset(&error) {
        "the server reset the connection before responding".to_owned()
    } else {
        "the connection failed before a response arrived".to_owned()
    };
    Failure::new(stage, message).with_source(error)
}

fn is_reset(error: &hyper::Error) -> bool {
    io_error(error).is_some_and(|io| io.kind() == io::ErrorKind::ConnectionReset)
}

fn is_too_large(error: &hyper::Error) -> bool {
    // The error of our own cap, which hyper passes on as a failed read.
    let inner = io_error(error).and_then(io::Error::get_ref);
    inner.is_some_and(|inner| inner.is::<HeadTooLarge>())
}

fn io_error(error: &hyper::Error) -> Option<&io::Error> {
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(io) = cause.downcast_ref::<io::Error>() {
            return Some(io);
        }
        source = cause.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read as _, Write as _},
        net::TcpListener,
        time::Duration,
    };

    use http::{HeaderMap, Method};

    use super::{
        super::{
            connect::{ProxyRule, Tls, Trust},
            pool::Pool,
        },
        *,
    };
    use crate::protocol::url::host::Origin;

    #[tokio::test]
    async fn closed_connection_leaves_its_request_unwritten() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let destination = Destination {
            origin: Origin {
                https: false,
                host: "127.0.0.1".to_owned(),
                port: listener.local_addr().unwrap().port(),
            },
            identity: None,
            connect_timeout: None,
            fresh_connection: false,
        };
        let pool = std::sync::Arc::new(Pool::default());
        let clock = Clock::get().unwrap();
        for last_bytes in ["", "HTTP/1.1 408 Request Timeout\r\n\r\n"] {
            let tls = Tls::new(Trust::default(), Vec::new());
            let connected = connect((&ProxyRule::Direct, &tls), &destination, clock);
            let connected = connected.await.unwrap();
            let key = PoolKey::new(Handle::current().id(), &destination);
            let connection = pool.adopt(connected, key, clock).await.unwrap();
            let (mut accepted, _) = listener.accept().unwrap();
            accepted.write_all(last_bytes.as_bytes()).unwrap();
            accepted.shutdown(std::net::Shutdown::Write).unwrap();
            while !connection.sender.is_closed() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }

            let progress = Progress::default();
            let request = request(Method::POST, "/", HeaderMap::new(), Body::empty());
            let failure = deliver(connection, request.unwrap(), &progress).await;
            let failure = failure.unwrap_err();
            assert!(!failure.written && !progress.written());
            assert_eq!(failure.stage, Stage::Exchange);
            let mut received = Vec::new();
            accepted.read_to_end(&mut received).unwrap();
            assert!(received.is_empty());
        }
    }
}
