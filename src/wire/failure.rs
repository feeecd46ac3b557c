//! How an attempt fails: at which step, and whether a byte of the request may have left.

use std::{error::Error as StdError, fmt};

use crate::error::{BoxError, Cause, ErrorKind, Outcome, SentError};

/// Why an attempt got no response.
#[derive(Debug)]
pub(crate) struct Failure {
    /// Whether a byte of the request may have left this machine. False is exact and final: the
    /// connection was sealed before the bytes were counted.
    pub(crate) written: bool,
    /// Whether the connection had served another request before.
    pub(crate) reused: bool,
    pub(crate) stage: Stage,
    pub(super) message: String,
    pub(super) source: Option<BoxError>,
}

/// The step at which an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The request cannot be written as HTTP/1.1.
    Request,
    /// The lookup of the host.
    Dns,
    /// The TCP connection, to the host or to the proxy.
    Tcp,
    /// The proxy setting of the environment.
    ProxySetting,
    /// The HTTP proxy's response to CONNECT.
    Proxy,
    /// The SOCKS5 proxy's handshake.
    Socks,
    /// The TLS handshake, with the host or with the proxy.
    Tls,
    /// The time limit for connecting.
    ConnectTimeout,
    /// The request and its response.
    Exchange,
    /// The cap on a response's headers.
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

    /// Returns whether a new connection may help: nothing was written, and the connection was an old
    /// one that the server may have closed.
    ///
    /// Only then is a request sent again without regard to its method. It was never sent at all.
    pub(crate) fn is_stale_connection(&self) -> bool {
        self.reused && !self.written && self.stage == Stage::Exchange
    }

    /// Returns whether the host could not be reached at all, so that the backup host may help.
    ///
    /// Not after a failed TLS handshake or a refusing proxy: those are mistakes in the configuration,
    /// or an attack, and the other host would hide them.
    pub(crate) fn is_unreachable(&self) -> bool {
        !self.written && matches!(self.stage, Stage::Dns | Stage::Tcp | Stage::ConnectTimeout)
    }

    pub(crate) fn kind(&self) -> ErrorKind {
        match self.stage {
            Stage::Request => ErrorKind::Request,
            Stage::ProxySetting => ErrorKind::Config,
            Stage::Dns | Stage::Tcp | Stage::Proxy | Stage::Socks | Stage::Tls => {
                ErrorKind::Connect
            }
            Stage::ConnectTimeout => ErrorKind::Timeout,
            Stage::Exchange => ErrorKind::Transport,
            Stage::HeadTooLarge => ErrorKind::TooLarge,
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
        let cause = Cause::new(failure.kind(), failure.message);
        let cause = match failure.source {
            Some(source) => cause.with_source(source),
            None => cause,
        };
        cause.with_outcome(outcome)
    }
}
