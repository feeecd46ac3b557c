//! What merchants do besides their orders: they apply, have bank accounts and answer complaints.

pub(in crate::sandbox) mod applyment;
pub(in crate::sandbox) mod complaint;

use super::Route;

pub(super) const ROUTES: &[&[Route]] = &[applyment::ROUTES, complaint::ROUTES];
