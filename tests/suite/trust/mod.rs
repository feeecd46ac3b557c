//! Platform keys: certificate downloads, rotation while calls run, and keys that are refused.

mod download_failures;
mod downloads;
mod platform;
mod refused_keys;
mod rotation;
mod waiting;
