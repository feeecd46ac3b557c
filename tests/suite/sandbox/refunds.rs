//! Refunds, in parts or whole.
