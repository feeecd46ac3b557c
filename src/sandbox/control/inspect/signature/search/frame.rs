//! Mistakes in how the five lines are put together.

use super::{Candidate, Mistake};
use crate::sandbox::checks::authorization::SignedMessage;

pub(super) fn candidates(message: SignedMessage<'_>) -> impl Iterator<Item = Candidate> {
    FRAMES
        .iter()
        .map(move |mistake| mistake.candidate((mistake.make)(message)))
}

type Make = fn(SignedMessage<'_>) -> Vec<u8>;

const FRAMES: &[Mistake<Make>] = &[
    Mistake {
        id: "frame_no_last_newline",
        en: "The last line was signed without a line break: each of the five lines ends with one, also an empty body's.",
        zh: "签名串最后一行缺少换行符：五行都应以换行符结尾，报文主体为空时也是。",
        make: |right| {
            let mut wrong = right.to_bytes();
            wrong.pop();
            wrong
        },
    },
    Mistake {
        id: "frame_no_body_line",
        en: "The line of the body was left out.",
        zh: "签名串缺少报文主体一行。",
        make: |right| right.head().into_bytes(),
    },
    Mistake {
        id: "frame_crlf",
        en: "The lines were signed with \\r\\n: each ends with \\n alone.",
        zh: "签名串使用了\\r\\n换行，应只用\\n。",
        make: |right| joined(right, b"\r\n"),
    },
    Mistake {
        id: "frame_literal_newlines",
        en: "The lines were signed with a backslash and an n in place of line breaks, as by single quotes in PHP.",
        zh: "签名串中的换行是反斜杠和字母n两个字符，例如PHP中用了单引号。",
        make: |right| joined(right, b"\\n"),
    },
    Mistake {
        id: "frame_spaces",
        en: "The lines were signed with spaces in place of line breaks.",
        zh: "签名串用空格代替了换行符。",
        make: |right| joined(right, b" "),
    },
    Mistake {
        id: "frame_no_newlines",
        en: "The lines were signed without line breaks.",
        zh: "签名串没有换行符。",
        make: |right| joined(right, b""),
    },
    Mistake {
        id: "frame_nonce_before_timestamp",
        en: "The nonce was signed before the timestamp.",
        zh: "随机串写在了时间戳之前。",
        make: |right| {
            SignedMessage {
                timestamp: right.nonce,
                nonce: right.timestamp,
                ..right
            }
            .to_bytes()
        },
    },
    Mistake {
        id: "frame_url_before_method",
        en: "The URL was signed before the method.",
        zh: "URL写在了请求方法之前。",
        make: |right| {
            SignedMessage {
                method: right.target,
                target: right.method,
                ..right
            }
            .to_bytes()
        },
    },
    Mistake {
        id: "frame_of_response",
        en: "The three lines of a response were signed: a request has the method and the URL, too.",
        zh: "按应答的三行签名：请求还应包含请求方法和URL。",
        make: |right| {
            let head = format!("{}\n{}\n", right.timestamp, right.nonce);
            [head.as_bytes(), right.body, b"\n"].concat()
        },
    },
];

/// Returns the five lines, each with this end.
fn joined(right: SignedMessage<'_>, end: &[u8]) -> Vec<u8> {
    let lines = [right.method, right.target, right.timestamp, right.nonce].map(str::as_bytes);
    let mut wrong = Vec::new();
    for line in lines.into_iter().chain([right.body]) {
        wrong.extend_from_slice(line);
        wrong.extend_from_slice(end);
    }
    wrong
}
