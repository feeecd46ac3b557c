//! AES-256-ECB with PKCS#7 padding, which APIv2 writes its refund notifications in.

use aes::{
    Aes256,
    cipher::{Block, BlockCipherDecrypt as _, KeyInit as _},
};

use super::digest::constant_time_eq;
use crate::error::{Cause, Kind, cause::Result};

const BLOCK: usize = 16;

/// The plaintext, whose padding is checked.
pub(crate) fn decrypt(key: &[u8; 32], ciphertext: &[u8]) -> Result<Vec<u8>> {
    if ciphertext.is_empty() || !ciphertext.len().is_multiple_of(BLOCK) {
        return Err(Cause::new(
            Kind::Decrypt,
            format!(
                "the AES-256-ECB ciphertext is {} bytes long and not a multiple of {BLOCK}",
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
            Kind::Decrypt,
            "the AES-256-ECB ciphertext does not open: the APIv2 key is another, or the data was altered",
        )
    })?;
    plaintext.truncate(length);
    Ok(plaintext)
}

#[cfg(any(test, fuzzing))]
/// The ciphertext, one to sixteen bytes longer than the plaintext.
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
