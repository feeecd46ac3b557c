//! AES-256-GCM under the APIv3 key, which WeChat Pay encrypts platform certificates and notifications
//! with.

use super::backend;
use crate::error::{Cause, ErrorKind, cause::Result};

const NONCE: usize = 12;
const TAG: usize = 16;

/// Decrypts a ciphertext that ends with its tag.
pub(crate) fn open(
    key: &[u8; 32],
    nonce: &[u8],
    associated_data: &[u8],
    ciphertext_and_tag: &[u8],
) -> Result<Vec<u8>> {
    let nonce = check_nonce(nonce)?;
    if ciphertext_and_tag.len() < TAG {
        return Err(Cause::new(
            ErrorKind::Decrypt,
            format!(
                "invalid AES-256-GCM ciphertext: {} bytes, expected at least the tag of {TAG}",
                ciphertext_and_tag.len()
            ),
        ));
    }
    backend::open(key, nonce, associated_data, ciphertext_and_tag).ok_or_else(|| {
        Cause::new(
            ErrorKind::Decrypt,
            "cannot decrypt the AES-256-GCM ciphertext: wrong APIv3 key or altered data",
        )
    })
}

/// Encrypts. The tag is at the end of the ciphertext.
#[cfg(any(test, fuzzing, feature = "sandbox"))]
pub(crate) fn seal(
    key: &[u8; 32],
    nonce: &[u8],
    associated_data: &[u8],
    plaintext: &[u8],
) -> Result<Vec<u8>> {
    let nonce = check_nonce(nonce)?;
    backend::seal(key, nonce, associated_data, plaintext)
        .ok_or_else(|| Cause::request("data too long for AES-256-GCM"))
}

fn check_nonce(nonce: &[u8]) -> Result<[u8; NONCE]> {
    nonce.try_into().map_err(|_| {
        Cause::new(
            ErrorKind::Decrypt,
            format!(
                "invalid AES-256-GCM nonce: {} bytes, expected {NONCE}",
                nonce.len()
            ),
        )
    })
}
