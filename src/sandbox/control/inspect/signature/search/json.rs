//! The same JSON in another form: what a client signs that serializes twice, once for the signature and once
//! to send.

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

struct Layout {
    id: &'static str,
    en: &'static str,
    zh: &'static str,
    /// Before each member or item, for each level.
    indent: Option<&'static str>,
    comma: &'static str,
    colon: &'static str,
}

const LAYOUTS: &[Layout] = &[
    Layout {
        id: "compact",
        en: "without spaces",
        zh: "不含空格",
        indent: None,
        comma: ",",
        colon: ":",
    },
    Layout {
        id: "spaced",
        en: "with a space after each comma and colon",
        zh: "逗号和冒号后有空格",
        indent: None,
        comma: ", ",
        colon: ": ",
    },
    Layout {
        id: "indent2",
        en: "indented by 2 spaces",
        zh: "缩进2个空格",
        indent: Some("  "),
        comma: ",",
        colon: ": ",
    },
    Layout {
        id: "indent4",
        en: "indented by 4 spaces",
        zh: "缩进4个空格",
        indent: Some("    "),
        comma: ",",
        colon: ": ",
    },
    Layout {
        id: "tabs",
        en: "indented by tabs",
        zh: "用制表符缩进",
        indent: Some("\t"),
        comma: ",",
        colon: ": ",
    },
];

struct Order {
    id: &'static str,
    en: &'static str,
    zh: &'static str,
    is_sorted: bool,
}

const ORDERS: &[Order] = &[
    Order {
        id: "",
        en: "",
        zh: "",
        is_sorted: false,
    },
    Order {
        id: "sorted",
        en: "with its names sorted",
        zh: "字段名已排序",
        is_sorted: true,
    },
];

struct Escapes {
    id: &'static str,
    en: &'static str,
    zh: &'static str,
    escape: fn(char) -> Option<String>,
}

const ESCAPES: &[Escapes] = &[
    Escapes {
        id: "",
        en: "",
        zh: "",
        escape: |_| None,
    },
    Escapes {
        id: "unicode",
        en: "with \\u for Chinese and all else that is not ASCII",
        zh: "中文等非ASCII字符写作\\u",
        escape: |c| (!c.is_ascii()).then(|| units(c)),
    },
    Escapes {
        id: "slashes",
        en: "with \\/ for /",
        zh: "斜杠写作\\/",
        escape: |c| (c == '/').then(|| "\\/".to_owned()),
    },
    Escapes {
        id: "php",
        en: "with \\/ for / and \\u for Chinese, as PHP does by default",
        zh: "斜杠写作\\/, 中文写作\\u (PHP的默认方式)",
        escape: |c| match c {
            '/' => Some("\\/".to_owned()),
            c => (!c.is_ascii()).then(|| units(c)),
        },
    },
    Escapes {
        id: "html",
        en: "with \\u for <, > and &, as Go does by default",
        zh: "<、>、&写作\\u (Go的默认方式)",
        escape: |c| matches!(c, '<' | '>' | '&' | '\u{2028}' | '\u{2029}').then(|| units(c)),
    },
    Escapes {
        id: "gson",
        en: "with \\u for <, >, &, = and ', as Gson does by default",
        zh: "<、>、&、=、'写作\\u (Gson的默认方式)",
        escape: |c| {
            let is_escaped = matches!(c, '<' | '>' | '&' | '=' | '\'' | '\u{2028}' | '\u{2029}');
            is_escaped.then(|| units(c))
        },
    },
];

/// Returns `\u` and the digits of each unit of UTF-16.
fn units(c: char) -> String {
    let mut units = [0; 2];
    let units = c.encode_utf16(&mut units).iter();
    units.map(|unit| format!("\\u{unit:04x}")).collect()
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
            format!("签名用的JSON内容相同但形式不同: {zh}。只序列化一次, 对实际发送的字节签名。"),
        )
    }

    /// Returns `None` if it is too long.
    fn write(&self, tree: &Tree) -> Option<String> {
        let mut out = String::new();
        self.value(tree, 0, &mut out)?;
        Some(out)
    }

    // The recursion is bounded: the parser of serde_json refuses more than 128 levels.
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

/// JSON with its numbers as they are written: `1.0` and `1` are not the same bytes.
enum Tree<'a> {
    /// A number, `true`, `false` or `null`.
    Raw(&'a str),
    Text(String),
    List(Vec<Tree<'a>>),
    Object(Vec<(String, Tree<'a>)>),
}

impl<'a> Tree<'a> {
    fn parse(json: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(json).ok()?;
        // It checks the syntax and the depth, so that the reader need not.
        serde_json::from_str::<serde::de::IgnoredAny>(text).ok()?;
        Reader { rest: text }.value()
    }
}

/// Reads valid JSON.
struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn value(&mut self) -> Option<Tree<'a>> {
        match self.peek()? {
            '"' => self.text().map(Tree::Text),
            '[' => self.several(']', Self::value).map(Tree::List),
            '{' => {
                let member = |reader: &mut Self| {
                    let name = reader.text()?;
                    reader.peek()?;
                    reader.skip(1)?;
                    Some((name, reader.value()?))
                };
                self.several('}', member).map(Tree::Object)
            }
            _ => {
                let is_end = |c: char| matches!(c, ',' | ']' | '}') || c.is_ascii_whitespace();
                let end = self.rest.find(is_end).unwrap_or(self.rest.len());
                let raw = self.rest.get(..end)?;
                self.skip(end)?;
                Some(Tree::Raw(raw))
            }
        }
    }

    /// Reads what is between brackets and separated by commas.
    fn several<T>(
        &mut self,
        end: char,
        mut one: impl FnMut(&mut Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        self.skip(1)?;
        let mut items = Vec::new();
        loop {
            match self.peek()? {
                c if c == end => {
                    self.skip(1)?;
                    return Some(items);
                }
                ',' => self.skip(1)?,
                _ => items.push(one(self)?),
            }
        }
    }

    fn text(&mut self) -> Option<String> {
        self.peek()?;
        // True at the quote that begins it, so that it does not end there.
        let mut is_escaped = true;
        let is_end = |(_, c): &(usize, char)| {
            let is_end = !is_escaped && *c == '"';
            is_escaped = !is_escaped && *c == '\\';
            is_end
        };
        let (end, _) = self.rest.char_indices().find(is_end)?;
        let raw = self.rest.get(..=end)?;
        self.skip(raw.len())?;
        serde_json::from_str(raw).ok()
    }

    /// Returns the next character that is not white space, and moves there.
    fn peek(&mut self) -> Option<char> {
        self.rest = self.rest.trim_ascii_start();
        self.rest.chars().next()
    }

    fn skip(&mut self, bytes: usize) -> Option<()> {
        self.rest = self.rest.get(bytes..)?;
        Some(())
    }
}
