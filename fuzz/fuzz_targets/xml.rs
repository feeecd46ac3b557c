//! The XML target, which also compares each text with what roxmltree reads in it.
#![no_main]

use roxmltree::{Document, Node};
use serde_json::{Map, Value};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    for (text, fields) in wechatpay_chain_fuzz::xml(data) {
        confirm(&text, &fields);
    }
});

/// Checks that roxmltree reads the same fields. It refuses some texts that our reader accepts: duplicate
/// attributes and unbound prefixes. Texts with namespaces are skipped, as there is more than one way to
/// name their elements.
fn confirm(text: &str, fields: &Map<String, Value>) {
    if text.contains("xmlns") {
        return;
    }
    let Ok(document) = Document::parse(text) else {
        // Our reader also accepts characters that XML cannot represent, raw or as references.
        let carried = |c: char| c.is_ascii() && (!c.is_control() || "\t\r\n".contains(c));
        let plain = text.chars().all(carried) && !text.contains(['=', ':']) && !text.contains("&#");
        assert!(!plain, "{text}");
        return;
    };
    let found = without_line_ends(of(document.root_element()));
    let ours = without_line_ends(Value::Object(fields.clone()));
    assert_eq!(found, ours, "{text}");
}

/// Removes line ends: our reader keeps them, while XML turns each into `\n`.
fn without_line_ends(value: Value) -> Value {
    match value {
        Value::String(text) => text.replace(['\r', '\n'], "").into(),
        Value::Array(items) => items.into_iter().map(without_line_ends).collect(),
        Value::Object(fields) => {
            let bare = |(name, value)| (name, without_line_ends(value));
            Value::Object(fields.into_iter().map(bare).collect())
        }
        other => other,
    }
}

fn of(node: Node<'_, '_>) -> Value {
    let mut children = node.children().filter(Node::is_element).peekable();
    if children.peek().is_none() && node.parent_element().is_some() {
        let texts = node
            .children()
            .filter_map(|child| child.text().filter(|_| child.is_text()));
        return texts.collect::<String>().into();
    }
    let mut fields: Map<String, Value> = Map::new();
    for child in children {
        let name = child.tag_name();
        let name = match name.namespace().and_then(|uri| child.lookup_prefix(uri)) {
            Some(prefix) => format!("{prefix}:{}", name.name()),
            None => name.name().to_owned(),
        };
        let value = of(child);
        match fields.get_mut(&name) {
            None => {
                fields.insert(name, value);
            }
            Some(Value::Array(list)) => list.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    Value::Object(fields)
}
