//! Random bytes and nonces, from the operating system's generator.

use super::backend;
use crate::error::{Cause, ErrorKind, cause::Result};

/// The characters of a nonce.
const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const NONCE: usize = 32;

/// Fills `out` with random bytes.
pub(crate) fn random(out: &mut [u8]) -> Result<()> {
    backend::random(out).map_err(|source| {
        Cause::new(
            ErrorKind::Signing,
            "the system's random number generator failed",
        )
        .with_source(source)
    })
}

/// Returns 32 random letters and digits, all equally likely.
pub(crate) fn nonce() -> Result<String> {
    // The largest multiple of 62 in a byte. Larger bytes are skipped: taken modulo 62, they would make
    // the first characters of the alphabet more likely.
    const FAIR: u8 = 248;

    let mut nonce = String::with_capacity(NONCE);
    // One byte in 32 is skipped. 48 bytes are too few for 32 characters with a chance of 1e-13.
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
