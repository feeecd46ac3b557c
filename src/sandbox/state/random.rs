//! Random IDs and numbers.

use crate::{
    base::crypto::{digest, random},
    error::cause::Result,
};

/// Returns random upper-case hexadecimal digits.
pub(crate) fn hex(digits: usize) -> Result<String> {
    let mut bytes = vec![0; digits.div_ceil(2)];
    random(&mut bytes)?;
    let mut text = digest::hex_upper(&bytes);
    text.truncate(digits);
    Ok(text)
}

/// Returns random letters and digits.
pub(crate) fn token(length: usize) -> Result<String> {
    const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    pick_from(ALPHABET, length)
}

/// Returns random decimal digits.
pub(crate) fn digits(length: usize) -> Result<String> {
    pick_from(b"0123456789", length)
}

// The remainder slightly favours the first characters of the alphabet. That is good enough here: the
// values have to differ between sandboxes and protect nothing.
fn pick_from(alphabet: &[u8], length: usize) -> Result<String> {
    let mut bytes = vec![0; length];
    random(&mut bytes)?;
    let pick = |byte: &u8| alphabet.get(usize::from(*byte) % alphabet.len());
    Ok(bytes
        .iter()
        .filter_map(pick)
        .map(|b| char::from(*b))
        .collect())
}
