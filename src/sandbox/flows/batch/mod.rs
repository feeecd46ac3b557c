//! Batch transfers, as older merchants have them.

use super::Route;

pub(crate) const ROUTES: &[Route] = &[];

/// What one merchant has of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tables {}
