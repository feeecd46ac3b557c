//! The configuration of a client in a language: a template for each, and its places filled in.

mod quote;

use clap::ValueEnum;
use serde_json::Value;

/// Where `--proxy` listens unless it is told otherwise.
const PROXY: &str = "http://127.0.0.1:8081";

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Language {
    Rust,
    Php,
    Node,
    Python,
    Go,
    Java,
}

impl Language {
    fn template(self) -> &'static str {
        match self {
            Self::Rust => include_str!("rust.txt"),
            Self::Php => include_str!("php.txt"),
            Self::Node => include_str!("node.txt"),
            Self::Python => include_str!("python.txt"),
            Self::Go => include_str!("go.txt"),
            Self::Java => include_str!("java.txt"),
        }
    }

    fn comment(self) -> &'static str {
        match self {
            Self::Python => "#",
            _ => "//",
        }
    }
}

/// Fills the places of a template, such as `{mchid}`: those in comments are in lines for a shell, the others
/// in a string.
pub(super) fn filled(language: Language, folder: &str, config: &Value) -> String {
    let mut text = String::new();
    for line in language.template().split_inclusive('\n') {
        let quote = match line.starts_with(language.comment()) {
            true => quote::for_shell,
            false => quote::in_string(language),
        };
        let mut rest = line;
        // Once through: a value may look like a place.
        while let Some((before, name, after)) = place(rest) {
            text += before;
            match value(name, folder, config) {
                Some(value) => text += &quote(&value),
                // A brace of the language.
                None => text += &format!("{{{name}}}"),
            }
            rest = after;
        }
        text += rest;
    }
    text
}

/// Returns the next place: what is before it, its name, and what is after it.
fn place(text: &str) -> Option<(&str, &str, &str)> {
    let is_name = |name: &str| {
        let mut bytes = name.bytes();
        !name.is_empty() && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    text.match_indices('{').find_map(|(start, _)| {
        let (name, after) = text[start + 1..].split_once('}')?;
        is_name(name).then_some((&text[..start], name, after))
    })
}

fn value(name: &str, folder: &str, config: &Value) -> Option<String> {
    let text = |name: &str| config[name].as_str();
    let proxy = text("proxy_uri").unwrap_or(PROXY);
    let address = proxy.trim_start_matches("http://");
    let (host, port) = address.rsplit_once(':').unwrap_or((address, ""));
    let value = match name {
        "folder" => folder,
        "proxy" => proxy,
        "proxy_host" => host,
        "proxy_port" => port,
        "base_uri" | "mchid" | "appid" | "serial" | "apiv3_key" | "apiv2_key"
        | "platform_key_id" => text(name).unwrap_or_default(),
        _ => return None,
    };
    Some(value.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_place_is_filled_once() {
        let config = json!({
            "base_uri": "http://127.0.0.1:1/", "mchid": "{serial}", "appid": "a", "serial": "{mchid}",
            "apiv3_key": "k", "apiv2_key": "k", "platform_key_id": "p", "proxy_uri": "http://[::1]:2",
        });
        for language in Language::value_variants() {
            let text = filled(*language, "/keys", &config);
            for name in [
                "folder",
                "proxy",
                "proxy_host",
                "proxy_port",
                "base_uri",
                "appid",
            ] {
                assert!(!text.contains(&format!("{{{name}}}")), "{text}");
            }
            // As they are, and not filled in again.
            assert!(
                text.contains("{mchid}") && text.contains("{serial}"),
                "{text}"
            );
        }
        let python = filled(Language::Python, "/keys", &config);
        assert!(python.contains("HTTPS_PROXY='http://[::1]:2' "), "{python}");
        let java = filled(Language::Java, "/keys", &config);
        assert!(
            java.contains("-Dhttps.proxyHost='[::1]' -Dhttps.proxyPort=2"),
            "{java}"
        );
    }
}
