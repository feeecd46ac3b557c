//! The message that a `SIGN_ERROR` shows.

use serde_json::Value;

use crate::text::{t, tf};

/// The lines of a message, as the documents name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    Method,
    Url,
    Timestamp,
    Nonce,
    Body,
}

impl Line {
    pub(super) const ALL: [Self; 5] = [
        Self::Method,
        Self::Url,
        Self::Timestamp,
        Self::Nonce,
        Self::Body,
    ];

    /// Returns the name in `--json`.
    pub(super) fn id(self) -> &'static str {
        match self {
            Self::Method => "method",
            Self::Url => "url",
            Self::Timestamp => "timestamp",
            Self::Nonce => "nonce",
            Self::Body => "body",
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Method => t("method", "请求方法"),
            Self::Url => "URL",
            Self::Timestamp => t("timestamp", "时间戳"),
            Self::Nonce => t("nonce", "随机串"),
            Self::Body => t("body", "报文主体"),
        }
    }
}

/// The message in a `SIGN_ERROR`. Only the first characters of the body are in it.
pub(super) struct Message {
    lines: [Vec<u8>; 5],
    length: usize,
}

impl Message {
    /// Returns the message that a response shows.
    pub(super) fn shown(body: &Value) -> Option<Self> {
        let information = body.get("detail")?.get("sign_information")?;
        let message = information
            .get("truncated_sign_message")?
            .as_str()?
            .as_bytes();
        let length = information
            .get("sign_message_length")
            .and_then(Value::as_u64);
        Some(Self {
            lines: lines(message),
            length: length.map_or(message.len(), |length| {
                usize::try_from(length).unwrap_or(usize::MAX)
            }),
        })
    }

    /// Returns a line, of the body its beginning.
    pub(super) fn line(&self, line: Line) -> &[u8] {
        &self.lines[line as usize]
    }

    /// Returns the number of bytes of the whole message.
    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// Returns the number of bytes of the whole body.
    pub(super) fn body_length(&self) -> usize {
        let others: usize = self.lines[..4].iter().map(|line| line.len() + 1).sum();
        self.length.saturating_sub(others + 1)
    }

    /// Returns what is odd about the message on its own.
    pub(super) fn hints(&self) -> Vec<String> {
        let mut hints = Vec::new();
        let (method, sent) = (self.line(Line::Method), self.body_length());
        let digits = self.line(Line::Timestamp).len();
        if digits != 10 {
            hints.push(tf!(
                "the timestamp has {digits} digits, not the 10 of seconds",
                "时间戳有 {digits} 位, 以秒计应为10位"
            ));
        }
        if method == b"GET" && sent > 0 {
            hints.push(tf!(
                "a GET request arrived with a body of {sent} bytes",
                "GET请求带有 {sent} 字节的报文主体"
            ));
        }
        if method == b"POST" && sent == 0 {
            hints.push(
                t(
                    "the POST request arrived without a body",
                    "POST请求没有报文主体",
                )
                .to_owned(),
            );
        }
        hints
    }
}

/// Splits a message into its lines. What follows the fourth is the body, without the last line break.
pub(super) fn lines(message: &[u8]) -> [Vec<u8>; 5] {
    let mut lines = message.splitn(5, |byte| *byte == b'\n').map(<[u8]>::to_vec);
    let mut lines: [Vec<u8>; 5] = std::array::from_fn(|_| lines.next().unwrap_or_default());
    if lines[4].ends_with(b"\n") {
        lines[4].pop();
    }
    lines
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn message_alone_shows_what_is_odd() {
        let message = "GET\n/v3/x\n1554208460000\nN\n{}\n";
        let odd = Message::shown(&json!({ "detail": { "sign_information": {
            "truncated_sign_message": message, "sign_message_length": message.len(),
        }}}));
        assert_eq!(odd.unwrap().hints().len(), 2);
        let short = Message::shown(&json!({ "detail": { "sign_information": {
            "truncated_sign_message": "", "sign_message_length": 1,
        }}}));
        assert_eq!(short.unwrap().body_length(), 0);
    }
}
