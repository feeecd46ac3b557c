//! The self-test `v3/security/echo`: returns what the merchant sent, in the clear and encrypted.

use serde_json::{Map, Value};

use crate::sandbox::dispatch::{
    request::Ctx,
    response::{ApiResponse, HandlerResult},
};
use crate::sandbox::flows::{Route, v3};

pub(crate) const ROUTES: &[Route] = &[v3("POST v3/security/echo", echo)];

fn echo(ctx: &Ctx<'_>) -> HandlerResult {
    let fields = ctx.fields();
    let mut echoed = Map::new();
    if let Some(text) = fields.optional_text("echo_message", 1024)? {
        echoed.insert("echo_message".to_owned(), text.into());
    }
    // The merchant encrypted with the platform key, so only the platform can read it.
    if let Some(plaintext) = ctx.unseal(&fields, "encrypted_echo_message")? {
        // Encrypted again, this time for the merchant: the test covers both directions.
        let ciphertext = ctx.seal(&plaintext)?;
        echoed.insert("encrypted_echo_message".to_owned(), ciphertext.into());
    }
    Ok(ApiResponse::ok(&Value::Object(echoed)))
}
