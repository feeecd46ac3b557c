//! The WeChat Pay client for Rust in which the URL is the API.
#![forbid(unsafe_code)]

mod base;
mod blocking;
mod error;
mod protocol;
mod wire;

pub use crate::base::crypto::{Certificate, PrivateKey, PublicKey};
pub use crate::error::{ApiError, Error, Outcome, Result};
pub use crate::protocol::options::Options;
pub use crate::wire::{Transport, TransportBuilder};
