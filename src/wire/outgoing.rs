use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Uri, header};
use http_body::{Frame, SizeHint};

use super::{ClientIdentity, Failure, Progress, Stage};
use crate::error::BoxError;

/// A request, as it shall be written.
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) target: Target,
    /// Without Host and Content-Length, which are set from the target and the body.
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
    pub(crate) identity: Option<Arc<ClientIdentity>>,
    /// For everything up to a connection that is ready: DNS, TCP, proxy and TLS.
    pub(crate) connect_timeout: Option<Duration>,
    /// Never a connection that has served before.
    pub(crate) fresh_connection: bool,
    pub(crate) progress: Progress,
}

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// `https`, else `http`.
    pub(crate) https: bool,
    /// As in a URL: an IPv6 address in brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// The path and query exactly as they were signed, beginning with `/`.
    pub(crate) path_and_query: String,
}

impl Target {
    /// The Host header: the port only where it is not the scheme's own.
    pub(crate) fn authority(&self) -> String {
        let default = if self.https { 443 } else { 80 };
        if self.port == default {
            self.host.clone()
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// The host without an IPv6 address's brackets.
    pub(crate) fn bare_host(&self) -> &str {
        self.host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(&self.host)
    }
}

impl Outgoing {
    /// A request with no headers and no body.
    pub(crate) fn new(method: Method, target: Target) -> Self {
        Self {
            method,
            target,
            headers: HeaderMap::new(),
            body: Body::empty(),
            identity: None,
            connect_timeout: None,
            fresh_connection: false,
            progress: Progress::default(),
        }
    }

    /// The request for the wire. The target goes out byte for byte, or not at all.
    pub(super) fn into_request(self) -> Result<Request<Body>, Failure> {
        let uri = exact(&self.target.path_and_query)?;
        let host = HeaderValue::try_from(self.target.authority())
            .map_err(|e| refused("the host cannot be written in a header").with_source(e))?;

        let mut headers = HeaderMap::with_capacity(self.headers.len() + 2);
        headers.insert(header::HOST, host.clone());
        headers.extend(self.headers);
        headers.insert(header::HOST, host);
        let expects_body = matches!(self.method, Method::POST | Method::PUT | Method::PATCH);
        if self.body.len() > 0 || expects_body {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(self.body.len()));
        } else {
            headers.remove(header::CONTENT_LENGTH);
        }

        let mut request = Request::new(self.body);
        *request.method_mut() = self.method;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        Ok(request)
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("method", &self.method)
            .field("host", &self.target.host)
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}

fn exact(path_and_query: &str) -> Result<Uri, Failure> {
    if !path_and_query.starts_with('/') {
        return Err(refused("the path does not begin with `/`"));
    }
    let uri = Uri::try_from(path_and_query).map_err(|e| {
        let message = if path_and_query.len() > 65_534 {
            format!(
                "the path and query are {} bytes long; at most 65534 can be sent",
                path_and_query.len()
            )
        } else {
            "the path or query holds a character that must be percent-encoded".to_owned()
        };
        refused(message).with_source(e)
    })?;
    // What is sent must be what was signed, so a rewritten target is refused.
    let written = uri.to_string();
    if written != path_and_query {
        return Err(refused(
            "the path or query would not be sent as it was signed: percent-encode it",
        ));
    }
    Ok(uri)
}

fn refused(message: impl Into<String>) -> Failure {
    Failure::new(Stage::Request, message)
}

/// The body of a request, of a known length.
pub(crate) struct Body {
    source: Source,
    left: u64,
}

enum Source {
    Bytes(Bytes),
    Stream(Pin<Box<dyn http_body::Body<Data = Bytes, Error = BoxError> + Send>>),
}

impl Body {
    pub(crate) fn empty() -> Self {
        Bytes::new().into()
    }

    /// A body that is read while it is sent, `len` bytes of it. Where it gives fewer, the attempt
    /// fails and the connection is closed; no byte over `len` is ever sent.
    pub(crate) fn stream(
        stream: impl http_body::Body<Data = Bytes, Error = BoxError> + Send + 'static,
        len: u64,
    ) -> Self {
        Self {
            source: Source::Stream(Box::pin(stream)),
            left: len,
        }
    }

    /// The bytes that are still to be given.
    pub(crate) fn len(&self) -> u64 {
        self.left
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self {
            left: bytes.len() as u64,
            source: Source::Bytes(bytes),
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({} bytes)", self.left)
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let this = &mut *self;
        let stream = match &mut this.source {
            Source::Bytes(bytes) => {
                this.left = 0;
                return Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes)))));
            }
            Source::Stream(stream) => stream,
        };
        loop {
            let data = match std::task::ready!(stream.as_mut().poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) if data.is_empty() => continue,
                    Ok(data) => data,
                    Err(_) => continue,
                },
                Some(Err(e)) => return Poll::Ready(Some(Err(e))),
                None => {
                    let short = format!("the body ended {} bytes before its length", this.left);
                    return Poll::Ready(Some(Err(short.into())));
                }
            };
            return Poll::Ready(Some(match this.left.checked_sub(data.len() as u64) {
                Some(left) => {
                    this.left = left;
                    Ok(Frame::data(data))
                }
                None => Err("the body is longer than the length it was given with".into()),
            }));
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
