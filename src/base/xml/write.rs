use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{NAME, is_char, shown};
use crate::{
    base::scalar::{scalar, type_name},
    error::{Cause, cause::Result},
};

/// What only a CDATA section, or an entity, can carry.
const MARKUP: [char; 4] = ['&', '<', '>', '"'];

/// The fields, in their order, as the children of `<xml>`. Null makes an empty element.
///
/// # Errors
/// A list or an object as a field; a name that is no plain XML name; a character that XML 1.0
/// cannot carry. The error names the field.
pub(crate) fn write(fields: &Map<String, Value>) -> Result<String> {
    let mut out = String::with_capacity(16 + fields.len() * 48);
    out.push_str("<xml>");
    for (name, value) in fields {
        check_name(name)?;
        let text = match value {
            Value::Null => Cow::Borrowed(""),
            value => scalar(value).ok_or_else(|| {
                Cause::request(format!(
                    "the field `{name:.64}` is {}: an XML field is flat, so give the JSON text of it",
                    type_name(value)
                ))
            })?,
        };
        if let Some(c) = text.chars().find(|c| !is_char(*c)) {
            return Err(Cause::request(format!(
                "the field `{name:.64}` holds the character U+{:04X}, which XML cannot carry",
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

/// ASCII names without a colon, which every reader takes.
fn check_name(name: &str) -> Result<()> {
    let first = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    let rest = |byte: u8| first(byte) || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    if name.bytes().next().is_some_and(first) && name.bytes().all(rest) {
        return Ok(());
    }
    Err(Cause::request(format!(
        "`{}` cannot name an XML field: letters, digits, `_`, `-` and `.` can, beginning with \
         a letter or `_`",
        shown(name, NAME)
    )))
}

fn push_text(text: &str, out: &mut String) {
    // A reader turns a bare CR into LF, in CDATA too: only a reference carries it.
    for (index, run) in text.split('\r').enumerate() {
        if index > 0 {
            out.push_str("&#13;");
        }
        if run.contains(MARKUP) {
            out.push_str("<![CDATA[");
            // `]]>` would end the section: the next one begins in its middle.
            out.push_str(&run.replace("]]>", "]]]]><![CDATA[>"));
            out.push_str("]]>");
        } else {
            out.push_str(run);
        }
    }
}
