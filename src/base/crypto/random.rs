//! Chance, from the system's own generator.

use super::backend;
use crate::error::{Cause, Kind, cause::Result};

/// The letters and digits a nonce is made of.
const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const NONCE: usize = 32;

/// Fills `out` with random bytes.
pub(crate) fn random(out: &mut [u8]) -> Result<()> {
    backend::random(out).map_err(|source| {
        Cause::new(Kind::Sign, "the system's random number generator failed").with_source(source)
    })
}

/// 32 random letters and digits, each as likely as any other.
pub(crate) fn nonce() -> Result<String> {
    // 248 is the largest multiple of 62 in a byte: bytes from there on would favour some letters.
    const FAIR: u8 = 248;

    let mut nonce = String::with_capacity(NONCE);
    // One byte in 32 is passed over, so that 48 of them make 32 letters but for a chance of 1e-13.
    let mut bytes = [0; 48];
    while nonce.len() < NONCE {
        random(&mut bytes)?;
        let fair = bytes.iter().filter(|&&byte| byte < FAIR);
        nonce.extend(
            fair.take(NONCE - nonce.len())
                .map(|byte| char::from(ALPHABET[usize::from(byte % 62)])),
        );
    }
    Ok(nonce)
}
