//! The XML of APIv2: one root `<xml>` of fields. Read by quick-xml, in one file alone; written by hand.

mod parse;
mod write;

#[cfg(test)]
mod tests;

pub(crate) use self::{
    parse::{parse, parse_under},
    write::write,
};

/// Whether XML 1.0 can carry the character.
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

/// At most so many characters of the text, for an error.
fn shown(text: &str, most: usize) -> String {
    text.chars()
        .take(most)
        .flat_map(char::escape_debug)
        .collect()
}
