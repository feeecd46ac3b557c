//! Requests, notifications and events as JSON.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use http::HeaderMap;
use serde_json::{Map, Value, json};

use super::inspect;
use crate::sandbox::{
    Attempt, Delivery, DeliveryState, RecordedRequest, SandboxEvent, StateChange,
};

pub(super) fn request(request: &RecordedRequest) -> Value {
    let mut shown = json!({
        "id": request.id(),
        "at_ms": request.at(),
        "took_ms": request.took().map(millis),
        "fault": request.fault(),
        "method": request.method().as_str(),
        "path": request.path(),
        "target": request.target(),
        "headers": headers(request.headers()),
        "status": request.status().map(|status| status.as_u16()),
    });
    put_body(&mut shown, request.body());
    shown
}

pub(super) fn delivery(delivery: &Delivery) -> Value {
    let mut shown = summary(delivery);
    shown["resource"] = delivery.resource().clone();
    shown["attempts"] = delivery.attempts().iter().map(attempt).collect();
    put_body(&mut shown, delivery.body());
    shown
}

/// Leaves out the headers and bodies.
pub(super) fn brief_delivery(delivery: &Delivery) -> Value {
    let mut shown = summary(delivery);
    shown["attempts"] = delivery.attempts().iter().map(brief_attempt).collect();
    shown
}

fn summary(delivery: &Delivery) -> Value {
    let more = match delivery.state() {
        DeliveryState::Waiting { due_in } => json!({ "due_in_s": due_in.as_secs() }),
        DeliveryState::NotSent(why) => json!({ "error": why }),
        _ => json!({}),
    };
    let mut shown = json!({
        "id": delivery.id(),
        "mchid": delivery.mchid(),
        "event_type": delivery.event_type(),
        "version": delivery.version(),
        "url": delivery.url(),
        "state": delivery_state(delivery.state()),
    });
    if let (Value::Object(shown), Value::Object(more)) = (&mut shown, more) {
        shown.extend(more);
    }
    shown
}

pub(super) fn delivery_state(state: &DeliveryState) -> &'static str {
    match state {
        DeliveryState::Waiting { .. } => "waiting",
        DeliveryState::Held => "held",
        DeliveryState::Acknowledged => "acknowledged",
        DeliveryState::GivenUp => "given_up",
        DeliveryState::NotSent(_) => "not_sent",
    }
}

fn attempt(attempt: &Attempt) -> Value {
    let mut shown = brief_attempt(attempt);
    shown["sent_headers"] = headers(attempt.sent_headers());
    shown["headers"] = headers(attempt.headers());
    put_body(&mut shown, attempt.body());
    shown
}

pub(super) fn brief_attempt(attempt: &Attempt) -> Value {
    json!({
        "at": attempt.at(),
        "status": attempt.status().map(|status| status.as_u16()),
        "took_ms": millis(attempt.took()),
        "error": attempt.error(),
        "fault": attempt.fault().map(super::routes::delivery_fault_name),
    })
}

/// Returns the name of an event and its data, which has no headers and bodies if it is brief.
pub(crate) fn event(event: &SandboxEvent, is_brief: bool) -> (&'static str, Value) {
    let shown = match is_brief {
        true => inspect::brief,
        false => request,
    };
    match event {
        SandboxEvent::Request(arrived) => ("request", shown(arrived)),
        SandboxEvent::Answered(answered) => ("answered", shown(answered)),
        SandboxEvent::Delivery(sent) if is_brief => ("delivery", brief_delivery(sent)),
        SandboxEvent::Delivery(sent) => ("delivery", delivery(sent)),
        SandboxEvent::State(changed) => ("state", change(changed)),
    }
}

fn change(change: &StateChange) -> Value {
    json!({
        "mchid": change.mchid(),
        "kind": change.kind().name(),
        "number": change.number(),
        "from": change.from(),
        "to": change.to(),
    })
}

/// Several values of one name are joined, as HTTP allows.
pub(super) fn headers(headers: &HeaderMap) -> Value {
    let mut shown = Map::new();
    for name in headers.keys() {
        let values = headers.get_all(name).iter();
        let values: Vec<_> = values
            .map(|value| String::from_utf8_lossy(value.as_bytes()))
            .collect();
        shown.insert(name.as_str().to_owned(), values.join(", ").into());
    }
    shown.into()
}

pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Adds a body: as `body` if it is text, otherwise as `body_base64`.
pub(super) fn put_body(shown: &mut Value, body: &[u8]) {
    put_text(shown, "body", body);
}

/// Adds bytes: under this name if they are text, otherwise in base64 under the name with `_base64`.
pub(super) fn put_text(shown: &mut Value, name: &str, bytes: &[u8]) {
    match std::str::from_utf8(bytes) {
        Ok(text) => shown[name] = text.into(),
        Err(_) => shown[format!("{name}_base64")] = STANDARD.encode(bytes).into(),
    }
}
