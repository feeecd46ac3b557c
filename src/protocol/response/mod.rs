//! What a response proves and says: from its bytes to a verified success or to an error with an
//! outcome.

pub(crate) mod certificates;
pub(crate) mod coding;
mod diagnosis;
pub(crate) mod file;
pub(crate) mod outcome;
pub(crate) mod raw;
pub(crate) mod v2;
pub(crate) mod v3;
pub(crate) mod verification;
