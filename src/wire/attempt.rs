use std::error::Error as StdError;

use http::{Request, StatusCode, Version};
use tokio::runtime::Handle;

use super::{
    Body, Failure, Incoming, IncomingBody, Outgoing, Stage, Transport,
    connect::connect,
    metered::Baseline,
    pool::{Connection, Place},
};

/// The cap on an answer's status line and headers, in bytes.
pub(super) const MAX_HEAD: usize = 64 * 1024;

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
        let fresh = outgoing.fresh_connection;
        let limit = outgoing.connect_timeout;
        let identity = outgoing.identity.clone();
        let target = outgoing.target.clone();
        let progress = outgoing.progress.clone();
        let request = outgoing.into_request()?;

        let place = Place::new(runtime, &target, identity.as_ref().map(|i| i.id()));
        let pool = self.pool();
        let idle = match fresh {
            true => None,
            false => pool.checkout(&place).await,
        };
        let reused = idle.is_some();
        let connection = match idle {
            Some(connection) => connection,
            None => {
                let identity = identity.as_deref();
                let connected = connect(self.proxy(), self.tls(), &target, identity, limit).await?;
                pool.adopt(connected, place).await.map_err(|e| {
                    Failure::new(Stage::Exchange, "the connection cannot be used").with_source(e)
                })?
            }
        };

        let baseline = connection.meter.baseline();
        progress.begin(baseline.clone());
        let mut guard = SealOnDrop(Some(baseline.clone()));
        let result = exchange(connection, request).await;
        if result.is_ok() {
            guard.0 = None;
        }
        result.map_err(|mut failure| {
            failure.written = baseline.seal();
            failure.reused = reused;
            failure
        })
    }
}

/// Ends the writing of a request that is given up.
struct SealOnDrop(Option<Baseline>);

impl Drop for SealOnDrop {
    fn drop(&mut self) {
        if let Some(baseline) = &self.0 {
            baseline.seal();
        }
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
    let too_large = error.is_parse() && error.to_string().contains("too large");
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
    let mut source = error.source();
    while let Some(cause) = source {
        if let Some(io) = cause.downcast_ref::<std::io::Error>() {
            return io.kind() == std::io::ErrorKind::ConnectionReset;
        }
        source = cause.source();
    }
    false
}
