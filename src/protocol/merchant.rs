//! What a merchant is configured with, checked.

use zeroize::Zeroizing;

use super::path::shown;
use crate::error::{Cause, cause::Result};

/// Checks an ID that is made of digits: a merchant's or a brand's.
pub(crate) fn check_id(field: &str, id: &str) -> Result<()> {
    if id.is_empty() || id.len() > 32 || !id.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Cause::config(format!(
            "{field} {:?} is none: give the digits alone",
            shown(id)
        )));
    }
    Ok(())
}

/// Whether a serial or a public key ID is one that a sandbox drew.
pub(crate) fn is_sandbox_id(id: &str) -> bool {
    /// The same word in hexadecimal digits, which are all that a serial can hold.
    const IN_HEX: &str = "53414E44424F58";
    let start = id.get(..IN_HEX.len());
    id.contains("SANDBOX") || start.is_some_and(|start| start.eq_ignore_ascii_case(IN_HEX))
}

/// The APIv3 key as the bytes that it is.
pub(crate) fn apiv3_key(key: &str) -> Result<Zeroizing<[u8; 32]>> {
    key.as_bytes().try_into().map(Zeroizing::new).map_err(|_| {
        Cause::config(format!(
            "apiv3_key is {} bytes long: the APIv3 key is 32 bytes (it is not the APIv2 key)",
            key.len()
        ))
    })
}

/// The APIv2 key, which is whatever was set, but not nothing.
pub(crate) fn check_apiv2_key(key: Option<&Zeroizing<String>>) -> Result<()> {
    match key {
        Some(key) if key.is_empty() => Err(Cause::config("apiv2_key is empty")),
        _ => Ok(()),
    }
}
