//! The documented operations of WeChat Pay, as data.
//!
//! A chain takes any path, documented or not. The catalogue is for those who would rather know:
//! [`path!`](crate::path) checks a path while the program is compiled, [`find`] and [`by_title`] look
//! one up while it runs, and [`operations`] lists all of them. A program that uses none of this
//! carries none of it.
//!
//! ```
//! use http::Method;
//! use wechatpay_chain::{catalog, path};
//!
//! const NATIVE: &str = path!("v3/pay/transactions/native");
//!
//! let operation = catalog::find(&Method::POST, NATIVE).unwrap();
//! assert_eq!(operation.title(), "Native下单");
//! ```

#[cfg(test)]
mod compile_tests;
mod find;
mod key;
mod nearest;
mod operation;
pub mod operations;
mod path;
mod segments;
mod table;
#[cfg(test)]
mod tests;

#[doc(hidden)]
pub use self::path::documented;
pub(crate) use self::segments::is_documented as is_documented_segment;
pub use self::{
    find::{all, by_path, by_title, camel_hint, find, nearest},
    operation::Operation,
};
