//! APIv2: XML, whose sign vouches for it; of a refund, nothing but its encryption.

use std::time::Instant;

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::{
    Notification,
    owner::Rule,
    receiver::{Receiver, Told, base64, first_to_open, refused},
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
    error::{ApiError, Cause, Kind, RefusedNotification, cause::Result},
    protocol::{
        answer::Verification,
        path::{Version, shown},
        v2::{
            answer::{SUCCESS, code_and_message, plain},
            sign::{MARKS, SIGN, signed_text, verify},
        },
    },
};

const REQ_INFO: &str = "req_info";
const EVENT_ID: &str = "event_id";
const EVENT_TYPE: &str = "event_type";
const EVENT_CIPHERTEXT: &str = "event_ciphertext";

/// How much is hashed at most for a notification whose merchant is not known, in bytes: its length
/// times the keys to try. Anyone can send one.
const MOST_TRIED: usize = 16 << 20;

pub(super) fn open(
    receivers: &[&Receiver],
    body: &[u8],
    received: Instant,
) -> Result<Notification> {
    let able = receivers.iter().copied();
    let able: Vec<_> = able.filter(|one| one.apiv2_key.is_some()).collect();
    if able.is_empty() {
        return Err(Cause::config(
            "this notification is one of APIv2 (XML), and it cannot be verified without the \
             `apiv2_key`: give it, or refuse it",
        ));
    }
    let envelope = xml::parse(body, body.len()).map_err(|err| err.in_step("body"))?;
    let asked = asked(able, &envelope, body.len())?;
    let message = Message {
        body,
        envelope,
        received,
    };
    first_to_open(asked, |receiver| message.open_for(receiver))
}

/// The receivers to try: those of the merchant that the body names (nothing vouches for the name
/// yet), or all of them if no receiver takes that merchant's.
fn asked<'r>(
    mut able: Vec<&'r Receiver>,
    envelope: &Map<String, Value>,
    length: usize,
) -> Result<Vec<&'r Receiver>> {
    let name = ["mch_id", "combine_mch_id"]
        .iter()
        .filter_map(|name| envelope.get(*name).and_then(scalar))
        .find(|id| !id.is_empty());
    if let Some(name) = &name {
        if able.iter().any(|receiver| receiver.owners.take(name)) {
            able.retain(|receiver| receiver.owners.take(name));
        }
    }
    if able.len() > 1 && able.len().saturating_mul(length) > MOST_TRIED {
        let message = format!(
            "it names {}, and it is too long ({length} bytes) to try each of {} keys",
            name.map_or("no merchant".into(), |name| format!("{:?}", shown(&name))),
            able.len()
        );
        return Err(Cause::new(Kind::Owner, message).in_step("owner"));
    }
    Ok(able)
}

/// A notification that is not verified yet.
struct Message<'b> {
    body: &'b [u8],
    envelope: Map<String, Value>,
    received: Instant,
}

/// Where a notification keeps what it is about.
#[derive(Clone, Copy)]
enum Sealed<'m> {
    /// In `req_info`, under the APIv2 key.
    Refund(&'m Value),
    /// In `event_ciphertext`, under the APIv3 key.
    Event(&'m str),
    /// In its own fields.
    No,
}

/// What a notification is about.
struct Opened {
    text: Vec<u8>,
    fields: Map<String, Value>,
    verification: Verification,
    failure: Option<ApiError>,
}

impl Message<'_> {
    fn open_for(&self, receiver: &Receiver) -> Result<(Notification, Told)> {
        // `open` asks those alone that have one.
        let key = receiver.apiv2_key.as_deref().map_or("", String::as_str);
        let sealed = self.sealed();
        let opened = match sealed {
            Sealed::Refund(refund) if !self.envelope.contains_key(SIGN) => {
                self.open_unsigned(refund, key)?
            }
            _ => self.open_signed(sealed, receiver, key)?,
        };
        let envelope = Value::Object(self.envelope.clone());
        let resource_json = Value::Object(opened.fields);
        let outer = receiver.owners.judge(&envelope, Rule::Named);
        let inner = receiver.owners.judge(&resource_json, Rule::Named);
        let named = outer
            .and_then(|outer| Ok(outer.or(inner?)))
            .map_err(|err| err.with_refused(self.refused(Some(&opened.text))))?;
        let told = Told::of(&named);
        let id = match (sealed, &resource_json) {
            (Sealed::Refund(_), Value::Object(fields)) => id(fields),
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
        Ok((notification, told))
    }

    fn sealed(&self) -> Sealed<'_> {
        match (self.envelope.get(REQ_INFO), self.text(EVENT_CIPHERTEXT)) {
            (Some(refund), _) if !refund.is_null() => Sealed::Refund(refund),
            (_, "") => Sealed::No,
            (_, event) => Sealed::Event(event),
        }
    }

    /// A refund, which is documented without a sign.
    fn open_unsigned(&self, refund: &Value, key: &str) -> Result<Opened> {
        let code = plain(&self.envelope, "return_code").map_err(|err| err.in_step("body"))?;
        if code != Some(SUCCESS) {
            let message = format!(
                "its return_code is {:?} and not {SUCCESS}, and no sign vouches for that",
                shown(code.unwrap_or_default())
            );
            return Err(Cause::new(Kind::Decode, message).in_step("body"));
        }
        let text = decrypt_refund(refund, key)?;
        // Another key's padding comes out right once in 256 times: then this is what fails.
        let fields = parse_refund(&text)?;
        Ok(Opened {
            text,
            fields,
            verification: Verification::DocumentedUnsigned,
            failure: None,
        })
    }

    fn open_signed(&self, sealed: Sealed<'_>, receiver: &Receiver, key: &str) -> Result<Opened> {
        let sign_type = verify(&self.envelope, key).map_err(|err| err.in_step("signature"))?;
        let refuse = |err: Cause| err.with_refused(self.refused(None));
        // An empty one is not signed: anyone could add it to a request that they have seen.
        if MARKS.iter().all(|mark| self.text(mark).is_empty()) {
            let message = format!(
                "it has none of the fields that tell a notification from a request: {}",
                MARKS.join(", ")
            );
            let err = Cause::new(Kind::Decode, message);
            return Err(refuse(err.in_step("body")));
        }
        let text = match sealed {
            Sealed::Refund(refund) => decrypt_refund(refund, key),
            Sealed::Event(event) => self.decrypt_event(event, receiver),
            Sealed::No => Ok(self.body.to_vec()),
        };
        let text = text.map_err(refuse)?;
        let fields = match sealed {
            Sealed::Refund(_) => parse_refund(&text),
            Sealed::Event(_) => {
                v3::parse(&text, "the event").map_err(|err| err.in_step("resource"))
            }
            Sealed::No => Ok(self.envelope.clone()),
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

    /// The JSON in `event_ciphertext`.
    fn decrypt_event(&self, event: &str, receiver: &Receiver) -> Result<Vec<u8>> {
        let undecoded = |err: Cause| err.in_step("body");
        let required = |name: &'static str| {
            let field = format!("`{name}`");
            v3::required(&self.envelope, name, &field).map_err(undecoded)
        };
        let algorithm = required("event_algorithm")?;
        if algorithm != v3::ALGORITHM {
            return Err(undecoded(v3::undecoded(format!(
                "`event_algorithm` is {:?}: only {} is known",
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

    /// The failure that it tells of. Its sign vouches for it.
    fn failure(&self) -> Option<ApiError> {
        let codes = ["return_code", "result_code"].map(|name| self.text(name));
        let fault = codes
            .into_iter()
            .find(|code| !matches!(*code, "" | SUCCESS));
        // A deduction that failed, and an event that says so in its name.
        let told = || match (self.text("trade_state"), self.text(EVENT_TYPE)) {
            (state @ "PAY_FAIL", _) => Some(state),
            (_, event) if event.ends_with(".FAIL") => Some(event),
            _ => None,
        };
        let (code, message) = code_and_message(&self.envelope, fault.or_else(told)?);
        Some(ApiError {
            status: StatusCode::OK,
            code: code.into_owned(),
            message: message.into_owned(),
            detail: None,
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

    /// A field of the envelope; empty where it is absent or not flat.
    fn text(&self, name: &str) -> &str {
        let field = self.envelope.get(name);
        field.and_then(Value::as_str).unwrap_or_default()
    }
}

/// The text in `req_info`: AES-256-ECB under the MD5 of the key, in lower-case hexadecimal digits.
fn decrypt_refund(refund: &Value, key: &str) -> Result<Vec<u8>> {
    let undecoded = |err: Cause| err.in_step("body");
    let sealed = refund.as_str().ok_or_else(|| {
        undecoded(Cause::new(
            Kind::Decode,
            "`req_info` holds elements or occurs twice",
        ))
    })?;
    let ciphertext = base64(sealed.trim(), "`req_info`").map_err(undecoded)?;
    let digest = Zeroizing::new(hex_lower(&md5(key.as_bytes())));
    let fault = || Cause::new(Kind::Decrypt, "the digest of the key is not 32 digits");
    let digest: &[u8; 32] = digest.as_bytes().try_into().map_err(|_| fault())?;
    ecb::decrypt(digest, &ciphertext).map_err(|err| err.in_step("decryption"))
}

fn parse_refund(text: &[u8]) -> Result<Map<String, Value>> {
    xml::parse_under(text, &["root", "xml"], text.len()).map_err(|err| err.in_step("resource"))
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
/// of the fields: moving a part of it from one field to another changes nothing.
fn id(fields: &Map<String, Value>) -> String {
    // An empty one is not signed.
    let has_id = fields
        .get(EVENT_ID)
        .is_some_and(|id| id.as_str() != Some(""));
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
