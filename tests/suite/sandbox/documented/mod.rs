//! Every documented operation: checks, shapes, scripts and faults.

mod altered_requests;
pub(super) mod every_operation;
mod faults;
mod requests;
mod samples;
mod scripts;
mod shaped;
