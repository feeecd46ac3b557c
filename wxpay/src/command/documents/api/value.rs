//! The same pages and lists for programs.

use serde_json::{Map, Value, json};
use wechatpay_chain::catalog::{Field, Fields};

use super::{events, sample::Sample, search::Hit};
use crate::command::documents::{subject::Subject, types::cipher};

/// Returns the page of an operation or a notification.
pub(super) fn page(subject: &Subject) -> Value {
    let mut page = named(subject);
    match subject {
        Subject::Operation(operation) => {
            let sample = Sample::of(operation);
            let events = events::of(operation);
            let events = events.into_iter().map(|event| Subject::Event(event).key());
            page["request"] = fields(operation.request());
            page["response"] = fields(operation.response());
            page["events"] = events.collect();
            page["sample"] = json!({ "command": sample.command(), "options": sample.options() });
        }
        Subject::Event(event) => {
            let operations = events::operations(event).map(|operation| operation.to_string());
            page["fields"] = fields(event.fields());
            page["operations"] = operations.collect();
        }
    }
    page
}

/// Returns one hit of a list.
pub(super) fn hit(hit: &Hit) -> Value {
    let mut value = named(&hit.subject);
    if !hit.fields.is_empty() {
        value["fields"] = hit.fields.iter().map(String::as_str).collect();
    }
    value
}

fn named(subject: &Subject) -> Value {
    match subject {
        Subject::Operation(operation) => json!({
            "method": operation.method().as_str(),
            "template": operation.template(),
            "title": operation.title(),
            "version": operation.version(),
        }),
        Subject::Event(event) => json!({
            "event": event.name(),
            "version": event.version(),
            "event_types": event.event_types(),
            "original_types": event.original_types(),
        }),
    }
}

fn fields(fields: Fields) -> Value {
    fields.iter().map(field).collect()
}

fn field(field: Field) -> Value {
    let mut value = Map::new();
    value.insert("name".to_owned(), field.name().into());
    value.insert("type".to_owned(), field.kind().to_string().into());
    value.insert("required".to_owned(), field.is_required().into());
    if !field.values().is_empty() {
        value.insert("values".to_owned(), field.values().into());
    }
    if let Some(sealed) = field.sealed() {
        value.insert("encrypted".to_owned(), cipher(sealed).into());
    }
    if !field.fields().is_empty() {
        value.insert("fields".to_owned(), fields(field.fields()));
    }
    value.into()
}
