//! The packed tables, and decoding them.
//!
//! `packed.bin` is compressed with DEFLATE. Inside, a number is in LEB128 and a text is its length in bytes
//! and its UTF-8. A list is its length and its items. In this order:
//!
//! 1. the date of the documents, a text;
//! 2. the texts: names and values;
//! 3. the lists of values, each a list of numbers of texts;
//! 4. the lists of fields. A field is the number of its name, a byte of flags, and as the flags say the
//!    number of its list of values, of its list of fields, and its sealing. A list comes after those that
//!    its fields refer to;
//! 5. for each operation, in the order of the catalogue, the numbers of its two lists of fields;
//! 6. the notifications: version, name, two lists of values, a list of fields.
//!
//! The first list of values and the first list of fields are empty: a field without either refers to them.
//!
//! The flags: the number of the type in bits 0 to 3, then whether the field is required, has values, has
//! fields, is sealed.

use std::{io::Read as _, sync::OnceLock};

use flate2::bufread::DeflateDecoder;

use super::field::{Fields, Kind, Sealing};
use crate::catalog::find::all;

const PACKED: &[u8] = include_bytes!("packed.bin");

const KIND: u8 = 0b0000_1111;
const REQUIRED: u8 = 0b0001_0000;
const HAS_VALUES: u8 = 0b0010_0000;
const HAS_FIELDS: u8 = 0b0100_0000;
const SEALED: u8 = 0b1000_0000;

const SEALINGS: [Sealing; 4] = [
    Sealing::RsaOaep,
    Sealing::RsaPkcs1,
    Sealing::AesGcm,
    Sealing::AesEcb,
];

/// How deep fields are nested, at most. Eight levels are in use.
const MAX_DEPTH: usize = 16;

/// The decoded tables. Texts, lists of values and lists of fields are named by their number.
pub(super) struct Tables<'a> {
    date: &'a str,
    texts: Box<[&'a str]>,
    values: Box<[Box<[&'a str]>]>,
    fields: Box<[Box<[FieldRow]>]>,
    operations: Box<[(u16, u16)]>,
    events: Box<[EventRow]>,
}

/// A field. 15,000 of them are in memory, so they are small.
pub(super) struct FieldRow {
    pub(super) name: u16,
    pub(super) values: u16,
    pub(super) fields: u16,
    pub(super) kind: Kind,
    pub(super) required: bool,
    pub(super) sealed: Option<Sealing>,
}

pub(super) struct EventRow {
    pub(super) is_v2: bool,
    pub(super) name: u16,
    pub(super) event_types: u16,
    pub(super) original_types: u16,
    pub(super) fields: u16,
}

/// Returns the tables, which the first call decodes.
pub(super) fn tables() -> &'static Tables<'static> {
    static TABLES: OnceLock<Tables<'_>> = OnceLock::new();
    TABLES.get_or_init(|| {
        // Not input from outside: a test decodes it and compares it with its source.
        inflate(PACKED)
            .and_then(|bytes| Tables::decode(bytes.leak()))
            .expect("packed.bin is part of the crate")
    })
}

impl Tables<'static> {
    pub(super) fn date(&self) -> &'static str {
        self.date
    }

    pub(super) fn text(&self, number: u16) -> &'static str {
        self.texts[usize::from(number)]
    }

    pub(super) fn values(&'static self, number: u16) -> &'static [&'static str] {
        &self.values[usize::from(number)]
    }

    pub(super) fn fields(&'static self, number: u16) -> Fields {
        Fields::new(&self.fields[usize::from(number)])
    }

    pub(super) fn of_operation(&'static self, number: u16) -> (Fields, Fields) {
        let (request, response) = self.operations[usize::from(number)];
        (self.fields(request), self.fields(response))
    }

    pub(super) fn events(&'static self) -> &'static [EventRow] {
        &self.events
    }
}

impl<'a> Tables<'a> {
    /// Returns `None` if the bytes are not tables.
    fn decode(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let date = reader.text()?;
        let texts = reader.list(Reader::text)?;
        let values = reader.list(|reader| {
            reader.list(|reader| texts.get(usize::from(reader.number()?)).copied())
        })?;
        let tables = Self {
            date,
            texts,
            values,
            fields: reader.list(|reader| reader.list(Reader::field))?,
            operations: reader.list(|reader| Some((reader.number()?, reader.number()?)))?,
            events: reader.list(Reader::event)?,
        };
        (reader.0.is_empty() && tables.are_complete()).then_some(tables)
    }

    /// Returns whether all that is looked up later exists.
    fn are_complete(&self) -> bool {
        let text = |number: u16| usize::from(number) < self.texts.len();
        let values = |number: u16| usize::from(number) < self.values.len();
        let fields = |number: u16| usize::from(number) < self.fields.len();
        self.values.first().is_some_and(|first| first.is_empty())
            && self.operations.len() == all().len()
            && (self.fields.iter().flatten()).all(|row| text(row.name) && values(row.values))
            && (self.operations.iter())
                .all(|(request, response)| fields(*request) && fields(*response))
            && self.events.iter().all(|row| {
                text(row.name)
                    && values(row.event_types)
                    && values(row.original_types)
                    && fields(row.fields)
            })
            && self.is_nested()
    }

    /// Returns whether each list of fields refers to earlier ones only, so that a walk ends, and is not
    /// too deep to be walked by recursion.
    fn is_nested(&self) -> bool {
        let mut depths = Vec::with_capacity(self.fields.len());
        for list in &self.fields {
            let mut depth = 0;
            for row in list {
                match depths.get(usize::from(row.fields)) {
                    Some(inner) if *inner < MAX_DEPTH => depth = depth.max(inner + 1),
                    _ => return false,
                }
            }
            depths.push(depth);
        }
        true
    }
}

fn inflate(packed: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    DeflateDecoder::new(packed).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn number(&mut self) -> Option<u16> {
        let mut number = 0u32;
        for shift in [0, 7, 14] {
            let byte = self.byte()?;
            number |= u32::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return number.try_into().ok();
            }
        }
        None
    }

    fn text(&mut self) -> Option<&'a str> {
        let len = usize::from(self.number()?);
        let (text, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }

    fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Option<T>) -> Option<Box<[T]>> {
        let len = self.number()?;
        (0..len).map(|_| item(self)).collect()
    }

    fn field(&mut self) -> Option<FieldRow> {
        let name = self.number()?;
        let flags = self.byte()?;
        let mut if_set = |flag: u8| match flags & flag {
            0 => Some(0),
            _ => self.number(),
        };
        let (values, fields) = (if_set(HAS_VALUES)?, if_set(HAS_FIELDS)?);
        let sealed = match flags & SEALED {
            0 => None,
            _ => Some(*SEALINGS.get(usize::from(self.byte()?))?),
        };
        Some(FieldRow {
            name,
            values,
            fields,
            kind: *Kind::ALL.get(usize::from(flags & KIND))?,
            required: flags & REQUIRED != 0,
            sealed,
        })
    }

    fn event(&mut self) -> Option<EventRow> {
        Some(EventRow {
            is_v2: match self.byte()? {
                2 => true,
                3 => false,
                _ => return None,
            },
            name: self.number()?,
            event_types: self.number()?,
            original_types: self.number()?,
            fields: self.number()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks up every number once. Panics if one leads nowhere, or if fields are within themselves.
    fn look_up(tables: &Tables<'_>) {
        let text = |number: u16| tables.texts[usize::from(number)];
        let values = |number: u16| &tables.values[usize::from(number)];
        let fields = |number: u16| &tables.fields[usize::from(number)];
        for (at, list) in tables.fields.iter().enumerate() {
            for row in list {
                text(row.name);
                values(row.values);
                assert!(
                    usize::from(row.fields) < at,
                    "a list refers to an earlier one"
                );
            }
        }
        assert_eq!(tables.operations.len(), all().len());
        for (request, response) in &tables.operations {
            fields(*request);
            fields(*response);
        }
        for event in &tables.events {
            text(event.name);
            values(event.event_types);
            values(event.original_types);
            fields(event.fields);
        }
    }

    #[test]
    fn damaged_tables_are_refused_or_complete() {
        let mut bytes = inflate(PACKED).unwrap();
        look_up(&Tables::decode(&bytes).unwrap());
        let (mut refused, mut complete) = (0, 0);
        // The notifications are at the end. Elsewhere are mostly fields.
        let events = (bytes.len() - 1000..bytes.len()).step_by(9);
        let everywhere = (0..bytes.len()).step_by(997);
        for at in events.chain(everywhere) {
            let whole = bytes[at];
            for damaged in [0x7f, whole ^ 1] {
                bytes[at] = damaged;
                match Tables::decode(&bytes) {
                    None => refused += 1,
                    Some(tables) => {
                        look_up(&tables);
                        complete += 1;
                    }
                }
            }
            bytes[at] = whole;
        }
        assert!(
            refused > 50 && complete > 50,
            "{refused} refused, {complete} complete"
        );
    }

    #[test]
    fn cut_tables_are_refused() {
        let bytes = inflate(PACKED).unwrap();
        for len in (0..bytes.len()).step_by(997).chain([bytes.len() - 1]) {
            assert!(Tables::decode(&bytes[..len]).is_none(), "{len} bytes");
        }
        let longer = [&bytes[..], &[0]].concat();
        assert!(Tables::decode(&longer).is_none());
    }

    #[test]
    fn damaged_compression_does_not_panic() {
        for at in (0..PACKED.len()).step_by(997) {
            let mut packed = PACKED.to_vec();
            packed[at] ^= 0x10;
            let bytes = inflate(&packed).unwrap_or_default();
            if let Some(tables) = Tables::decode(&bytes) {
                look_up(&tables);
            }
        }
    }

    #[test]
    fn fields_within_themselves_are_refused() {
        let bytes = inflate(PACKED).unwrap();
        let mut tables = Tables::decode(&bytes).unwrap();
        let list = tables.fields.iter().rposition(|list| !list.is_empty());
        let list = list.unwrap();
        for inner in [list, list + 1] {
            tables.fields[list][0].fields = u16::try_from(inner).unwrap();
            assert!(!tables.are_complete(), "{inner} in {list}");
        }
    }
}
