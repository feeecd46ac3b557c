//! The XML of APIv2: a root element `<xml>` with a flat list of fields.
//!
//! quick-xml reads it, in `parse.rs` only. Writing needs no library: the fields are flat, and what must
//! be escaped is known.

mod parse;
mod write;

#[cfg(test)]
mod tests;

pub(crate) use self::{
    parse::{parse, parse_under},
    write::write,
};

/// Whether XML 1.0 can represent the character.
fn is_char(c: char) -> bool {
    match c {
        '\t' | '\n' | '\r' => true,
        '\0'..=' ' => c == ' ',
        '\u{fffe}' | '\u{ffff}' => false,
        _ => true,
    }
}

/// How many characters of a name an error shows.
const NAME: usize = 64;

/// At most `max` characters of a text, escaped, for an error.
fn shown(text: &str, max: usize) -> String {
    text.chars()
        .take(max)
        .flat_map(char::escape_debug)
        .collect()
}
