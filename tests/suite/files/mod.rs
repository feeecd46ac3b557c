//! Files in requests and responses.

mod download;
mod named_files;
mod upload;
