use std::{convert::Infallible, sync::Arc, time::Instant};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use super::{at_once, check_error, draw::Draw, sent::APIV2_KEY};
use crate::{
    Ack, Notification, Result, Verifier,
    base::{
        crypto::{
            aead,
            digest::{Sha256, hex_lower, md5},
            ecb,
        },
        xml,
    },
    protocol::{
        notification::{self, Owners, Receiver, collect},
        trust::{Guard, Sandboxes, Trust},
        v2::sign::{SignType, sign, verify},
    },
};

const APIV3_KEY: [u8; 32] = *b"0123456789abcdef0123456789abcdef";
const NOW: u64 = 1_700_000_000;

/// Takes the digest of a message for its signature.
struct ByDigest;

impl Verifier for ByDigest {
    type Error = Infallible;

    async fn verify(&self, _: &str, message: &[u8], signature: &[u8]) -> Result<bool, Infallible> {
        Ok(digest(message) == signature)
    }
}

fn digest(message: &[u8]) -> Vec<u8> {
    let mut hash = Sha256::new();
    hash.update(message);
    hash.finish().to_vec()
}

/// Receives any headers with any body; any body that is signed; and notifications of both versions
/// around resources that are drawn, which must open to them.
pub fn notification(data: &[u8]) {
    let receiver = receiver();
    let mut draw = Draw::new(data);
    match draw.byte() % 5 {
        0 => {
            let mut headers = Vec::new();
            for _ in 0..draw.byte() % 8 {
                headers.push((draw.text(), draw.bytes().to_vec()));
            }
            let refused = open(&receiver, &headers, draw.rest());
            // Whoever signed nothing said nothing; but for a refund of APIv2.
            assert!(refused.is_none_or(|opened| opened.is_v2()));
        }
        1 => {
            open_signed(&receiver, draw.rest());
        }
        2 => open_v3(&receiver, &mut draw),
        3 => open_v2(&receiver, fields(&mut draw)),
        _ => open_refund(&receiver, fields(&mut draw)),
    }
}

fn open_v3(receiver: &Receiver, draw: &mut Draw<'_>) {
    let [id, event, associated_data] = std::array::from_fn(|_| draw.text());
    let resource = draw.rest();
    let nonce = "0123456789ab";
    let sealed = aead::seal(
        &APIV3_KEY,
        nonce.as_bytes(),
        associated_data.as_bytes(),
        resource,
    );
    let envelope = json!({
        "id": id,
        "event_type": event,
        "resource": {
            "algorithm": "AEAD_AES_256_GCM",
            "nonce": nonce,
            "associated_data": associated_data,
            "ciphertext": STANDARD.encode(sealed.expect("it is short")),
        },
    });
    let opened = open_signed(receiver, envelope.to_string().as_bytes());
    let read = serde_json::from_slice::<Map<String, Value>>(resource);
    let is_id = (1..=128).contains(&id.len());
    match (opened, read) {
        (Some(opened), Ok(read)) => {
            assert_eq!((opened.id(), opened.event_type()), (&*id, &*event));
            assert_eq!(opened.resource_bytes(), resource);
            assert_eq!(opened.resource_json(), &Value::Object(read));
            assert!(is_id && opened.verification().is_verified());
        }
        (None, read) => assert!(read.is_err() || !is_id || resource.len() > 700_000),
        (Some(_), Err(err)) => panic!("{err}"),
    }
}

fn open_v2(receiver: &Receiver, mut fields: Map<String, Value>) {
    fields.shift_remove("req_info");
    fields.insert("return_code".to_owned(), "SUCCESS".into());
    // Neither is a sign made that would fit another message, nor is one taken.
    let Ok(sign) = sign(&fields, APIV2_KEY, SignType::HmacSha256) else {
        return;
    };
    fields.insert("sign".to_owned(), sign.into());
    let Ok(body) = xml::write(&fields) else {
        return;
    };
    if verify(&fields, APIV2_KEY).is_err() {
        return assert!(open(receiver, &[], body.as_bytes()).is_none());
    }
    let opened = open(receiver, &[], body.as_bytes()).expect(&body);
    assert_eq!(opened.resource_json(), &Value::Object(fields));
    assert!(opened.verification().is_verified());
    assert!(opened.is_v2());
}

fn open_refund(receiver: &Receiver, fields: Map<String, Value>) {
    let Ok(inner) = xml::write(&fields) else {
        return;
    };
    let key = hex_lower(&md5(APIV2_KEY.as_bytes()));
    let key = key.as_bytes().try_into().expect("32 digits");
    let sealed = STANDARD.encode(ecb::encrypt(key, inner.as_bytes()));
    let body =
        format!("<xml><return_code>SUCCESS</return_code><req_info>{sealed}</req_info></xml>");
    let opened = open(receiver, &[], body.as_bytes()).expect(&body);
    assert_eq!(opened.resource_json(), &Value::Object(fields));
    assert_eq!(opened.resource_text(), inner);
    assert!(!opened.verification().is_verified());
}

/// Flat fields of texts.
fn fields(draw: &mut Draw<'_>) -> Map<String, Value> {
    let mut fields = Map::new();
    while !draw.is_empty() {
        fields.insert(draw.text(), draw.text().into());
    }
    fields
}

fn open_signed(receiver: &Receiver, body: &[u8]) -> Option<Notification> {
    let message = [format!("{NOW}\nnonce\n").as_bytes(), body, b"\n"].concat();
    let header = |name: &str, value: String| (name.to_owned(), value.into_bytes());
    let headers = [
        header("Wechatpay-Timestamp", NOW.to_string()),
        header("Wechatpay-Nonce", "nonce".to_owned()),
        header("Wechatpay-Serial", "PUB_KEY_ID_0".to_owned()),
        header("Wechatpay-Signature", STANDARD.encode(digest(&message))),
    ];
    open(receiver, &headers, body)
}

fn open(receiver: &Receiver, headers: &[(String, Vec<u8>)], body: &[u8]) -> Option<Notification> {
    let headers = headers.iter().map(|(name, value)| (name, value));
    let opened = collect(headers).and_then(|headers| {
        at_once(notification::open(
            &[receiver],
            &headers,
            body,
            NOW,
            Instant::now(),
        ))
    });
    match opened {
        Ok(opened) => {
            assert!(format!("{opened:?}").len() < 4096);
            let ack = opened.fail(opened.resource_text());
            assert!(ack.body().len() < 4096);
            assert_eq!(
                std::str::from_utf8(opened.resource_bytes()),
                Ok(opened.resource_text())
            );
            Some(opened)
        }
        Err(err) => {
            check_error(&err);
            assert!(!Ack::refusal(&err.not_sent()).is_success());
            None
        }
    }
}

fn receiver() -> Receiver {
    let guard = Arc::new(Guard::new(Sandboxes::Taken));
    let trust = Trust::new(Vec::new(), Some(Arc::new(ByDigest)), guard);
    Receiver {
        trust: trust.expect("a verifier is enough"),
        apiv3_key: Some(Zeroizing::new(APIV3_KEY)),
        apiv2_key: Some(Zeroizing::new(APIV2_KEY.to_owned())),
        owners: Owners::default(),
    }
}
