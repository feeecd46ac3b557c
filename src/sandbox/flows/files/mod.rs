//! Files that a merchant downloads and uploads.

pub(in crate::sandbox) mod bill;
mod media;
pub(in crate::sandbox) mod receipt;

use super::Route;

pub(super) const ROUTES: &[&[Route]] = &[bill::ROUTES, media::ROUTES, receipt::ROUTES];
