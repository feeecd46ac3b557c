//! A value inside a string, by each language's own rule, and as an argument for a shell.

use super::Language;

/// Returns what writes a value into a string of the templates: with single quotes in PHP and JavaScript, with
/// double ones in the others.
pub(super) fn in_string(language: Language) -> fn(&str) -> String {
    match language {
        // Nothing else has a meaning there, and a line may end in it.
        Language::Php => |value| escaped(value, '\'', |c| c.to_string()),
        Language::Node => |value| escaped(value, '\'', |c| format!("\\u{{{:x}}}", u32::from(c))),
        Language::Rust => |value| escaped(value, '"', |c| format!("\\u{{{:x}}}", u32::from(c))),
        Language::Python | Language::Go => {
            |value| escaped(value, '"', |c| format!("\\U{:08x}", u32::from(c)))
        }
        Language::Java => |value| escaped(value, '"', of_java),
    }
}

/// Java reads `\u000a` as the end of the line before it looks for strings, so it is octal. The others are in
/// UTF-16.
fn of_java(c: char) -> String {
    if c.is_ascii() {
        return format!("\\{:03o}", u32::from(c));
    }
    let mut units = [0; 2];
    let units = c.encode_utf16(&mut units).iter();
    units.map(|unit| format!("\\u{unit:04x}")).collect()
}

fn escaped(value: &str, quote: char, other: impl Fn(char) -> String) -> String {
    let escape = |c: char| match c {
        '\\' => "\\\\".to_owned(),
        c if c == quote => format!("\\{c}"),
        c if is_plain(c) => c.to_string(),
        // An end of a line, or what is not seen or turns the direction of what is.
        c => other(c),
    };
    value.chars().map(escape).collect()
}

fn is_plain(c: char) -> bool {
    c == ' ' || c.is_ascii_graphic() || c.is_alphanumeric()
}

/// Returns an argument for a shell, on one line.
pub(super) fn for_shell(value: &str) -> String {
    let is_bare = |c: char| c.is_alphanumeric() || "/._-+:@%,=".contains(c);
    if !value.is_empty() && value.chars().all(is_bare) {
        return value.to_owned();
    }
    // Not with a backslash: Java reads `\u` in comments, too.
    if value.chars().all(|c| is_plain(c) && c != '\\' && c != '\'') {
        return format!("'{value}'");
    }
    let bytes_of = |c: char| {
        let mut bytes = [0; 4];
        let bytes = c.encode_utf8(&mut bytes).bytes();
        bytes.map(|byte| format!("\\x{byte:02x}")).collect()
    };
    format!("$'{}'", escaped(value, '\'', bytes_of))
}
