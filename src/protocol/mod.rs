//! The rules of WeChat Pay, without I/O: URLs, options, requests, signatures, trust, responses,
//! notifications and bills.

#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

pub(crate) mod bill;
#[cfg(feature = "documents")]
pub(crate) mod documents;
pub(crate) mod merchant;
pub(crate) mod notification;
pub(crate) mod options;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod retry;
pub(crate) mod sign;
pub(crate) mod trust;
pub(crate) mod url;
pub(crate) mod v2;
