//! AES-256-ECB with PKCS#7 padding, in which APIv2 sends its refund notifications.
//!
//! ECB does not authenticate: an altered block decrypts to other bytes without an error. So a refund
//! notification is never reported as verified. Neither ring nor aws-lc-rs offers ECB, so this uses
//! the `aes` crate, block by block.

use aes::{
    Aes256,
    cipher::{Block, BlockCipherDecrypt as _, KeyInit as _},
};

use super::digest::constant_time_eq;
use crate::error::{Cause, ErrorKind, cause::Result};

const BLOCK: usize = 16;

/// Decrypts, and checks the padding.
pub(crate) fn decrypt(key: &[u8; 32], ciphertext: &[u8]) -> Result<Vec<u8>> {
    if ciphertext.is_empty() || !ciphertext.len().is_multiple_of(BLOCK) {
        return Err(Cause::new(
            ErrorKind::Decrypt,
            format!(
                "invalid AES-256-ECB ciphertext: {} bytes, expected a multiple of {BLOCK}",
                ciphertext.len()
            ),
        ));
    }
    let cipher = Aes256::new(key.into());
    let mut plaintext = Vec::with_capacity(ciphertext.len());
    for chunk in ciphertext.chunks_exact(BLOCK) {
        let mut block = Block::<Aes256>::default();
        block.copy_from_slice(chunk);
        cipher.decrypt_block(&mut block);
        plaintext.extend_from_slice(&block);
    }
    let length = unpadded(&plaintext).ok_or_else(|| {
        Cause::new(
            ErrorKind::Decrypt,
            "cannot decrypt the AES-256-ECB ciphertext: wrong APIv2 key or altered data",
        )
    })?;
    plaintext.truncate(length);
    Ok(plaintext)
}

/// Encrypts. The ciphertext is 1 to 16 bytes longer than the plaintext.
#[cfg(any(test, fuzzing, feature = "sandbox"))]
pub(crate) fn encrypt(key: &[u8; 32], plaintext: &[u8]) -> Vec<u8> {
    use aes::cipher::BlockCipherEncrypt as _;

    let cipher = Aes256::new(key.into());
    let padding = BLOCK - plaintext.len() % BLOCK;
    let mut padded = Vec::with_capacity(plaintext.len() + padding);
    padded.extend_from_slice(plaintext);
    padded.resize(plaintext.len() + padding, padding as u8);
    for chunk in padded.chunks_exact_mut(BLOCK) {
        let mut block = Block::<Aes256>::default();
        block.copy_from_slice(chunk);
        cipher.encrypt_block(&mut block);
        chunk.copy_from_slice(&block);
    }
    padded
}

/// The length without padding. `None` if the padding is wrong.
fn unpadded(plaintext: &[u8]) -> Option<usize> {
    let padding = *plaintext.last()?;
    if padding == 0 || usize::from(padding) > BLOCK {
        return None;
    }
    let length = plaintext.len().checked_sub(usize::from(padding))?;
    let expected = [padding; BLOCK];
    constant_time_eq(
        plaintext.get(length..)?,
        expected.get(..usize::from(padding))?,
    )
    .then_some(length)
}
