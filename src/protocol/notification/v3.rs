//! APIv3 notifications: a signature over the raw bytes, and an encrypted resource in JSON.

use std::time::Instant;

use bytes::Bytes;
use http::HeaderMap;
use serde_json::{Map, Value};

use super::{
    Notification,
    owner::Rule,
    receiver::{MatchedBy, Receiver, base64, first_to_open, refused},
};
use crate::{
    base::{
        crypto::aead,
        json::{self, type_name},
    },
    error::{Cause, ErrorKind, cause::Result, value::shown},
    protocol::{
        response::verification::Verification,
        trust::{key::Purpose, signature::SignatureHeaders},
        url::path::Version,
    },
};

pub(super) const ALGORITHM: &str = "AEAD_AES_256_GCM";
/// The longest accepted ID, in bytes. IDs are UUIDs; a longer one would only fill the memory of a
/// replay guard.
const MAX_ID: usize = 128;

pub(super) async fn open(
    receivers: &[&Receiver],
    headers: &HeaderMap,
    body: &[u8],
    now: u64,
    received: Instant,
) -> Result<Notification> {
    let with_key = receivers.iter().copied();
    let with_key: Vec<_> = with_key.filter(|one| one.apiv3_key.is_some()).collect();
    if with_key.is_empty() {
        return Err(Cause::config(
            "a notification cannot be decrypted without the `apiv3_key`: give that key",
        ));
    }
    let signed = signature(headers, now)?;
    // Verified before anything is parsed: the body may be from anyone.
    let verified = verified_by(&with_key, &signed, body, now).await?;
    let mut refused = refused(Version::V3, body);
    // From here on the content is genuine. An error still carries it, so that a program can save a
    // notification that it cannot process before WeChat Pay stops repeating it.
    let envelope = parse(body, "the body").map_err(|err| {
        let err = err.in_step("body");
        err.with_refused(refused.clone())
    })?;
    let text = |name: &str| envelope.get(name).and_then(Value::as_str).unwrap_or("");
    refused.id = text("id").chars().take(MAX_ID).collect();
    refused.event_type = text("event_type").chars().take(MAX_ID).collect();
    let resource = Resource::read(&envelope)
        .map_err(|err| err.in_step("body").with_refused(refused.clone()))?;
    // Decryption with the APIv3 key shows which merchant it is for; the platform key is shared by all.
    first_to_open(verified, |receiver| {
        let opened = resource
            .open(receiver)
            .map_err(|err| err.with_refused(refused.clone()))?;
        let refuse = |err: Cause| {
            let mut refused = refused.clone();
            refused.resource = Some(Bytes::copy_from_slice(&opened));
            err.with_refused(refused)
        };
        let fields =
            parse(&opened, "the resource").map_err(|err| refuse(err.in_step("resource")))?;
        let rule = Rule::of(resource.original_type, &fields);
        let fields = Value::Object(fields);
        let named = receiver.owners.judge(&fields, rule).map_err(refuse)?;
        let matched = MatchedBy::of(&named);
        let notification = Notification {
            version: Version::V3,
            id: resource.id.to_owned(),
            mchid: named.or_else(|| receiver.owners.own()),
            envelope: Value::Object(envelope.clone()),
            resource: opened,
            resource_json: fields,
            verification: Verification::Verified {
                serial: signed.serial().to_owned(),
            },
            failure: None,
            received,
        };
        Ok((notification, matched))
    })
}

/// Reads the signature's headers and checks their timestamp.
fn signature(headers: &HeaderMap, now: u64) -> Result<SignatureHeaders<'_>> {
    let signed = SignatureHeaders::read(headers)
        .and_then(|signed| {
            signed.ok_or_else(|| {
                Cause::new(
                    ErrorKind::Verification,
                    "it has no Wechatpay-… headers: either it is not from WeChat Pay, or something \
                     on the way dropped them",
                )
            })
        })
        .map_err(|err| err.in_step("headers"))?;
    // `verify` checks the time again. Doing it here as well names the right step and avoids trying the
    // keys of many merchants for a replayed request.
    signed.check_time(now).map_err(|err| err.in_step("time"))?;
    Ok(signed)
}

/// Returns the receivers whose trust store verifies the notification. A key that several of them
/// share, such as a platform certificate's, is tried once.
async fn verified_by<'r>(
    receivers: &[&'r Receiver],
    signed: &SignatureHeaders<'_>,
    body: &[u8],
    now: u64,
) -> Result<Vec<&'r Receiver>> {
    let serial = signed.serial();
    let knows = |receiver: &&Receiver| receiver.trust.may_know(serial);
    let mut candidates: Vec<_> = receivers.iter().copied().filter(knows).collect();
    if candidates.is_empty() {
        // None knows the key. The error of the first one lists the keys that are trusted.
        candidates.extend(receivers.first());
    }
    let mut tried: Vec<(&Receiver, bool)> = Vec::new();
    let (mut verified, mut error) = (Vec::new(), None);
    for receiver in candidates {
        let same = |(other, _): &&(&Receiver, bool)| receiver.trust.shares(&other.trust, serial);
        let matches = match tried.iter().find(same) {
            Some((_, matches)) => *matches,
            None => {
                let result = signed
                    .verify(&receiver.trust, body, now, Purpose::Notification)
                    .await;
                let matches = result.is_ok();
                tried.push((receiver, matches));
                error = error.or(result.err());
                matches
            }
        };
        if matches {
            verified.push(receiver);
        }
    }
    match error {
        Some(error) if verified.is_empty() => Err(error.in_step("signature")),
        _ => Ok(verified),
    }
}

/// The parts of the body that are needed to decrypt the resource.
struct Resource<'e> {
    id: &'e str,
    original_type: Option<&'e str>,
    nonce: &'e str,
    associated_data: &'e str,
    ciphertext: Vec<u8>,
}

impl<'e> Resource<'e> {
    fn read(envelope: &'e Map<String, Value>) -> Result<Self> {
        let id = required(envelope, "id", "`id`")?;
        if id.is_empty() || id.len() > MAX_ID {
            return Err(undecoded(format!(
                "invalid `id`: {} bytes long, expected 1 to {MAX_ID}",
                id.len()
            )));
        }
        required(envelope, "event_type", "`event_type`")?;
        let resource = match envelope.get("resource") {
            Some(Value::Object(resource)) => resource,
            other => return Err(mismatch("`resource`", other, "an object")),
        };
        // The only documented algorithm. A new one must not be decrypted as if it were this one.
        let algorithm = required(resource, "algorithm", "`resource.algorithm`")?;
        if algorithm != ALGORITHM {
            return Err(undecoded(format!(
                "unsupported `resource.algorithm` {:?}: expected {ALGORITHM}",
                shown(algorithm)
            )));
        }
        let ciphertext = required(resource, "ciphertext", "`resource.ciphertext`")?;
        Ok(Self {
            id,
            original_type: resource.get("original_type").and_then(Value::as_str),
            nonce: required(resource, "nonce", "`resource.nonce`")?,
            // Documented as optional, but it is authenticated: a wrong type must not count as empty.
            associated_data: match resource.get("associated_data") {
                None | Some(Value::Null) => "",
                Some(Value::String(data)) => data,
                other => {
                    return Err(mismatch("`resource.associated_data`", other, "a string"));
                }
            },
            ciphertext: base64(ciphertext, "`resource.ciphertext`")?,
        })
    }

    fn open(&self, receiver: &Receiver) -> Result<Vec<u8>> {
        decrypt(receiver, self.nonce, self.associated_data, &self.ciphertext)
    }
}

/// Decrypts with the receiver's APIv3 key.
pub(super) fn decrypt(
    receiver: &Receiver,
    nonce: &str,
    associated_data: &str,
    ciphertext: &[u8],
) -> Result<Vec<u8>> {
    let key = receiver.apiv3_key.as_ref().ok_or_else(|| {
        Cause::config("this notification is encrypted with the `apiv3_key`: give that key")
    })?;
    aead::open(
        key,
        nonce.as_bytes(),
        associated_data.as_bytes(),
        ciphertext,
    )
    .map_err(|err| err.in_step("decryption"))
}

/// Returns a required string.
pub(super) fn required<'v>(map: &'v Map<String, Value>, name: &str, path: &str) -> Result<&'v str> {
    match map.get(name) {
        Some(Value::String(text)) => Ok(text),
        other => Err(mismatch(path, other, "a string")),
    }
}

/// Returns the error of a missing field, or of one with the wrong type.
fn mismatch(path: &str, found: Option<&Value>, expected: &str) -> Cause {
    undecoded(match found {
        None => format!("{path} is missing"),
        Some(value) => format!("{path} is {}: expected {expected}", type_name(value)),
    })
}

pub(super) fn undecoded(message: String) -> Cause {
    Cause::new(ErrorKind::Decode, message)
}

/// Parses a JSON object. The error shows its size, not its content.
pub(super) fn parse(bytes: &[u8], what: &str) -> Result<Map<String, Value>> {
    match json::parse(bytes) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(other) => Err(undecoded(format!(
            "{what} is {}: expected a JSON object",
            type_name(&other)
        ))),
        Err(error) => Err(undecoded(format!(
            "{what} ({} bytes) is not JSON: {error}",
            bytes.len()
        ))),
    }
}
