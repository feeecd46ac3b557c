//! Signs responses with the platform key, or wrongly if a fault asks for it.

use axum::{body::Body, body::to_bytes, response::IntoResponse};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, Response};

use super::KEEP_ALIVE_TIMEOUT;
use crate::{
    error::cause::Result,
    sandbox::{
        checks::{SCHEME, SERIAL},
        faults::Fault,
        response::ApiResponse,
        state::{SandboxState, clock::real_now, keys::PlatformKey, random},
    },
};

const TIMESTAMP: HeaderName = HeaderName::from_static("wechatpay-timestamp");
const NONCE: HeaderName = HeaderName::from_static("wechatpay-nonce");
const SIGNATURE: HeaderName = HeaderName::from_static("wechatpay-signature");
const SIGNATURE_TYPE: HeaderName = HeaderName::from_static("wechatpay-signature-type");
const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");

/// Marks a response that WeChat Pay does not sign, such as a file. A handler puts it into the
/// response's extensions.
#[derive(Clone, Copy)]
pub(crate) struct Unsigned;

/// What is wrong with a signature.
#[derive(Clone, Copy)]
pub(super) enum SignatureFault {
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

/// Signs a response with the platform key whose ID the request asked for, or with the default one.
pub(super) async fn sign_response(
    state: &SandboxState,
    response: Response<Body>,
    requested_id: Option<&HeaderValue>,
    fault: Option<SignatureFault>,
) -> Response<Body> {
    let (mut parts, body) = response.into_parts();
    // WeChat Pay sends these on unsigned responses too.
    if let Ok(id) = random::hex(32) {
        insert(&mut parts.headers, REQUEST_ID, &format!("08{id}"));
    }
    insert(
        &mut parts.headers,
        KEEP_ALIVE,
        &format!("timeout={}", KEEP_ALIVE_TIMEOUT.as_secs()),
    );
    if parts.extensions.get::<Unsigned>().is_some()
        || matches!(fault, Some(SignatureFault::Missing))
    {
        return Response::from_parts(parts, body);
    }
    // An ID that names no key still gets a signed response: the error about that very ID.
    let key = requested_id
        .and_then(|id| state.platform_key(id.to_str().ok()?))
        .unwrap_or(&state.keys.platform);
    // No limit: the handlers write the signed bodies, and these are small. Files are unsigned.
    let Ok(body) = to_bytes(body, usize::MAX).await else {
        return signing_failed();
    };
    match sign(&mut parts.headers, key, &body, fault) {
        Ok(()) => Response::from_parts(parts, Body::from(body)),
        Err(_) => signing_failed(),
    }
}

fn sign(
    headers: &mut HeaderMap,
    key: &PlatformKey,
    body: &[u8],
    fault: Option<SignatureFault>,
) -> Result<()> {
    let offset = match fault {
        Some(SignatureFault::Timestamp(offset)) => offset,
        _ => 0,
    };
    let timestamp = real_now().saturating_add_signed(offset).to_string();
    let nonce = random::token(32)?;
    let mut message = format!("{timestamp}\n{nonce}\n").into_bytes();
    message.extend_from_slice(body);
    message.push(b'\n');
    // A real signature over another message: only verification finds the difference, not a check of
    // the signature's length or encoding.
    if matches!(fault, Some(SignatureFault::Mismatch)) {
        message.push(b'!');
    }
    let mut signature = key.sign(&message)?;
    // Random, like WeChat Pay's: only the prefix is the same each time.
    if matches!(fault, Some(SignatureFault::Probe)) {
        let random = STANDARD.encode(random::token(192)?);
        signature = format!("WECHATPAY/SIGNTEST/{random}");
    }
    let serial = match fault {
        Some(SignatureFault::UnknownSerial) => format!("PUB_KEY_ID_SANDBOX{}", random::hex(22)?),
        _ => key.id.clone(),
    };
    insert(headers, TIMESTAMP, &timestamp);
    insert(headers, NONCE, &nonce);
    insert(headers, SIGNATURE, &signature);
    insert(headers, SIGNATURE_TYPE, SCHEME);
    insert(headers, SERIAL, &serial);
    Ok(())
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    // Every value is ASCII letters, digits and punctuation, so the conversion succeeds.
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

fn signing_failed() -> Response<Body> {
    ApiResponse::system_error("the sandbox could not sign its response").into_response()
}
