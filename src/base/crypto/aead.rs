//! AES-256-GCM, under the APIv3 key: certificates and notifications come in it.

use super::backend;
use crate::error::{Cause, Kind, cause::Result};

const NONCE: usize = 12;
const TAG: usize = 16;

/// The plaintext of `ciphertext_and_tag`.
pub(crate) fn open(
    key: &[u8; 32],
    nonce: &[u8],
    associated_data: &[u8],
    ciphertext_and_tag: &[u8],
) -> Result<Vec<u8>> {
    let nonce = twelve(nonce)?;
    if ciphertext_and_tag.len() < TAG {
        return Err(Cause::new(
            Kind::Decrypt,
            format!(
                "the AES-256-GCM ciphertext is {} bytes long, shorter than its tag of {TAG}",
                ciphertext_and_tag.len()
            ),
        ));
    }
    backend::open(key, nonce, associated_data, ciphertext_and_tag).ok_or_else(|| {
        Cause::new(
            Kind::Decrypt,
            "the AES-256-GCM ciphertext does not open: the APIv3 key is another, or the data was altered",
        )
    })
}

#[cfg(any(test, fuzzing))]
/// The ciphertext of `plaintext`, its tag at the end.
pub(crate) fn seal(
    key: &[u8; 32],
    nonce: &[u8],
    associated_data: &[u8],
    plaintext: &[u8],
) -> Result<Vec<u8>> {
    let nonce = twelve(nonce)?;
    backend::seal(key, nonce, associated_data, plaintext)
        .ok_or_else(|| Cause::request("the data is too long for AES-256-GCM"))
}

fn twelve(nonce: &[u8]) -> Result<[u8; NONCE]> {
    nonce.try_into().map_err(|_| {
        Cause::new(
            Kind::Decrypt,
            format!(
                "the AES-256-GCM nonce is {} bytes long and not {NONCE}",
                nonce.len()
            ),
        )
    })
}
