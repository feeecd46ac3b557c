//! The documented operations of WeChat Pay, as data.
//!
//! A chain accepts any path, documented or not. The catalogue tells which are documented:
//! [`path!`](crate::path) checks a path at compile time, [`find`] and [`by_title`] look up operations at
//! run time, and [`operations`] lists all of them. A program that uses none of this does not contain it.
//!
//! The feature `documents` adds the fields of each operation, `Operation::request` and
//! `Operation::response`, and the notifications, `events`. [`guide::documents`](crate::guide::documents)
//! shows how to use them.
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

#[cfg(feature = "documents")]
mod documents;
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

#[cfg(feature = "documents")]
pub use self::documents::{
    Event, Field, FieldUse, Fields, FieldsIter, Kind, Sealing, by_field, date, events,
};
#[cfg(feature = "documents")]
pub(crate) use self::documents::{may_be_absent, places};
#[doc(hidden)]
pub use self::path::documented;
pub(crate) use self::segments::is_documented as is_documented_segment;
pub use self::{
    find::{all, by_path, by_title, camel_hint, find, nearest},
    operation::Operation,
};
