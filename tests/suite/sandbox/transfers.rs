//! Transfers that the user confirms.
