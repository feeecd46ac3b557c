//! The table of the endpoints, one file for each topic.

mod acts;
mod faults;
mod notifications;
mod orders;
mod requests;
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
        orders::ENDPOINTS,
        requests::ENDPOINTS,
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

const HAS_EARLIER: Field = needs(
    "has_earlier",
    Kind::Boolean,
    "Whether there are more before the page",
);

const BRIEF: Field = may(
    "brief",
    Kind::Boolean,
    "true leaves out the headers and bodies",
);

/// Answers with a page of a list, whose items are oldest first. `position` returns where the page after an
/// item begins.
pub(super) fn page<T>(
    call: &Call<'_>,
    items: &[T],
    position: impl Fn(&str) -> std::result::Result<usize, ApiResponse>,
    show: impl Fn(&T) -> Value,
) -> HandlerResult {
    page_before(call, items, items.len(), position, show)
}

/// Like [`page`], with a page that ends at `end` at the latest.
fn page_before<T>(
    call: &Call<'_>,
    items: &[T],
    end: usize,
    position: impl Fn(&str) -> std::result::Result<usize, ApiResponse>,
    show: impl Fn(&T) -> Value,
) -> HandlerResult {
    let limit = limit(call)?;
    let begin = match call.query("after") {
        None => end.saturating_sub(limit),
        Some(after) => position(after)?.min(end),
    };
    let page = items.get(begin..end).unwrap_or_default();
    let page: Vec<_> = page.iter().take(limit).map(show).collect();
    ok(json!({
        "has_more": begin + page.len() < items.len(),
        "has_earlier": begin > 0,
        "data": page,
    }))
}

/// Returns whether a brief answer is wanted.
pub(super) fn is_brief(query: Option<&str>) -> std::result::Result<bool, ApiResponse> {
    match query {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(other) => Err(ApiResponse::bad_parameter(&format!(
            "invalid brief {other:.32}: expected true or false"
        ))),
    }
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
