use std::{error::Error as StdError, io, sync::Arc};

use http::{Request, StatusCode, Version};
use tokio::runtime::Handle;

use super::{
    Body, Clock, Failure, Incoming, IncomingBody, Outgoing, Progress, Stage, Transport,
    connect::connect,
    head::{HeadTooLarge, MAX_HEAD},
    pool::{Connection, Place},
};

impl Transport {
    /// Sends a request once and waits for the head of its answer.
    ///
    /// Nothing is repeated. Dropped before it is done, it leaves its connection closed, and not
    /// a byte more is written; `outgoing.progress` then tells whether one was.
    ///
    /// Must be polled inside a tokio runtime: see [`InRuntime`](super::InRuntime).
    pub(crate) async fn send(&self, outgoing: Outgoing) -> Result<Incoming, Failure> {
        let runtime = Handle::try_current()
            .map_err(|e| {
                Failure::new(Stage::Request, "there is no runtime to send on").with_source(e)
            })?
            .id();
        let clock = Clock::get().map_err(|cause| {
            Failure::new(Stage::Request, "there is no clock for sending").with_source(cause)
        })?;
        let fresh = outgoing.fresh_connection;
        let limit = outgoing.connect_timeout;
        let identity = outgoing.identity.clone();
        let target = outgoing.target.clone();
        let progress = outgoing.progress.clone();
        progress.begin();
        let request = outgoing.into_request()?;

        let place = Place::new(runtime, &target, identity.as_ref().map(|i| i.id()));
        let pool = self.pool();
        let idle = match fresh {
            true => None,
            false => pool.checkout(&place, clock).await,
        };
        let reused = idle.is_some();
        let connection = match idle {
            Some(connection) => connection,
            None => {
                let identity = identity.as_deref();
                let connected =
                    connect((self.proxy(), self.tls()), &target, identity, limit, clock).await?;
                pool.adopt(connected, place, clock).await.map_err(|e| {
                    Failure::new(Stage::Exchange, "the connection cannot be used").with_source(e)
                })?
            }
        };

        deliver(connection, request, &progress)
            .await
            .map_err(|failure| Failure { reused, ..failure })
    }
}

/// Sends a request on a connection that is idle until then, and tells exactly what was written
/// if that fails.
async fn deliver(
    connection: Connection,
    mut request: Request<Body>,
    progress: &Progress,
) -> Result<Incoming, Failure> {
    let meter = Arc::clone(&connection.meter);
    hyper::ext::on_informational(&mut request, move |_| meter.interim());
    progress.sending(connection.meter.baseline());
    let given_up = SealOnDrop(progress);
    let result = exchange(connection, request).await;
    if result.is_ok() {
        progress.answered();
    }
    drop(given_up);
    result.map_err(|failure| Failure {
        written: progress.written(),
        ..failure
    })
}

/// Ends the writing of a request that is given up.
struct SealOnDrop<'a>(&'a Progress);

impl Drop for SealOnDrop<'_> {
    fn drop(&mut self) {
        self.0.written();
    }
}

async fn exchange(mut connection: Connection, request: Request<Body>) -> Result<Incoming, Failure> {
    let method = request.method().clone();
    let answer = connection
        .sender
        .try_send_request(request)
        .await
        .map_err(|e| explain(e.into_error()))?;
    let (head, body) = answer.into_parts();
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
                "the server answered in {:?} and not in HTTP/1.1",
                head.version
            ),
        ));
    }
    let has_body = method != http::Method::HEAD;
    Ok(Incoming {
        status: head.status,
        version: head.version,
        headers: head.headers,
        body: IncomingBody::new(body, connection, has_body),
    })
}

fn explain(error: hyper::Error) -> Failure {
    // hyper's own predicate for this comes with its server half only.
    let too_many = error.is_parse() && error.to_string().contains("too large");
    let too_large = too_many || is_too_large(&error);
    let stage = if too_large {
        Stage::HeadTooLarge
    } else {
        Stage::Exchange
    };
    let message = if too_large {
        format!("the answer's headers are larger than {MAX_HEAD} bytes or more than 100")
    } else if error.is_parse() {
        "what the server answered is not HTTP/1.1".to_owned()
    } else if error.is_incomplete_message() {
        "the server closed the connection before it answered".to_owned()
    } else if error.is_user() {
        "the request's body could not be read to its end".to_owned()
    } else if error.is_canceled() || error.is_closed() {
        "the connection was closed before the request could be written".to_owned()
    } else if is_reset(&error) {
        "the server reset the connection before it answered".to_owned()
    } else {
        "the connection broke before an answer came".to_owned()
    };
    Failure::new(stage, message).with_source(error)
}

fn is_reset(error: &hyper::Error) -> bool {
    io_error(error).is_some_and(|io| io.kind() == io::ErrorKind::ConnectionReset)
}

fn is_too_large(error: &hyper::Error) -> bool {
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

    use http::Method;

    use super::{
        super::{Target, connect, pool::Pool, proxy::ProxyRule, tls::Tls},
        *,
    };

    #[tokio::test]
    async fn a_request_for_a_connection_that_has_closed_is_unwritten() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let target = Target {
            https: false,
            host: "127.0.0.1".to_owned(),
            port: listener.local_addr().unwrap().port(),
            path_and_query: "/".to_owned(),
        };
        let pool = std::sync::Arc::new(Pool::default());
        let clock = Clock::get().unwrap();
        for farewell in ["", "HTTP/1.1 408 Request Timeout\r\n\r\n"] {
            let tls = Tls::new(Vec::new());
            let connected =
                connect::connect((&ProxyRule::Direct, &tls), &target, None, None, clock);
            let connected = connected.await.unwrap();
            let place = Place::new(Handle::current().id(), &target, None);
            let connection = pool.adopt(connected, place, clock).await.unwrap();
            let (mut accepted, _) = listener.accept().unwrap();
            accepted.write_all(farewell.as_bytes()).unwrap();
            accepted.shutdown(std::net::Shutdown::Write).unwrap();
            while !connection.sender.is_closed() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }

            let progress = Progress::default();
            let request = Outgoing::new(Method::POST, target.clone()).into_request();
            let failure = deliver(connection, request.unwrap(), &progress).await;
            let failure = failure.unwrap_err();
            assert!(!failure.written && !progress.written());
            assert_eq!(failure.stage, Stage::Exchange);
            let mut came = Vec::new();
            accepted.read_to_end(&mut came).unwrap();
            assert!(came.is_empty());
        }
    }
}
