//! Makes texts and JSON values from a fuzzer's bytes.

use serde_json::{Map, Value};

/// Ends a text. UTF-8 has no such byte, and inputs in the corpus stay legible.
const END: u8 = 0xff;

/// Takes values from the front: zeros and empty texts once nothing is left.
pub(super) struct Draw<'d>(&'d [u8]);

impl<'d> Draw<'d> {
    pub(super) fn new(data: &'d [u8]) -> Self {
        Self(data)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn rest(&self) -> &'d [u8] {
        self.0
    }

    pub(super) fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        *first
    }

    /// Takes a byte, and returns one of these.
    pub(super) fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[usize::from(self.byte()) % of.len()]
    }

    /// Takes the bytes up to the next [`END`].
    pub(super) fn bytes(&mut self) -> &'d [u8] {
        let end = self.0.iter().position(|byte| *byte == END);
        let bytes = &self.0[..end.unwrap_or(self.0.len())];
        self.0 = self.0.get(bytes.len() + 1..).unwrap_or_default();
        bytes
    }

    /// Like [`bytes`](Self::bytes), as text.
    pub(super) fn text(&mut self) -> String {
        String::from_utf8_lossy(self.bytes()).into_owned()
    }

    /// Takes any JSON value, at most `levels` deep.
    pub(super) fn value(&mut self, levels: usize) -> Value {
        match self.byte() {
            b'0' => Value::Null,
            b't' => true.into(),
            b'f' => false.into(),
            b'i' => i64::from_le_bytes(self.eight()).into(),
            b'u' => u64::from_le_bytes(self.eight()).into(),
            b'd' => f64::from_le_bytes(self.eight()).into(),
            b'n' => serde_json::from_str(&self.text()).unwrap_or_default(),
            b'[' if levels > 0 => {
                let mut list = Vec::new();
                while self.goes_on(b']') {
                    list.push(self.value(levels - 1));
                }
                list.into()
            }
            b'{' if levels > 0 => {
                let mut map = Map::new();
                while self.goes_on(b'}') {
                    map.insert(self.text(), self.value(levels - 1));
                }
                map.into()
            }
            _ => self.text().into(),
        }
    }

    fn goes_on(&mut self, close: u8) -> bool {
        if self.0.first() == Some(&close) {
            self.byte();
            return false;
        }
        !self.is_empty()
    }

    fn eight(&mut self) -> [u8; 8] {
        std::array::from_fn(|_| self.byte())
    }
}
