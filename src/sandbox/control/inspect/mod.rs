//! Takes the exchanges in the request log apart.

mod brief;
mod filter;

pub(super) use self::{
    brief::{brief, mchid},
    filter::Filter,
};

use serde_json::{Value, json};

use super::view;
use crate::sandbox::RecordedRequest;

/// Returns a request with its response.
pub(super) fn whole(request: &RecordedRequest) -> Value {
    let mut shown = view::request(request);
    shown["response"] = response(request);
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
