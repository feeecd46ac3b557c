//! A kept notification, as its file has it.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use wechatpay_chain::{
    Method,
    http::{HeaderMap, HeaderName, HeaderValue},
    model::BeijingTime,
};

use super::super::{facts::Facts, message::Message};

/// What is kept of a notification. The content stays encrypted as it arrived.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(in super::super) struct Record {
    /// Set by the store.
    #[serde(default)]
    pub(in super::super) id: String,
    /// In seconds since 1970.
    pub(in super::super) received: u64,
    pub(in super::super) verdict: String,
    #[serde(flatten)]
    pub(in super::super) facts: Facts,
    /// Where it was forwarded, and where `replay` sends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) forward_to: Option<String>,
    method: String,
    target: String,
    /// Names and values. A value holds one character for each byte.
    headers: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    /// The body, if it is not text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
}

impl Record {
    pub(in super::super) fn new(
        message: &Message,
        received: u64,
        verdict: &str,
        facts: Facts,
        forward_to: Option<String>,
    ) -> Self {
        let headers = message.headers.iter();
        let headers = headers.map(|(name, value)| {
            let value = value.as_bytes().iter().map(|&byte| char::from(byte));
            (name.to_string(), value.collect())
        });
        let (body, body_base64) = match std::str::from_utf8(&message.body) {
            Ok(text) => (Some(text.to_owned()), None),
            Err(_) => (None, Some(STANDARD.encode(&message.body))),
        };
        Self {
            id: String::new(),
            received,
            verdict: verdict.to_owned(),
            facts,
            forward_to,
            method: message.method.to_string(),
            target: message.target.clone(),
            headers: headers.collect(),
            body,
            body_base64,
        }
    }

    /// Returns the message as it arrived, or `None` if the file no longer holds a message.
    pub(in super::super) fn message(&self) -> Option<Message> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let bytes: Option<Vec<u8>> = value
                .chars()
                .map(|char| u8::try_from(u32::from(char)).ok())
                .collect();
            let name = HeaderName::try_from(name).ok()?;
            headers
                .try_append(name, HeaderValue::from_bytes(&bytes?).ok()?)
                .ok()?;
        }
        let body = match (&self.body, &self.body_base64) {
            (Some(text), _) => text.clone().into_bytes(),
            (None, Some(encoded)) => STANDARD.decode(encoded).ok()?,
            (None, None) => Vec::new(),
        };
        Some(Message {
            method: Method::from_bytes(self.method.as_bytes()).ok()?,
            target: self.target.clone(),
            ..Message::new(headers, body)
        })
    }

    pub(in super::super) fn is_verified(&self) -> bool {
        self.verdict == "verified"
    }

    /// Returns when it arrived, to read.
    pub(in super::super) fn time(&self) -> String {
        beijing(self.received).to_string()
    }

    /// Returns whether a search for this finds it.
    pub(in super::super) fn matches(&self, query: &str) -> bool {
        let time = self.time();
        let facts = &self.facts;
        let optional = [&facts.notification_id, &facts.number, &facts.mchid];
        let optional = optional.into_iter().flatten();
        let query = query.to_lowercase();
        [&self.id, &facts.event, &self.verdict, &time]
            .into_iter()
            .chain(optional)
            .any(|text| text.to_lowercase().contains(&query))
    }
}

pub(in super::super) fn beijing(seconds: u64) -> BeijingTime {
    let since = std::time::Duration::from_secs(seconds);
    let time = std::time::UNIX_EPOCH.checked_add(since);
    time.unwrap_or(std::time::UNIX_EPOCH).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_comes_back_byte_for_byte() {
        let mut headers = HeaderMap::new();
        headers.append("wechatpay-serial", HeaderValue::from_static("PUB_KEY_ID_1"));
        headers.append("x-odd", HeaderValue::from_bytes(b"caf\xe9").unwrap());
        headers.append("x-odd", HeaderValue::from_static("twice"));
        for body in [&b"{\"a\":\"\xe8\x8c\xb6\"}"[..], &b"\xff\x00"[..], b""] {
            let message = Message::new(headers.clone(), body.to_vec());
            let record = Record::new(&message, 1, "verified", Facts::default(), None);
            let file = serde_json::to_string(&record).unwrap();
            let back: Record = serde_json::from_str(&file).unwrap();
            let back = back.message().unwrap();
            assert_eq!((back.headers, &*back.body), (headers.clone(), body));
        }
    }
}
