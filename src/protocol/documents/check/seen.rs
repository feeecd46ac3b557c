//! Which of the documented fields an object has.

use crate::catalog::{Field, Fields};

/// Which fields an object has.
pub(super) struct Seen {
    pub(super) fields: Fields,
    bits: u128,
    /// Where the next field is expected: most programs follow the order of the page.
    next: usize,
}

impl Seen {
    pub(super) fn new(fields: Fields) -> Self {
        Self {
            fields,
            bits: 0,
            next: 0,
        }
    }

    /// Returns the field of a name and notes that it is there.
    pub(super) fn find(&mut self, name: &str) -> Option<Field> {
        let len = self.fields.len();
        let places = (self.next..len).chain(0..self.next.min(len));
        let found = |at: usize| self.fields.nth(at).filter(|field| field.matches(name));
        let (at, field) = places.filter_map(|at| Some((at, found(at)?))).next()?;
        self.bits |= 1u128.checked_shl(at as u32).unwrap_or(0);
        self.next = at + 1;
        Some(field)
    }

    /// Returns the required fields that the object does not have.
    pub(super) fn missing(&self) -> impl Iterator<Item = Field> {
        let bits = self.bits;
        let required = self.fields.iter().enumerate();
        let required = required.filter(|(_, field)| field.is_required());
        // A test shows that no object has more fields than there are bits.
        let is_there = move |at: usize| bits & 1u128.checked_shl(at as u32).unwrap_or(0) != 0;
        required.filter_map(move |(at, field)| (!is_there(at)).then_some(field))
    }
}
