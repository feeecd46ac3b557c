//! What crosses layers, as one binary.

mod apiv2;
mod keys;
mod outside;
mod sandbox_axios;
mod sandbox_wire;
mod sensitive;
mod shared;
mod vectors;
