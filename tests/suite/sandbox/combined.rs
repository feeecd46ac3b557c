//! Combined orders.
