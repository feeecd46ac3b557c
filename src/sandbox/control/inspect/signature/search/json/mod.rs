//! The same JSON in another form: what a client signs that serializes twice, once for the signature and once
//! to send.

mod forms;
mod tree;

use self::{
    forms::{ESCAPES, Escapes, LAYOUTS, Layout, ORDERS, Order, units},
    tree::Tree,
};
use super::{Candidate, text};
use crate::sandbox::checks::authorization::SignedMessage;

/// The largest body that is written in other forms.
const MAX_BODY: usize = 256 << 10;
/// The largest form. Deep JSON grows with its indents.
const MAX_WRITTEN: usize = 1 << 20;

pub(super) fn candidates(message: SignedMessage<'_>) -> impl Iterator<Item = Candidate> {
    let tree = (message.body.len() <= MAX_BODY).then(|| Tree::parse(message.body));
    let tree = tree.flatten();
    forms().filter_map(move |form| {
        let written = form.write(tree.as_ref()?)?;
        if written.as_bytes() == message.body {
            return None;
        }
        let wrong = SignedMessage {
            body: written.as_bytes(),
            ..message
        };
        Some(Candidate::new(form.id(), form.change(), wrong.to_bytes()))
    })
}

/// Every layout with every order and every way to escape.
fn forms() -> impl Iterator<Item = Form> {
    LAYOUTS.iter().flat_map(|layout| {
        ORDERS.iter().flat_map(move |order| {
            let form = move |escapes| Form {
                layout,
                order,
                escapes,
            };
            ESCAPES.iter().map(form)
        })
    })
}

struct Form {
    layout: &'static Layout,
    order: &'static Order,
    escapes: &'static Escapes,
}

impl Form {
    fn id(&self) -> String {
        let parts = ["json", self.layout.id, self.order.id, self.escapes.id];
        let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join("_")
    }

    fn change(&self) -> super::Text {
        let join = |parts: [&str; 3], with: &str| {
            let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
            parts.join(with)
        };
        let en = join([self.layout.en, self.order.en, self.escapes.en], ", ");
        let zh = join([self.layout.zh, self.order.zh, self.escapes.zh], ", ");
        text(
            format!(
                "The same JSON was signed in another form: {en}. Serialize once, and sign the very bytes that are sent."
            ),
            format!("签名用的JSON内容相同但形式不同：{zh}。只序列化一次，对实际发送的字节签名。"),
        )
    }

    /// Returns `None` if it is too long.
    fn write(&self, tree: &Tree) -> Option<String> {
        let mut out = String::new();
        self.value(tree, 0, &mut out)?;
        Some(out)
    }

    // The recursion is bounded: deeper trees are not read.
    fn value(&self, tree: &Tree, level: usize, out: &mut String) -> Option<()> {
        match tree {
            Tree::Raw(raw) => out.push_str(raw),
            Tree::Text(text) => self.text(text, out),
            Tree::List(items) if items.is_empty() => out.push_str("[]"),
            Tree::Object(members) if members.is_empty() => out.push_str("{}"),
            Tree::List(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    self.begin(at, level, out);
                    self.value(item, level + 1, out)?;
                }
                self.end(level, out);
                out.push(']');
            }
            Tree::Object(members) => {
                out.push('{');
                let mut members: Vec<_> = members.iter().collect();
                if self.order.is_sorted {
                    members.sort_by(|(one, _), (other, _)| one.cmp(other));
                }
                for (at, (name, value)) in members.into_iter().enumerate() {
                    self.begin(at, level, out);
                    self.text(name, out);
                    out.push_str(self.layout.colon);
                    self.value(value, level + 1, out)?;
                }
                self.end(level, out);
                out.push('}');
            }
        }
        (out.len() <= MAX_WRITTEN).then_some(())
    }

    fn begin(&self, at: usize, level: usize, out: &mut String) {
        if at > 0 {
            out.push_str(self.layout.comma);
        }
        self.line(level + 1, out);
    }

    fn end(&self, level: usize, out: &mut String) {
        self.line(level, out);
    }

    fn line(&self, level: usize, out: &mut String) {
        if let Some(indent) = self.layout.indent {
            out.push('\n');
            (0..level).for_each(|_| out.push_str(indent));
        }
    }

    fn text(&self, text: &str, out: &mut String) {
        out.push('"');
        for c in text.chars() {
            match (self.escapes.escape)(c) {
                Some(escaped) => out.push_str(&escaped),
                None => match c {
                    '"' => out.push_str("\\\""),
                    '\\' => out.push_str("\\\\"),
                    '\n' => out.push_str("\\n"),
                    '\r' => out.push_str("\\r"),
                    '\t' => out.push_str("\\t"),
                    '\u{8}' => out.push_str("\\b"),
                    '\u{c}' => out.push_str("\\f"),
                    c if c < ' ' => out.push_str(&units(c)),
                    c => out.push(c),
                },
            }
        }
        out.push('"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidates_of(body: &[u8]) -> Vec<Candidate> {
        let message = SignedMessage {
            method: "POST",
            target: "/v3/x",
            timestamp: "1",
            nonce: "n",
            body,
        };
        candidates(message).collect()
    }

    #[test]
    fn what_is_no_json_or_too_large_has_no_other_forms() {
        for body in [
            &b""[..],
            b"{",
            b"{\"a\":1}x",
            b"{\"a\" 1}",
            b"[1,]",
            b"\xff",
            b"\"\\ud800\"",
            "[".repeat(200).as_bytes(),
        ] {
            assert!(candidates_of(body).is_empty(), "{}", body.escape_ascii());
        }
        let large = format!("[ \"{}\"]", "x".repeat(MAX_BODY));
        assert!(candidates_of(large.as_bytes()).is_empty());
    }

    #[test]
    fn deep_json_is_not_written_with_all_its_indents() {
        // 100 levels, and in the last of them 60,000 items with 400 spaces each.
        let (open, close) = ("[".repeat(100), "]".repeat(100));
        let body = format!("{open}{}1{close}", "1,".repeat(60_000));
        let forms = candidates_of(body.as_bytes());
        let longest = forms.iter().map(|form| form.message.len()).max();
        assert!(longest.is_some_and(|longest| longest <= MAX_WRITTEN + body.len()));
        assert!(forms.iter().any(|form| form.id.contains("spaced")));
        assert!(!forms.iter().any(|form| form.id.contains("indent")));
    }

    #[test]
    fn forms_keep_numbers_and_the_order_of_names() {
        let body = br#"{ "b" : 1.50, "a" : [ 1e3, -0, true, null, {}, [ ] ], "b" : "\u00e9" }"#;
        let form = |id: &str| {
            let forms = candidates_of(body);
            let form = forms.into_iter().find(|form| form.id == id).unwrap();
            String::from_utf8(form.message).unwrap()
        };
        assert_eq!(
            form("json_compact"),
            "POST\n/v3/x\n1\nn\n{\"b\":1.50,\"a\":[1e3,-0,true,null,{},[]],\"b\":\"é\"}\n"
        );
        assert_eq!(
            form("json_spaced_sorted_unicode"),
            "POST\n/v3/x\n1\nn\n{\"a\": [1e3, -0, true, null, {}, []], \"b\": 1.50, \"b\": \"\\u00e9\"}\n"
        );
    }
}
