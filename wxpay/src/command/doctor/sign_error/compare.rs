//! Two messages, side by side, and why a line of them differs.

use serde_json::Value;

use super::message::{Line, Message, lines};
use crate::text::{t, tf};

/// A line that differs, and why.
pub(super) struct Difference {
    pub(super) line: Line,
    pub(super) ours: Vec<u8>,
    pub(super) theirs: Vec<u8>,
    pub(super) why: String,
}

impl Message {
    /// Returns the lines that differ from ours.
    pub(super) fn compare(&self, ours: &[u8]) -> Vec<Difference> {
        // Logs and tests often have `\n` as two characters.
        let is_escaped = !ours.contains(&b'\n') && ours.windows(2).any(|pair| pair == b"\\n");
        let unescaped;
        let ours = match is_escaped {
            true => {
                unescaped = String::from_utf8_lossy(ours)
                    .replace("\\n", "\n")
                    .into_bytes();
                &unescaped
            }
            false => ours,
        };
        let of_ours = lines(ours);
        let mut differences = Vec::new();
        for line in &Line::ALL[..4] {
            let (ours, theirs) = (&of_ours[*line as usize], self.line(*line));
            if ours != theirs {
                let why = match line {
                    Line::Method => t(
                        "The request is sent with another method than is signed.",
                        "实际发送的请求方法与签名时不同。",
                    )
                    .to_owned(),
                    Line::Url => url(ours, theirs),
                    Line::Timestamp => timestamp(ours),
                    _ => t(
                        "Sign the nonce that is in the Authorization header: make it once.",
                        "签名用的随机串应与Authorization头中的相同: 只生成一次。",
                    )
                    .to_owned(),
                };
                differences.push(Difference {
                    line: *line,
                    ours: ours.clone(),
                    theirs: theirs.to_vec(),
                    why,
                });
            }
        }
        let body = &of_ours[4];
        if let Some(why) = self.body(body, ours.ends_with(b"\n")) {
            differences.push(Difference {
                line: Line::Body,
                // As much as theirs has, and a little more.
                ours: body[..body.len().min(self.line(Line::Body).len() + 16)].to_vec(),
                theirs: self.line(Line::Body).to_vec(),
                why,
            });
        }
        differences
    }

    /// Returns why the body differs, if it does.
    fn body(&self, ours: &[u8], is_ended: bool) -> Option<String> {
        let theirs = self.line(Line::Body);
        let (length, sent) = (ours.len(), self.body_length());
        let begins_alike = ours.starts_with(theirs);
        if begins_alike && length == sent {
            return (!is_ended).then(|| {
                t(
                    "The last line has no line break: each of the five lines ends with one. (Ignore this if the file was saved without it.)",
                    "最后一行缺少换行符: 五行都应以换行符结尾。(如果只是保存文件时丢失, 请忽略。)",
                )
                .to_owned()
            });
        }
        let lengths = tf!(
            "{length} bytes are signed, {sent} arrived.",
            "签名时为 {length} 字节, 收到 {sent} 字节。"
        );
        let why = if length == 0 {
            t(
                "A body is sent, and an empty one is signed.",
                "请求带有报文主体, 签名时却为空。",
            )
        } else if sent == 0 {
            t(
                "A body is signed, and none is sent: GET has none, and the line is empty.",
                "签名时有报文主体, 请求却没有: GET没有报文主体, 该行应为空。",
            )
        } else if is_json(ours)
            && compact(ours).len() != length
            && compact(ours).starts_with(theirs)
        {
            t(
                "The same JSON in another form: sign the very bytes that are sent, and serialize once.",
                "JSON相同但格式不同: 应对实际发送的字节签名, 只序列化一次。",
            )
        } else if begins_alike {
            t(
                "It begins alike and has another length: other spaces, escapes or encodings. Sign the very bytes that are sent.",
                "开头相同但长度不同: 空格、转义或编码不同。应对实际发送的字节签名。",
            )
        } else {
            t(
                "Sign the very bytes that are sent.",
                "应对实际发送的字节签名。",
            )
        };
        Some(format!("{why} {lengths}"))
    }
}

fn url(ours: &[u8], theirs: &[u8]) -> String {
    let (ours, theirs) = (
        String::from_utf8_lossy(ours),
        String::from_utf8_lossy(theirs),
    );
    let path = |url: &str| url.split('?').next().unwrap_or_default().to_owned();
    let query = |url: &str| url.split_once('?').map(|(_, query)| query.to_owned());
    let sorted = |url: &str| {
        let mut pairs: Vec<_> = query(url)
            .unwrap_or_default()
            .split('&')
            .map(str::to_owned)
            .collect();
        pairs.sort_unstable();
        pairs
    };
    let is_encoded = |url: &str| url.contains('%');
    let why = if ours.contains("://") {
        t(
            "The host is signed, too: sign the path and the query alone.",
            "签名包含了域名: 只应包含路径和查询参数。",
        )
    } else if !ours.starts_with('/') {
        t("The path must begin with a slash.", "路径应以斜杠开头。")
    } else if path(&ours) == path(&theirs) && query(&ours).is_none() {
        t(
            "The query is sent, and is not signed: sign it with the path.",
            "查询参数没有参与签名: 应与路径一起签名。",
        )
    } else if path(&ours) == path(&theirs) && query(&theirs).is_none() {
        t(
            "A query is signed, and none is sent.",
            "签名包含查询参数, 请求却没有。",
        )
    } else if path(&ours) == path(&theirs) && sorted(&ours) == sorted(&theirs) {
        t(
            "The query is sent in another order than is signed.",
            "查询参数的顺序与签名时不同。",
        )
    } else if ours.trim_end_matches('/') == theirs.trim_end_matches('/') {
        t(
            "A slash at the end is only on one side.",
            "只有一方以斜杠结尾。",
        )
    } else if is_encoded(&ours) != is_encoded(&theirs) {
        t(
            "Only one side is percent-encoded: sign the URL as it is sent.",
            "只有一方经过百分号编码: 应按实际发送的URL签名。",
        )
    } else if ours.contains('{') {
        t(
            "A variable of the path was not filled in.",
            "路径中的变量没有替换。",
        )
    } else {
        t(
            "Another URL is sent than is signed, or a proxy on the way rewrites it.",
            "实际发送的URL与签名时不同, 或被途中的代理改写。",
        )
    };
    why.to_owned()
}

fn timestamp(ours: &[u8]) -> String {
    match ours.len() {
        13 => t(
            "It is in milliseconds, and must be in seconds.",
            "单位是毫秒, 应为秒。",
        ),
        _ => t(
            "Sign the timestamp that is in the Authorization header: take the time once.",
            "签名用的时间戳应与Authorization头中的相同: 只取一次时间。",
        ),
    }
    .to_owned()
}

fn is_json(bytes: &[u8]) -> bool {
    serde_json::from_slice::<Value>(bytes).is_ok()
}

fn compact(bytes: &[u8]) -> Vec<u8> {
    serde_json::from_slice::<Value>(bytes)
        .map(|value| value.to_string().into_bytes())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SENT: &str = "POST\n/v3/x?a=1&b=2\n1554208460\nNONCE\n{\"amount\":1}\n";

    /// As WeChat Pay shows it: eight characters of the body, and the length of the whole.
    fn theirs() -> Message {
        let shown = "POST\n/v3/x?a=1&b=2\n1554208460\nNONCE\n{\"amount\n";
        Message::shown(&json!({ "detail": { "sign_information": {
            "truncated_sign_message": shown, "sign_message_length": SENT.len(),
        }}}))
        .unwrap()
    }

    #[test]
    fn same_message_has_no_difference() {
        assert!(theirs().compare(SENT.as_bytes()).is_empty());
        assert!(
            theirs()
                .compare(SENT.replace('\n', "\\n").as_bytes())
                .is_empty()
        );
        assert!(theirs().hints().is_empty());
    }

    #[test]
    fn difference_names_the_line_and_the_reason() {
        for (from, to, line, why) in [
            ("POST", "PUT", Line::Method, "another method"),
            ("?a=1&b=2", "", Line::Url, "is not signed"),
            ("a=1&b=2", "b=2&a=1", Line::Url, "another order"),
            (
                "/v3/x",
                "https://api.mch.weixin.qq.com/v3/x",
                Line::Url,
                "host",
            ),
            ("/v3/x?a=1", "/v3/x?a=%31", Line::Url, "percent-encoded"),
            (
                "1554208460",
                "1554208460000",
                Line::Timestamp,
                "milliseconds",
            ),
            ("1554208460", "1554208461", Line::Timestamp, "once"),
            ("NONCE", "OTHER", Line::Nonce, "once"),
            ("{\"amount\":1}", "", Line::Body, "an empty one is signed"),
            (
                "{\"amount\":1}",
                "{ \"amount\": 1 }",
                Line::Body,
                "serialize once",
            ),
            (
                "{\"amount\":1}",
                "{\"amount\":12}",
                Line::Body,
                "another length",
            ),
            (
                "{\"amount\":1}",
                "{\"total\":123}",
                Line::Body,
                "very bytes",
            ),
            ("1}\n", "1}", Line::Body, "line break"),
        ] {
            let differences = theirs().compare(SENT.replace(from, to).as_bytes());
            let [difference] = differences.as_slice() else {
                panic!("{from} -> {to}: {} differences", differences.len());
            };
            assert_eq!(difference.line, line, "{to}");
            assert!(difference.why.contains(why), "{to}: {}", difference.why);
        }
    }
}
