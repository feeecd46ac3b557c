//! Reads JSON that comes from outside. Use this instead of serde_json's own functions.
//!
//! WeChat Pay cuts customers' texts to a length without regard to characters. An emoji, which JSON may
//! write as an escaped pair of surrogates, can lose its second half. Such a text is signed and valid to
//! WeChat Pay, but serde_json refuses it, and with it the notification of the whole payment. Here half a
//! pair reads as U+FFFD, as it does in the UTF-8 encoders of JavaScript and Java.

use std::{borrow::Cow, fmt};

use serde::de::DeserializeOwned;
use serde_json::{Value, error::Category};

/// Reads JSON in UTF-8. Half of an escaped surrogate pair reads as U+FFFD, in strings and in names.
///
/// # Errors
/// Returns an error if the input is not UTF-8, not JSON, or not a `T`. Surrogates that are encoded as
/// bytes (CESU-8, WTF-8) are not UTF-8.
pub(crate) fn parse<T: DeserializeOwned>(input: &[u8]) -> Result<T, JsonError> {
    let text = std::str::from_utf8(input).map_err(|err| JsonError::NotUtf8 {
        at: err.valid_up_to(),
    })?;
    serde_json::from_str(&without_lone_halves(text)).map_err(JsonError::from)
}

/// The name of a JSON value's type, for an error.
pub(crate) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// Why an input is not the JSON that is expected.
#[derive(Debug)]
pub(crate) enum JsonError {
    /// The position of the first byte that is not UTF-8, counted from 0.
    NotUtf8 { at: usize },
    /// The position only. serde_json's message quotes values, which may be personal data.
    Json {
        category: Category,
        line: usize,
        column: usize,
    },
}

impl From<serde_json::Error> for JsonError {
    fn from(err: serde_json::Error) -> Self {
        Self::Json {
            category: err.classify(),
            line: err.line(),
            column: err.column(),
        }
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotUtf8 { at } => write!(f, "invalid UTF-8 at byte {at}"),
            Self::Json {
                category,
                line,
                column,
            } => {
                let what = match category {
                    Category::Io => "I/O error",
                    Category::Syntax => "syntax error",
                    Category::Data => "unexpected value",
                    Category::Eof => "unexpected end",
                };
                write!(f, "{what} at line {line}, column {column}")
            }
        }
    }
}

impl std::error::Error for JsonError {}

/// The length of an escape such as `\ud83c`.
const ESCAPE: usize = 6;
const REPLACEMENT: &str = r"\ufffd";

/// Replaces each surrogate escape that has no other half. The replacement is as long as an escape, so
/// that positions in errors stay right.
fn without_lone_halves(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut copied = 0;
    let mut at = 0;
    // In JSON, backslashes occur in strings only. An input with others is invalid either way.
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
            // Skip the escaped character: it may be another backslash.
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

/// Returns which half of a pair is escaped at this position, if any.
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
    use serde_json::json;

    use super::*;
    use crate::material;

    fn read(text: &str) -> Value {
        parse(text.as_bytes()).unwrap_or_else(|err| panic!("{text}: {err}"))
    }

    #[test]
    fn half_a_surrogate_pair_reads_as_replacement_character() {
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
    fn intact_text_is_not_copied() {
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
    fn errors_report_the_position() {
        for (input, message) in [
            (
                &br#"{"a":"\ud83c" x}"#[..],
                "syntax error at line 1, column 15",
            ),
            (br#"["\ud83c","\ud8"]"#, "syntax error at line 1, column 17"),
            (b"\"\\ud83c", "unexpected end at line 1, column 7"),
            (b"", "unexpected end at line 1, column 0"),
            (b"{\"a\":\"\xd6\xd0\"}", "invalid UTF-8 at byte 6"),
            // U+D83C as WTF-8.
            (b"\"\xed\xa0\xbc\"", "invalid UTF-8 at byte 1"),
        ] {
            let fault = parse::<Value>(input).unwrap_err();
            assert_eq!(fault.to_string(), message);
        }
        // Even if the type skips the field.
        assert!(parse::<serde::de::IgnoredAny>(b"\"\xff\"").is_err());
    }

    /// Compares with what JavaScript reads and writes as UTF-8.
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
        fn strings_written_by_serde_json_round_trip(text in any::<String>()) {
            let written = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(parse::<String>(written.as_bytes()).unwrap(), text);
        }

        #[test]
        fn valid_json_reads_as_in_serde_json(input in r#"["\\\\a-fu0-9:{}中 -]{0,24}"#) {
            if let Ok(value) = serde_json::from_str::<Value>(&input) {
                prop_assert_eq!(parse::<Value>(input.as_bytes()).unwrap(), value);
            }
            prop_assert_eq!(without_lone_halves(&input).len(), input.len());
        }
    }
}
