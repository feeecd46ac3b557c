//! What crosses layers, as one binary.

mod answers;
mod apiv2;
mod bad_input;
mod brand;
mod browser;
mod connections;
mod download;
mod encodings;
#[cfg(feature = "axum")]
mod extract;
mod failover;
mod faults;
mod gateway;
mod identity;
mod keys;
mod limits;
#[path = "../../src/material.rs"]
mod material;
mod mode;
mod named_files;
mod notification;
mod npm;
mod outcomes;
mod outside;
mod pay_params;
mod redirects;
mod retries;
mod rotation;
mod runtimes;
#[cfg(feature = "sandbox")]
mod sandbox;
mod scratch;
mod secrets;
mod sensitive;
mod sent;
mod server;
mod signatures;
mod signer;
mod tls;
mod upload;
mod vectors;
