//! What is wrong with a key or a certificate.
//!
//! A message must not show the input: it may be a private key, and errors are logged. It shows a PEM
//! label, a path and lengths only.

use std::borrow::Cow;

use crate::error::{BoxError, Cause};

/// What the caller asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    PrivateKey,
    PublicKey,
    Certificate,
}

impl Expected {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::PrivateKey => "private key",
            Self::PublicKey => "public key",
            Self::Certificate => "certificate",
        }
    }
}

/// What is wrong with an input, before its origin is known.
#[derive(Debug)]
pub(super) struct Defect {
    message: Cow<'static, str>,
    source: Option<BoxError>,
}

impl Defect {
    pub(super) fn new(message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            message: message.into(),
            source: None,
        }
    }

    pub(super) fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// `origin` is what was read, such as `private key` or `certificate file pub_key.pem`.
    pub(super) fn into_error(self, origin: &str) -> Cause {
        let error = Cause::key(format!("invalid {origin}: {}", self.message));
        match self.source {
            Some(source) => error.with_source(source),
            None => error,
        }
    }
}
