//! WeChat Pay itself: its certificates, and the test of a signature.

mod self_test;
pub(in crate::sandbox) mod trust;

use super::Route;

pub(super) const ROUTES: &[&[Route]] = &[self_test::ROUTES, trust::ROUTES];
