//! The table of the endpoints, one file for each topic.

mod acts;
mod faults;
mod notifications;
mod sandbox;

pub(super) use self::faults::delivery_fault_name;

use serde_json::{Value, json};

use super::{
    call::{Call, MCHID},
    endpoint::{Endpoint, Field, Kind, delete, get, may, needs, post},
    openapi, view,
};
use crate::{
    error::Result,
    sandbox::dispatch::response::{ApiResponse, HandlerResult},
};

/// Returns all endpoints.
pub(super) fn all() -> impl Iterator<Item = &'static Endpoint> {
    let topics = [
        sandbox::ENDPOINTS,
        notifications::ENDPOINTS,
        faults::ENDPOINTS,
    ];
    topics.into_iter().chain(acts::ENDPOINTS).flatten()
}

/// The answer to what has no result.
fn done(result: Result<()>) -> HandlerResult {
    result?;
    ok(json!({}))
}

/// The answer that is one value.
fn named(name: &str, result: Result<String>) -> HandlerResult {
    let value = result?;
    ok(json!({ name: value }))
}

fn ok(body: Value) -> HandlerResult {
    Ok(ApiResponse::ok(&body))
}

const LIMIT: u64 = 100;
const MAX_LIMIT: u64 = 1_000;

/// The pages of a list.
const PAGE: [Field; 2] = [
    may(
        "limit",
        Kind::Integer,
        "At most so many: 1 to 1000, by default 100",
    ),
    may(
        "after",
        Kind::Text,
        "The `id` after which the page begins. Without it, the page is the latest",
    ),
];

const DATA: Field = needs("data", Kind::List, "The page, oldest first");
const HAS_MORE: Field = needs(
    "has_more",
    Kind::Boolean,
    "Whether there are more after the page",
);

/// Answers with a page of a list, whose items are oldest first. `position` returns where the page after an
/// item begins.
fn page<T>(
    call: &Call<'_>,
    items: &[T],
    position: impl Fn(&str) -> std::result::Result<usize, ApiResponse>,
    show: impl Fn(&T) -> Value,
) -> HandlerResult {
    let limit = limit(call)?;
    let begin = match call.query("after") {
        None => items.len().saturating_sub(limit),
        Some(after) => position(after)?,
    };
    let rest = items.iter().skip(begin);
    let page: Vec<_> = rest.clone().take(limit).map(show).collect();
    ok(json!({ "data": page, "has_more": rest.len() > page.len() }))
}

fn limit(call: &Call<'_>) -> std::result::Result<usize, ApiResponse> {
    let Some(limit) = call.query("limit") else {
        return Ok(LIMIT as usize);
    };
    match limit.parse() {
        Ok(limit) if (1..=MAX_LIMIT).contains(&limit) => Ok(limit as usize),
        _ => Err(ApiResponse::bad_parameter(&format!(
            "invalid limit {limit:.32}: expected 1 to {MAX_LIMIT}"
        ))),
    }
}
