//! Takes the exchanges in the request log apart.

mod brief;
mod decrypted;
mod documents;
mod filter;
mod received;
mod signature;

pub(super) use self::{
    brief::{brief, mchid},
    filter::Filter,
};

use serde_json::{Value, json};

use self::received::Received;
use super::view;
use crate::sandbox::{RecordedRequest, state::SandboxState};

/// Returns a request with its response, and both taken apart.
pub(super) fn whole(state: &SandboxState, request: &RecordedRequest) -> Value {
    let received = Received::new(request);
    let mut shown = view::request(request);
    shown["response"] = response(request);
    shown["signature"] = signature::of(state, request);
    shown["documents"] = documents::of(request, &received);
    shown["decrypted"] = decrypted::of(state, request, &received);
    shown
}

fn response(request: &RecordedRequest) -> Value {
    let (Some(headers), Some(body)) = (request.response_headers(), request.response_body()) else {
        return Value::Null;
    };
    let length = request.response_length();
    let mut shown = json!({
        "status": request.status().map(|status| status.as_u16()),
        "headers": view::headers(headers),
        "body_length": length,
        "is_cut": body.len() < length,
    });
    view::put_body(&mut shown, body);
    shown
}
