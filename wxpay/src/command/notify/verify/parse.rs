//! Files that hold a notification: a raw HTTP request, a body with its headers apart, or a stored one.

use serde_json::Value;
use wechatpay_chain::http::{HeaderMap, HeaderName, HeaderValue, header};

use super::super::{message::Message, store::Record};
use crate::{
    exit::{Failure, Result},
    text::t,
};

/// A notification from a file.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) message: Message,
    /// When it arrived, in seconds since 1970, if that is known.
    pub(super) received: Option<u64>,
}

pub(super) fn stored(record: &Record) -> Option<Given> {
    Some(Given {
        message: record.message()?,
        received: Some(record.received),
    })
}

/// Reads the bytes of a file, and those of the file with the headers.
pub(super) fn parse(bytes: Vec<u8>, headers: Option<&[u8]>) -> Result<Given> {
    let now = |message| Given {
        message,
        received: None,
    };
    if let Some(headers) = headers {
        return Ok(now(Message::new(self::headers(headers)?, bytes)));
    }
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    match first {
        // APIv2 has its sign in the body.
        Some(b'<') => Ok(now(Message::new(HeaderMap::new(), bytes))),
        Some(b'{') => {
            let record = serde_json::from_slice::<Record>(&bytes).ok();
            record.as_ref().and_then(stored).ok_or_else(no_headers)
        }
        _ => raw(&bytes).map(now),
    }
}

fn no_headers() -> Failure {
    Failure::usage(t(
        "this is a body without its headers, and the signature of APIv3 is in the headers",
        "这里只有报文主体; APIv3的签名在请求头中",
    ))
    .with_advice(t(
        "Give them with --headers, or put them before the body with an empty line between.",
        "请用 --headers 指定请求头文件, 或将请求头放在报文主体之前, 中间空一行。",
    ))
}

/// Reads headers, an empty line and a body. The request's first line may be there.
fn raw(bytes: &[u8]) -> Result<Message> {
    let (head, body) = split(bytes).ok_or_else(|| {
        Failure::usage(t(
            "no empty line between headers and body: this is no HTTP request",
            "请求头与报文主体之间没有空行: 这不是HTTP请求",
        ))
    })?;
    let headers = headers(head)?;
    let length = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    // What editors add to the end is no part of the body.
    let body = match length {
        Some(length) if length < body.len() && body[length..].trim_ascii().is_empty() => {
            &body[..length]
        }
        _ => body,
    };
    Ok(Message::new(headers, body.to_vec()))
}

/// Splits at the first empty line.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut at = 0;
    loop {
        let end = at + bytes[at..].iter().position(|&byte| byte == b'\n')?;
        let line = &bytes[at..end];
        if at > 0 && matches!(line, b"" | b"\r") {
            return Some((&bytes[..at], &bytes[end + 1..]));
        }
        at = end + 1;
    }
}

/// Reads headers: lines of names and values, or a JSON object.
fn headers(bytes: &[u8]) -> Result<HeaderMap> {
    let invalid = || {
        Failure::usage(t(
            "invalid headers: expected lines such as `Wechatpay-Nonce: …`, or a JSON object",
            "请求头无效: 应为 `Wechatpay-Nonce: …` 这样的行, 或JSON对象",
        ))
    };
    let mut headers = HeaderMap::new();
    let mut add = |name: &str, value: &str| -> Result {
        let name = HeaderName::try_from(name.trim()).map_err(|_| invalid())?;
        let value = HeaderValue::from_str(value.trim()).map_err(|_| invalid())?;
        headers.try_append(name, value).map_err(|_| invalid())?;
        Ok(())
    };
    let text = std::str::from_utf8(bytes).map_err(|_| invalid())?;
    if text.trim_start().starts_with('{') {
        let map: serde_json::Map<String, Value> =
            serde_json::from_str(text).map_err(|_| invalid())?;
        for (name, value) in &map {
            match value {
                Value::String(value) => add(name, value)?,
                // As Node, PHP and Go write them.
                Value::Array(values) => {
                    for value in values {
                        add(name, value.as_str().ok_or_else(invalid)?)?;
                    }
                }
                other => add(name, &other.to_string())?,
            }
        }
        return Ok(headers);
    }
    for (at, line) in text.lines().enumerate() {
        match line.split_once(':') {
            _ if line.trim().is_empty() => {}
            // `POST /notify HTTP/1.1`. Its path may have a colon.
            _ if at == 0 && line.contains(" HTTP/1.") => {}
            Some((name, value)) => add(name, value)?,
            None => return Err(invalid()),
        }
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(bytes: &[u8]) -> Vec<u8> {
        raw(bytes).unwrap().body.to_vec()
    }

    #[test]
    fn raw_request_has_headers_and_a_body() {
        for text in [
            "POST /a:b HTTP/1.1\r\nWechatpay-Nonce: n\r\n\r\n{\"a\":1}",
            "Wechatpay-Nonce:n\n\n{\"a\":1}",
            "Content-Length: 7\nwechatpay-nonce: n\n\n{\"a\":1}\r\n",
        ] {
            let message = raw(text.as_bytes()).unwrap();
            assert_eq!(message.header("wechatpay-nonce"), Some("n"), "{text}");
            assert_eq!(&*message.body, b"{\"a\":1}", "{text}");
        }
        // A body may have empty lines, and more than its length says is not cut if it is text.
        assert_eq!(body(b"A: 1\n\nx\n\ny"), b"x\n\ny");
        assert_eq!(body(b"Content-Length: 1\n\nxy"), b"xy");
        assert!(raw(b"A: 1\nB: 2").is_err());
        assert!(raw(b"no header\n\n{}").is_err());
        assert!(raw(b"").is_err());
    }

    #[test]
    fn headers_may_be_json() {
        let json = br#"{"Wechatpay-Nonce": "n", "Wechatpay-Timestamp": 5, "x": ["1", "2"]}"#;
        let headers = headers(json).unwrap();
        assert_eq!(headers["wechatpay-timestamp"], "5");
        assert_eq!(headers.get_all("x").iter().count(), 2);
        assert!(super::headers(b"{\"a b\": \"\"}").is_err());
    }

    #[test]
    fn body_of_apiv3_alone_is_no_notification() {
        let failure = parse(b"{\"id\": \"1\"}".to_vec(), None).unwrap_err();
        assert!(failure.advice.is_some());
        assert!(parse(b"<xml></xml>".to_vec(), None).is_ok());
        assert!(parse(b"{}".to_vec(), Some(b"A: 1")).is_ok());
    }
}
