//! Reads the fields of a response or a notification.
//!
//! Anyone can post a notification, and its XML is parsed before its sign can be verified. So this reader
//! accepts as little as APIv2 needs. Document types are refused: they are how XML reads files and URLs
//! (XXE) and expands one entity to gigabytes. Depth and the number of elements are limited: the tree is
//! later walked and dropped recursively, and each element costs more memory than its bytes do.

use quick_xml::{
    Reader,
    events::{BytesDecl, BytesRef, BytesStart, Event},
};
use serde_json::{Map, Value};

use super::{NAME, is_char, shown};
use crate::error::{Cause, ErrorKind, cause::Result};

/// Far more than APIv2 nests.
const MAX_DEPTH: usize = 16;
/// Far more than the fields of any response.
const MAX_ELEMENTS: usize = 10_000;
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Reads the fields in `<xml>…</xml>`: text as strings, nested elements as objects, several elements of
/// one name as an array. Attributes and comments are skipped.
///
/// A sign is made over the text of a field before it is put into XML, and WeChat Pay does not check
/// whether XML can represent a customer's text. So control characters are accepted, raw or as a
/// reference, and line ends stay as they are; XML 1.0 would refuse the former and change the latter, and
/// the sign would not match. [`write`](super::write) refuses what XML 1.0 cannot represent.
///
/// # Errors
/// Returns an error of [`ErrorKind::TooLarge`] if the input is longer than `max_bytes`. Returns an error of
/// [`ErrorKind::Decode`] if it is not well-formed XML in UTF-8, or has another root element, a document type,
/// a processing instruction, an entity other than the predefined five, more than 16 levels or more than
/// 10,000 elements.
pub(crate) fn parse(input: &[u8], max_bytes: usize) -> Result<Map<String, Value>> {
    parse_under(input, &["xml"], max_bytes)
}

/// Like [`parse`], with any of these names for the root element.
pub(crate) fn parse_under(
    input: &[u8],
    roots: &[&str],
    max_bytes: usize,
) -> Result<Map<String, Value>> {
    if input.len() > max_bytes {
        return Err(Cause::new(
            ErrorKind::TooLarge,
            format!(
                "XML too large: {} bytes, expected at most {max_bytes}",
                input.len()
            ),
        ));
    }
    let text = std::str::from_utf8(input)
        .map_err(|err| broken(err.valid_up_to(), "invalid UTF-8").with_source(err))?;
    // quick-xml would skip the mark without counting it in its positions.
    let body = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let mark = text.len() - body.len();
    if body.starts_with(BYTE_ORDER_MARK) {
        return Err(broken(mark, "text outside the root element"));
    }
    let mut reader = Reader::from_str(body);
    let config = reader.config_mut();
    // By default quick-xml accepts what is not well-formed. A reader that is more lenient than WeChat
    // Pay's could see other fields than those that were signed.
    config.enable_all_checks(true);
    config.allow_dangling_amp = false;
    config.allow_unmatched_ends = false;

    let mut tree = Tree::default();
    loop {
        let at = mark + position(reader.buffer_position());
        let event = reader.read_event().map_err(|err| {
            // quick-xml's message quotes the input in full. It is shortened and escaped here, and not
            // kept as a source.
            let what = shown(&err.to_string(), 192);
            broken(mark + position(reader.error_position()), &what)
        })?;
        let taken = match event {
            Event::Start(start) => tree.open(&start, roots),
            Event::Empty(start) => tree.open(&start, roots).and_then(|()| tree.close()),
            Event::End(_) => tree.close(),
            Event::Text(text) => tree.text(&text, false),
            Event::CData(text) => tree.text(&text, true),
            Event::GeneralRef(reference) => tree.reference(&reference),
            Event::Comment(_) => Ok(()),
            Event::Decl(decl) => declaration(&decl, at == mark),
            Event::PI(_) => Err("processing instructions are not supported".to_owned()),
            Event::DocType(_) => Err("document types are not supported".to_owned()),
            Event::Eof => break,
        };
        taken.map_err(|what| broken(at, &what))?;
    }
    tree.finish().map_err(|what| broken(text.len(), &what))
}

/// An open element.
struct Element {
    name: String,
    text: String,
    children: Map<String, Value>,
}

/// The open elements, and the fields of the root element once it is closed.
#[derive(Default)]
struct Tree {
    open: Vec<Element>,
    root: Option<Map<String, Value>>,
    elements: usize,
}

impl Tree {
    fn open(&mut self, start: &BytesStart<'_>, roots: &[&str]) -> Result<(), String> {
        let name = start.name().0;
        if !is_name(name) {
            return Err(format!("invalid element name `{}`", shown(name, NAME)));
        }
        // Attributes mean nothing here, but must be well-formed. `with_checks` would compare each name
        // with all others: quadratic time.
        for attribute in start.attributes().with_checks(false) {
            attribute
                .map_err(|err| format!("invalid attribute of `{}`: {err}", shown(name, NAME)))?;
        }
        if self.open.is_empty() {
            if self.root.is_some() {
                return Err(format!("second root element `<{}>`", shown(name, NAME)));
            }
            if !roots.contains(&name) {
                return Err(format!(
                    "unexpected root element `<{}>`; expected `<{}>`",
                    shown(name, NAME),
                    roots.join(">` or `<")
                ));
            }
        }
        self.elements += 1;
        if self.elements > MAX_ELEMENTS {
            return Err(format!("more than {MAX_ELEMENTS} elements"));
        }
        if self.open.len() == MAX_DEPTH {
            return Err(format!("elements nested deeper than {MAX_DEPTH} levels"));
        }
        self.open.push(Element {
            name: name.to_owned(),
            text: String::new(),
            children: Map::new(),
        });
        Ok(())
    }

    fn close(&mut self) -> Result<(), String> {
        let Some(closed) = self.open.pop() else {
            return Err("unmatched end tag".to_owned());
        };
        // White space between elements is layout. Next to text it belongs to the value.
        let blank = closed.text.bytes().all(is_space);
        let value = if closed.children.is_empty() {
            Value::String(closed.text)
        } else if blank {
            Value::Object(closed.children)
        } else {
            return Err(format!(
                "`{}` mixes text and elements",
                shown(&closed.name, NAME)
            ));
        };
        match (self.open.last_mut(), value) {
            (Some(parent), value) => put(&mut parent.children, closed.name, value),
            (None, Value::Object(fields)) => self.root = Some(fields),
            (None, _) if blank => self.root = Some(Map::new()),
            (None, _) => return Err("the root element has text; expected elements".to_owned()),
        }
        Ok(())
    }

    fn text(&mut self, text: &str, cdata: bool) -> Result<(), String> {
        if !cdata && text.contains("]]>") {
            return Err("`]]>` in text".to_owned());
        }
        match self.open.last_mut() {
            Some(element) => element.text.push_str(text),
            None if !cdata && text.bytes().all(is_space) => {}
            None => return Err("text outside the root element".to_owned()),
        }
        Ok(())
    }

    fn reference(&mut self, reference: &BytesRef<'_>) -> Result<(), String> {
        let c = match &**reference {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            name => character(name).ok_or_else(|| unknown(name))?,
        };
        match self.open.last_mut() {
            Some(element) => element.text.push(c),
            None => return Err("reference outside the root element".to_owned()),
        }
        Ok(())
    }

    fn finish(self) -> Result<Map<String, Value>, String> {
        match (self.open.last(), self.root) {
            (Some(element), _) => Err(format!(
                "unclosed element `<{}>`",
                shown(&element.name, NAME)
            )),
            (None, Some(fields)) => Ok(fields),
            (None, None) => Err("no root element".to_owned()),
        }
    }
}

/// Inserts a value. A second value of a name makes an array of both: no value is an array otherwise.
fn put(fields: &mut Map<String, Value>, name: String, value: Value) {
    match fields.get_mut(&name) {
        None => {
            fields.insert(name, value);
        }
        Some(Value::Array(list)) => list.push(value),
        Some(first) => *first = Value::Array(vec![first.take(), value]),
    }
}

fn declaration(decl: &BytesDecl<'_>, is_first: bool) -> Result<(), String> {
    if !is_first {
        return Err("XML declaration not at the start".to_owned());
    }
    match decl.encoding() {
        None => Ok(()),
        Some(Ok(encoding)) if is_utf8(&encoding) => Ok(()),
        Some(Ok(encoding)) => Err(format!(
            "declared as `{}`; expected UTF-8",
            shown(&encoding, NAME)
        )),
        Some(Err(err)) => Err(format!("invalid XML declaration: {err}")),
    }
}

fn is_utf8(encoding: &str) -> bool {
    ["utf-8", "utf8", "us-ascii"]
        .iter()
        .any(|name| encoding.eq_ignore_ascii_case(name))
}

fn is_name(name: &str) -> bool {
    let first =
        |c: char| c.is_ascii_alphabetic() || matches!(c, '_' | ':') || !c.is_ascii() && is_char(c);
    let rest = |c: char| first(c) || c.is_ascii_digit() || matches!(c, '-' | '.');
    name.starts_with(first) && name.chars().all(rest)
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// Returns the character that `#13` or `#xd` stands for.
fn character(reference: &str) -> Option<char> {
    let number = reference.strip_prefix('#')?;
    let (digits, radix) = match number.strip_prefix('x') {
        Some(digits) => (digits, 16),
        None => (number, 10),
    };
    // `from_str_radix` would accept a sign.
    let is_number = digits.chars().all(|c| c.is_digit(radix));
    let code = u32::from_str_radix(digits, radix).ok()?;
    char::from_u32(code).filter(|_| is_number)
}

fn position(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or_default()
}

fn broken(at: usize, what: &str) -> Cause {
    Cause::new(
        ErrorKind::Decode,
        format!("invalid XML at byte {at}: {what}"),
    )
}

/// Shows what looks like the name of an entity. Text after a stray `&` may be personal data.
fn unknown(entity: &str) -> String {
    let name = entity.strip_prefix('#').unwrap_or(entity);
    if name.len() <= 8 && name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        format!("unknown entity `&{entity};`")
    } else {
        format!("unknown entity of {} bytes", entity.len())
    }
}
