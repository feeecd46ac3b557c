//! A request in one row.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::view;
use crate::{
    base::xml,
    catalog::Operation,
    sandbox::{
        RecordedRequest, checks,
        dispatch::{pipeline, response::ANSWER},
        state::path_pattern::operation_of,
        v2,
    },
};

/// The largest response of which the error code is read.
const MAX_ERROR: usize = 64 << 10;

/// Returns what a list shows of a request: no headers, no bodies.
pub(in crate::sandbox::control) fn brief(request: &RecordedRequest) -> Value {
    let operation = operation_of(request.method(), request.path());
    let answer = request.response_headers();
    let answer = answer.and_then(|headers| headers.get(ANSWER)?.to_str().ok());
    json!({
        "id": request.id(),
        "at_ms": request.at(),
        "took_ms": request.took().map(view::millis),
        "method": request.method().as_str(),
        "target": request.target(),
        "path": request.path(),
        "status": request.status().map(|status| status.as_u16()),
        "code": code(request),
        "mchid": mchid(request),
        "title": operation.map(Operation::title),
        "operation": operation.map(Operation::template),
        "answer": answer,
        "fault": request.fault(),
    })
}

pub(super) fn is_v3(request: &RecordedRequest) -> bool {
    pipeline::is_apiv3(request.path(), request.headers())
}

/// Returns the merchant or brand that a request claims to be from.
pub(in crate::sandbox::control) fn mchid(request: &RecordedRequest) -> Option<Cow<'_, str>> {
    if is_v3(request) {
        return checks::claimed_id(request.headers()).map(Cow::Borrowed);
    }
    let query = request.target().split_once('?').map(|(_, query)| query);
    let (fields, _) = v2::read(request.method(), query, request.headers(), request.body()).ok()?;
    v2::merchant_id(&fields).map(|mchid| Cow::Owned(mchid.to_owned()))
}

/// Returns the error code of the response, if it is a refusal.
fn code(request: &RecordedRequest) -> Option<String> {
    let body = request.response_body()?;
    if body.len() > MAX_ERROR {
        return None;
    }
    if is_v3(request) {
        let is_refusal = request.status()?.as_u16() >= 400;
        let body: Value = is_refusal.then(|| serde_json::from_slice(body).ok())??;
        return Some(body.get("code")?.as_str()?.to_owned());
    }
    // Bills are tables, and have no code.
    let is_xml = body.trim_ascii_start().starts_with(b"<");
    let fields: Map<String, Value> = is_xml.then(|| xml::parse(body, MAX_ERROR).ok())??;
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let is_failure = |name| text(name) == Some("FAIL");
    let code = || text("err_code").or_else(|| text("error_code"));
    (is_failure("return_code") || is_failure("result_code"))
        .then(|| code().unwrap_or("FAIL").to_owned())
}
