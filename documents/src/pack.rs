//! Packs an edition. `src/catalog/documents/tables.rs` of the library describes the format.

use std::{
    collections::{HashMap, HashSet},
    io::Write as _,
};

use flate2::{Compression, write::DeflateEncoder};
use serde_json::Value;
use wechatpay_chain::catalog;

use crate::edition::{Edition, KINDS, SEALINGS};

const REQUIRED: u8 = 0b0001_0000;
const HAS_VALUES: u8 = 0b0010_0000;
const HAS_FIELDS: u8 = 0b0100_0000;
const SEALED: u8 = 0b1000_0000;

/// Packs an edition, without compression.
pub fn pack(edition: &Edition) -> Result<Vec<u8>, String> {
    if let Some(op) = unlisted(edition) {
        return Err(format!(
            "the library's table of operations does not have {op}: generate it first, with \
             `CATALOG_UPDATE=1 cargo test catalogue`"
        ));
    }
    let mut packer = Packer::default();
    // Fields without values or fields refer to the first list, which is empty.
    packer.values(None)?;
    packer.fields(None)?;
    let mut operations = Vec::new();
    for operation in catalog::all() {
        let op = operation.to_string();
        let fields = edition
            .operations
            .get(&op)
            .ok_or_else(|| format!("fields.jsonl does not have {op}"))?;
        for side in ["request", "response"] {
            let number = packer
                .fields(fields.get(side))
                .map_err(|why| format!("{op}: {why}"))?;
            put_number(&mut operations, number);
        }
    }
    let mut events = Vec::new();
    // APIv2 first, each in the order of the source.
    for version in ["v2", "v3"] {
        for event in edition
            .events
            .iter()
            .filter(|event| event["version"] == version)
        {
            events.push(version.as_bytes()[1] - b'0');
            put_number(&mut events, packer.text(&event["event"])?);
            put_number(&mut events, packer.values(event.get("event_type"))?);
            put_number(&mut events, packer.values(event.get("original_type"))?);
            let fields = event.get("resource").or_else(|| event.get("fields"));
            put_number(&mut events, packer.fields(fields)?);
        }
    }
    let mut bytes = Vec::new();
    put_text(&mut bytes, &edition.date);
    for pool in [&packer.texts, &packer.values, &packer.fields] {
        put_number(&mut bytes, pool.len);
        bytes.extend(&pool.bytes);
    }
    put_number(&mut bytes, catalog::all().len());
    bytes.extend(operations);
    put_number(&mut bytes, edition.events.len());
    bytes.extend(events);
    Ok(bytes)
}

/// Compresses packed tables as `packed.bin` has them.
pub fn compress(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder
        .write_all(bytes)
        .and_then(|()| encoder.finish())
        .map_err(|err| err.to_string())
}

/// An operation that the library's table does not have.
fn unlisted(edition: &Edition) -> Option<&String> {
    let listed: HashSet<String> = catalog::all().iter().map(ToString::to_string).collect();
    edition.operations.keys().find(|op| !listed.contains(*op))
}

#[derive(Default)]
struct Packer {
    texts: Pool,
    values: Pool,
    fields: Pool,
}

/// Items in the order in which they first appear. Equal ones are stored once: 2,400 of 5,100 lists of
/// fields differ.
#[derive(Default)]
struct Pool {
    numbers: HashMap<Vec<u8>, usize>,
    bytes: Vec<u8>,
    len: usize,
}

impl Pool {
    fn number(&mut self, item: Vec<u8>) -> usize {
        if let Some(number) = self.numbers.get(&item) {
            return *number;
        }
        self.bytes.extend(&item);
        self.numbers.insert(item, self.len);
        self.len += 1;
        self.len - 1
    }
}

impl Packer {
    fn text(&mut self, text: &Value) -> Result<usize, String> {
        let text = text.as_str().ok_or_else(|| format!("not a text: {text}"))?;
        let mut item = Vec::new();
        put_text(&mut item, text);
        Ok(self.texts.number(item))
    }

    fn values(&mut self, values: Option<&Value>) -> Result<usize, String> {
        let values = list(values)?;
        let mut item = Vec::new();
        put_number(&mut item, values.len());
        for value in values {
            put_number(&mut item, self.text(value)?);
        }
        Ok(self.values.number(item))
    }

    fn fields(&mut self, fields: Option<&Value>) -> Result<usize, String> {
        let fields = list(fields)?;
        let mut item = Vec::new();
        put_number(&mut item, fields.len());
        for field in fields {
            put_number(&mut item, self.text(&field["name"])?);
            let mut flags = place(&KINDS, &field["type"])?;
            let mut rest = Vec::new();
            if field["required"] == true {
                flags |= REQUIRED;
            }
            if let Some(values) = field.get("enum") {
                flags |= HAS_VALUES;
                put_number(&mut rest, self.values(Some(values))?);
            }
            if let Some(fields) = field.get("of") {
                flags |= HAS_FIELDS;
                put_number(&mut rest, self.fields(Some(fields))?);
            }
            if let Some(sealing) = field.get("sealed") {
                flags |= SEALED;
                rest.push(place(&SEALINGS, sealing)?);
            }
            item.push(flags);
            item.extend(rest);
        }
        Ok(self.fields.number(item))
    }
}

fn list(items: Option<&Value>) -> Result<&[Value], String> {
    match items {
        None => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(other) => Err(format!("not a list: {other}")),
    }
}

fn place(known: &[&str], text: &Value) -> Result<u8, String> {
    let place = known.iter().position(|known| text == known);
    place
        .map(|place| place as u8)
        .ok_or_else(|| format!("unknown: {text}"))
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    put_number(bytes, text.len());
    bytes.extend(text.as_bytes());
}

fn put_number(bytes: &mut Vec<u8>, mut number: usize) {
    assert!(
        number <= usize::from(u16::MAX),
        "the format has 16 bits for a number"
    );
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::DeflateDecoder;

    use super::*;
    use crate::packed_bin;

    // Another version of the compression may write other bytes for the same tables.
    #[test]
    fn packed_bin_is_what_the_sources_pack_to() {
        let packed = std::fs::File::open(packed_bin()).unwrap();
        let mut known = Vec::new();
        DeflateDecoder::new(packed).read_to_end(&mut known).unwrap();
        let packed = pack(&Edition::in_repository().unwrap()).unwrap();
        assert!(
            known == packed,
            "run `cargo run -p wechatpay-documents -- pack`"
        );
    }

    #[test]
    fn edition_of_other_operations_is_refused() {
        let mut edition = Edition::in_repository().unwrap();
        let (op, fields) = edition.operations.pop_first().unwrap();
        let error = pack(&edition).unwrap_err();
        assert_eq!(error, format!("fields.jsonl does not have {op}"));
        edition.operations.insert(op, fields.clone());
        edition.operations.insert("GET v3/new".to_owned(), fields);
        let error = pack(&edition).unwrap_err();
        assert!(
            error.contains("does not have GET v3/new: generate it first"),
            "{error}"
        );
    }
}
