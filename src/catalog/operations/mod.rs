//! The list of all documented operations, grouped by version and first segment.
//!
//! `{empty}` at the end of a path is a variable that is never given: it leaves a trailing slash.
#![cfg_attr(doc, doc = "")]
#![cfg_attr(doc, doc = include_str!("page.md"))]
