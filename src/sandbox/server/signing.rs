//! Signs responses with the platform key, or wrongly if a fault asks for it.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response};

use super::KEEP_ALIVE_TIMEOUT;
use crate::{
    error::cause::Result,
    sandbox::{
        checks::{SCHEME, SERIAL},
        dispatch::response::ApiResponse,
        faults::Fault,
        flows::platform::trust,
        state::{
            SandboxState, clock::real_now, keys::PlatformKey, merchant::Merchant, random::Rng,
        },
    },
};

const TIMESTAMP: HeaderName = HeaderName::from_static("wechatpay-timestamp");
const NONCE: HeaderName = HeaderName::from_static("wechatpay-nonce");
const SIGNATURE: HeaderName = HeaderName::from_static("wechatpay-signature");
const SIGNATURE_TYPE: HeaderName = HeaderName::from_static("wechatpay-signature-type");
const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");

/// What is wrong with a signature.
#[derive(Clone, Copy)]
pub(crate) enum SignatureFault {
    Mismatch,
    Missing,
    Probe,
    UnknownSerial,
    /// Seconds from the real time.
    Timestamp(i64),
}

impl SignatureFault {
    /// Returns the signature's part of a fault, if it has one.
    pub(super) fn from_fault(fault: &Fault) -> Option<Self> {
        match fault {
            Fault::BadSignature => Some(Self::Mismatch),
            Fault::NoSignature => Some(Self::Missing),
            Fault::Probe => Some(Self::Probe),
            Fault::UnknownSerial => Some(Self::UnknownSerial),
            Fault::Timestamp(offset) => Some(Self::Timestamp(*offset)),
            _ => None,
        }
    }
}

/// Signs a response with the platform key whose ID the request asked for, or with the merchant's default.
pub(super) fn sign_response(
    state: &SandboxState,
    mut response: ApiResponse,
    merchant: Option<&Merchant>,
    requested_id: Option<&HeaderValue>,
    fault: Option<SignatureFault>,
) -> Response<Bytes> {
    // A generator of its own for this response: no lock is held while it is signed.
    let mut rng = state.rng().fork();
    // WeChat Pay sends these on unsigned responses too.
    set(&mut response, REQUEST_ID, &format!("08{}", rng.hex(32)));
    let keep_alive = format!("timeout={}", KEEP_ALIVE_TIMEOUT.as_secs());
    set(&mut response, KEEP_ALIVE, &keep_alive);
    if !response.is_signed() || matches!(fault, Some(SignatureFault::Missing)) {
        return response.into_response();
    }
    let key = match response.lists_certificates() {
        true => trust::list_signing_key(state, merchant, requested_id),
        false => trust::signing_key(state, merchant, requested_id),
    };
    let text = response.signed_text();
    let signed = text.as_ref().map_or(&response.body()[..], String::as_bytes);
    match sign(signed, key, fault, &mut rng) {
        Ok(headers) => {
            for (name, value) in headers {
                response.set_header(name, value);
            }
            response.into_response()
        }
        Err(_) => {
            ApiResponse::system_error("the sandbox could not sign its response").into_response()
        }
    }
}

/// Returns the headers of a signature over a response or a notification: its body, as a rule.
pub(crate) fn sign(
    signed: &[u8],
    key: &PlatformKey,
    fault: Option<SignatureFault>,
    rng: &mut Rng,
) -> Result<Vec<(HeaderName, HeaderValue)>> {
    let offset = match fault {
        Some(SignatureFault::Timestamp(offset)) => offset,
        _ => 0,
    };
    let timestamp = real_now().saturating_add_signed(offset).to_string();
    let nonce = rng.token(32);
    let mut message = format!("{timestamp}\n{nonce}\n").into_bytes();
    message.extend_from_slice(signed);
    message.push(b'\n');
    // A real signature over another message: only verification finds the difference, not a check of
    // the signature's length or encoding.
    if matches!(fault, Some(SignatureFault::Mismatch)) {
        message.push(b'!');
    }
    let mut signature = key.sign(&message)?;
    // Random, like WeChat Pay's: only the prefix is the same each time.
    if matches!(fault, Some(SignatureFault::Probe)) {
        let random = STANDARD.encode(rng.token(192));
        signature = format!("WECHATPAY/SIGNTEST/{random}");
    }
    let serial = match fault {
        Some(SignatureFault::UnknownSerial) => format!("PUB_KEY_ID_SANDBOX{}", rng.hex(22)),
        _ => key.id.clone(),
    };
    let headers = [
        (TIMESTAMP, timestamp.as_str()),
        (NONCE, &nonce),
        (SIGNATURE, &signature),
        (SIGNATURE_TYPE, SCHEME),
        (SERIAL, &serial),
    ];
    // Every value is ASCII letters, digits and punctuation, so the conversion succeeds.
    let header = |(name, value)| Some((name, HeaderValue::from_str(value).ok()?));
    Ok(headers.into_iter().filter_map(header).collect())
}

fn set(response: &mut ApiResponse, name: HeaderName, value: &str) {
    // Every value is ASCII letters, digits and punctuation, so the conversion succeeds.
    if let Ok(value) = HeaderValue::from_str(value) {
        response.set_header(name, value);
    }
}
