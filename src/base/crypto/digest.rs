//! Digests and MACs, and how they are written and compared.

use md5::Digest as _;

use super::backend;

pub(crate) use super::backend::{Sha1, Sha256};

pub(crate) fn sha256(data: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(data);
    hash.finish()
}

/// The MD5 of `data`. APIv2 signs with it by default, and derives the key of refund notifications.
// MD5 is broken for collisions. It is here because the protocol has it, and for nothing else.
pub(crate) fn md5(data: &[u8]) -> [u8; 16] {
    md5::Md5::digest(data).into()
}

/// MD5 of data that comes in parts.
pub(crate) struct Md5(md5::Md5);

impl Md5 {
    pub(crate) fn new() -> Self {
        Self(md5::Md5::new())
    }

    pub(crate) fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }

    pub(crate) fn finish(self) -> [u8; 16] {
        self.0.finalize().into()
    }
}

pub(crate) fn hmac_sha256(key: &[u8], data: &[u8]) -> [u8; 32] {
    backend::hmac_sha256(key, data)
}

pub(crate) fn hex_lower(bytes: &[u8]) -> String {
    hex(bytes, b"0123456789abcdef")
}

pub(crate) fn hex_upper(bytes: &[u8]) -> String {
    hex(bytes, b"0123456789ABCDEF")
}

/// Compares two byte strings in a time that depends on their lengths only.
///
/// For signs and MACs: a comparison that stops at the first difference tells an attacker, who can time
/// it, how many leading bytes of a guess are right.
pub(crate) fn constant_time_eq(left: &[u8], right: &[u8]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    // `black_box` keeps the compiler from leaving the loop once the difference is not 0.
    let difference = left.iter().zip(right).fold(0, |difference, (left, right)| {
        std::hint::black_box(difference | (left ^ right))
    });
    difference == 0
}

/// Parses the hexadecimal digits of a digest, in either case.
pub(crate) fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N {
        return None;
    }
    let mut out = [0; N];
    let mut digits = text.bytes().map(|c| char::from(c).to_digit(16));
    for byte in &mut out {
        let (high, low) = (digits.next()??, digits.next()??);
        *byte = (high << 4 | low) as u8;
    }
    Some(out)
}

fn hex(bytes: &[u8], digits: &[u8; 16]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        out.push(char::from(digits[usize::from(byte >> 4)]));
        out.push(char::from(digits[usize::from(byte & 15)]));
    }
    out
}
