//! Answers that a fault asks for.

use std::{
    convert::Infallible,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, to_bytes},
    response::IntoResponse,
};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Response, StatusCode,
    header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER},
};
use http_body::Frame;
use tokio::time::{Sleep, sleep};

use super::answer::Answer;

/// How long a cut waits, so that what was written before it goes out.
const BEFORE_CUT: Duration = Duration::from_millis(20);

pub(super) fn error(
    status: StatusCode,
    code: &str,
    message: &str,
    retry_after: Option<u32>,
) -> Response<Body> {
    let mut response = Answer::error(status, code, message).into_response();
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    response
}

pub(super) fn raw(status: StatusCode, headers: &HeaderMap, body: &Bytes) -> Response<Body> {
    let mut response = Response::new(Body::from(body.clone()));
    *response.status_mut() = status;
    *response.headers_mut() = headers.clone();
    response
}

/// The answer with its true length in the header, and no more of its body than this.
pub(super) async fn cut(response: Response<Body>, after: usize) -> Response<Body> {
    let (mut parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    // One more than can come, so that even a whole body is an answer cut short.
    let length = body.len().max(after.saturating_add(1));
    parts.headers.insert(CONTENT_LENGTH, length.into());
    let first = body.slice(..after.min(body.len()));
    let body = CutShort {
        first: Some(first).filter(|first| !first.is_empty()),
        pause: Box::pin(sleep(BEFORE_CUT)),
    };
    Response::from_parts(parts, Body::new(body))
}

/// So many spaces.
pub(super) fn flood(bytes: usize) -> Response<Body> {
    let mut response = Response::new(Body::new(Flood { left: bytes }));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

struct CutShort {
    first: Option<Bytes>,
    pause: Pin<Box<Sleep>>,
}

impl http_body::Body for CutShort {
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

struct Flood {
    left: usize,
}

impl http_body::Body for Flood {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        const SPACES: &[u8] = &[b' '; 64 << 10];
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let spaces = SPACES.get(..self.left).unwrap_or(SPACES);
        self.left -= spaces.len();
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(spaces)))))
    }
}
