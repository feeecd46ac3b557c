//! What a customer agrees to first and pays later.

mod papay;
mod permissions;
mod plans;
mod service_orders;

use serde_json::Value;
use wechatpay_chain::{
    catalog::{self, Fields},
    sandbox::Delivery,
};

use super::documented::every_operation::differences;

/// Panics unless a response has the required fields of its operation, and all fields their type.
pub(super) fn check_response(operation: &str, body: &Value) {
    let mut operations = catalog::all().iter();
    let op = operations.find(|op| op.to_string() == operation);
    check(operation, op.expect("documented").response(), body);
}

/// Panics unless a notification has the required fields of its event, and all fields their type.
pub(super) fn check_notice(delivery: &Delivery) {
    let name = delivery.event_type();
    let event = catalog::events().find(|event| event.event_types().contains(&name));
    check(
        name,
        event.expect("documented").fields(),
        delivery.resource(),
    );
}

fn check(name: &str, fields: Fields, body: &Value) {
    let wrong = differences(body.as_object().unwrap(), fields, true, "");
    assert!(wrong.is_empty(), "{name}: {}", wrong.join("; "));
}
