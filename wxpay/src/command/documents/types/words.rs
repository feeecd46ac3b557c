//! Rust's words for documented ones.

use std::collections::HashSet;

/// Keywords of edition 2024, reserved ones too.
const KEYWORDS: [&str; 52] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
    "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl",
    "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref",
    "return", "self", "static", "struct", "super", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield", "Self",
];

/// The keywords that `r#` does not turn into an identifier.
const NEVER_RAW: [&str; 4] = ["self", "Self", "super", "crate"];

/// Names that are taken within one struct, one enum or one source.
#[derive(Default)]
pub(super) struct Taken(HashSet<String>);

impl Taken {
    /// Returns the name, with a number behind it if it is taken.
    pub(super) fn unique(&mut self, name: String) -> String {
        let numbered = (2..).map(|number| format!("{name}{number}"));
        let unique = std::iter::once(name.clone())
            .chain(numbered)
            .find(|name| !self.0.contains(name))
            .unwrap_or(name);
        self.0.insert(unique.clone());
        unique
    }
}

/// Returns the identifier of a field: the documented name, if it is one.
pub(super) fn field(name: &str) -> String {
    if NEVER_RAW.contains(&name) {
        return format!("{name}_");
    }
    if KEYWORDS.contains(&name) {
        return format!("r#{name}");
    }
    if is_identifier(name) {
        return name.to_owned();
    }
    let words: Vec<_> = words(name).map(str::to_ascii_lowercase).collect();
    let joined = words.join("_");
    match joined.starts_with(|first: char| first.is_ascii_alphabetic()) {
        true => joined,
        false => format!("field_{joined}"),
    }
}

/// Returns whether rustc takes the name of a field for snake_case.
pub(super) fn is_snake(identifier: &str) -> bool {
    let name = identifier.trim_start_matches("r#").trim_matches('_');
    !name.contains("__") && !name.contains(|letter: char| letter.is_ascii_uppercase())
}

/// Returns a name as a part of a type's name: `goods_detail` is `GoodsDetail`.
pub(super) fn camel(name: &str) -> String {
    let capitalized = words(name).map(|word| {
        let (first, rest) = word.split_at(word.chars().next().map_or(0, char::len_utf8));
        let is_capitals = !rest.contains(|letter: char| letter.is_ascii_lowercase());
        let rest = match is_capitals {
            true => rest.to_ascii_lowercase(),
            false => rest.to_owned(),
        };
        format!("{}{rest}", first.to_ascii_uppercase())
    });
    let mut camel = String::new();
    for word in capitalized {
        // `1.0` must not become `10`.
        let digits = |letter: Option<char>| letter.is_some_and(|letter| letter.is_ascii_digit());
        if digits(camel.chars().next_back()) && digits(word.chars().next()) {
            camel.push('_');
        }
        camel.push_str(&word);
    }
    camel
}

/// Returns the name of a variant for a documented value.
pub(super) fn variant(value: &str) -> String {
    match camel(value) {
        name if name.is_empty() => "Value".to_owned(),
        name if name == "Self" => "Self_".to_owned(),
        // The variant for what is not documented has this name.
        name if name == "Other" => "DocumentedOther".to_owned(),
        name if name.starts_with(|first: char| first.is_ascii_digit()) => format!("V{name}"),
        name => name,
    }
}

fn is_identifier(name: &str) -> bool {
    let mut letters = name.chars();
    letters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic())
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

/// The parts of a name that can be in an identifier: ASCII, and Chinese characters.
fn words(name: &str) -> impl Iterator<Item = &str> {
    let is_part = |letter: char| {
        letter.is_ascii_alphanumeric() || ('\u{4e00}'..='\u{9fff}').contains(&letter)
    };
    name.split(move |letter| !is_part(letter))
        .filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_keep_their_names_where_rust_allows() {
        for (name, expected) in [
            ("out_trade_no", "out_trade_no"),
            ("payAuthNo", "payAuthNo"),
            ("type", "r#type"),
            ("self", "self_"),
            ("Wechatpay-Serial", "wechatpay_serial"),
            ("payer _currency", "payer_currency"),
            ("3ds", "field_3ds"),
        ] {
            assert_eq!(field(name), expected);
        }
        assert!(is_snake("r#type") && is_snake("self_") && !is_snake("payAuthNo"));
    }

    #[test]
    fn values_become_variants() {
        for (value, expected) in [
            ("SUCCESS", "Success"),
            ("HMAC-SHA256", "HmacSha256"),
            ("OTHER", "DocumentedOther"),
            ("SELF", "Self_"),
            ("1.0", "V1_0"),
            ("MchChannelPayType", "MchChannelPayType"),
            ("iOS", "Ios"),
            ("PARKING SPACE", "ParkingSpace"),
            ("一级", "一级"),
            ("-", "Value"),
        ] {
            assert_eq!(variant(value), expected);
        }
    }

    #[test]
    fn taken_names_get_a_number() {
        let mut taken = Taken::default();
        let names = ["A", "A", "A2", "A"].map(|name| taken.unique(name.to_owned()));
        assert_eq!(names, ["A", "A2", "A22", "A3"]);
    }
}
