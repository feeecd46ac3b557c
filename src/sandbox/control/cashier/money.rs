//! Money in and out by day.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::sandbox::{
    control::call::Call,
    dispatch::response::{ApiResponse, HandlerResult},
    flows::files::bill::format_date,
    time::day,
};

const DAYS: u64 = 30;
const MAX_DAYS: u64 = 366;
const DAY: u64 = 24 * 3600;

/// Answers with what the merchants that are meant received and paid on each of the last days of Beijing, today
/// included.
pub(in super::super) fn money(call: &Call<'_>) -> HandlerResult {
    let days = days(call)?;
    let now = call.state.clock.now();
    let times = (0..days).map(|ago| now.saturating_sub(ago * DAY));
    // Of each day a time, what came in and what went out.
    let mut by_day: BTreeMap<_, _> = times.map(|at| (day(at), (at, 0_u64, 0_u64))).collect();
    let world = call.state.world();
    let stores = world.stores.iter();
    let stores = stores.filter(|(mchid, _)| call.sandbox.is_meant(mchid));
    for entry in stores.flat_map(|(_, store)| store.account.entries()) {
        if let Some((_, received, paid)) = by_day.get_mut(&day(entry.at)) {
            let moved = match entry.fen < 0 {
                true => paid,
                false => received,
            };
            *moved = moved.saturating_add(entry.fen.unsigned_abs());
        }
    }
    let rows = by_day.into_values();
    let row = |(at, received, paid)| json!({ "day": format_date(at), "in": received, "out": paid });
    Ok(ApiResponse::ok(
        &json!({ "data": rows.map(row).collect::<Value>() }),
    ))
}

fn days(call: &Call<'_>) -> Result<u64, ApiResponse> {
    let Some(days) = call.query("days") else {
        return Ok(DAYS);
    };
    match days.parse() {
        Ok(days) if (1..=MAX_DAYS).contains(&days) => Ok(days),
        _ => Err(ApiResponse::bad_parameter(&format!(
            "invalid days {days:.32}: expected 1 to {MAX_DAYS}"
        ))),
    }
}
