//! What one attempt sends: a request whose path and query are exactly the signed ones, and its
//! body, whose length is known beforehand.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Uri, header};
use http_body::{Frame, SizeHint};

use super::{Failure, Stage};
use crate::{error::BoxError, protocol::url::host::Origin};

/// Returns the request of one attempt, with `path_and_query` as its URI.
///
/// [`Transport::send`](super::Transport::send) adds Host and Content-Length.
///
/// # Errors
///
/// Returns an error if `path_and_query` cannot be sent byte for byte.
pub(crate) fn request<B>(
    method: Method,
    path_and_query: &str,
    headers: HeaderMap,
    body: B,
) -> Result<Request<B>, Failure> {
    let uri = exact(path_and_query)?;
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers;
    Ok(request)
}

/// Sets Host from the origin and Content-Length from the body, whatever the headers say.
///
/// Both belong to the connection rather than to what is asked: a Host that differs from where the
/// request goes, or a length that differs from the body, would let two servers on the way read
/// two different requests.
pub(super) fn frame(request: &mut Request<Body>, origin: &Origin) -> Result<(), Failure> {
    if request.uri().authority().is_some() {
        return Err(refused("the URI of a request must be a path and a query"));
    }
    let host = HeaderValue::try_from(origin.authority())
        .map_err(|e| refused("the host is not valid in a Host header").with_source(e))?;
    let given = std::mem::take(request.headers_mut());
    let mut headers = HeaderMap::with_capacity(given.len() + 2);
    // First, as RFC 9110 asks of a client; and once more, in case the headers hold one.
    headers.insert(header::HOST, host.clone());
    headers.extend(given);
    headers.insert(header::HOST, host);
    let len = request.body().len();
    let expects_body = matches!(
        *request.method(),
        Method::POST | Method::PUT | Method::PATCH
    );
    // Without a length, some servers take the body of a POST for missing and reject it (411).
    if len > 0 || expects_body {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(len));
    } else {
        headers.remove(header::CONTENT_LENGTH);
    }
    *request.headers_mut() = headers;
    Ok(())
}

fn exact(path_and_query: &str) -> Result<Uri, Failure> {
    if !path_and_query.starts_with('/') {
        return Err(refused("the path must begin with `/`"));
    }
    let uri = Uri::try_from(path_and_query).map_err(|e| {
        // `http::Uri` has 16-bit offsets.
        let message = if path_and_query.len() > 65_534 {
            format!(
                "the path and query are {} bytes long; at most 65534 can be sent",
                path_and_query.len()
            )
        } else {
            "the path or query contains a character that must be percent-encoded".to_owned()
        };
        refused(message).with_source(e)
    })?;
    // The server computes the signature over the bytes it receives. hyper writes what
    // `Uri::to_string` gives, so a URI that differs from the signed text in a single byte (a
    // dropped fragment, an added slash) could only fail to verify, or worse, name something else.
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

/// The body of a request. Its length is known before it is sent.
pub(crate) struct Body {
    source: Source,
    /// Bytes that are still to be sent.
    left: u64,
}

enum Source {
    Bytes(Bytes),
    Stream(Pin<Box<dyn http_body::Body<Data = Bytes, Error = BoxError> + Send>>),
}

impl Body {
    #[cfg(test)]
    pub(crate) fn empty() -> Self {
        Bytes::new().into()
    }

    /// Returns a body of `len` bytes that is read while it is sent.
    ///
    /// If `stream` gives fewer, the attempt fails and its connection is closed. Never sends a byte
    /// more than `len`.
    pub(crate) fn stream(
        stream: impl http_body::Body<Data = Bytes, Error = BoxError> + Send + 'static,
        len: u64,
    ) -> Self {
        Self {
            source: Source::Stream(Box::pin(stream)),
            left: len,
        }
    }

    /// Returns how many bytes are still to be sent.
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
            // As one frame, so that hyper can write it together with the head.
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
                    let short = format!(
                        "the body ended {} bytes before its declared length",
                        this.left
                    );
                    return Poll::Ready(Some(Err(short.into())));
                }
            };
            // Checked here and not left to hyper, which would cut a body that is too long and report
            // success: the server would get something else than was hashed and signed.
            return Poll::Ready(Some(match this.left.checked_sub(data.len() as u64) {
                Some(left) => {
                    this.left = left;
                    Ok(Frame::data(data))
                }
                None => Err("the body is longer than its declared length".into()),
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
