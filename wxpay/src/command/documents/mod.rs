//! What WeChat Pay documents: `wxpay api` finds and shows it, `wxpay types` writes it as Rust.

pub(crate) mod api;
mod fen;
mod subject;
pub(crate) mod types;
