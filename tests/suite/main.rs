//! What crosses layers, as one binary.

mod apiv2;
mod keys;
mod outside;
#[cfg(feature = "sandbox")]
mod sandbox_axios;
#[cfg(feature = "sandbox")]
mod sandbox_wire;
mod sensitive;
mod shared;
mod vectors;
