//! The rules of WeChat Pay: what is signed, sent and believed. Pure: no I/O, no runtime.
#![allow(dead_code)]

pub(crate) mod query;
