//! What crosses layers, as one binary.

mod apiv2;
mod keys;
#[cfg(feature = "sandbox")]
mod sandbox_axios;
#[cfg(feature = "sandbox")]
mod sandbox_wire;
mod shared;
mod vectors;
