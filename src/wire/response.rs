//! How an attempt succeeds: a response's head, and its body as it arrives.

use std::{error::Error as StdError, fmt, future::poll_fn, pin::Pin};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode, Version};
use http_body::Body as _;

use super::pool::Connection;
use crate::error::{BoxError, Cause, ErrorKind};

/// A response whose body is still to be read.
pub(crate) struct Incoming {
    pub(crate) status: StatusCode,
    pub(crate) version: Version,
    pub(crate) headers: HeaderMap,
    pub(crate) body: IncomingBody,
}

/// The body of a response, and the connection that it arrives on.
///
/// Reading it to its end returns the connection to the pool. Dropping it earlier closes the
/// connection, because the rest of the body would precede the next response.
pub(crate) struct IncomingBody {
    body: hyper::body::Incoming,
    connection: Option<Connection>,
    declared: Option<u64>,
    /// Bytes that [`peek`](Self::peek) has read and [`chunk`](Self::chunk) has yet to return.
    peeked: Option<Bytes>,
}

/// Why a body could not be read.
#[derive(Debug)]
pub(crate) enum BodyError {
    /// More than the cap. `declared` is the Content-Length, if that is what exceeds it.
    TooLarge { cap: usize, declared: Option<u64> },
    /// The connection ended or broke before the body did.
    Cut(BoxError),
}

impl IncomingBody {
    pub(super) fn new(body: hyper::body::Incoming, connection: Connection, has_body: bool) -> Self {
        // A response to HEAD has the Content-Length of a body that does not follow.
        let declared = body.size_hint().exact().filter(|_| has_body);
        let mut this = Self {
            body,
            connection: Some(connection),
            declared,
            peeked: None,
        };
        // Nothing will be read, and the caller may keep the response for long.
        if this.body.is_end_stream() {
            this.finish();
        }
        this
    }

    /// Returns the Content-Length, if the response has one.
    pub(crate) fn declared(&self) -> Option<u64> {
        self.declared
    }

    /// Reads the whole body.
    ///
    /// # Errors
    ///
    /// Returns an error if the body is longer than `cap` bytes, without reading any of it if its
    /// Content-Length says so, or if the connection fails.
    pub(crate) async fn collect(mut self, cap: usize) -> Result<Bytes, BodyError> {
        let too_large = |declared| BodyError::TooLarge { cap, declared };
        if self.declared.is_some_and(|declared| declared > cap as u64) {
            return Err(too_large(self.declared));
        }
        // Most bodies are one chunk, which is returned without a copy.
        let Some(first) = self.chunk().await.transpose()? else {
            return Ok(Bytes::new());
        };
        if first.len() > cap {
            return Err(too_large(None));
        }
        let Some(second) = self.chunk().await.transpose()? else {
            return Ok(first);
        };
        let mut whole = BytesMut::from(first);
        let mut next = Some(second);
        while let Some(chunk) = next {
            if chunk.len() > cap - whole.len() {
                return Err(too_large(None));
            }
            whole.extend_from_slice(&chunk);
            next = self.chunk().await.transpose()?;
        }
        Ok(whole.freeze())
    }

    /// Returns the first bytes of the body without consuming them: at least `least`, if there are
    /// that many.
    pub(crate) async fn peek(&mut self, least: usize) -> Result<Bytes, BodyError> {
        let mut start = BytesMut::new();
        while start.len() < least {
            match self.chunk().await.transpose()? {
                Some(chunk) => start.extend_from_slice(&chunk),
                None => break,
            }
        }
        let start = start.freeze();
        self.peeked = Some(start.clone()).filter(|start| !start.is_empty());
        Ok(start)
    }

    /// Reads the next part of the body, or returns `None` at its end.
    pub(crate) async fn chunk(&mut self) -> Option<Result<Bytes, BodyError>> {
        if let Some(peeked) = self.peeked.take() {
            return Some(Ok(peeked));
        }
        loop {
            // Without a connection, the body has already ended or failed.
            self.connection.as_ref()?;
            let frame = poll_fn(|cx| Pin::new(&mut self.body).poll_frame(cx)).await;
            match frame {
                Some(Ok(frame)) => {
                    // Trailers and empty chunks are skipped.
                    if let Some(data) = frame.into_data().ok().filter(|data| !data.is_empty()) {
                        return Some(Ok(data));
                    }
                }
                Some(Err(e)) => {
                    // Where the next response would begin is unknown now.
                    self.connection = None;
                    return Some(Err(BodyError::Cut(e.into())));
                }
                None => {
                    self.finish();
                    return None;
                }
            }
        }
    }

    fn finish(&mut self) {
        if let Some(connection) = self.connection.take() {
            connection.park();
        }
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming")
            .field("status", &self.status)
            .field("version", &self.version)
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for IncomingBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IncomingBody")
            .field("declared", &self.declared)
            .finish_non_exhaustive()
    }
}

impl BodyError {
    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::TooLarge { .. } => ErrorKind::TooLarge,
            Self::Cut(_) => ErrorKind::Transport,
        }
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge {
                cap,
                declared: Some(declared),
            } => write!(
                f,
                "the response's body is {declared} bytes long; the limit is {cap}: raise `max_response`"
            ),
            Self::TooLarge { cap, .. } => write!(
                f,
                "the response's body is longer than the limit of {cap} bytes: raise `max_response`"
            ),
            Self::Cut(_) => {
                f.write_str("the connection failed before the end of the response's body")
            }
        }
    }
}

impl StdError for BodyError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::TooLarge { .. } => None,
            Self::Cut(source) => Some(&**source),
        }
    }
}

impl From<BodyError> for Cause {
    fn from(error: BodyError) -> Self {
        let message = error.to_string();
        let mapped = Cause::new(error.kind(), message);
        match error {
            BodyError::TooLarge { .. } => mapped,
            BodyError::Cut(source) => mapped.with_source(source),
        }
    }
}
