//! What crosses layers, as one binary.

mod answers;
mod apiv2;
mod identity;
mod keys;
mod mode;
#[cfg(feature = "sandbox")]
mod sandbox_axios;
#[cfg(feature = "sandbox")]
mod sandbox_wire;
mod scratch;
mod server;
mod shared;
mod tls;
mod upload;
mod vectors;
