//! APIv2 notifications: XML with a sign. A refund has none and is authenticated by its encryption.

use std::time::Instant;

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::{
    Notification,
    owner::Rule,
    receiver::{MatchedBy, Receiver, base64, first_to_open, refused},
    v3,
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
    error::{ApiError, Cause, ErrorKind, RefusedNotification, cause::Result, value::shown},
    protocol::{
        response::{
            v2::{SUCCESS, code_and_message, plain},
            verification::Verification,
        },
        url::path::Version,
        v2::sign::{MARKS, SIGN, signed_text, verify},
    },
};

const REQ_INFO: &str = "req_info";
const EVENT_ID: &str = "event_id";
const EVENT_TYPE: &str = "event_type";
const EVENT_CIPHERTEXT: &str = "event_ciphertext";

/// The limit of work for a notification that names no known merchant, in hashed bytes: its length
/// times the number of keys to try. Anyone can send such a request, so it must stay cheap.
const MAX_HASHED: usize = 16 << 20;

pub(super) fn open(
    receivers: &[&Receiver],
    body: &[u8],
    received: Instant,
) -> Result<Notification> {
    let with_key = receivers.iter().copied();
    let with_key: Vec<_> = with_key.filter(|one| one.apiv2_key.is_some()).collect();
    if with_key.is_empty() {
        return Err(Cause::config(
            "this is a notification of APIv2 (XML), which cannot be verified without the \
             `apiv2_key`: give that key, or refuse the notification",
        ));
    }
    // Unlike APIv3, the body has to be parsed before it is verified: the sign covers its fields. The
    // parser is bounded by the size of the body.
    let envelope = xml::parse(body, body.len()).map_err(|err| err.in_step("body"))?;
    let candidates = candidates(with_key, &envelope, body.len())?;
    let message = Message {
        body,
        envelope,
        received,
    };
    first_to_open(candidates, |receiver| message.open_for(receiver))
}

/// Returns the receivers to try: those of the merchant that the body names, or all if it
/// names no merchant.
///
/// The name is not verified yet. It only selects the key; a wrong name selects a key that does not
/// match.
fn candidates<'r>(
    mut with_key: Vec<&'r Receiver>,
    envelope: &Map<String, Value>,
    length: usize,
) -> Result<Vec<&'r Receiver>> {
    let name = ["mch_id", "combine_mch_id"]
        .iter()
        .filter_map(|name| envelope.get(*name).and_then(scalar))
        .find(|id| !id.is_empty());
    if let Some(name) = &name {
        if with_key
            .iter()
            .any(|receiver| receiver.owners.accepts(name))
        {
            with_key.retain(|receiver| receiver.owners.accepts(name));
        }
    }
    if with_key.len() > 1 && with_key.len().saturating_mul(length) > MAX_HASHED {
        let message = format!(
            "it names {} and is too long ({length} bytes) to try all of {} keys",
            name.map_or("no merchant".into(), |name| format!("{:?}", shown(&name))),
            with_key.len()
        );
        return Err(Cause::new(ErrorKind::WrongMerchant, message).in_step("owner"));
    }
    Ok(with_key)
}

/// A notification that is not verified yet.
struct Message<'b> {
    body: &'b [u8],
    envelope: Map<String, Value>,
    received: Instant,
}

/// Where a notification has its content.
#[derive(Clone, Copy)]
enum Content<'m> {
    /// In `req_info`, encrypted with the APIv2 key.
    Refund(&'m Value),
    /// In `event_ciphertext`, encrypted with the APIv3 key.
    Event(&'m str),
    /// In its own fields, not encrypted.
    Plain,
}

/// The decrypted content of a notification, and how it was verified.
struct Opened {
    text: Vec<u8>,
    fields: Map<String, Value>,
    verification: Verification,
    failure: Option<ApiError>,
}

impl Message<'_> {
    fn open_for(&self, receiver: &Receiver) -> Result<(Notification, MatchedBy)> {
        // `open` passes only receivers that have one.
        let key = receiver.apiv2_key.as_deref().map_or("", String::as_str);
        let content = self.content();
        let opened = match content {
            // A refund with a sign, even an invalid one, takes the signed path: otherwise an altered
            // notification could be made acceptable by ruining its sign.
            Content::Refund(refund) if !self.envelope.contains_key(SIGN) => {
                self.open_unsigned(refund, key)?
            }
            _ => self.open_signed(content, receiver, key)?,
        };
        let envelope = Value::Object(self.envelope.clone());
        let resource_json = Value::Object(opened.fields);
        // The merchant may be named outside or inside the encrypted part, and both have to be ours.
        let outer = receiver.owners.judge(&envelope, Rule::Named);
        let inner = receiver.owners.judge(&resource_json, Rule::Named);
        let named = outer
            .and_then(|outer| Ok(outer.or(inner?)))
            .map_err(|err| err.with_refused(self.refused(Some(&opened.text))))?;
        let matched = MatchedBy::of(&named);
        let id = match (content, &resource_json) {
            // The envelope of a refund may be unsigned, so its ID is that of the decrypted fields.
            (Content::Refund(_), Value::Object(fields)) => id(fields),
            _ => id(&self.envelope),
        };
        let notification = Notification {
            version: Version::V2,
            id,
            mchid: named.or_else(|| receiver.owners.own()),
            envelope,
            resource: opened.text,
            resource_json,
            verification: opened.verification,
            failure: opened.failure,
            received: self.received,
        };
        Ok((notification, matched))
    }

    fn content(&self) -> Content<'_> {
        match (self.envelope.get(REQ_INFO), self.text(EVENT_CIPHERTEXT)) {
            (Some(refund), _) if !refund.is_null() => Content::Refund(refund),
            (_, "") => Content::Plain,
            (_, event) => Content::Event(event),
        }
    }

    /// Opens a refund, which is documented without a sign.
    fn open_unsigned(&self, refund: &Value, key: &str) -> Result<Opened> {
        // Documented refund notifications always say SUCCESS here; a failure is inside `req_info`.
        let code = plain(&self.envelope, "return_code").map_err(|err| err.in_step("body"))?;
        if code != Some(SUCCESS) {
            let message = format!(
                "its return_code is {:?}, not {SUCCESS}, and it has no sign",
                shown(code.unwrap_or_default())
            );
            return Err(Cause::new(ErrorKind::Decode, message).in_step("body"));
        }
        let text = decrypt_refund(refund, key)?;
        // ECB does not authenticate, and a wrong key yields valid padding once in 256 times. Then the
        // text is random, and this fails.
        let fields = parse_refund(&text)?;
        Ok(Opened {
            text,
            fields,
            verification: Verification::DocumentedUnsigned,
            failure: None,
        })
    }

    fn open_signed(&self, content: Content<'_>, receiver: &Receiver, key: &str) -> Result<Opened> {
        let sign_type = verify(&self.envelope, key).map_err(|err| err.in_step("signature"))?;
        let refuse = |err: Cause| err.with_refused(self.refused(None));
        // A sign of a *request* verifies, too, and some requests are visible to customers. The marks
        // tell the two apart. An empty field is not signed and does not count: anyone can add it.
        if MARKS.iter().all(|mark| self.text(mark).is_empty()) {
            let message = format!(
                "it has none of the fields that distinguish a notification from a request: {}",
                MARKS.join(", ")
            );
            let err = Cause::new(ErrorKind::Decode, message);
            return Err(refuse(err.in_step("body")));
        }
        let text = match content {
            Content::Refund(refund) => decrypt_refund(refund, key),
            Content::Event(event) => self.decrypt_event(event, receiver),
            Content::Plain => Ok(self.body.to_vec()),
        };
        let text = text.map_err(refuse)?;
        let fields = match content {
            Content::Refund(_) => parse_refund(&text),
            Content::Event(_) => {
                v3::parse(&text, "the event").map_err(|err| err.in_step("resource"))
            }
            Content::Plain => Ok(self.envelope.clone()),
        };
        Ok(Opened {
            fields: fields.map_err(|err| err.with_refused(self.refused(Some(&text))))?,
            text,
            verification: Verification::Verified {
                serial: sign_type.name().to_owned(),
            },
            failure: self.failure(),
        })
    }

    /// Decrypts the JSON in `event_ciphertext`.
    fn decrypt_event(&self, event: &str, receiver: &Receiver) -> Result<Vec<u8>> {
        let undecoded = |err: Cause| err.in_step("body");
        let required = |name: &'static str| {
            let field = format!("`{name}`");
            v3::required(&self.envelope, name, &field).map_err(undecoded)
        };
        let algorithm = required("event_algorithm")?;
        if algorithm != v3::ALGORITHM {
            return Err(undecoded(v3::undecoded(format!(
                "unsupported `event_algorithm` {:?}: expected {}",
                shown(algorithm),
                v3::ALGORITHM
            ))));
        }
        let ciphertext = base64(event.trim(), "`event_ciphertext`").map_err(undecoded)?;
        v3::decrypt(
            receiver,
            required("event_nonce")?,
            self.text("event_associated_data"),
            &ciphertext,
        )
    }

    /// Returns the failure that a signed notification reports.
    fn failure(&self) -> Option<ApiError> {
        let codes = ["return_code", "result_code"].map(|name| self.text(name));
        let fault = codes
            .into_iter()
            .find(|code| !matches!(*code, "" | SUCCESS));
        // A failed deduction, or an event with the failure in its name.
        let event = || match (self.text("trade_state"), self.text(EVENT_TYPE)) {
            (state @ "PAY_FAIL", _) => Some(state),
            (_, event) if event.ends_with(".FAIL") => Some(event),
            _ => None,
        };
        let (code, message) = code_and_message(&self.envelope, fault.or_else(event)?);
        Some(ApiError {
            status: StatusCode::OK,
            code: code.into_owned(),
            message: message.into_owned(),
            detail: None,
            headers: http::HeaderMap::new(),
            request_id: None,
            body: Bytes::copy_from_slice(self.body),
            verified: true,
            retry_after: None,
        })
    }

    fn refused(&self, resource: Option<&[u8]>) -> RefusedNotification {
        RefusedNotification {
            event_type: self.text(EVENT_TYPE).to_owned(),
            resource: resource.map(Bytes::copy_from_slice),
            ..refused(Version::V2, self.body)
        }
    }

    /// Returns a field of the envelope, or an empty text if it is absent or not flat.
    fn text(&self, name: &str) -> &str {
        let field = self.envelope.get(name);
        field.and_then(Value::as_str).unwrap_or_default()
    }
}

/// Decrypts `req_info`: AES-256-ECB with the MD5 of the APIv2 key, in lower-case hexadecimal digits.
fn decrypt_refund(refund: &Value, key: &str) -> Result<Vec<u8>> {
    let undecoded = |err: Cause| err.in_step("body");
    let encoded = refund.as_str().ok_or_else(|| {
        undecoded(Cause::new(
            ErrorKind::Decode,
            "`req_info` contains elements or occurs twice",
        ))
    })?;
    let ciphertext = base64(encoded.trim(), "`req_info`").map_err(undecoded)?;
    // The digest decrypts like the key itself, so it is wiped, too.
    let digest = Zeroizing::new(hex_lower(&md5(key.as_bytes())));
    let fault = || {
        Cause::new(
            ErrorKind::Decrypt,
            "the digest of the APIv2 key is not 32 digits long",
        )
    };
    let digest: &[u8; 32] = digest.as_bytes().try_into().map_err(|_| fault())?;
    ecb::decrypt(digest, &ciphertext).map_err(|err| err.in_step("decryption"))
}

fn parse_refund(text: &[u8]) -> Result<Map<String, Value>> {
    xml::parse_under(text, &["root", "xml"], text.len()).map_err(|err| err.in_step("resource"))
}

/// The fields that may differ each time a notification is sent.
const VARYING: [&str; 2] = ["nonce_str", "sign_type"];
/// Further fields that may differ if the notification has an event ID: its encryption is redone.
const VARYING_WITH_ID: [&str; 2] = ["event_nonce", "event_ciphertext"];

/// Returns an ID, which APIv2 does not provide: a digest of the text that the sign covers, without the
/// fields that differ each time the notification is sent.
///
/// Only signed text counts. If a field that anyone can add (an empty one, or one next to `req_info`)
/// changed the ID, the same notification could pass a replay guard again. The text is used rather
/// than the fields for the same reason: moving a part of it from one field to another, which the sign
/// permits, must not change the ID.
fn id(fields: &Map<String, Value>) -> String {
    // An empty ID is not signed.
    let has_id = fields
        .get(EVENT_ID)
        .is_some_and(|id| id.as_str() != Some(""));
    let varies = |name: &str| VARYING.contains(&name) || has_id && VARYING_WITH_ID.contains(&name);
    let text = signed_text(fields).unwrap_or_else(|_| json_text(fields));
    let mut hash = Sha256::new();
    for part in text.split('&') {
        let name = part.split_once('=').map_or(part, |(name, _)| name);
        if !varies(name) {
            hash.update(part.as_bytes());
            hash.update(b"&");
        }
    }
    format!("v2-{}", hex_lower(&hash.finish()))
}

/// Returns the text for fields that are not flat. Only the fields in `req_info` can be like that, and
/// no sign covers them.
fn json_text(fields: &Map<String, Value>) -> String {
    let mut all = fields
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect::<Vec<_>>();
    all.sort_unstable();
    all.join("&")
}
