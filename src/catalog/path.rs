//! `path!`, which checks a path at compile time.
//!
//! This file and those it uses (`key`, `nearest`, `table` and `base::edit_distance`) run in `const`, so
//! they are written in what `const` allows: loops over bytes, no iterators. They need nothing else of
//! the crate.

use super::{key::Key, nearest::nearest_template, table::OPERATIONS};

/// Checks at compile time that a path is documented.
///
/// Returns its argument, a `&'static str`. An undocumented path does not compile, and the error shows
/// the nearest documented one. The program does not contain the [catalogue](crate::catalog).
///
/// Variables are written `{name}` or `<name>`, with any name. A value in place of a variable does not
/// compile, because values belong in the options, nor do other expressions of RFC 6570 such as `{+name}`.
///
/// ```
/// use wechatpay_chain::path;
///
/// const CLOSE: &str = path!("v3/pay/transactions/out-trade-no/{out_trade_no}/close");
/// assert_eq!(CLOSE, "v3/pay/transactions/out-trade-no/{out_trade_no}/close");
///
/// // A variable may have any name. APIv2 is checked too.
/// path!("v3/pay/transactions/id/{id}");
/// path!("v2/pay/unifiedorder");
/// ```
///
/// ```compile_fail
/// // A typing error: the documented path ends in `native`.
/// wechatpay_chain::path!("v3/pay/transactions/natve");
/// ```
///
/// ```compile_fail
/// // One segment too many.
/// wechatpay_chain::path!("v3/pay/transactions/native/{id}");
/// ```
#[macro_export]
macro_rules! path {
    ($path:expr $(,)?) => {{
        // Items are not hygienic: a common name might capture one in `$path`.
        const DOCUMENTED_WECHATPAY_PATH: &str = $crate::catalog::documented($path);
        DOCUMENTED_WECHATPAY_PATH
    }};
}

/// Returns `path` if it is documented.
///
/// # Panics
/// Panics if it is not. [`path!`](crate::path) calls it in `const`, where a panic is a compile error.
#[doc(hidden)]
#[track_caller]
pub const fn documented(path: &'static str) -> &'static str {
    if is_documented(path) {
        return path;
    }
    let message = Message::new()
        .push("undocumented path `")
        .push(path)
        .push("`: the nearest documented path is `")
        .push(nearest_template(path))
        .push("`; `chain` accepts any path");
    panic!("{}", message.as_str())
}

pub(super) const fn is_documented(path: &str) -> bool {
    let Some(key) = Key::strict(path) else {
        return false;
    };
    if position(&key).is_some() {
        return true;
    }
    // `v3/x/{empty}` is sent as `v3/x/`, and may exist next to `v3/x/{id}`.
    let Some(key) = key.with_empty_variable() else {
        return false;
    };
    let Some(mut at) = position(&key) else {
        return false;
    };
    while at > 0 && key.compare(OPERATIONS[at - 1].template()) == 0 {
        at -= 1;
    }
    while at < OPERATIONS.len() && key.compare(OPERATIONS[at].template()) == 0 {
        if ends_with(OPERATIONS[at].template(), "/{empty}") {
            return true;
        }
        at += 1;
    }
    false
}

const fn position(key: &Key) -> Option<usize> {
    let (mut low, mut high) = (0, OPERATIONS.len());
    // All templates between two others begin with the bytes that the key shares with both.
    let (mut low_same, mut high_same) = (0, 0);
    while low < high {
        let middle = low + (high - low) / 2;
        let from = if low_same < high_same {
            low_same
        } else {
            high_same
        };
        let (order, same) = key.compare_from(from, OPERATIONS[middle].template());
        if order == 0 {
            return Some(middle);
        } else if order < 0 {
            high = middle;
            high_same = same;
        } else {
            low = middle + 1;
            low_same = same;
        }
    }
    None
}

const fn ends_with(text: &str, end: &str) -> bool {
    let (text, end) = (text.as_bytes(), end.as_bytes());
    let mut at = 0;
    while at < end.len() {
        if text.len() < end.len() || text[text.len() - end.len() + at] != end[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// A text that is built in `const`.
struct Message {
    bytes: [u8; Self::MAX],
    len: usize,
}

impl Message {
    const MAX: usize = 640;
    /// The limit of each piece, so that four of them fit.
    const MAX_PIECE: usize = 160;

    const fn new() -> Self {
        Self {
            bytes: [0; Self::MAX],
            len: 0,
        }
    }

    const fn push(mut self, piece: &str) -> Self {
        let mut len = if piece.len() > Self::MAX_PIECE {
            Self::MAX_PIECE
        } else {
            piece.len()
        };
        while !piece.is_char_boundary(len) {
            len -= 1;
        }
        let mut at = 0;
        while at < len && self.len < Self::MAX {
            self.bytes[self.len] = piece.as_bytes()[at];
            self.len += 1;
            at += 1;
        }
        self
    }

    const fn as_str(&self) -> &str {
        match std::str::from_utf8(self.bytes.split_at(self.len).0) {
            Ok(text) => text,
            Err(_) => "undocumented path",
        }
    }
}
