//! Profit sharing.
