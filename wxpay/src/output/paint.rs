//! Colours.

use anstyle::{AnsiColor, Effects, Style as Ansi};
use serde_json::Value;

/// What a colour means.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Style {
    Good,
    Warning,
    Error,
    Faint,
    Strong,
    Name,
    Text,
}

impl Style {
    pub(crate) fn paint(self, text: impl std::fmt::Display) -> String {
        let style = match self {
            Self::Good => AnsiColor::Green.on_default(),
            Self::Warning => AnsiColor::Yellow.on_default(),
            Self::Error => AnsiColor::Red.on_default() | Effects::BOLD,
            Self::Faint => Ansi::new().dimmed(),
            Self::Strong => Ansi::new().bold(),
            Self::Name => AnsiColor::Blue.on_default(),
            Self::Text => AnsiColor::Green.on_default(),
        };
        format!("{style}{text}{style:#}")
    }
}

/// Returns a JSON value, indented and in colour.
pub(crate) fn json(value: &Value) -> String {
    let mut text = String::new();
    write(value, 0, &mut text);
    text
}

fn write(value: &Value, depth: usize, text: &mut String) {
    let indent = |text: &mut String, depth: usize| {
        text.push('\n');
        text.extend(std::iter::repeat_n("  ", depth));
    };
    match value {
        Value::Object(map) if !map.is_empty() => {
            text.push('{');
            for (at, (name, value)) in map.iter().enumerate() {
                text.push_str(if at == 0 { "" } else { "," });
                indent(text, depth + 1);
                text.push_str(&Style::Name.paint(Value::from(name.as_str())));
                text.push_str(": ");
                write(value, depth + 1, text);
            }
            indent(text, depth);
            text.push('}');
        }
        Value::Array(items) if !items.is_empty() => {
            text.push('[');
            for (at, value) in items.iter().enumerate() {
                text.push_str(if at == 0 { "" } else { "," });
                indent(text, depth + 1);
                write(value, depth + 1, text);
            }
            indent(text, depth);
            text.push(']');
        }
        Value::String(_) => text.push_str(&Style::Text.paint(value)),
        other => text.push_str(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn painted_json_without_its_colours_is_the_value() {
        let value = json!({ "a": [1, "二", {}, []], "b": { "c\"": null } });
        let painted = super::json(&value);
        let plain = anstream::adapter::strip_str(&painted).to_string();
        assert_ne!(painted, plain);
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&plain).unwrap(),
            value
        );
    }
}
