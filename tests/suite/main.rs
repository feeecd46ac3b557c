//! What crosses layers, as one binary.

mod keys;
mod shared;
mod vectors;
