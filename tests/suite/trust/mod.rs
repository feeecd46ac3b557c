//! Platform certificates that change while calls run, and downloads of them that go wrong.

mod download_failures;
mod downloads;
mod platform;
mod refused_keys;
mod rotation;
mod waiting;
