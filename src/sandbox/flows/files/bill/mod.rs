//! Bills: CSV files of what happened on a day.
//!
//! A request for a day's bill makes the file and returns its URL; a second request downloads it.

mod fund_flow;
mod routes;
mod sharing;
mod trade;

pub(crate) use fund_flow::fund_flow_bill;
pub(crate) use routes::{ROUTES, bill_date, keep, past_day, sha1};
pub(crate) use trade::{TradeBill, trade_bill};

use std::io::{self, Write as _};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};

use crate::sandbox::time::format_rfc3339;

/// Formats a time as `2018-06-08 10:34:56`: the bills' format.
pub(crate) fn format_time(seconds: u64) -> String {
    format_rfc3339(seconds)
        .chars()
        .take(19)
        .collect::<String>()
        .replace('T', " ")
}

/// Formats a time's date as `2018-06-08`, as `bill_date` has it.
pub(crate) fn format_date(seconds: u64) -> String {
    format_time(seconds).chars().take(10).collect()
}

/// Formats fen as yuan with two decimals: the bills' format.
// Integers only: a floating-point number could be off by a fen.
pub(crate) fn format_yuan(fen: u64) -> String {
    format!("{}.{:02}", fen / 100, fen % 100)
}

/// Returns a text without line breaks, which would begin a new row.
fn one_line(text: &str) -> String {
    text.replace(['\r', '\n'], " ")
}

/// Returns the file of a bill, which may be compressed.
pub(crate) fn file(text: &str, is_gzip: bool) -> io::Result<Bytes> {
    if !is_gzip {
        return Ok(Bytes::copy_from_slice(text.as_bytes()));
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes())?;
    encoder.finish().map(Bytes::from)
}
