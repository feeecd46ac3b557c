//! Receives notifications.

use std::{array, convert::Infallible, sync::LazyLock};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};
use wechatpay_chain::{
    Ack, Notification, Verifier,
    fuzz::{Receiver, receive, seal_v2, seal_v3, sha256, sign_v2, verify_v2, write_xml},
};

use crate::{at_once, check_error, draw::Draw, request::APIV2_KEY};

const APIV3_KEY: [u8; 32] = *b"0123456789abcdef0123456789abcdef";
/// The keys of another merchant.
const OTHER_APIV3_KEY: [u8; 32] = *b"fedcba9876543210fedcba9876543210";
const OTHER_APIV2_KEY: &str = "d2a6f96e2dece02c7490e4b052600291";
const NOW: u64 = 1_700_000_000;
/// For AES-256-GCM. The key is known anyway.
const NONCE: &str = "0123456789ab";

type Fields = Map<String, Value>;

/// Accepts the digest of a message as its signature.
struct ByDigest;

impl Verifier for ByDigest {
    type Error = Infallible;

    async fn verify(&self, _: &str, message: &[u8], signature: &[u8]) -> Result<bool, Infallible> {
        Ok(sha256(message) == signature)
    }
}

/// Receives any headers with any body, and any signed body. Then receives notifications of both
/// versions about resources that are drawn, and compares what they open to.
pub fn notification(data: &[u8]) {
    let mut draw = Draw::new(data);
    // The letters are newer than the corpus, which has none of them in this place.
    match draw.byte() {
        b'e' => open_event(&mut draw),
        b'm' => open_for_one_of_many(&mut draw),
        how => match how % 5 {
            0 => {
                let mut headers = Vec::new();
                for _ in 0..draw.byte() % 8 {
                    headers.push((draw.text(), draw.bytes().to_vec()));
                }
                let opened = open(&[any()], &headers, draw.rest());
                // Nothing is signed here, and a refund of APIv2 needs no signature.
                assert!(opened.is_none_or(|opened| opened.is_v2()));
            }
            1 => {
                open_signed(&[any()], draw.rest());
            }
            2 => open_v3(&mut draw),
            3 => open_v2(fields(&mut draw)),
            _ => open_refund(fields(&mut draw)),
        },
    }
}

fn open_v3(draw: &mut Draw<'_>) {
    let [id, event, associated_data] = array::from_fn(|_| draw.text());
    let resource = draw.rest();
    let body = envelope(&APIV3_KEY, [&id, &event, &associated_data], resource);
    let opened = open_signed(&[any()], body.as_bytes());
    let read = serde_json::from_slice::<Fields>(resource);
    let is_id = (1..=128).contains(&id.len());
    match (opened, read) {
        (Some(opened), Ok(read)) => {
            assert_eq!((opened.id(), opened.event_type()), (&*id, &*event));
            assert_eq!(opened.resource_bytes(), resource);
            assert_eq!(opened.resource_json(), &Value::Object(read));
            assert!(is_id && opened.verification().is_verified());
        }
        (None, read) => assert!(read.is_err() || !is_id || resource.len() > 700_000),
        (Some(_), Err(err)) => assert!(has_surrogate(resource), "{err}"),
    }
}

fn open_v2(mut fields: Fields) {
    fields.shift_remove("req_info");
    fields.insert("return_code".to_owned(), "SUCCESS".into());
    let Some(body) = signed_xml(&mut fields, APIV2_KEY) else {
        return;
    };
    if verify_v2(&fields, APIV2_KEY).is_err() {
        return assert!(open(&[any()], &[], body.as_bytes()).is_none());
    }
    let opened = open(&[any()], &[], body.as_bytes()).expect(&body);
    assert_eq!(opened.resource_json(), &Value::Object(fields));
    assert!(opened.verification().is_verified());
    assert!(opened.is_v2());
}

/// A notification of APIv2 with a JSON resource under the APIv3 key, in `event_ciphertext`.
fn open_event(draw: &mut Draw<'_>) {
    let [id, event, associated_data] = array::from_fn(|_| draw.text());
    let resource = draw.rest();
    let sealed = seal_v3(&APIV3_KEY, NONCE, &associated_data, resource).expect("it is short");
    let mut fields = Map::new();
    for (name, value) in [
        ("event_id", id),
        ("event_type", event.clone()),
        ("event_algorithm", "AEAD_AES_256_GCM".to_owned()),
        ("event_nonce", NONCE.to_owned()),
        ("event_associated_data", associated_data),
        ("event_ciphertext", STANDARD.encode(sealed)),
    ] {
        fields.insert(name.to_owned(), value.into());
    }
    let Some(body) = signed_xml(&mut fields, APIV2_KEY) else {
        return;
    };
    let opened = open(&[any()], &[], body.as_bytes());
    let read = serde_json::from_slice::<Fields>(resource);
    let is_verified = verify_v2(&fields, APIV2_KEY).is_ok();
    match (opened, read) {
        (Some(opened), Ok(read)) => {
            assert_eq!(opened.event_type(), event);
            assert_eq!(opened.resource_bytes(), resource);
            assert_eq!(opened.resource_json(), &Value::Object(read));
            assert!(is_verified && opened.verification().is_verified());
        }
        (None, read) => assert!(read.is_err() || !is_verified || resource.len() > 700_000),
        (Some(_), Err(err)) => assert!(has_surrogate(resource), "{err}"),
    }
}

fn open_refund(fields: Fields) {
    let Ok(inner) = write_xml(&fields) else {
        return;
    };
    let body = refund(APIV2_KEY, &inner);
    let opened = open(&[any()], &[], body.as_bytes()).expect(&body);
    assert_eq!(opened.resource_json(), &Value::Object(fields));
    assert_eq!(opened.resource_text(), inner);
    assert!(!opened.verification().is_verified());
}

/// Receives for two merchants, as `Notifications::all` does. Only the second one's keys open it.
fn open_for_one_of_many(draw: &mut Draw<'_>) {
    let how = draw.byte();
    let receivers = &[one(), other()];
    let opened = match how % 3 {
        0 => {
            let labels: [String; 3] = array::from_fn(|_| draw.text());
            let body = envelope(&OTHER_APIV3_KEY, labels.each_ref(), draw.rest());
            open_signed(receivers, body.as_bytes())
        }
        1 => {
            let mut fields = fields(draw);
            fields.insert("return_code".to_owned(), "SUCCESS".into());
            let body = signed_xml(&mut fields, OTHER_APIV2_KEY);
            body.and_then(|body| open(receivers, &[], body.as_bytes()))
        }
        _ => {
            let inner = write_xml(&fields(draw));
            inner.ok().and_then(|inner| {
                let body = refund(OTHER_APIV2_KEY, &inner);
                open(receivers, &[], body.as_bytes())
            })
        }
    };
    if let Some(opened) = opened {
        assert_eq!(opened.mchid(), Some(OTHER_MCHID));
    }
}

/// Whether there is an escaped surrogate. One without its other half is U+FFFD to the library, and an
/// error to serde_json.
fn has_surrogate(json: &[u8]) -> bool {
    json.windows(3)
        .any(|escape| matches!(escape, br"\ud" | br"\uD"))
}

/// Draws fields with text values.
fn fields(draw: &mut Draw<'_>) -> Fields {
    let mut fields = Map::new();
    while !draw.is_empty() {
        fields.insert(draw.text(), draw.text().into());
    }
    fields
}

/// The body of a notification of APIv3.
fn envelope(key: &[u8; 32], [id, event, data]: [&String; 3], resource: &[u8]) -> String {
    let sealed = seal_v3(key, NONCE, data, resource).expect("it is short");
    json!({
        "id": id,
        "event_type": event,
        "resource": {
            "algorithm": "AEAD_AES_256_GCM",
            "nonce": NONCE,
            "associated_data": data,
            "ciphertext": STANDARD.encode(sealed),
        },
    })
    .to_string()
}

/// Signs the fields, and writes them. `None` if they cannot be signed, or XML cannot carry them.
fn signed_xml(fields: &mut Fields, key: &str) -> Option<String> {
    let sign = sign_v2(fields, key, true).ok()?;
    fields.insert("sign".to_owned(), sign.into());
    write_xml(fields).ok()
}

/// The body of a refund notification of APIv2.
fn refund(key: &str, inner: &str) -> String {
    let sealed = STANDARD.encode(seal_v2(key, inner.as_bytes()));
    format!("<xml><return_code>SUCCESS</return_code><req_info>{sealed}</req_info></xml>")
}

fn open_signed(receivers: &[&Receiver], body: &[u8]) -> Option<Notification> {
    let message = [format!("{NOW}\nnonce\n").as_bytes(), body, b"\n"].concat();
    let header = |name: &str, value: String| (name.to_owned(), value.into_bytes());
    let headers = [
        header("Wechatpay-Timestamp", NOW.to_string()),
        header("Wechatpay-Nonce", "nonce".to_owned()),
        header("Wechatpay-Serial", "PUB_KEY_ID_0".to_owned()),
        header("Wechatpay-Signature", STANDARD.encode(sha256(&message))),
    ];
    open(receivers, &headers, body)
}

fn open(
    receivers: &[&Receiver],
    headers: &[(String, Vec<u8>)],
    body: &[u8],
) -> Option<Notification> {
    match at_once(receive(receivers, headers, body, NOW)) {
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
            assert!(!Ack::refusal(&err).is_success());
            None
        }
    }
}

const MCHID: &str = "1900000109";
const OTHER_MCHID: &str = "1900000110";

/// Receives for any merchant.
fn any() -> &'static Receiver {
    static ANY: LazyLock<Receiver> = LazyLock::new(|| receiver(APIV3_KEY, APIV2_KEY, None));
    &ANY
}

fn one() -> &'static Receiver {
    static ONE: LazyLock<Receiver> = LazyLock::new(|| receiver(APIV3_KEY, APIV2_KEY, Some(MCHID)));
    &ONE
}

fn other() -> &'static Receiver {
    static OTHER: LazyLock<Receiver> =
        LazyLock::new(|| receiver(OTHER_APIV3_KEY, OTHER_APIV2_KEY, Some(OTHER_MCHID)));
    &OTHER
}

fn receiver(apiv3_key: [u8; 32], apiv2_key: &str, mchid: Option<&str>) -> Receiver {
    let receiver = Receiver::new(ByDigest, apiv3_key, apiv2_key, mchid);
    receiver.expect("a verifier is enough")
}
