//! Reads JSON, and keeps what a parser would not: how its numbers are written.

/// How deep JSON is read. Deeper JSON would exhaust the stack.
const MAX_LEVELS: usize = 128;

/// JSON with its numbers as they are written: `1.0` and `1` are not the same bytes.
pub(super) enum Tree<'a> {
    /// A number, `true`, `false` or `null`.
    Raw(&'a str),
    Text(String),
    List(Vec<Tree<'a>>),
    Object(Vec<(String, Tree<'a>)>),
}

impl<'a> Tree<'a> {
    pub(super) fn parse(json: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(json).ok()?;
        // It checks the syntax, so that the reader need not. It passes over JSON of any depth.
        serde_json::from_str::<serde::de::IgnoredAny>(text).ok()?;
        let mut reader = Reader {
            rest: text,
            level: 0,
        };
        reader.value()
    }
}

/// Reads valid JSON.
struct Reader<'a> {
    rest: &'a str,
    level: usize,
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
        self.level += 1;
        if self.level > MAX_LEVELS {
            return None;
        }
        let mut items = Vec::new();
        loop {
            match self.peek()? {
                c if c == end => {
                    self.level -= 1;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deep_json_is_not_read() {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let deep = |levels| format!("{}1{}", open.repeat(levels), close.repeat(levels));
            assert!(Tree::parse(deep(MAX_LEVELS).as_bytes()).is_some());
            assert!(Tree::parse(deep(MAX_LEVELS + 1).as_bytes()).is_none());
            // The stack of a thread would not do.
            assert!(Tree::parse(deep(40_000).as_bytes()).is_none());
        }
        // Beside each other, and not in each other.
        let flat = format!("[{}[]]", "[],".repeat(MAX_LEVELS * 2));
        assert!(Tree::parse(flat.as_bytes()).is_some());
    }
}
