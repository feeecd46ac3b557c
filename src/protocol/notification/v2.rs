//! APIv2: XML, whose sign vouches for it; of a refund, nothing but its encryption.

use std::time::Instant;

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::{
    Notification,
    receiver::{Receiver, base64},
};
use crate::{
    base::{
        crypto::{
            digest::{Sha256, hex_lower, md5},
            ecb,
        },
        scalar::scalar,
        xml,
    },
    error::{Cause, Kind, cause::Result},
    protocol::{
        answer::Verification,
        path::{Version, shown},
        v2::sign::{SIGN, signed_text, verify},
    },
};

const REQ_INFO: &str = "req_info";
const EVENT_ID: &str = "event_id";

impl Receiver {
    pub(super) fn open_v2(&self, body: &[u8], received: Instant) -> Result<Notification> {
        let key = self.apiv2_key.as_ref().ok_or_else(|| {
            Cause::config(
                "this notification is one of APIv2 (XML), and it cannot be verified without the \
                 `apiv2_key`: give it, or refuse it",
            )
        })?;
        let envelope = xml::parse(body, body.len()).map_err(|err| err.in_step("body"))?;
        check_return_code(&envelope)?;
        let sealed = envelope.get(REQ_INFO).filter(|sealed| !sealed.is_null());
        let verification = match sealed {
            Some(_) if !envelope.contains_key(SIGN) => Verification::DocumentedUnsigned,
            _ => Verification::Verified {
                serial: verify(&envelope, key)
                    .map_err(|err| err.in_step("signature"))?
                    .name()
                    .to_owned(),
            },
        };
        let (resource, fields) = match sealed {
            Some(sealed) => open_refund(sealed, key)?,
            None => (body.to_vec(), envelope.clone()),
        };
        self.owners.check(&envelope)?;
        self.owners.check(&fields)?;
        Ok(Notification {
            version: Version::V2,
            id: id(&fields),
            envelope: Value::Object(envelope),
            resource,
            resource_json: Value::Object(fields),
            verification,
            received,
        })
    }
}

/// A failure is not signed, and says nothing that could be acted on.
fn check_return_code(envelope: &Map<String, Value>) -> Result<()> {
    let text = |name: &str| envelope.get(name).and_then(scalar).unwrap_or_default();
    let code = text("return_code");
    if code == "SUCCESS" {
        return Ok(());
    }
    let message = format!(
        "its return_code is {:?} and not SUCCESS ({})",
        shown(&code),
        shown(&text("return_msg"))
    );
    Err(Cause::new(Kind::Decode, message).in_step("body"))
}

/// The text and the fields in `req_info`: AES-256-ECB under the MD5 of the key, in lower-case
/// hexadecimal digits.
fn open_refund(sealed: &Value, key: &str) -> Result<(Vec<u8>, Map<String, Value>)> {
    let undecoded = |err: Cause| err.in_step("body");
    let sealed = sealed.as_str().ok_or_else(|| {
        undecoded(Cause::new(
            Kind::Decode,
            "`req_info` holds elements or occurs twice",
        ))
    })?;
    let ciphertext = base64(sealed.trim(), "`req_info`").map_err(undecoded)?;
    let digest = Zeroizing::new(hex_lower(&md5(key.as_bytes())));
    let fault = || Cause::new(Kind::Decrypt, "the digest of the key is not 32 digits");
    let digest: &[u8; 32] = digest.as_bytes().try_into().map_err(|_| fault())?;
    let opened = ecb::decrypt(digest, &ciphertext).map_err(|err| err.in_step("decryption"))?;
    // Another key's padding comes out right once in 256 times: then this is what fails.
    let fields = xml::parse_under(&opened, &["root", "xml"], opened.len())
        .map_err(|err| err.in_step("resource"))?;
    Ok((opened, fields))
}

/// What may differ from one sending of a notification to the next.
const DRAWN: [&str; 2] = ["nonce_str", "sign_type"];
/// What may differ too, of one that has an ID of its own.
const SEALED: [&str; 2] = ["event_nonce", "event_ciphertext"];

/// APIv2 gives no ID: a digest of the text that the sign covers, less what differs from one sending
/// to the next.
///
/// Only of what is vouched for: a field that anyone could add, which is an empty one or one beside
/// `req_info`, would let the same notification pass a replay guard again. And of the text instead
/// of the fields: whoever moves a part of it from one field to another changes nothing.
fn id(fields: &Map<String, Value>) -> String {
    let has_id = fields.get(EVENT_ID).is_some_and(|id| !id.is_null());
    let drawn = |name: &str| DRAWN.contains(&name) || has_id && SEALED.contains(&name);
    let text = signed_text(fields).unwrap_or_else(|_| json_text(fields));
    let mut hash = Sha256::new();
    for part in text.split('&') {
        let name = part.split_once('=').map_or(part, |(name, _)| name);
        if !drawn(name) {
            hash.update(part.as_bytes());
            hash.update(b"&");
        }
    }
    format!("v2-{}", hex_lower(&hash.finish()))
}

/// The same of fields that are not flat, which only those in `req_info` can be: no sign covers them.
fn json_text(fields: &Map<String, Value>) -> String {
    let mut all = fields
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect::<Vec<_>>();
    all.sort_unstable();
    all.join("&")
}
