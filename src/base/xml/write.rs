//! Writes the fields of a request.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{NAME, is_char, shown};
use crate::{
    base::{json::type_name, scalar::scalar},
    error::{Cause, cause::Result},
};

/// Text with one of these goes into a CDATA section.
const MARKUP: [char; 4] = ['&', '<', '>', '"'];

/// Writes the fields, in their order, as the children of `<xml>`. Null is an empty element.
///
/// # Errors
/// Returns an error, which names the field, if a field is an array or an object, if its name is not a
/// plain XML name, or if it has a character that XML 1.0 cannot represent.
pub(crate) fn write(fields: &Map<String, Value>) -> Result<String> {
    let mut out = String::with_capacity(16 + fields.len() * 48);
    out.push_str("<xml>");
    for (name, value) in fields {
        check_name(name)?;
        let text = match value {
            Value::Null => Cow::Borrowed(""),
            value => scalar(value).ok_or_else(|| {
                Cause::request(format!(
                    "the field `{name:.64}` is {}; an XML field is text: pass nested data as a JSON string",
                    type_name(value)
                ))
            })?,
        };
        if let Some(c) = text.chars().find(|c| !is_char(*c)) {
            return Err(Cause::request(format!(
                "the field `{name:.64}` has the character U+{:04X}, which XML cannot represent; remove it",
                u32::from(c)
            )));
        }
        out.extend(["<", name, ">"]);
        push_text(&text, &mut out);
        out.extend(["</", name, ">"]);
    }
    out.push_str("</xml>");
    Ok(out)
}

/// Accepts ASCII names without a colon, which every reader understands.
fn check_name(name: &str) -> Result<()> {
    let first = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    let rest = |byte: u8| first(byte) || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    if name.bytes().next().is_some_and(first) && name.bytes().all(rest) {
        return Ok(());
    }
    Err(Cause::request(format!(
        "invalid XML field name `{}`; expected letters, digits, `_`, `-` and `.`, starting with a \
         letter or `_`",
        shown(name, NAME)
    )))
}

fn push_text(text: &str, out: &mut String) {
    // A reader turns CR into LF, in CDATA too. Only a reference preserves it, and the sign is made over
    // the text as it was given.
    for (index, run) in text.split('\r').enumerate() {
        if index > 0 {
            out.push_str("&#13;");
        }
        if run.contains(MARKUP) {
            out.push_str("<![CDATA[");
            // `]]>` ends a section, so it is split over two.
            out.push_str(&run.replace("]]>", "]]]]><![CDATA[>"));
            out.push_str("]]>");
        } else {
            out.push_str(run);
        }
    }
}
