use quick_xml::{
    Reader,
    events::{BytesDecl, BytesRef, BytesStart, Event},
};
use serde_json::{Map, Value};

use super::{NAME, is_char, shown};
use crate::error::{Cause, Kind, cause::Result};

const MAX_DEPTH: usize = 16;
const MAX_ELEMENTS: usize = 10_000;
const BYTE_ORDER_MARK: char = '\u{feff}';

/// The fields in `<xml>…</xml>`: text as strings, nested elements as objects, elements of one name
/// beside each other as a list. Attributes and comments are passed over.
///
/// The text of a field is what a sign was made over, before anything put it into XML. WeChat Pay
/// puts customers' texts there without a look at what XML can carry. So a control character is read
/// as any other, raw or as a reference (JSON can hold the same, as `\u0001`), and line ends stay as
/// they came. [`write`](super::write) refuses what XML 1.0 cannot carry.
///
/// # Errors
/// [`Kind::TooLarge`] over `max_bytes`; [`Kind::Decode`] for anything that is not well-formed
/// UTF-8 XML, another root, a document type, a processing instruction, an entity other than the
/// five, more than 16 levels or 10,000 elements.
pub(crate) fn parse(input: &[u8], max_bytes: usize) -> Result<Map<String, Value>> {
    parse_under(input, &["xml"], max_bytes)
}

/// As [`parse`], where the root has one of these names.
pub(crate) fn parse_under(
    input: &[u8],
    roots: &[&str],
    max_bytes: usize,
) -> Result<Map<String, Value>> {
    if input.len() > max_bytes {
        return Err(Cause::new(
            Kind::TooLarge,
            format!(
                "the XML has {} bytes: at most {max_bytes} are read",
                input.len()
            ),
        ));
    }
    let text = std::str::from_utf8(input)
        .map_err(|err| broken(err.valid_up_to(), "this is not UTF-8").with_source(err))?;
    // The reader would pass over a mark, and not count it in its positions.
    let body = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let mark = text.len() - body.len();
    if body.starts_with(BYTE_ORDER_MARK) {
        return Err(broken(mark, "text stands outside the root element"));
    }
    let mut reader = Reader::from_str(body);
    let config = reader.config_mut();
    config.enable_all_checks(true);
    config.allow_dangling_amp = false;
    config.allow_unmatched_ends = false;

    let mut tree = Tree::default();
    loop {
        let at = mark + position(reader.buffer_position());
        let event = reader.read_event().map_err(|err| {
            // Its words quote the input whole: cut and escaped they are here, and not as a source.
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
            Event::PI(_) => Err("a processing instruction is not taken".to_owned()),
            Event::DocType(_) => Err("a document type is not taken".to_owned()),
            Event::Eof => break,
        };
        taken.map_err(|what| broken(at, &what))?;
    }
    tree.finish().map_err(|what| broken(text.len(), &what))
}

/// An element whose end has not been read.
struct Element {
    name: String,
    text: String,
    children: Map<String, Value>,
}

/// The elements that are open, and the root once it is closed.
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
            return Err(format!("`{}` is no element name", shown(name, NAME)));
        }
        for attribute in start.attributes().with_checks(false) {
            attribute.map_err(|err| format!("an attribute of `{}`: {err}", shown(name, NAME)))?;
        }
        if self.open.is_empty() {
            if self.root.is_some() {
                return Err(format!(
                    "`<{}>` follows the root element",
                    shown(name, NAME)
                ));
            }
            if !roots.contains(&name) {
                return Err(format!(
                    "the root element is `<{}>`, not `<{}>`",
                    shown(name, NAME),
                    roots.join(">` or `<")
                ));
            }
        }
        self.elements += 1;
        if self.elements > MAX_ELEMENTS {
            return Err(format!("there are more than {MAX_ELEMENTS} elements"));
        }
        if self.open.len() == MAX_DEPTH {
            return Err(format!("elements stand deeper than {MAX_DEPTH} levels"));
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
            return Err("an end tag closes nothing".to_owned());
        };
        let blank = closed.text.bytes().all(is_space);
        let value = if closed.children.is_empty() {
            Value::String(closed.text)
        } else if blank {
            Value::Object(closed.children)
        } else {
            return Err(format!(
                "`{}` holds text beside elements",
                shown(&closed.name, NAME)
            ));
        };
        match (self.open.last_mut(), value) {
            (Some(parent), value) => put(&mut parent.children, closed.name, value),
            (None, Value::Object(fields)) => self.root = Some(fields),
            (None, _) if blank => self.root = Some(Map::new()),
            (None, _) => return Err("the root element holds text, not fields".to_owned()),
        }
        Ok(())
    }

    fn text(&mut self, text: &str, cdata: bool) -> Result<(), String> {
        if !cdata && text.contains("]]>") {
            return Err("`]]>` stands in text".to_owned());
        }
        match self.open.last_mut() {
            Some(element) => element.text.push_str(text),
            None if !cdata && text.bytes().all(is_space) => {}
            None => return Err("text stands outside the root element".to_owned()),
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
            None => return Err("a reference stands outside the root element".to_owned()),
        }
        Ok(())
    }

    fn finish(self) -> Result<Map<String, Value>, String> {
        match (self.open.last(), self.root) {
            (Some(element), _) => Err(format!(
                "`<{}>` is never closed",
                shown(&element.name, NAME)
            )),
            (None, Some(fields)) => Ok(fields),
            (None, None) => Err("there is no element".to_owned()),
        }
    }
}

/// A second value under a name makes a list: no value is a list otherwise.
fn put(fields: &mut Map<String, Value>, name: String, value: Value) {
    match fields.get_mut(&name) {
        None => {
            fields.insert(name, value);
        }
        Some(Value::Array(list)) => list.push(value),
        Some(first) => *first = Value::Array(vec![first.take(), value]),
    }
}

fn declaration(decl: &BytesDecl<'_>, stands_first: bool) -> Result<(), String> {
    if !stands_first {
        return Err("an XML declaration stands first or not at all".to_owned());
    }
    match decl.encoding() {
        None => Ok(()),
        Some(Ok(encoding)) if is_utf8(&encoding) => Ok(()),
        Some(Ok(encoding)) => Err(format!(
            "it is declared as `{}`, not UTF-8",
            shown(&encoding, NAME)
        )),
        Some(Err(err)) => Err(format!("the XML declaration: {err}")),
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

/// The character that `#13` or `#xd` stands for.
fn character(reference: &str) -> Option<char> {
    let number = reference.strip_prefix('#')?;
    let (digits, radix) = match number.strip_prefix('x') {
        Some(digits) => (digits, 16),
        None => (number, 10),
    };
    // `from_str_radix` would take a sign.
    let is_number = digits.chars().all(|c| c.is_digit(radix));
    let code = u32::from_str_radix(digits, radix).ok()?;
    char::from_u32(code).filter(|_| is_number)
}

fn position(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or_default()
}

fn broken(at: usize, what: &str) -> Cause {
    Cause::new(Kind::Decode, format!("the XML at byte {at}: {what}"))
}

/// What looks like a name of an entity is shown; text after a stray `&` may be anyone's.
fn unknown(entity: &str) -> String {
    let name = entity.strip_prefix('#').unwrap_or(entity);
    if name.len() <= 8 && name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        format!("`&{entity};` is not known")
    } else {
        format!("an entity of {} bytes is not known", entity.len())
    }
}
