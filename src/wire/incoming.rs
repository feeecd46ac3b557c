use std::{error::Error as StdError, fmt, future::poll_fn, pin::Pin};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode, Version};
use http_body::Body as _;

use super::pool::Connection;
use crate::error::{BoxError, Cause, Kind};

/// An answer, its body still to be read.
pub(crate) struct Incoming {
    pub(crate) status: StatusCode,
    pub(crate) version: Version,
    pub(crate) headers: HeaderMap,
    pub(crate) body: IncomingBody,
}

/// The body of an answer.
///
/// Read to its end, it gives its connection back; dropped before, it closes it.
pub(crate) struct IncomingBody {
    body: hyper::body::Incoming,
    connection: Option<Connection>,
    declared: Option<u64>,
    /// Read already, and not yet given.
    peeked: Option<Bytes>,
}

/// Why a body could not be read.
#[derive(Debug)]
pub(crate) enum BodyError {
    /// More than the cap; `declared` is the Content-Length, where that said so beforehand.
    TooLarge { cap: usize, declared: Option<u64> },
    /// The connection ended or broke before the body did.
    Cut(BoxError),
}

impl IncomingBody {
    pub(super) fn new(body: hyper::body::Incoming, connection: Connection, has_body: bool) -> Self {
        let declared = body.size_hint().exact().filter(|_| has_body);
        let mut this = Self {
            body,
            connection: Some(connection),
            declared,
            peeked: None,
        };
        if this.body.is_end_stream() {
            this.finish();
        }
        this
    }

    /// The Content-Length, if the answer has one.
    pub(crate) fn declared(&self) -> Option<u64> {
        self.declared
    }

    /// The whole body, if it is not longer than `cap` bytes. What says beforehand that it is
    /// longer is not read at all.
    pub(crate) async fn collect(mut self, cap: usize) -> Result<Bytes, BodyError> {
        let too_large = |declared| BodyError::TooLarge { cap, declared };
        if self.declared.is_some_and(|declared| declared > cap as u64) {
            return Err(too_large(self.declared));
        }
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

    /// The first bytes: `least` of them, if there are as many. They are still to be read.
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

    /// The next part, none at the end.
    pub(crate) async fn chunk(&mut self) -> Option<Result<Bytes, BodyError>> {
        if let Some(peeked) = self.peeked.take() {
            return Some(Ok(peeked));
        }
        loop {
            self.connection.as_ref()?;
            let frame = poll_fn(|cx| Pin::new(&mut self.body).poll_frame(cx)).await;
            match frame {
                Some(Ok(frame)) => {
                    if let Some(data) = frame.into_data().ok().filter(|data| !data.is_empty()) {
                        return Some(Ok(data));
                    }
                }
                Some(Err(e)) => {
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
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::TooLarge { .. } => Kind::TooLarge,
            Self::Cut(_) => Kind::Transport,
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
                "the answer's body is {declared} bytes long; at most {cap} are read"
            ),
            Self::TooLarge { cap, .. } => write!(
                f,
                "the answer's body is longer than the {cap} bytes that are read"
            ),
            Self::Cut(_) => f.write_str("the connection broke before the answer's body ended"),
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
