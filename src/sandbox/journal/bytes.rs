//! The bytes of an entry: numbers, and texts after their lengths.

use crate::base::crypto::digest;

/// How many bytes of a hash end an entry.
const CHECK: usize = 4;

/// Writes an entry.
#[derive(Default)]
pub(super) struct Writer(Vec<u8>);

/// Reads an entry. Each method returns `None` at the end.
pub(super) struct Reader<'a>(&'a [u8]);

impl Writer {
    /// Writes a number, in as few bytes as it needs.
    pub(super) fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    pub(super) fn flag(&mut self, flag: bool) {
        self.number(flag.into());
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    /// Writes what may be missing.
    pub(super) fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.flag(value.is_some());
        if let Some(value) = value {
            write(self, value);
        }
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        let hash = digest::sha256(&self.0);
        self.0.extend(hash.iter().take(CHECK));
        self.0
    }
}

impl<'a> Reader<'a> {
    /// Returns `None` if the bytes are not all that was written.
    pub(super) fn new(entry: &'a [u8]) -> Option<Self> {
        let (written, check) = entry.split_at_checked(entry.len().checked_sub(CHECK)?)?;
        let hash = digest::sha256(written);
        hash.starts_with(check).then_some(Self(written))
    }

    pub(super) fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if *byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    pub(super) fn flag(&mut self) -> Option<bool> {
        Some(self.number()? != 0)
    }

    pub(super) fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    pub(super) fn text(&mut self) -> Option<String> {
        String::from_utf8(self.bytes()?.to_vec()).ok()
    }

    pub(super) fn option<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Option<Option<T>> {
        match self.flag()? {
            true => read(self).map(Some),
            false => Some(None),
        }
    }

    pub(super) fn list<T>(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        let mut list = Vec::new();
        for _ in 0..self.number()? {
            list.push(read(self)?);
        }
        Some(list)
    }
}
