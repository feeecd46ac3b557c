//! Requests with one altered byte, all refused.
