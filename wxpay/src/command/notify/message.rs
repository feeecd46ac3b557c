//! A notification as it arrived: its headers and the bytes of its body.

use hyper::body::Bytes;
use wechatpay_chain::{
    Method,
    http::{Extensions, HeaderMap, header},
};

use crate::output::one_line;

/// A request that should be a notification. It is forwarded, kept and sent again as it is.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) method: Method,
    /// The path and the query.
    pub(super) target: String,
    pub(super) headers: HeaderMap,
    /// Where hyper has the capitals of the headers' names, which some receivers depend on.
    pub(super) extensions: Extensions,
    pub(super) body: Bytes,
}

impl Message {
    pub(super) fn new(headers: HeaderMap, body: impl Into<Bytes>) -> Self {
        Self {
            method: Method::POST,
            target: "/".to_owned(),
            headers,
            extensions: Extensions::new(),
            body: body.into(),
        }
    }

    /// Returns whether this is XML, which APIv2 sends and expects.
    pub(super) fn is_v2(&self) -> bool {
        let first = self.body.iter().find(|byte| !byte.is_ascii_whitespace());
        first == Some(&b'<')
    }

    /// Returns a header as text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns the time in the signature, in seconds since 1970.
    pub(super) fn timestamp(&self) -> Option<u64> {
        self.header("wechatpay-timestamp")?.parse().ok()
    }
}

/// Headers of a connection, not of the message: each hop has its own.
pub(super) fn is_hop_by_hop(name: &header::HeaderName) -> bool {
    const NAMES: [header::HeaderName; 9] = [
        header::CONNECTION,
        header::CONTENT_LENGTH,
        header::EXPECT,
        header::HOST,
        header::PROXY_AUTHENTICATE,
        header::PROXY_AUTHORIZATION,
        header::TE,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
    ];
    NAMES.contains(name) || matches!(name.as_str(), "keep-alive" | "trailer")
}

/// Returns the beginning of a text on one line. What others sent may hold anything, such as the commands of a
/// terminal.
pub(super) fn excerpt(text: &str, most: usize) -> String {
    let text = text.trim();
    match text.char_indices().nth(most) {
        Some((end, _)) => one_line(&text[..end]) + "…",
        None => one_line(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excerpt_has_no_control_characters_and_an_end() {
        assert_eq!(excerpt(" a\u{1b}[2J\nb\u{9b}c ", 20), "a [2J b c");
        assert_eq!(excerpt("茶茶茶茶", 2), "茶茶…");
    }

    #[test]
    fn version_shows_in_the_first_byte() {
        let is_v2 = |body: &'static str| Message::new(HeaderMap::new(), body).is_v2();
        assert!(is_v2("\n <xml></xml>"));
        assert!(!is_v2("{\"a\": \"<\"}"));
        assert!(!is_v2(""));
    }
}
