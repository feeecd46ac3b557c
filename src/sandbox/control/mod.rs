//! The handle over HTTP: the sandbox's own endpoints, below `/_sandbox/v1/`, which WeChat Pay does not have.
//!
//! An endpoint calls the method of the handle that does the same. Its row in [`routes`] is all that there is
//! of it: the way to it, the checks on its fields and its part of the OpenAPI document come from that row.

mod call;
mod cashier;
mod endpoint;
mod guard;
mod inspect;
mod openapi;
mod routes;
mod view;

pub(super) use self::{guard::Guard, view::event};

use std::sync::Arc;

use http::{StatusCode, request::Parts};

use self::{call::Call, endpoint::Endpoint};
use super::{
    dispatch::{
        pipeline::{Arrived, not_allowed},
        response::{ApiResponse, HandlerResult},
    },
    state::SandboxState,
};

/// Returns whether a request for the events wants them without headers and bodies.
pub(super) fn wants_brief_events(parts: &Parts) -> bool {
    let query = parts.uri.query().unwrap_or_default();
    query.split('&').any(|pair| pair == "brief=true")
}

const PREFIX: &str = "/_sandbox/v1/";

/// Returns whether a request is for the sandbox itself and not for WeChat Pay.
pub(super) fn is_for(parts: &Parts) -> bool {
    parts.uri.path().starts_with(PREFIX)
}

/// Answers a request about the sandbox itself. These are not signed.
pub(super) fn answer(state: &Arc<SandboxState>, request: &Arrived) -> ApiResponse {
    carry_out(state, request).unwrap_or_else(|refused| refused)
}

fn carry_out(state: &Arc<SandboxState>, request: &Arrived) -> HandlerResult {
    let parts = &request.parts;
    let path = parts.uri.path().strip_prefix(PREFIX).unwrap_or_default();
    let at_path: Vec<_> = routes::all().filter(|route| route.is_at(path)).collect();
    let found = at_path.iter().find(|route| route.method == parts.method);
    // Who has no token does not learn which endpoints there are.
    if !found.is_some_and(|route| route.is_open) && !state.is_replaying() {
        state.guard.check(request, &state.hosts)?;
    }
    match found {
        Some(route) => (route.handler)(&Call::new(state, route, request)?),
        None => Err(no_endpoint(parts, &at_path)),
    }
}

fn no_endpoint(parts: &Parts, at_path: &[&Endpoint]) -> ApiResponse {
    if at_path.is_empty() {
        let message = format!(
            "the sandbox has no endpoint {}: GET {PREFIX}openapi.json describes those that it has",
            parts.uri.path()
        );
        return ApiResponse::error(StatusCode::NOT_FOUND, "RESOURCE_NOT_EXISTS", &message);
    }
    let allowed: Vec<_> = at_path.iter().map(|route| route.method.as_str()).collect();
    not_allowed(&parts.method, &allowed.join(", "))
}
