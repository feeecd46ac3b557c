//! The self-test: what came is said back, in the clear and encrypted for the merchant.

use std::sync::Arc;

use axum::{Router, routing::post};
use http::StatusCode;
use serde_json::{Map, Value};

use super::{
    answer::{Answer, Answered},
    call::Call,
    fields::Fields,
    world::World,
};

pub(super) fn routes() -> Router<Arc<World>> {
    Router::new().route("/v3/security/echo", post(echo))
}

async fn echo(call: Call) -> Answered {
    let body = call.json()?;
    let fields = Fields::body(&body);
    let mut answer = Map::new();
    if let Some(text) = fields.optional_text("echo_message", 1024)? {
        answer.insert("echo_message".to_owned(), text.into());
    }
    if let Some(text) = fields.optional_text("encrypted_echo_message", 4096)? {
        let keys = &call.world().keys;
        let plain = keys
            .platform
            .decrypt(text)
            .ok_or_else(|| fields.error("encrypted_echo_message", "does not open"))?;
        let sealed = keys.encrypt_for_merchant(&plain).map_err(|_| {
            Answer::error(
                StatusCode::INTERNAL_SERVER_ERROR,
                "SYSTEM_ERROR",
                "系统错误",
            )
        })?;
        answer.insert("encrypted_echo_message".to_owned(), sealed.into());
    }
    Ok(Answer::ok(&Value::Object(answer)))
}
