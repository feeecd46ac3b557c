//! When and where a service is.

use serde_json::{Map, Value};

use crate::sandbox::{
    checks::fields::Fields, dispatch::response::ApiResponse, time::parse_compact,
};

/// A `start_time` that stands for the moment of the confirmation.
pub(super) const ON_ACCEPT: &str = "OnAccept";

/// What a `time_range` without `start_time` means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    Required,
    /// The service starts when the user confirms it.
    // The tables of some creations do not require it, and their responses do: no page says what it is then.
    OnAccept,
    /// The start stays as it is.
    Optional,
}

/// Reads a `time_range`.
pub(super) fn read_time_range(
    range: &Fields<'_>,
    start: Start,
) -> Result<Map<String, Value>, ApiResponse> {
    let mut map = range.as_map().clone();
    match start {
        Start::OnAccept if !range.has("start_time") => {
            map.insert("start_time".to_owned(), ON_ACCEPT.into());
        }
        Start::Optional if !range.has("start_time") => {}
        _ => check_start(range)?,
    }
    check_end(range)?;
    Ok(map)
}

/// Checks `start_time`: when the service starts.
fn check_start(range: &Fields<'_>) -> Result<(), ApiResponse> {
    let start = range.text("start_time", 14)?;
    if start != ON_ACCEPT && parse_compact(start).is_none() {
        return Err(range.error(
            "start_time",
            "must be OnAccept or a time in the format yyyyMMddHHmmss or yyyyMMdd",
        ));
    }
    range.optional_text("start_time_remark", 20)?;
    Ok(())
}

/// Checks `end_time`, which is optional and may not be before the start.
fn check_end(range: &Fields<'_>) -> Result<(), ApiResponse> {
    range.optional_text("end_time_remark", 20)?;
    let Some(end) = range.optional_text("end_time", 14)? else {
        return Ok(());
    };
    let Some(end) = parse_compact(end) else {
        return Err(range.error(
            "end_time",
            "must be a time in the format yyyyMMddHHmmss or yyyyMMdd",
        ));
    };
    let start = range.as_map().get("start_time").and_then(Value::as_str);
    match start.and_then(parse_compact) {
        Some(start) if start > end => Err(range.error("end_time", "must not be before start_time")),
        _ => Ok(()),
    }
}

pub(super) fn read_location(fields: &Fields<'_>) -> Result<Option<Value>, ApiResponse> {
    let Some(location) = fields.optional_object("location")? else {
        return Ok(None);
    };
    location.optional_text("start_location", 50)?;
    location.optional_text("end_location", 50)?;
    Ok(Some(location.as_map().clone().into()))
}
