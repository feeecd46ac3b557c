//! What is wrong with a key or a certificate. Nothing of the input is told but a label, a path and
//! a length.

use std::borrow::Cow;

use crate::error::{BoxError, Cause};

/// What is being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    PrivateKey,
    PublicKey,
    Certificate,
}

impl Due {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::PrivateKey => "private key",
            Self::PublicKey => "public key",
            Self::Certificate => "certificate",
        }
    }
}

/// What is wrong with the input, before it is known where that came from.
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

    pub(super) fn into_error(self, origin: &str) -> Cause {
        let error = Cause::key(format!("{origin}: {}", self.message));
        match self.source {
            Some(source) => error.with_source(source),
            None => error,
        }
    }
}
