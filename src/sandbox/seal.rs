//! Signing an answer with the platform's key, and the ways a signature can be wrong.

use std::time::Duration;

use axum::{body::Body, body::to_bytes, response::IntoResponse};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

use super::{
    answer::Answer,
    check,
    clock::real_now,
    fault::Fault,
    keys::{self, PlatformKey},
    world::World,
};
use crate::error::cause::Result;

const TIMESTAMP: HeaderName = HeaderName::from_static("wechatpay-timestamp");
const NONCE: HeaderName = HeaderName::from_static("wechatpay-nonce");
const SIGNATURE: HeaderName = HeaderName::from_static("wechatpay-signature");
const SIGNATURE_TYPE: HeaderName = HeaderName::from_static("wechatpay-signature-type");
const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");

/// What WeChat Pay says in its `Keep-Alive`, and keeps to.
pub(super) const IDLE: Duration = Duration::from_secs(8);

/// An answer that WeChat Pay does not sign, such as a file: put into its extensions.
#[derive(Clone, Copy)]
pub(super) struct Unsigned;

/// How a signature is to be wrong.
#[derive(Clone, Copy)]
pub(super) enum Spoil {
    Bad,
    Missing,
    Probe,
    UnknownSerial,
    Timestamp(i64),
}

impl Spoil {
    pub(super) fn of(fault: &Fault) -> Option<Self> {
        match fault {
            Fault::BadSignature => Some(Self::Bad),
            Fault::NoSignature => Some(Self::Missing),
            Fault::Probe => Some(Self::Probe),
            Fault::UnknownSerial => Some(Self::UnknownSerial),
            Fault::Timestamp(off) => Some(Self::Timestamp(*off)),
            _ => None,
        }
    }
}

/// Signs the answer with the key that the request asked for, else with the platform's first.
pub(super) async fn signed(
    world: &World,
    response: Response<Body>,
    asked: Option<&HeaderValue>,
    spoil: Option<Spoil>,
) -> Response<Body> {
    let (mut parts, body) = response.into_parts();
    if let Ok(id) = keys::hex(32) {
        put(&mut parts.headers, REQUEST_ID, &format!("08{id}"));
    }
    put(
        &mut parts.headers,
        KEEP_ALIVE,
        &format!("timeout={}", IDLE.as_secs()),
    );
    if parts.extensions.get::<Unsigned>().is_some() || matches!(spoil, Some(Spoil::Missing)) {
        return Response::from_parts(parts, body);
    }
    let key = asked
        .and_then(|id| world.platform_key(id.to_str().ok()?))
        .unwrap_or(&world.keys.platform);
    // What is signed is ours and small: files are marked as unsigned.
    let signed = match to_bytes(body, usize::MAX).await {
        Ok(body) => {
            sign(&mut parts.headers, key, &body, spoil).map(|()| Response::from_parts(parts, body))
        }
        Err(_) => return failed(),
    };
    match signed {
        Ok(response) => response.map(Body::from),
        Err(_) => failed(),
    }
}

fn sign(
    headers: &mut HeaderMap,
    key: &PlatformKey,
    body: &[u8],
    spoil: Option<Spoil>,
) -> Result<()> {
    let off = match spoil {
        Some(Spoil::Timestamp(off)) => off,
        _ => 0,
    };
    let timestamp = real_now().saturating_add_signed(off).to_string();
    let nonce = keys::token(32)?;
    let mut message = format!("{timestamp}\n{nonce}\n").into_bytes();
    message.extend_from_slice(body);
    message.push(b'\n');
    if matches!(spoil, Some(Spoil::Bad)) {
        message.push(b'!');
    }
    let mut signature = key.sign(&message)?;
    if matches!(spoil, Some(Spoil::Probe)) {
        let random = STANDARD.encode(keys::token(192)?);
        signature = format!("WECHATPAY/SIGNTEST/{random}");
    }
    let serial = match spoil {
        Some(Spoil::UnknownSerial) => format!("PUB_KEY_ID_SANDBOX{}", keys::hex(22)?),
        _ => key.id.clone(),
    };
    put(headers, TIMESTAMP, &timestamp);
    put(headers, NONCE, &nonce);
    put(headers, SIGNATURE, &signature);
    put(headers, SIGNATURE_TYPE, check::SCHEME);
    put(headers, check::SERIAL, &serial);
    Ok(())
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    // All of these are letters, digits and punctuation.
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

fn failed() -> Response<Body> {
    Answer::error(
        StatusCode::INTERNAL_SERVER_ERROR,
        "SYSTEM_ERROR",
        "系统错误: the sandbox could not sign its answer",
    )
    .into_response()
}
