use std::{error::Error as StdError, fmt};

use crate::error::{BoxError, Cause, Kind, Outcome, SentError};

/// Why an attempt brought no answer.
#[derive(Debug)]
pub(crate) struct Failure {
    /// Whether a byte of the request can have left this machine. False is exact and final: the
    /// connection was sealed before this was read.
    pub(crate) written: bool,
    /// Whether it happened on a connection that had served before.
    pub(crate) reused: bool,
    pub(crate) stage: Stage,
    pub(super) message: String,
    pub(super) source: Option<BoxError>,
}

/// How far an attempt came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The request cannot be written as HTTP/1.1.
    Request,
    /// The host's name.
    Dns,
    /// The TCP connection, to the host or to the proxy.
    Tcp,
    /// What the environment says of a proxy.
    ProxySetting,
    /// The HTTP proxy's answer to CONNECT.
    Proxy,
    /// The SOCKS5 proxy's handshake.
    Socks,
    /// The TLS handshake, with the host or with the proxy.
    Tls,
    /// No connection within the time allowed for one.
    ConnectTimeout,
    /// The request and its answer.
    Exchange,
    /// The answer's headers were over the cap.
    HeadTooLarge,
}

impl Failure {
    pub(crate) fn new(stage: Stage, message: impl Into<String>) -> Self {
        Self {
            written: false,
            reused: false,
            stage,
            message: message.into(),
            source: None,
        }
    }

    pub(crate) fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Whether a new connection may mend it: nothing was written, and the old connection was to
    /// blame.
    pub(crate) fn is_stale_connection(&self) -> bool {
        self.reused && !self.written && self.stage == Stage::Exchange
    }

    /// Whether the host could not be reached at all, so that another may serve.
    pub(crate) fn is_unreachable(&self) -> bool {
        !self.written && matches!(self.stage, Stage::Dns | Stage::Tcp | Stage::ConnectTimeout)
    }

    pub(crate) fn kind(&self) -> Kind {
        match self.stage {
            Stage::Request => Kind::Request,
            Stage::ProxySetting => Kind::Config,
            Stage::Dns | Stage::Tcp | Stage::Proxy | Stage::Socks | Stage::Tls => Kind::Connect,
            Stage::ConnectTimeout => Kind::Timeout,
            Stage::Exchange => Kind::Transport,
            Stage::HeadTooLarge => Kind::TooLarge,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Failure {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl From<Failure> for SentError {
    fn from(failure: Failure) -> Self {
        let outcome = if failure.written {
            Outcome::Unknown
        } else {
            Outcome::NotSent
        };
        let fault = Cause::new(failure.kind(), failure.message);
        let fault = match failure.source {
            Some(source) => fault.with_source(source),
            None => fault,
        };
        fault.with_outcome(outcome)
    }
}
