//! Batch transfers.
