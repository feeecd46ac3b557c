//! The self-test `v3/security/echo`: returns what the merchant sent, in the clear and encrypted.

use std::sync::Arc;

use axum::{Router, routing::post};
use serde_json::{Map, Value};

use crate::sandbox::{
    checks::fields::Fields,
    request::ApiRequest,
    response::{ApiResponse, HandlerResult},
    state::SandboxState,
};

pub(super) fn routes() -> Router<Arc<SandboxState>> {
    Router::new().route("/v3/security/echo", post(echo))
}

async fn echo(request: ApiRequest) -> HandlerResult {
    let body = request.json()?;
    let fields = Fields::of_body(&body);
    let mut echoed = Map::new();
    if let Some(text) = fields.optional_text("echo_message", 1024)? {
        echoed.insert("echo_message".to_owned(), text.into());
    }
    if let Some(text) = fields.optional_text("encrypted_echo_message", 4096)? {
        // The merchant encrypted with the platform key, so only the platform can read it.
        let keys = &request.state().keys;
        let plaintext = keys
            .platform
            .decrypt(text)
            .ok_or_else(|| fields.error("encrypted_echo_message", "cannot be decrypted"))?;
        // Encrypted again, this time for the merchant: the test covers both directions.
        let ciphertext = keys
            .encrypt_for_merchant(&plaintext)
            .map_err(|_| ApiResponse::system_error("cannot encrypt for the merchant"))?;
        echoed.insert("encrypted_echo_message".to_owned(), ciphertext.into());
    }
    Ok(ApiResponse::ok(&Value::Object(echoed)))
}
