//! APIv2 requests, with their sign recomputed by an implementation that is not ours.

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use percent_encoding::percent_decode_str;
use serde_json::Value;
use sha2::Sha256;

pub const KEY: &str = "0123456789abcdef0123456789abcdef";

/// Checks the sign in a GET's query, and gives the query without it and without a drawn nonce.
pub fn check_query(query: &str, sign_type: &str) -> Result<String, String> {
    let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let fields = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect();
    check_sign(&fields, sign_type)?;
    let kept = query
        .split('&')
        .filter(|pair| !pair.starts_with("sign=") && !pair.starts_with("nonce_str="));
    Ok(kept.collect::<Vec<_>>().join("&"))
}

/// Checks the fields of a body, and its sign.
pub fn check_body(body: &[u8], expect: &Value) -> Result<(), String> {
    let mut fields = parse(body);
    check_sign(&fields, expect["sign_type"].as_str().unwrap_or_default())?;
    fields.remove("sign");
    let nonce = expect["nonce"] == true;
    if fields.contains_key("nonce_str") != nonce {
        return Err(format!("nonce_str expected: {nonce}"));
    }
    let expected = expect["xml"].as_object().expect("fields");
    if !expected.contains_key("nonce_str") {
        fields.remove("nonce_str");
    }
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    let expected: BTreeMap<_, _> = expected.iter().map(|(k, v)| (k.clone(), text(v))).collect();
    if fields == expected {
        Ok(())
    } else {
        Err(format!("fields: sent {fields:?}, expected {expected:?}"))
    }
}

fn check_sign(fields: &BTreeMap<String, String>, sign_type: &str) -> Result<(), String> {
    let sent = fields.get("sign").ok_or("there is no sign")?;
    let sign = sign(fields, sign_type);
    if *sent == sign {
        Ok(())
    } else {
        Err(format!("sign {sent}, expected {sign}"))
    }
}

/// The sign over the fields.
pub fn sign(fields: &BTreeMap<String, String>, sign_type: &str) -> String {
    let joined = fields
        .iter()
        .filter(|(name, value)| *name != "sign" && !value.is_empty())
        .map(|(name, value)| format!("{name}={value}&"))
        .collect::<String>();
    let message = format!("{joined}key={KEY}");
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02X}")).collect::<String>();
    match sign_type {
        "MD5" => hex(&Md5::digest(&message)),
        _ => {
            let mut mac = Hmac::<Sha256>::new_from_slice(KEY.as_bytes()).expect("a key");
            mac.update(message.as_bytes());
            hex(&mac.finalize().into_bytes())
        }
    }
}

/// The flat fields of a body, by a parser that is not ours.
fn parse(body: &[u8]) -> BTreeMap<String, String> {
    let text = std::str::from_utf8(body).expect("UTF-8");
    let document = roxmltree::Document::parse(text).expect("XML");
    let root = document.root_element();
    assert_eq!(root.tag_name().name(), "xml");
    let field = |node: roxmltree::Node<'_, '_>| {
        let texts = node
            .children()
            .filter_map(|part| part.text().map(str::to_owned));
        (node.tag_name().name().to_owned(), texts.collect::<String>())
    };
    root.children()
        .filter(|node| node.is_element())
        .map(field)
        .collect()
}
