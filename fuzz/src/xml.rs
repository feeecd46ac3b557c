//! Reads and writes the XML of APIv2.

use serde_json::{Map, Value};
use wechatpay_chain::fuzz::{parse_xml, scalar, write_xml};

use crate::{check_error, draw::Draw};

const MAX: usize = 1 << 20;
const NAMES: [&str; 6] = ["a", "return_code", "_", "a.b-1", "xml", "sign"];

type Fields = Map<String, Value>;

/// Reads the input as XML, and writes its fields. Then writes fields that are drawn, and reads them
/// back. Returns each text with the fields in it, for another reader to confirm.
pub fn xml(data: &[u8]) -> Vec<(String, Fields)> {
    let mut read = Vec::new();
    match parse_xml(data, MAX) {
        Ok(fields) => {
            check_fields(&fields, 1);
            let mut flat = fields.clone();
            flat.retain(|name, value| value.is_string() && is_name(name));
            read.extend(write_and_read(&flat));
            read.push((String::from_utf8_lossy(data).into_owned(), fields));
        }
        Err(err) => check_error(&err),
    }
    let mut draw = Draw::new(data);
    let mut fields = Map::new();
    while !draw.is_empty() {
        let name = match draw.byte() {
            b'n' => draw.text(),
            byte => NAMES[usize::from(byte) % NAMES.len()].to_owned(),
        };
        fields.insert(name, draw.value(2));
    }
    read.extend(write_and_read(&fields));
    read
}

fn write_and_read(fields: &Fields) -> Option<(String, Fields)> {
    let is_allowed = fields.iter().all(|(name, value)| {
        let text = scalar(value);
        let is_flat = value.is_null() || text.is_some();
        is_flat && is_name(name) && text.is_none_or(|text| text.chars().all(is_char))
    });
    let text = match write_xml(fields) {
        Ok(text) => text,
        Err(err) => {
            assert!(!is_allowed, "{fields:?}: {err}");
            check_error(&err);
            return None;
        }
    };
    assert!(is_allowed, "{fields:?}: {text}");
    let texts = |(name, value): (&String, &Value)| {
        let text = scalar(value).unwrap_or_default().into_owned();
        (name.clone(), Value::String(text))
    };
    let expected: Fields = fields.iter().map(texts).collect();
    let size: usize = expected
        .iter()
        .map(|(name, text)| name.len() + text.as_str().unwrap_or_default().len() + 1)
        .sum();
    assert!(text.len() <= 16 + 16 * size, "{} of {size}", text.len());
    match parse_xml(text.as_bytes(), text.len()) {
        Ok(read) => assert_eq!(read, expected, "{text}"),
        Err(err) => panic!("{text}: {err}"),
    }
    Some((text, expected))
}

/// Checks that the names are names of XML, and that nothing is deeper than the limit.
fn check_fields(fields: &Fields, level: usize) {
    assert!(level <= 16);
    for (name, value) in fields {
        assert!(!name.is_empty() && name.chars().all(is_char));
        match value {
            Value::Array(items) => {
                assert!(items.len() > 1);
                items.iter().for_each(|item| check_field(item, level));
            }
            one => check_field(one, level),
        }
    }
}

fn check_field(value: &Value, level: usize) {
    match value {
        Value::String(_) => {}
        Value::Object(fields) => check_fields(fields, level + 1),
        other => panic!("{other} came out of XML"),
    }
}

/// Whether a field of this name is written.
fn is_name(name: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    name.chars().all(is_allowed) && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
}

/// `Char` of XML 1.0.
fn is_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}
