//! Requests, notifications, orders and events as JSON.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use http::HeaderMap;
use serde_json::{Map, Value, json};

use crate::sandbox::{
    Attempt, Delivery, DeliveryState, OrderKind, OrderSummary, RecordedRequest, SandboxEvent,
    StateChange,
};

pub(super) fn order(order: &OrderSummary) -> Value {
    json!({
        "mchid": order.mchid(),
        "number": order.number(),
        "kind": match order.kind() {
            OrderKind::Payment => "payment",
            OrderKind::Combined => "combined",
            OrderKind::Service => "service",
        },
        "state": order.state(),
        "total": order.total(),
    })
}

pub(super) fn request(request: &RecordedRequest) -> Value {
    let mut shown = json!({
        "id": request.id(),
        "method": request.method().as_str(),
        "path": request.path(),
        "target": request.target(),
        "headers": headers(request.headers()),
        "status": request.status().map(|status| status.as_u16()),
    });
    shown[body_name(request.body())] = text(request.body());
    shown
}

pub(super) fn delivery(delivery: &Delivery) -> Value {
    let (state, more) = match delivery.state() {
        DeliveryState::Waiting { due_in } => ("waiting", json!({ "due_in_s": due_in.as_secs() })),
        DeliveryState::Held => ("held", json!({})),
        DeliveryState::Acknowledged => ("acknowledged", json!({})),
        DeliveryState::GivenUp => ("given_up", json!({})),
        DeliveryState::NotSent(why) => ("not_sent", json!({ "error": why })),
    };
    let attempts: Vec<_> = delivery.attempts().iter().map(attempt).collect();
    let mut shown = json!({
        "id": delivery.id(),
        "mchid": delivery.mchid(),
        "event_type": delivery.event_type(),
        "version": delivery.version(),
        "url": delivery.url(),
        "state": state,
        "resource": delivery.resource(),
        "attempts": attempts,
    });
    shown[body_name(delivery.body())] = text(delivery.body());
    if let (Value::Object(shown), Value::Object(more)) = (&mut shown, more) {
        shown.extend(more);
    }
    shown
}

fn attempt(attempt: &Attempt) -> Value {
    let mut shown = json!({
        "at": attempt.at(),
        "sent_headers": headers(attempt.sent_headers()),
        "status": attempt.status().map(|status| status.as_u16()),
        "headers": headers(attempt.headers()),
        "took_ms": millis(attempt.took()),
        "error": attempt.error(),
        "fault": attempt.fault().map(super::routes::delivery_fault_name),
    });
    shown[body_name(attempt.body())] = text(attempt.body());
    shown
}

/// Returns the name of an event and its data.
pub(crate) fn event(event: &SandboxEvent) -> (&'static str, Value) {
    match event {
        SandboxEvent::Request(arrived) => ("request", request(arrived)),
        SandboxEvent::Answered(answered) => ("answered", request(answered)),
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

fn body_name(body: &[u8]) -> &'static str {
    match std::str::from_utf8(body) {
        Ok(_) => "body",
        Err(_) => "body_base64",
    }
}

fn text(body: &[u8]) -> Value {
    match std::str::from_utf8(body) {
        Ok(text) => text.into(),
        Err(_) => STANDARD.encode(body).into(),
    }
}
