//! Notifications, made by node, openssl and other crates rather than by this library.

mod apiv2;
mod apiv3;
mod documented;
#[cfg(feature = "axum")]
mod extractor;
mod generated;
mod many_merchants;
pub mod node;
mod replay_guard;
pub mod unknown_key;
