//! The rules of WeChat Pay, without I/O: paths, hosts, options, signatures, trust, answers.

#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

pub(crate) mod answer;
pub(crate) mod bill;
pub(crate) mod certificates;
pub(crate) mod coding;
pub(crate) mod diagnosis;
pub(crate) mod file;
pub(crate) mod host;
pub(crate) mod lint;
pub(crate) mod media;
pub(crate) mod merchant;
pub(crate) mod multipart;
pub(crate) mod notification;
pub(crate) mod options;
pub(crate) mod path;
pub(crate) mod pay_params;
pub(crate) mod query;
pub(crate) mod refusal;
pub(crate) mod request;
pub(crate) mod retry;
pub(crate) mod sensitive;
pub(crate) mod sign;
pub(crate) mod trust;
pub(crate) mod v2;
pub(crate) mod verify;
