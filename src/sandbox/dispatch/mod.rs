//! The way of a request: its checks in their order, what a flow receives, and what it returns.

mod error;
pub(in crate::sandbox) mod pipeline;
pub(in crate::sandbox) mod refusal;
pub(in crate::sandbox) mod request;
pub(in crate::sandbox) mod response;
