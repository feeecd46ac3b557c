//! JSON that comes from outside, read in one place.
//!
//! WeChat Pay cuts customers' texts to a length without a look at what it cuts. An emoji, which JSON
//! may write as an escaped pair of surrogates, then loses its second half. Such a text is signed and
//! means what it says, but serde_json refuses it, and with it the whole payment. Here a lone half
//! reads as U+FFFD, as in JavaScript's and Java's UTF-8 encoders.

use std::{borrow::Cow, fmt};

use serde::de::DeserializeOwned;

/// Reads JSON in UTF-8. A half of an escaped surrogate pair without its other half reads as U+FFFD,
/// in texts and in names.
///
/// # Errors
/// Where it is not UTF-8, not JSON, or not of that shape. Surrogates that are encoded as bytes
/// (CESU-8, WTF-8) are not UTF-8.
pub(crate) fn parse<T: DeserializeOwned>(input: &[u8]) -> Result<T, Fault> {
    let text = std::str::from_utf8(input).map_err(|err| Fault::NotUtf8 {
        at: err.valid_up_to(),
    })?;
    serde_json::from_str(&without_lone_halves(text)).map_err(Fault::from)
}

/// Why something is not the JSON that is expected. It shows nothing of the input.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The byte where it stops being UTF-8, counted from 0.
    NotUtf8 { at: usize },
    /// serde_json's own words quote values, which may be a person's: only the place is kept.
    Json {
        category: serde_json::error::Category,
        line: usize,
        column: usize,
    },
}

impl From<serde_json::Error> for Fault {
    fn from(err: serde_json::Error) -> Self {
        Self::Json {
            category: err.classify(),
            line: err.line(),
            column: err.column(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotUtf8 { at } => write!(f, "it is not UTF-8 at byte {at}"),
            Self::Json {
                category,
                line,
                column,
            } => write!(f, "a {category:?} error at line {line}, column {column}"),
        }
    }
}

impl std::error::Error for Fault {}

/// An escape such as `\ud83c`.
const ESCAPE: usize = 6;
const REPLACEMENT: &str = r"\ufffd";

/// The text with each lone half replaced. The replacement is as long as an escape, so positions in
/// errors stay true.
fn without_lone_halves(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut copied = 0;
    let mut at = 0;
    // JSON has backslashes in strings alone. Where others stand, it is not JSON either way.
    while let Some(found) = text.get(at..).and_then(|rest| rest.find('\\')) {
        at += found;
        match (half(text, at), half(text, at + ESCAPE)) {
            (Some(Half::High), Some(Half::Low)) => at += 2 * ESCAPE,
            (Some(_), _) => {
                out.push_str(text.get(copied..at).unwrap_or_default());
                out.push_str(REPLACEMENT);
                at += ESCAPE;
                copied = at;
            }
            // The character after the backslash is part of the escape, be it a backslash.
            (None, _) => at += 1 + text.get(at + 1..).map_or(0, first_len),
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    Cow::Owned(out)
}

#[derive(Clone, Copy)]
enum Half {
    High,
    Low,
}

/// The half of a pair that is escaped at this place.
fn half(text: &str, at: usize) -> Option<Half> {
    let digits = text.get(at..at + ESCAPE)?.strip_prefix("\\u")?;
    let digits = digits.as_bytes().first_chunk::<4>()?;
    match digits.map(|digit| digit.to_ascii_lowercase()) {
        [b'd', b'8'..=b'9' | b'a'..=b'b', a, b] if is_hex(a, b) => Some(Half::High),
        [b'd', b'c'..=b'f', a, b] if is_hex(a, b) => Some(Half::Low),
        _ => None,
    }
}

fn is_hex(a: u8, b: u8) -> bool {
    a.is_ascii_hexdigit() && b.is_ascii_hexdigit()
}

fn first_len(text: &str) -> usize {
    text.chars().next().map_or(0, char::len_utf8)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, process::Command};

    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::material;

    fn read(text: &str) -> Value {
        parse(text.as_bytes()).unwrap_or_else(|err| panic!("{text}: {err}"))
    }

    #[test]
    fn a_lone_half_reads_as_the_replacement_character() {
        for (text, value) in [
            (r#""\ud83c""#, json!("\u{fffd}")),
            (r#""\uDF89""#, json!("\u{fffd}")),
            (r#""a\ud83cb""#, json!("a\u{fffd}b")),
            (r#""\ud83c\udf89""#, json!("🎉")),
            (r#""\uD83C\uDF89\ud83c""#, json!("🎉\u{fffd}")),
            (r#""\ud83c\ud83c\udf89""#, json!("\u{fffd}🎉")),
            (r#""\udf89\ud83c""#, json!("\u{fffd}\u{fffd}")),
            (r#""\ud83c\n""#, json!("\u{fffd}\n")),
            (r#""\ud83c\u0041""#, json!("\u{fffd}A")),
            (r#""\ud83c\\udf89""#, json!("\u{fffd}\\udf89")),
            (r#""\\ud83c""#, json!(r"\ud83c")),
            (r#""\\\ud83c""#, json!("\\\u{fffd}")),
            (r#""\\\\ud83c\\udf89""#, json!(r"\\ud83c\udf89")),
            (r#""\"\ud83c\"""#, json!("\"\u{fffd}\"")),
            (r#""ud83c""#, json!("ud83c")),
            (r#""\ud7ff\ue000""#, json!("\u{d7ff}\u{e000}")),
            (r#""中\udbff文\udfff""#, json!("中\u{fffd}文\u{fffd}")),
            (
                r#"{"\ud83c":["\ud83d",{"x\udc00":1}]}"#,
                json!({"\u{fffd}": ["\u{fffd}", {"x\u{fffd}": 1}]}),
            ),
        ] {
            assert_eq!(read(text), value, "{text}");
        }
        let typed: BTreeMap<String, char> = parse(br#"{"\ud83c":"\udc00"}"#).unwrap();
        assert_eq!(
            typed.into_iter().next(),
            Some(("\u{fffd}".into(), '\u{fffd}'))
        );
    }

    #[test]
    fn nothing_is_copied_where_nothing_is_cut() {
        for text in [
            r#""a""#,
            r#""\ud83c\udf89 \\ud83c \u00e9""#,
            "\\",
            "\\u",
            "",
        ] {
            assert!(
                matches!(without_lone_halves(text), Cow::Borrowed(_)),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_not_json_is_an_error_with_its_place() {
        for (input, message) in [
            (
                &br#"{"a":"\ud83c" x}"#[..],
                "a Syntax error at line 1, column 15",
            ),
            (
                br#"["\ud83c","\ud8"]"#,
                "a Syntax error at line 1, column 17",
            ),
            (b"\"\\ud83c", "a Eof error at line 1, column 7"),
            (b"", "a Eof error at line 1, column 0"),
            (b"{\"a\":\"\xd6\xd0\"}", "it is not UTF-8 at byte 6"),
            // U+D83C as WTF-8.
            (b"\"\xed\xa0\xbc\"", "it is not UTF-8 at byte 1"),
        ] {
            let fault = parse::<Value>(input).unwrap_err();
            assert_eq!(fault.to_string(), message);
        }
        // Not even where a type skips the field.
        assert!(parse::<serde::de::IgnoredAny>(b"\"\xff\"").is_err());
    }

    /// What JavaScript reads, once it has been written as UTF-8.
    #[test]
    fn node_reads_the_same() {
        const SCRIPT: &str = "
            const lines = require('fs').readFileSync(0, 'utf8').split('\\n').filter(Boolean);
            for (const line of lines) {
                let [text, value] = JSON.parse(line);
                const read = Buffer.from(JSON.parse(text), 'utf8').toString('utf8');
                if (read !== value) throw new Error(line + ' ' + read);
            }
            console.log(lines.length);";
        if !material::has_program("node") {
            return;
        }
        let pieces = [
            r"\ud83c", r"\udf89", r"\\", r"\n", "ud83c", r"\u0041", "中", r"\uDBFF", r"\uDC00",
        ];
        let mut lines = Vec::new();
        let mut texts = vec![String::new()];
        for _ in 0..4 {
            let longer = |text: &String| pieces.map(|piece| format!("{text}{piece}"));
            texts = texts.iter().flat_map(longer).collect();
            for text in &texts {
                let text = format!("\"{text}\"");
                lines.push(json!([text, read(&text)]).to_string());
            }
        }
        let node = material::run(
            Command::new("node").args(["-e", SCRIPT]),
            lines.join("\n").as_bytes(),
        );
        let read = String::from_utf8(node.unwrap()).unwrap();
        assert_eq!(read.trim(), lines.len().to_string());
    }

    proptest! {
        #[test]
        fn json_without_lone_halves_reads_as_serde_json_reads_it(text in any::<String>()) {
            let written = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(parse::<String>(written.as_bytes()).unwrap(), text);
        }

        #[test]
        fn what_serde_json_reads_reads_the_same(input in r#"["\\\\a-fu0-9:{}中 -]{0,24}"#) {
            if let Ok(value) = serde_json::from_str::<Value>(&input) {
                prop_assert_eq!(parse::<Value>(input.as_bytes()).unwrap(), value);
            }
            prop_assert_eq!(without_lone_halves(&input).len(), input.len());
        }
    }
}
