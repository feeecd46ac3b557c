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
        v2::sign::{SIGN, verify},
    },
};

const REQ_INFO: &str = "req_info";

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

/// APIv2 gives no ID: a digest of what is said, less what differs from one sending to the next.
///
/// Only of what is vouched for: a field that anyone could add, which is an empty one or one beside
/// `req_info`, would let the same notification pass a replay guard again.
fn id(fields: &Map<String, Value>) -> String {
    let told = |name: &str| !matches!(name, SIGN | "sign_type" | "nonce_str");
    let mut all = fields
        .iter()
        .filter(|(name, value)| told(name) && value.as_str() != Some(""))
        .map(|(name, value)| (name.as_str(), value.to_string()))
        .collect::<Vec<_>>();
    all.sort_unstable();
    let mut hash = Sha256::new();
    for (name, value) in all {
        for part in [name, &value] {
            hash.update(&(part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
    }
    format!("v2-{}", hex_lower(&hash.finish()))
}
