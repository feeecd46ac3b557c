//! APIv3: a signature over the raw bytes, JSON around a ciphertext.

use std::time::Instant;

use bytes::Bytes;
use http::HeaderMap;
use serde_json::{Map, Value};

use super::{
    Notification,
    owner::Rule,
    receiver::{Receiver, Told, base64, first_to_open, refused},
};
use crate::{
    base::{crypto::aead, json},
    error::{Cause, Kind, cause::Result},
    protocol::{
        answer::Verification,
        options::type_of,
        path::{Version, shown},
        trust::Purpose,
        verify::Signed,
    },
};

pub(super) const ALGORITHM: &str = "AEAD_AES_256_GCM";
/// An ID is a UUID; a longer one would only fill the memory of a replay guard.
const MOST_ID: usize = 128;

pub(super) async fn open(
    receivers: &[&Receiver],
    headers: &HeaderMap,
    body: &[u8],
    now: u64,
    received: Instant,
) -> Result<Notification> {
    let able = receivers.iter().copied();
    let able: Vec<_> = able.filter(|one| one.apiv3_key.is_some()).collect();
    if able.is_empty() {
        return Err(Cause::config(
            "a notification cannot be opened without the `apiv3_key`: give it",
        ));
    }
    let signed = signature(headers, now)?;
    let verified = verified_by(&able, &signed, body, now).await?;
    let mut refused = refused(Version::V3, body);
    let envelope = parse(body, "the body").map_err(|err| {
        let err = err.in_step("body");
        err.with_refused(refused.clone())
    })?;
    let text = |name: &str| envelope.get(name).and_then(Value::as_str).unwrap_or("");
    refused.id = text("id").chars().take(MOST_ID).collect();
    refused.event_type = text("event_type").chars().take(MOST_ID).collect();
    let sealed =
        Sealed::read(&envelope).map_err(|err| err.in_step("body").with_refused(refused.clone()))?;
    first_to_open(verified, |receiver| {
        let opened = sealed
            .open(receiver)
            .map_err(|err| err.with_refused(refused.clone()))?;
        let refuse = |err: Cause| {
            let mut refused = refused.clone();
            refused.resource = Some(Bytes::copy_from_slice(&opened));
            err.with_refused(refused)
        };
        let fields =
            parse(&opened, "the resource").map_err(|err| refuse(err.in_step("resource")))?;
        let rule = Rule::of(sealed.original_type, &fields);
        let fields = Value::Object(fields);
        let named = receiver.owners.judge(&fields, rule).map_err(refuse)?;
        let told = Told::of(&named);
        let notification = Notification {
            version: Version::V3,
            id: sealed.id.to_owned(),
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
        Ok((notification, told))
    })
}

/// What the headers hold: who signed, and when.
fn signature(headers: &HeaderMap, now: u64) -> Result<Signed<'_>> {
    let signed = Signed::read(headers)
        .and_then(|signed| {
            signed.ok_or_else(|| {
                Cause::new(
                    Kind::Signature,
                    "it carries none of the Wechatpay-… headers: it did not come from WeChat \
                     Pay, or something on the way dropped them",
                )
            })
        })
        .map_err(|err| err.in_step("headers"))?;
    signed.check_time(now).map_err(|err| err.in_step("time"))?;
    Ok(signed)
}

/// The receivers whose own trust vouches for the notification. A key that many of them share, such
/// as a platform certificate's, is tried once.
async fn verified_by<'r>(
    receivers: &[&'r Receiver],
    signed: &Signed<'_>,
    body: &[u8],
    now: u64,
) -> Result<Vec<&'r Receiver>> {
    let serial = signed.serial();
    let knows = |receiver: &&Receiver| receiver.trust.may_know(serial);
    let mut asked: Vec<_> = receivers.iter().copied().filter(knows).collect();
    if asked.is_empty() {
        // Its refusal names the keys that are known instead.
        asked.extend(receivers.first());
    }
    let mut tried: Vec<(&Receiver, bool)> = Vec::new();
    let (mut verified, mut fault) = (Vec::new(), None);
    for receiver in asked {
        let same = |(other, _): &&(&Receiver, bool)| receiver.trust.shares(&other.trust, serial);
        let good = match tried.iter().find(same) {
            Some((_, good)) => *good,
            None => {
                let result = signed
                    .verify(&receiver.trust, body, now, Purpose::Notification)
                    .await;
                let good = result.is_ok();
                tried.push((receiver, good));
                fault = fault.or(result.err());
                good
            }
        };
        if good {
            verified.push(receiver);
        }
    }
    match fault {
        Some(fault) if verified.is_empty() => Err(fault.in_step("signature")),
        _ => Ok(verified),
    }
}

/// The parts of the body that opening it takes.
struct Sealed<'e> {
    id: &'e str,
    original_type: Option<&'e str>,
    nonce: &'e str,
    associated_data: &'e str,
    ciphertext: Vec<u8>,
}

impl<'e> Sealed<'e> {
    fn read(envelope: &'e Map<String, Value>) -> Result<Self> {
        let id = required(envelope, "id", "`id`")?;
        if id.is_empty() || id.len() > MOST_ID {
            return Err(undecoded(format!(
                "`id` is {} bytes long, not 1 to {MOST_ID}",
                id.len()
            )));
        }
        required(envelope, "event_type", "`event_type`")?;
        let resource = match envelope.get("resource") {
            Some(Value::Object(resource)) => resource,
            other => return Err(lacks("`resource`", other, "an object")),
        };
        let algorithm = required(resource, "algorithm", "`resource.algorithm`")?;
        if algorithm != ALGORITHM {
            return Err(undecoded(format!(
                "`resource.algorithm` is {:?}: only {ALGORITHM} is known",
                shown(algorithm)
            )));
        }
        let ciphertext = required(resource, "ciphertext", "`resource.ciphertext`")?;
        Ok(Self {
            id,
            original_type: resource.get("original_type").and_then(Value::as_str),
            nonce: required(resource, "nonce", "`resource.nonce`")?,
            associated_data: match resource.get("associated_data") {
                None | Some(Value::Null) => "",
                Some(Value::String(data)) => data,
                other => {
                    return Err(lacks("`resource.associated_data`", other, "a string"));
                }
            },
            ciphertext: base64(ciphertext, "`resource.ciphertext`")?,
        })
    }

    fn open(&self, receiver: &Receiver) -> Result<Vec<u8>> {
        decrypt(receiver, self.nonce, self.associated_data, &self.ciphertext)
    }
}

/// Opens what is encrypted under the receiver's APIv3 key.
pub(super) fn decrypt(
    receiver: &Receiver,
    nonce: &str,
    associated_data: &str,
    ciphertext: &[u8],
) -> Result<Vec<u8>> {
    let key = receiver.apiv3_key.as_ref().ok_or_else(|| {
        Cause::config("this notification is encrypted with the `apiv3_key`: give it")
    })?;
    aead::open(
        key,
        nonce.as_bytes(),
        associated_data.as_bytes(),
        ciphertext,
    )
    .map_err(|err| err.in_step("decryption"))
}

pub(super) fn required<'v>(map: &'v Map<String, Value>, name: &str, path: &str) -> Result<&'v str> {
    match map.get(name) {
        Some(Value::String(text)) => Ok(text),
        other => Err(lacks(path, other, "a string")),
    }
}

fn lacks(path: &str, found: Option<&Value>, due: &str) -> Cause {
    undecoded(match found {
        None => format!("{path} is missing"),
        Some(value) => format!("{path} is {}, not {due}", type_of(value)),
    })
}

pub(super) fn undecoded(message: String) -> Cause {
    Cause::new(Kind::Decode, message)
}

pub(super) fn parse(bytes: &[u8], what: &str) -> Result<Map<String, Value>> {
    match json::parse(bytes) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(other) => Err(undecoded(format!(
            "{what} is {}, not a JSON object",
            type_of(&other)
        ))),
        Err(fault) => Err(undecoded(format!(
            "{what} ({} bytes) is not JSON: {fault}",
            bytes.len()
        ))),
    }
}
