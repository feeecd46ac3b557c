//! Notifications, made by crates that are not ours: for tests that need many of them.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use ring::aead;
use serde_json::{Map, Value, json};

use super::node::{APIV3_KEY, Sent, envelope, now};
use crate::fixtures::keys::{PLATFORM_ID, Pair, platform};

pub const NONCE: &str = "fdasflkja484";

/// What an APIv3 notification is made with.
pub struct Keys<'k> {
    pub apiv3: &'k str,
    pub serial: &'k str,
    pub platform: &'k Pair,
}

impl Default for Keys<'_> {
    fn default() -> Self {
        Self {
            apiv3: APIV3_KEY,
            serial: PLATFORM_ID,
            platform: platform(),
        }
    }
}

/// AES-256-GCM.
pub fn seal(key: &str, text: &str, associated: &str) -> String {
    let key = aead::UnboundKey::new(&aead::AES_256_GCM, key.as_bytes()).expect("a key");
    let nonce = aead::Nonce::try_assume_unique_for_key(NONCE.as_bytes()).expect("a nonce");
    let mut data = text.as_bytes().to_vec();
    aead::LessSafeKey::new(key)
        .seal_in_place_append_tag(nonce, aead::Aad::from(associated), &mut data)
        .expect("sealed");
    STANDARD.encode(data)
}

/// One of APIv3 about this resource.
pub fn apiv3(
    event_type: &str,
    original_type: Option<&str>,
    resource: &Value,
    keys: &Keys<'_>,
) -> Sent {
    let mut body = envelope();
    body["event_type"] = json!(event_type);
    body["resource"] = json!({ "original_type": original_type, "algorithm": "AEAD_AES_256_GCM",
        "associated_data": "x", "nonce": NONCE,
        "ciphertext": seal(keys.apiv3, &resource.to_string(), "x") });
    let body = body.to_string().into_bytes();
    let time = now().to_string();
    let message = [format!("{time}\nn\n").as_bytes(), &body, b"\n"].concat();
    let signature = STANDARD.encode(keys.platform.sign(&message));
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Sent {
        headers: vec![
            header("Wechatpay-Timestamp", &time),
            header("Wechatpay-Nonce", "n"),
            header("Wechatpay-Signature", &signature),
            header("Wechatpay-Serial", keys.serial),
        ],
        body,
    }
}

/// One of APIv2 of these fields, under an HMAC-SHA256.
pub fn apiv2(fields: &Map<String, Value>, key: &str) -> Sent {
    let sorted = fields.iter().map(|(name, value)| (name, text(value)));
    let mut source = String::new();
    let mut body = "<xml>".to_owned();
    for (name, value) in sorted.collect::<BTreeMap<_, _>>() {
        if !value.is_empty() {
            source.push_str(&format!("{name}={value}&"));
        }
        body.push_str(&format!("<{name}><![CDATA[{value}]]></{name}>"));
    }
    source.push_str(&format!("key={key}"));
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key.as_bytes()).expect("a key");
    mac.update(source.as_bytes());
    let sign = mac.finalize().into_bytes();
    let sign = sign
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect::<String>();
    body.push_str(&format!("<sign>{sign}</sign></xml>"));
    Sent {
        headers: vec![],
        body: body.into_bytes(),
    }
}

/// The text of a field.
pub fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
