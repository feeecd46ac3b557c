//! APIv3: a signature over the raw bytes, JSON around a ciphertext.

use std::time::Instant;

use http::HeaderMap;
use serde_json::{Map, Value};

use super::{Notification, receiver::Receiver};
use crate::{
    base::crypto::aead,
    error::{Cause, Kind, cause::Result},
    protocol::{
        answer::Verification,
        options::type_of,
        path::{Version, shown},
        trust::Purpose,
        verify::Signed,
    },
};

const ALGORITHM: &str = "AEAD_AES_256_GCM";
/// An ID is a UUID; a longer one would only fill the memory of a replay guard.
const MOST_ID: usize = 128;

impl Receiver {
    pub(super) async fn open_v3(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: u64,
        received: Instant,
    ) -> Result<Notification> {
        let key = self.apiv3_key.as_ref().ok_or_else(|| {
            Cause::config("a notification cannot be opened without the `apiv3_key`: give it")
        })?;
        let serial = self.verify(headers, body, now).await?;
        let envelope = parse(body, "the body").map_err(|err| err.in_step("body"))?;
        let sealed = Sealed::read(&envelope).map_err(|err| err.in_step("body"))?;
        let resource = aead::open(
            key,
            sealed.nonce.as_bytes(),
            sealed.associated_data.as_bytes(),
            &sealed.ciphertext,
        )
        .map_err(|err| err.in_step("decryption"))?;
        let fields = parse(&resource, "the resource").map_err(|err| err.in_step("resource"))?;
        self.owners.check(&fields)?;
        Ok(Notification {
            version: Version::V3,
            id: sealed.id.to_owned(),
            envelope: Value::Object(envelope),
            resource,
            resource_json: Value::Object(fields),
            verification: Verification::Verified { serial },
            received,
        })
    }

    /// The serial of the key by which it verified.
    async fn verify(&self, headers: &HeaderMap, body: &[u8], now: u64) -> Result<String> {
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
        signed
            .verify(&self.trust, body, now, Purpose::Notification)
            .await
            .map_err(|err| err.in_step("signature"))?;
        Ok(signed.serial().to_owned())
    }
}

/// The parts of the body that opening it takes.
struct Sealed<'e> {
    id: &'e str,
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
            nonce: required(resource, "nonce", "`resource.nonce`")?,
            associated_data: match resource.get("associated_data") {
                None | Some(Value::Null) => "",
                Some(Value::String(data)) => data,
                other => {
                    return Err(lacks("`resource.associated_data`", other, "a string"));
                }
            },
            ciphertext: super::receiver::base64(ciphertext, "`resource.ciphertext`")?,
        })
    }
}

fn required<'v>(map: &'v Map<String, Value>, name: &str, path: &str) -> Result<&'v str> {
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

fn undecoded(message: String) -> Cause {
    Cause::new(Kind::Decode, message)
}

fn parse(bytes: &[u8], what: &str) -> Result<Map<String, Value>> {
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(other) => Err(undecoded(format!(
            "{what} is {}, not a JSON object",
            type_of(&other)
        ))),
        Err(err) => Err(undecoded(format!(
            "{what} ({} bytes) is not JSON: a {:?} error at line {}, column {}",
            bytes.len(),
            err.classify(),
            err.line(),
            err.column()
        ))),
    }
}
