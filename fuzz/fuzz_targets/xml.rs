#![no_main]

use roxmltree::{Document, Node};
use serde_json::{Map, Value};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    for (text, fields) in wechatpay_chain::fuzz::xml(data) {
        confirm(&text, &fields);
    }
});

/// Another reader finds the same fields; or refuses what ours passes over: an attribute given twice,
/// an unbound prefix. A namespace has no one way to be named.
fn confirm(text: &str, fields: &Map<String, Value>) {
    if text.contains("xmlns") {
        return;
    }
    // As XML has it, before all else: this reader leaves a CR that a reference follows.
    let text = &text.replace("\r\n", "\n").replace('\r', "\n");
    let Ok(document) = Document::parse(text) else {
        let plain = !text.contains(['=', ':']) && text.is_ascii();
        assert!(!plain, "{text}");
        return;
    };
    assert_eq!(
        of(document.root_element()),
        Value::Object(fields.clone()),
        "{text}"
    );
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
