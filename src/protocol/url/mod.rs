//! The parts of a request's URL: its host, its path and its query.

pub(crate) mod host;
pub(crate) mod path;
pub(crate) mod query;
