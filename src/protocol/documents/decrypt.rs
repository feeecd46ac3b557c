//! The sealed fields of a response.

use serde_json::Value;

use super::sealed::{self, Expected};
use crate::{
    base::json::type_name,
    catalog::Operation,
    error::{Cause, ErrorKind, cause::Result, value::shown},
    protocol::trust::sensitive::{Padding, ciphertext},
};

/// The value of a sealed field.
pub(crate) struct Ciphertext {
    pub(crate) pointer: String,
    pub(crate) padding: Padding,
    pub(crate) bytes: Vec<u8>,
}

/// Returns the values of all sealed fields in the body of a response.
pub(crate) fn ciphertexts(operation: &Operation, response: &Value) -> Result<Vec<Ciphertext>> {
    let mut ciphertexts = Vec::new();
    for sealed in sealed::find(operation.response(), response) {
        let pointer = sealed.pointer;
        // There is nothing to open in a value that is not the documented object.
        let Expected::Text(padding) = sealed.expected else {
            continue;
        };
        let Value::String(text) = sealed.value else {
            let found = type_name(sealed.value);
            let err = format!("the field to decrypt is {found}: expected a string");
            return Err(in_field(Cause::new(ErrorKind::Decrypt, err), &pointer));
        };
        let bytes = ciphertext(text).map_err(|err| in_field(err, &pointer))?;
        ciphertexts.push(Ciphertext {
            pointer,
            padding,
            bytes,
        });
    }
    Ok(ciphertexts)
}

/// Puts the texts in the places of their ciphertexts.
pub(crate) fn put(response: &mut Value, texts: Vec<(String, String)>) {
    for (pointer, text) in texts {
        if let Some(field) = response.pointer_mut(&pointer) {
            *field = text.into();
        }
    }
}

/// Adds the name of the field to an error.
pub(crate) fn in_field(err: Cause, pointer: &str) -> Cause {
    err.and(format_args!(
        "the field is `{}`, and nothing was decrypted",
        shown(pointer)
    ))
}
