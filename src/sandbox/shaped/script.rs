//! Answers that a test scripts.

use http::request::Parts;

use crate::{catalog::Operation, sandbox::response::ApiResponse};

/// The scripted answers of one sandbox.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scripts {}

impl Scripts {
    /// Returns the scripted answer to a request, if there is one.
    pub(crate) fn take(&mut self, _op: &Operation, _parts: &Parts) -> Option<ApiResponse> {
        None
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}
