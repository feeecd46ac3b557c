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
//!    its fields refer to, and the first is empty;
//! 5. for each operation, in the order of the catalogue, the numbers of its two lists of fields;
//! 6. the notifications: version, name, two lists of values, a list of fields.
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

/// The decoded tables. Texts, lists of values and lists of fields are named by their number.
pub(super) struct Tables {
    date: &'static str,
    texts: Box<[&'static str]>,
    values: Box<[Box<[&'static str]>]>,
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
pub(super) fn tables() -> &'static Tables {
    static TABLES: OnceLock<Tables> = OnceLock::new();
    TABLES.get_or_init(|| {
        // Not input from outside: a test decodes it and compares it with its source.
        Tables::decode(PACKED).expect("packed.bin is part of the crate")
    })
}

impl Tables {
    pub(super) fn date(&self) -> &'static str {
        self.date
    }

    pub(super) fn texts(&self) -> &[&'static str] {
        &self.texts
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

    /// Returns `None` if the bytes are not packed tables.
    pub(super) fn decode(packed: &[u8]) -> Option<Self> {
        let mut bytes = Vec::new();
        DeflateDecoder::new(packed).read_to_end(&mut bytes).ok()?;
        // The texts are used for as long as the program runs.
        let mut reader = Reader(bytes.leak());
        let date = reader.text()?;
        let texts = reader.list(Reader::text)?;
        let values = reader.list(|reader| {
            reader.list(|reader| texts.get(usize::from(reader.number()?)).copied())
        })?;
        let fields = reader.list(|reader| reader.list(Reader::field))?;
        let operations = reader.list(|reader| Some((reader.number()?, reader.number()?)))?;
        let events = reader.list(Reader::event)?;
        // Numbers are used as indexes.
        let exist = |row: &FieldRow| {
            usize::from(row.name) < texts.len()
                && usize::from(row.values) < values.len()
                && usize::from(row.fields) < fields.len()
        };
        let complete = reader.0.is_empty()
            && operations.len() == all().len()
            && fields.iter().flatten().all(exist)
            && fields.first().is_some_and(|first| first.is_empty())
            && values.first().is_some_and(|first| first.is_empty());
        complete.then_some(Self {
            date,
            texts,
            values,
            fields,
            operations,
            events,
        })
    }
}

struct Reader(&'static [u8]);

impl Reader {
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

    fn text(&mut self) -> Option<&'static str> {
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
            is_v2: self.byte()? == 2,
            name: self.number()?,
            event_types: self.number()?,
            original_types: self.number()?,
            fields: self.number()?,
        })
    }
}
