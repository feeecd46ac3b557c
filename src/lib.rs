//! The WeChat Pay client for Rust in which the URL is the API.
#![forbid(unsafe_code)]

mod base;
mod error;
mod protocol;

pub use crate::error::{ApiError, Error, Outcome, Result};
