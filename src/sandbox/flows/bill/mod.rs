//! Bills: CSV files of what happened on a day.
//!
//! A request for a day's bill makes the file and returns its URL; a second request downloads it.

mod fund_flow;
mod routes;
mod trade;

pub(super) use routes::ROUTES;

use crate::sandbox::time::format_rfc3339;

/// Formats a time as `2018-06-08 10:34:56`: the bills' format.
fn format_time(seconds: u64) -> String {
    format_rfc3339(seconds)
        .chars()
        .take(19)
        .collect::<String>()
        .replace('T', " ")
}

/// Formats a time's date as `2018-06-08`, as `bill_date` has it.
fn format_date(seconds: u64) -> String {
    format_time(seconds).chars().take(10).collect()
}

/// Formats fen as yuan with two decimals: the bills' format.
// Integers only: a floating-point number could be off by a fen.
fn format_yuan(fen: u64) -> String {
    format!("{}.{:02}", fen / 100, fen % 100)
}
