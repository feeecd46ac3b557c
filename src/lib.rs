//! The WeChat Pay client for Rust in which the URL is the API.
#![forbid(unsafe_code)]

mod base;
pub mod catalog;
mod error;

pub use crate::error::{ApiError, Error, Outcome, Result};
