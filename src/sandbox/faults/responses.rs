//! The responses that faults ask for.

use std::{
    convert::Infallible,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::body::Body;
use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Response, StatusCode,
    header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER},
};
use http_body::Frame;
use tokio::time::{Sleep, sleep};

use crate::sandbox::dispatch::response::ApiResponse;

/// How long a cut response waits before its connection is closed.
// hyper writes a chunk when the body next returns `Pending`. Without the pause, the error could
// close the connection before the head and the first bytes are on the wire.
const PAUSE_BEFORE_CUT: Duration = Duration::from_millis(20);

/// Adds when to try again, if it is given.
pub(crate) fn retry_after(response: ApiResponse, seconds: Option<u32>) -> ApiResponse {
    match seconds {
        Some(seconds) => response.with_header(RETRY_AFTER, seconds.into()),
        None => response,
    }
}

/// A response that is exactly this, without the headers that WeChat Pay adds.
pub(crate) fn raw_response(
    status: StatusCode,
    headers: &HeaderMap,
    body: &Bytes,
) -> Response<Bytes> {
    let mut response = Response::new(body.clone());
    *response.status_mut() = status;
    *response.headers_mut() = headers.clone();
    response
}

/// The response with its `Content-Length`, but only the first `after` bytes of its body.
pub(crate) fn cut_response(response: Response<Bytes>, after: usize) -> Response<Body> {
    let (mut parts, body) = response.into_parts();
    // At least one byte more than is sent. Otherwise a cut at the end of the body, or after it,
    // would be a complete response.
    let length = body.len().max(after.saturating_add(1));
    parts.headers.insert(CONTENT_LENGTH, length.into());
    let first = body.slice(..after.min(body.len()));
    let body = CutBody {
        first: Some(first).filter(|first| !first.is_empty()),
        pause: Box::pin(sleep(PAUSE_BEFORE_CUT)),
    };
    Response::from_parts(parts, Body::new(body))
}

/// The beginning of a response of this many spaces. [`flood_body`] is the whole body.
// Spaces are valid around JSON: a client cannot stop early at a syntax error, only at a limit.
pub(crate) fn flood_response(bytes: usize) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from_static(spaces(bytes)));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

pub(crate) fn flood_body(bytes: usize) -> Body {
    Body::new(FloodBody { remaining: bytes })
}

/// Returns this many spaces, or as many as one chunk has.
fn spaces(bytes: usize) -> &'static [u8] {
    const SPACES: &[u8] = &[b' '; 64 << 10];
    SPACES.get(..bytes).unwrap_or(SPACES)
}

/// Sends its bytes, pauses, and fails, which closes the connection.
struct CutBody {
    first: Option<Bytes>,
    pause: Pin<Box<Sleep>>,
}

impl http_body::Body for CutBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        let paused = self.pause.as_mut().poll(cx);
        paused.map(|()| Some(Err(io::ErrorKind::ConnectionAborted.into())))
    }
}

/// Sends spaces from one static buffer, so that a flood of gigabytes costs the sandbox no memory.
struct FloodBody {
    remaining: usize,
}

impl http_body::Body for FloodBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.remaining == 0 {
            return Poll::Ready(None);
        }
        let spaces = spaces(self.remaining);
        self.remaining -= spaces.len();
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(spaces)))))
    }
}
