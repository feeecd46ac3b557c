//! Paths in the form that is sorted and compared: a variable is one symbol, whatever its name.
//!
//! All of it is `const`, because `path!` runs at compile time. That is why the size is fixed, and why
//! there are loops in place of iterators.

/// Longer than any documented path.
const MAX_KEY: usize = 160;
/// Stands for any variable. UTF-8 has no such byte.
pub(super) const VARIABLE: u8 = 0xff;

pub(super) struct Key {
    pub(super) bytes: [u8; MAX_KEY],
    pub(super) len: usize,
}

impl Key {
    const EMPTY: Self = Self {
        bytes: [0; MAX_KEY],
        len: 0,
    };

    /// The key of a path as it is written. `None` if no documented path can be written like this.
    pub(super) const fn strict(path: &str) -> Option<Self> {
        let path = path.as_bytes();
        let mut key = Self::EMPTY;
        let mut at = after_slash(path);
        while at < path.len() {
            if key.len == MAX_KEY {
                return None;
            }
            key.bytes[key.len] = path[at];
            at += 1;
            // No other expression of RFC 6570 is documented, nor a variable within a segment.
            if path[at - 1] == b'{' || path[at - 1] == b'<' {
                match variable_end(path, at - 1) {
                    Some(end) => at = end,
                    None => return None,
                }
                key.bytes[key.len] = VARIABLE;
            }
            key.len += 1;
        }
        Some(key)
    }

    /// The key of what a path probably means: `_x_` is a variable, `outTradeNo` is `out-trade-no`.
    pub(super) const fn loose(path: &str) -> Self {
        let path = path.as_bytes();
        let mut key = Self::EMPTY;
        let mut at = after_slash(path);
        let mut segment_begins = true;
        while at < path.len() && key.len + 1 < MAX_KEY {
            let byte = path[at];
            if let Some(end) = loose_variable_end(path, at, segment_begins) {
                key.bytes[key.len] = VARIABLE;
                key.len += 1;
                segment_begins = false;
                at = end;
                continue;
            }
            // A query is not part of a documented path.
            if byte == b'?' {
                break;
            }
            // The PHP SDK's rule for camelCase.
            if byte.is_ascii_uppercase() && !segment_begins {
                key.bytes[key.len] = b'-';
                key.len += 1;
            }
            segment_begins = byte == b'/';
            key.bytes[key.len] = byte.to_ascii_lowercase();
            key.len += 1;
            at += 1;
        }
        key
    }

    pub(super) const fn with_empty_variable(mut self) -> Option<Self> {
        if self.len == 0 || self.len == MAX_KEY || self.bytes[self.len - 1] != b'/' {
            return None;
        }
        self.bytes[self.len] = VARIABLE;
        self.len += 1;
        Some(self)
    }

    /// The key of a documented template.
    pub(super) const fn of(template: &str) -> Self {
        let template = template.as_bytes();
        let mut key = Self::EMPTY;
        let mut at = 0;
        while at < template.len() && key.len < MAX_KEY {
            key.bytes[key.len] = symbol(template[at]);
            key.len += 1;
            at = after_symbol(template, at);
        }
        key
    }

    /// The bytes from `begin` to `end`.
    pub(super) const fn part(&self, begin: usize, end: usize) -> &[u8] {
        self.bytes.split_at(end).0.split_at(begin).1
    }

    /// Compares with a template: negative if this key sorts before it, positive if after.
    pub(super) const fn compare(&self, template: &str) -> i16 {
        self.compare_from(0, template).0
    }

    /// Like [`compare`](Key::compare), if the first `from` bytes are known to be equal. Also returns how
    /// many bytes are equal, up to the first variable.
    pub(super) const fn compare_from(&self, from: usize, template: &str) -> (i16, usize) {
        let (own, own_len) = (&self.bytes, self.len);
        let template = template.as_bytes();
        let template_len = template.len();
        let (mut i, mut j) = (from, from);
        let mut same = usize::MAX;
        while i < own_len && j < template_len {
            if own[i] == template[j] {
                j += 1;
            } else if own[i] == VARIABLE && template[j] == b'{' {
                if same > i {
                    same = i;
                }
                j = after_symbol(template, j);
            } else {
                let order = rank(own[i]) - rank(template[j]);
                return (order, if same < i { same } else { i });
            }
            i += 1;
        }
        let order = (own_len - i) as i16 - (template_len - j) as i16;
        (order, if same < i { same } else { i })
    }
}

/// A slash sorts first, so that templates with the same first segments are next to each other.
const fn rank(byte: u8) -> i16 {
    match byte {
        b'/' => -1,
        b'{' => VARIABLE as i16,
        byte => byte as i16,
    }
}

const fn after_slash(path: &[u8]) -> usize {
    if !path.is_empty() && path[0] == b'/' {
        1
    } else {
        0
    }
}

/// The symbol that begins with this byte of a template.
const fn symbol(byte: u8) -> u8 {
    match byte {
        b'{' => VARIABLE,
        byte => byte,
    }
}

/// The position of the next symbol.
pub(super) const fn after_symbol(template: &[u8], mut at: usize) -> usize {
    if template[at] == b'{' {
        while at + 1 < template.len() && template[at] != b'}' {
            at += 1;
        }
    }
    at + 1
}

/// The end of the variable at `at`, if it is a whole segment.
const fn variable_end(path: &[u8], at: usize) -> Option<usize> {
    if at > 0 && path[at - 1] != b'/' {
        return None;
    }
    let close = if path[at] == b'{' { b'}' } else { b'>' };
    let mut end = at + 1;
    while end < path.len() && (path[end].is_ascii_alphanumeric() || path[end] == b'_') {
        end += 1;
    }
    if end == at + 1 || end == path.len() || path[end] != close {
        return None;
    }
    if end + 1 < path.len() && path[end + 1] != b'/' {
        return None;
    }
    Some(end + 1)
}

/// The end of the variable at `at`, in any notation. `_x_` must be a whole segment.
const fn loose_variable_end(path: &[u8], at: usize, segment_begins: bool) -> Option<usize> {
    let (close, whole) = match path[at] {
        b'{' => (b'}', false),
        b'<' => (b'>', false),
        b'_' if segment_begins => (b'_', true),
        _ => return None,
    };
    let mut end = at + 1;
    while end < path.len() && path[end] != b'/' && (whole || path[end] != close) {
        end += 1;
    }
    if whole {
        end -= 1;
    }
    if end > at + 1 && end < path.len() && path[end] == close {
        Some(end + 1)
    } else {
        None
    }
}
