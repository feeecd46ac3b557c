//! One attempt to deliver a notification.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
    header::{ACCEPT, CONTENT_TYPE, USER_AGENT},
};
use tokio::time::timeout;

use super::{Attempt, DeliveryFault, Job, message, parcel::Ending, schedule::is_acknowledged};
use crate::{
    error::cause::Result,
    protocol::url::host::Origin,
    sandbox::{
        flows::platform::trust,
        server::{SignatureFault, sign},
        state::{SandboxState, header_bytes, keys::PlatformKey, line_bytes, merchant::Merchant},
    },
    wire::{Destination, Progress, Transport, request},
};

/// How long a receiver may take, as the documents say.
const LIMIT: Duration = Duration::from_secs(5);
/// How much of a response's body is read and kept.
const MAX_BODY: usize = 64 << 10;
/// How many bytes of a response's headers are kept.
const MAX_HEADERS: usize = 4 << 10;

/// Sends a notification once. Returns the attempt, and what it means for the notification.
pub(super) async fn send(
    state: &SandboxState,
    job: &Job,
    fault: Option<DeliveryFault>,
) -> (Option<Attempt>, Ending) {
    let not_sent = |reason: String| (None, Ending::NotSent(reason));
    let (origin, target) = match state.post.check(&job.url) {
        Ok(checked) => checked,
        Err(reason) => return not_sent(reason),
    };
    let mchid = &job.notice.mchid;
    let Some(merchant) = state.merchants.get(mchid) else {
        return not_sent(format!(
            "{mchid} is not a merchant of this sandbox: add_merchant gives it keys"
        ));
    };
    let (headers, body) = match prepare(state, job, &merchant, fault) {
        Ok(prepared) => prepared,
        Err(err) => return not_sent(err.to_string()),
    };
    let mut attempt = Attempt {
        at: job.way.turn.at,
        sent: headers.clone(),
        status: None,
        headers: HeaderMap::new(),
        body: Bytes::new(),
        took: Duration::ZERO,
        error: None,
        fault,
    };
    let started = Instant::now();
    let exchanged = timeout(LIMIT, exchange(origin, &target, headers, body)).await;
    attempt.took = started.elapsed();
    match exchanged {
        Ok(Ok((status, headers, body))) => {
            attempt.status = Some(status);
            attempt.headers = headers;
            attempt.body = body;
        }
        Ok(Err(reason)) => attempt.error = Some(reason),
        Err(_) => attempt.error = Some("timeout".to_owned()),
    }
    let acknowledged = attempt
        .status
        .is_some_and(|status| is_acknowledged(job.notice.is_v2(), status, &attempt.body));
    let ending = match acknowledged && fault.is_none() {
        true => Ending::Acknowledged,
        false => Ending::Refused,
    };
    (Some(attempt), ending)
}

/// Makes the headers and the body.
fn prepare(
    state: &SandboxState,
    job: &Job,
    merchant: &Merchant,
    fault: Option<DeliveryFault>,
) -> Result<(HeaderMap, Bytes)> {
    let mut rng = state.rng().fork();
    let body = match (fault, job.body.clone()) {
        (None, Some(body)) => body,
        _ => {
            let body = message::body(&job.notice, merchant, &job.id, job.created, fault, &mut rng)?;
            match fault {
                None => {
                    let mut world = state.world_quietly();
                    world
                        .outbox
                        .keep_body(job.way.turn.number, &job.notice, body)
                }
                Some(_) => body,
            }
        }
    };
    let mut headers = HeaderMap::new();
    // As WeChat Pay's.
    headers.insert(USER_AGENT, HeaderValue::from_static("Mozilla/4.0"));
    headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
    let content_type = match job.notice.is_v2() {
        true => "text/xml",
        false => "application/json",
    };
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    if !job.notice.is_v2() {
        headers.extend(signature(state, merchant, &body, fault, &mut rng)?);
    }
    Ok((headers, body))
}

fn signature(
    state: &SandboxState,
    merchant: &Merchant,
    body: &[u8],
    fault: Option<DeliveryFault>,
    rng: &mut crate::sandbox::state::random::Rng,
) -> Result<Vec<(HeaderName, HeaderValue)>> {
    let key = trust::signing_key(state, Some(merchant), None);
    let other;
    let key = match fault {
        Some(DeliveryFault::WrongKey) => {
            // The merchant's own key: no platform key, and drawn already.
            other = PlatformKey {
                id: key.id.clone(),
                private: merchant.key.private.clone(),
            };
            &other
        }
        _ => key,
    };
    let fault = match fault {
        Some(DeliveryFault::Probe) => Some(SignatureFault::Probe),
        Some(DeliveryFault::BadSignature) => Some(SignatureFault::Mismatch),
        Some(DeliveryFault::UnknownSerial) => Some(SignatureFault::UnknownSerial),
        Some(DeliveryFault::StaleTimestamp) => Some(SignatureFault::Timestamp(-600)),
        _ => None,
    };
    sign(body, key, fault, rng)
}

/// Posts the notification. A redirect is not followed: the documents say that it must not be one.
async fn exchange(
    origin: Origin,
    target: &str,
    headers: HeaderMap,
    body: Bytes,
) -> std::result::Result<(StatusCode, HeaderMap, Bytes), String> {
    let request = request(Method::POST, target, headers, body.into());
    let request = request.map_err(|failure| failure.to_string())?;
    let destination = Destination {
        origin,
        identity: None,
        connect_timeout: None,
        // A receiver that closes idle connections must not cost an attempt.
        fresh_connection: true,
    };
    let transport = Transport::direct();
    let sent = transport.send(request, destination, Progress::default());
    let mut response = sent.await.map_err(|failure| failure.to_string())?;
    let mut body = BytesMut::new();
    while body.len() < MAX_BODY {
        match response.body.chunk().await {
            None => break,
            Some(Ok(chunk)) => {
                let room = MAX_BODY - body.len();
                body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
            }
            Some(Err(err)) => return Err(err.to_string()),
        }
    }
    Ok((response.status, limited(response.headers), body.freeze()))
}

/// Drops the headers beyond the limit.
fn limited(headers: HeaderMap) -> HeaderMap {
    if header_bytes(&headers) <= MAX_HEADERS {
        return headers;
    }
    let mut kept = HeaderMap::new();
    let mut bytes = 0;
    for line in &headers {
        bytes += line_bytes(line);
        if bytes > MAX_HEADERS {
            break;
        }
        kept.append(line.0.clone(), line.1.clone());
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_headers_of_a_response_are_kept() {
        let mut headers = HeaderMap::new();
        for number in 0..6 {
            let name = HeaderName::try_from(format!("x-{number}")).unwrap();
            headers.insert(name, HeaderValue::try_from("x".repeat(1000)).unwrap());
        }
        let kept = limited(headers.clone());
        assert_eq!(kept.len(), 4);
        assert!(kept.iter().all(|(name, value)| headers[name] == value));
        assert_eq!(limited(kept.clone()), kept);
    }
}
