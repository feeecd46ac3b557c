//! The body of a notification: the resource encrypted, the XML signed.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::{Content, DeliveryFault, Notice};
use crate::{
    base::{
        crypto::{
            aead,
            digest::{hex_lower, md5},
            ecb,
        },
        xml,
    },
    error::{Cause, cause::Result},
    protocol::v2::sign::{SIGN, SignType, sign},
    sandbox::{
        state::{merchant::Merchant, random::Rng},
        time::format_rfc3339,
    },
};

/// Makes the body, with the fault if it is one of the body.
pub(super) fn body(
    notice: &Notice,
    merchant: &Merchant,
    id: &str,
    created: u64,
    fault: Option<DeliveryFault>,
    rng: &mut Rng,
) -> Result<Bytes> {
    match &notice.content {
        Content::V3 {
            event_type,
            original_type,
            summary,
            resource,
        } => {
            let key = match fault {
                Some(DeliveryFault::WrongApiv3Key) => Zeroizing::new(rng.token(32)),
                _ => merchant.apiv3.clone(),
            };
            let resource = encrypt(&key, &resource.to_string(), original_type, rng)?;
            let envelope = json!({
                "id": id,
                "create_time": format_rfc3339(created),
                "resource_type": "encrypt-resource",
                "event_type": event_type,
                "summary": summary,
                "resource": resource,
            });
            Ok(envelope.to_string().into())
        }
        Content::V2 { fields, req_info } => {
            let fields = v2_fields(fields, req_info.as_ref(), merchant, fault, rng)?;
            Ok(xml::write(&fields)?.into())
        }
    }
}

/// Returns `resource` of APIv3's envelope.
fn encrypt(key: &str, text: &str, original_type: &str, rng: &mut Rng) -> Result<Value> {
    let nonce = rng.token(12);
    let ciphertext = seal(key, &nonce, original_type, text)?;
    let mut resource = json!({
        "original_type": original_type,
        "algorithm": "AEAD_AES_256_GCM",
        "ciphertext": ciphertext,
        // As WeChat Pay does, though the documents allow any text.
        "associated_data": original_type,
        "nonce": nonce,
    });
    if original_type.is_empty() {
        if let Value::Object(resource) = &mut resource {
            resource.shift_remove("original_type");
        }
    }
    Ok(resource)
}

/// Encrypts with AES-256-GCM under the APIv3 key, and returns base64.
pub(super) fn seal(key: &str, nonce: &str, associated_data: &str, text: &str) -> Result<String> {
    let key = key.as_bytes().try_into();
    let key = key.map_err(|_| Cause::key("the APIv3 key is not 32 bytes long"))?;
    let sealed = aead::seal(
        key,
        nonce.as_bytes(),
        associated_data.as_bytes(),
        text.as_bytes(),
    )?;
    Ok(STANDARD.encode(sealed))
}

/// Returns the fields of APIv2's XML, with the encrypted part or the sign.
fn v2_fields(
    fields: &Map<String, Value>,
    req_info: Option<&Map<String, Value>>,
    merchant: &Merchant,
    fault: Option<DeliveryFault>,
    rng: &mut Rng,
) -> Result<Map<String, Value>> {
    let key = match fault {
        Some(DeliveryFault::WrongKey) => Zeroizing::new(rng.token(32)),
        _ => merchant.apiv2.clone(),
    };
    let mut fields = fields.clone();
    if !fields.contains_key("nonce_str") && !is_nonceless(&fields) {
        fields.insert("nonce_str".to_owned(), rng.token(32).into());
    }
    if let Some(req_info) = req_info {
        let mut sealed = seal_refund(&key, req_info)?;
        if fault == Some(DeliveryFault::BadSignature) {
            // The last block has the padding, which no longer fits.
            if let Some(last) = sealed.last_mut() {
                *last ^= 1;
            }
        }
        fields.insert("req_info".to_owned(), STANDARD.encode(sealed).into());
        return Ok(fields);
    }
    let mut signed = sign(&fields, &key, sign_type(&fields)?)?;
    if fault == Some(DeliveryFault::BadSignature) {
        // Another digit, and still a digit.
        let first = if signed.starts_with('0') { "1" } else { "0" };
        signed.replace_range(..1, first);
    }
    fields.insert(SIGN.to_owned(), signed.into());
    Ok(fields)
}

/// The notification of a contract is documented without `nonce_str`.
fn is_nonceless(fields: &Map<String, Value>) -> bool {
    fields.contains_key("contract_code") && fields.contains_key("change_type")
}

fn sign_type(fields: &Map<String, Value>) -> Result<SignType> {
    let name = ["sign_type", "algorithm"];
    let name = name.iter().find_map(|name| fields.get(*name)?.as_str());
    SignType::from_field(name)
}

/// Encrypts the fields of a refund: AES-256-ECB with the MD5 of the APIv2 key in lower-case digits.
fn seal_refund(key: &str, fields: &Map<String, Value>) -> Result<Vec<u8>> {
    let text = xml::write(fields)?;
    let fields = text.strip_prefix("<xml>");
    let fields = fields.and_then(|text| text.strip_suffix("</xml>"));
    let text = format!("<root>{}</root>", fields.unwrap_or_default());
    let digest = Zeroizing::new(hex_lower(&md5(key.as_bytes())));
    let digest = digest.as_bytes().try_into();
    let digest = digest.map_err(|_| Cause::key("the digest of the APIv2 key is not 32 digits"))?;
    Ok(ecb::encrypt(digest, text.as_bytes()))
}
