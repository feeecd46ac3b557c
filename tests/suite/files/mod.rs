//! Files in requests and responses.

pub mod download;
mod named_files;
mod upload;
