//! The sealed fields of a request and of its response, opened with the sandbox's own keys.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

use super::{brief, received::Received};
use crate::{
    catalog::{Fields, Operation},
    protocol::{
        documents::{Expected, sealed_fields},
        trust::sensitive::Padding,
    },
    sandbox::{
        RecordedRequest,
        checks::{self, SERIAL},
        flows::platform::trust,
        state::{SandboxState, keys::PlatformKey, merchant::Merchant},
    },
};

/// How many values are opened, of either side.
// RSA takes about a millisecond each, and a batch may have a thousand.
const MAX_OPENED: usize = 100;

/// Returns the opened values by the names of their fields. A value that cannot be opened is `null`.
pub(super) fn of(
    state: &SandboxState,
    request: &RecordedRequest,
    received: &Received<'_>,
) -> Value {
    let Some(operation) = received.operation else {
        return json!({ "request": {}, "response": {} });
    };
    let is_v3 = brief::is_v3(request);
    let merchant = match is_v3 {
        true => checks::claimed_merchant(state, request.headers()),
        false => brief::mchid(request).and_then(|mchid| state.merchants.get(&mchid)),
    };
    let key = match is_v3 {
        true => merchant
            .as_deref()
            .and_then(|merchant| sealing_key(state, merchant, request)),
        // In APIv2 there is one key, from `risk/getpublickey`.
        false => Some(&state.platform.public_key),
    };
    let by_platform = |padding, text: &str| match (key, padding) {
        (Some(key), Padding::Oaep) => key.decrypt(text),
        (Some(key), Padding::Pkcs1) => key.decrypt_pkcs1(text),
        (None, _) => None,
    };
    let by_merchant = |padding, text: &str| {
        let key = &merchant.as_deref()?.key.private;
        let ciphertext = STANDARD.decode(text).ok()?;
        match padding {
            Padding::Oaep => key.decrypt_oaep(&ciphertext).ok(),
            Padding::Pkcs1 => key.decrypt_pkcs1(&ciphertext).ok(),
        }
    };
    json!({
        "request": in_request(operation, received, &by_platform),
        "response": in_response(operation, request, &by_merchant),
    })
}

/// Returns the platform key that the request names.
fn sealing_key<'a>(
    state: &'a SandboxState,
    merchant: &Merchant,
    request: &RecordedRequest,
) -> Option<&'a PlatformKey> {
    let id = request.headers().get(SERIAL)?.to_str().ok()?;
    trust::effective_key(state, merchant, id)
}

type Open<'a> = dyn Fn(Padding, &str) -> Option<Vec<u8>> + 'a;

fn in_request(operation: &Operation, received: &Received<'_>, open: &Open<'_>) -> Value {
    let documented = operation.request();
    let query = Value::from(received.query.clone());
    let places = [
        ("/json", received.json.as_ref()),
        ("/xml", received.xml.as_ref()),
        ("/body/meta", received.meta.as_ref()),
        ("/query", Some(&query)),
    ];
    let mut opened = Map::new();
    for (place, body) in places {
        if let (Some(field), Some(body)) = (documented.at(place), body) {
            put(field.fields(), body, open, &mut opened);
        }
    }
    opened.into()
}

fn in_response(operation: &Operation, request: &RecordedRequest, open: &Open<'_>) -> Value {
    let mut opened = Map::new();
    let body = request.response_body();
    if let Some(body) = body.and_then(|body| serde_json::from_slice(body).ok()) {
        put(operation.response(), &body, open, &mut opened);
    }
    opened.into()
}

fn put(fields: Fields, body: &Value, open: &Open<'_>, opened: &mut Map<String, Value>) {
    for sealed in sealed_fields(fields, body) {
        let (Expected::Text(padding), Value::String(text)) = (sealed.expected, sealed.value) else {
            continue;
        };
        if opened.len() >= MAX_OPENED {
            return;
        }
        let clear = open(padding, text).and_then(|clear| String::from_utf8(clear).ok());
        let name = sealed.pointer.trim_start_matches('/').replace('/', ".");
        opened.insert(name, clear.into());
    }
}
