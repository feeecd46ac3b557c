//! What crosses layers, as one binary.

mod answers;
mod apiv2;
mod bad_input;
mod download;
mod identity;
mod keys;
mod mode;
mod outside;
mod runtimes;
#[cfg(feature = "sandbox")]
mod sandbox_axios;
#[cfg(feature = "sandbox")]
mod sandbox_wire;
mod scratch;
mod sensitive;
mod server;
mod shared;
mod signatures;
mod signer;
mod tls;
mod upload;
mod vectors;
