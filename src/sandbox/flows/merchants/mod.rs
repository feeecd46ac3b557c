//! What merchants do besides their orders: they answer complaints.

pub(in crate::sandbox) mod complaint;

use super::Route;

pub(super) const ROUTES: &[&[Route]] = &[complaint::ROUTES];
