//! The tests that cross layers, built as one binary.

mod bad_input;
mod calls;
mod files;
mod fixtures;
mod notifications;
mod readme;
mod requests;
mod runtimes;
#[cfg(feature = "sandbox")]
mod sandbox;
mod secrets;
mod trust;
