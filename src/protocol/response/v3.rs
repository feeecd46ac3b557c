//! Judges an APIv3 response: whether it is WeChat Pay's, and what it says about its request.
//!
//! The order matters. The origin is verified first, and the body is interpreted only afterwards: a
//! body whose origin is unknown proves nothing, so the outcome is then `Unknown`.

use std::io::Read as _;

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use http::Method;
use serde_json::Value;

use super::{
    diagnosis,
    outcome::{Effect, outcome_v3},
    raw::{RawResponse, request_id, retry_after},
    verification::Verification,
};
use crate::{
    base::{crypto::digest, json},
    error::{ApiError, Cause, ErrorKind, Outcome, SentError, cause::Result, value::shown},
    protocol::{
        trust::{Trust, key::Purpose, signature::SignatureHeaders},
        url::path::Version,
    },
};

/// Returns whether the success of a request is documented as unsigned. `path` excludes the base
/// URI's prefix and the query.
///
/// This is decided from the request. If it were decided from the response (its content type, or
/// that it has no signature), a forged response could declare itself unsigned.
pub(crate) fn is_documented_unsigned(method: &Method, path: &str) -> bool {
    if method != Method::GET {
        return false;
    }
    const WHOLE: [&str; 4] = [
        "/v3/billdownload/file",
        "/v3/new-tax-control-fapiao/download",
        "/v3/transferdownload/elecvoucherfile",
        "/v3/transferdownload/signfile",
    ];
    // Followed by one segment, the ID of the image.
    const IMAGES: [&str; 2] = [
        "/v3/merchant-service/images/",
        "/v3/global/merchant-service/images/",
    ];
    WHOLE.contains(&path)
        || IMAGES.iter().any(|prefix| {
            path.strip_prefix(prefix)
                .is_some_and(|id| !id.is_empty() && !id.contains('/') && id != "upload")
        })
}

/// The paths of statements, whose signature covers a hash of the file instead of the file.
const STATEMENTS: [&str; 2] = ["/v3/global/statements", "/v3/statements"];
const STATEMENT_SHA1: &str = "wechatpay-statement-sha1";

/// Judges an APIv3 response to a request that was sent to `path`, at the time `now`.
///
/// # Errors
/// Returns the API's error if the response is not a success, and an error with the outcome
/// `Unknown` if its origin cannot be verified.
pub(crate) async fn judge(
    response: &RawResponse,
    (method, path): (&Method, &str),
    trust: &Trust,
    now: u64,
) -> Result<Verification, SentError> {
    // Whatever fails in here, the outcome is `Unknown`, even for a 4xx: a response that cannot be
    // verified may have been written by anyone on the way, after the request had been processed.
    let verified = match verify(response, (method, path), trust, now).await {
        Ok(verified) => verified,
        Err(err) => {
            return Err(err
                .with_unverified(response.body.clone())
                .with_status(response.status)
                .with_outcome(Outcome::Unknown));
        }
    };
    if response.status.is_success() {
        return Ok(verified);
    }
    let effect = Effect::of(Version::V3, method, path);
    Err(failure(response, effect, verified.is_verified()))
}

/// Judges the response to a request that was sent without a signature. Nothing vouches for it,
/// whatever it contains.
pub(crate) fn judge_unsigned(response: &RawResponse) -> Result<Verification, SentError> {
    if response.status.is_success() {
        return Ok(Verification::Unsigned);
    }
    Err(failure(response, Effect::Read, false))
}

async fn verify(
    response: &RawResponse,
    (method, path): (&Method, &str),
    trust: &Trust,
    now: u64,
) -> Result<Verification> {
    let success = response.status.is_success();
    // Successes only: an error of these paths may be signed, and then its signature must be valid.
    if success && is_documented_unsigned(method, path) {
        return Ok(Verification::DocumentedUnsigned);
    }
    let Some(signed) = SignatureHeaders::read(&response.headers)? else {
        if success {
            return Err(Cause::new(
                ErrorKind::Verification,
                format!(
                    "the response ({}, {} bytes) has no signature: either it is not from WeChat \
                     Pay, or something on the way dropped its headers",
                    response.status.as_u16(),
                    response.body.len()
                ),
            ));
        }
        // WeChat Pay does not sign all of its errors. What an unsigned one proves is decided in
        // `outcome`; a present but invalid signature is an error above.
        return Ok(Verification::Unsigned);
    };
    match statement_digest(response, path)? {
        Some(stand_in) => {
            signed
                .verify(trust, stand_in.as_bytes(), now, Purpose::Response)
                .await?;
        }
        None => {
            // As received first: that is what WeChat Pay signs unless a proxy compressed the body. Only
            // a mismatch is tried again; an unknown key or an old timestamp stays what it is.
            let verify = |body| signed.verify(trust, body, now, Purpose::Response);
            let judged = verify(response.received_body()).await;
            match (judged, response.decoded_body()) {
                (Err(err), Some(decoded)) if err.kind() == ErrorKind::Verification => {
                    verify(decoded).await.map_err(|err| {
                        err.and("nor does it match the body before gzip was decoded")
                    })?;
                }
                (judged, _) => judged?,
            }
        }
    }
    Ok(Verification::Verified {
        serial: signed.serial().to_owned(),
    })
}

/// Returns what a statement's signature covers instead of the body, after checking that the body
/// matches it. Returns `None` for other responses.
fn statement_digest(response: &RawResponse, path: &str) -> Result<Option<String>> {
    if !response.status.is_success() || !STATEMENTS.contains(&path) {
        return Ok(None);
    }
    let Some(header) = response.headers.get(STATEMENT_SHA1) else {
        // Without the header the signature has to cover the body, so dropping it gains nothing.
        return Ok(None);
    };
    let sha1 = header.to_str().unwrap_or_default();
    let expected = digest::from_hex::<20>(sha1);
    let matches = |body: &Bytes| {
        let mut hash = digest::Sha1::new();
        hash.update(body);
        expected == Some(hash.finish())
            || (expected.is_some() && expected == decompressed_sha1(body))
    };
    if !matches(response.received_body()) && !response.decoded_body().is_some_and(matches) {
        return Err(Cause::new(
            ErrorKind::Verification,
            "the statement does not match its Wechatpay-Statement-Sha1: it is truncated or altered",
        ));
    }
    // The text of the header, not the computed digest: the signature covers its exact spelling.
    Ok(Some(format!("{{\"sha1\":\"{sha1}\"}}")))
}

/// Returns the SHA-1 of a gzip's content. A statement requested with `Accept-Encoding: gzip` arrives
/// compressed, but its hash is that of the file inside.
fn decompressed_sha1(body: &[u8]) -> Option<[u8; 20]> {
    /// The largest content that is hashed. Nothing is verified yet, and a small gzip can hold
    /// terabytes.
    const MAX_CONTENT: u64 = 256 << 20;

    if !body.starts_with(&[0x1f, 0x8b]) {
        return None;
    }
    let mut content = MultiGzDecoder::new(body).take(MAX_CONTENT + 1);
    let mut hash = digest::Sha1::new();
    let mut chunk = vec![0; 64 * 1024];
    loop {
        match content.read(&mut chunk).ok()? {
            0 if content.limit() == 0 => return None,
            0 => return Some(hash.finish()),
            read => hash.update(chunk.get(..read)?),
        }
    }
}

/// Returns the error of a response that is not a success.
pub(crate) fn failure(response: &RawResponse, effect: Effect, verified: bool) -> SentError {
    let api = parse(response, verified);
    let status = response.status;
    let mut message = status.as_u16().to_string();
    // A body without a code is not from the API. Saying so helps more than an empty code would: the
    // usual senders are gateways, proxies and captive portals.
    if status.is_redirection() {
        message.push_str(
            ": a redirect, which is followed only for GET, to an allowed host, and with the option \
             `allow_redirects`",
        );
    } else if api.code.is_empty() {
        message.push_str(&format!(
            ": not a response of the API ({} bytes): something on the way sent it",
            response.body.len()
        ));
    } else {
        message.push_str(&format!(" {}: {}", shown(&api.code), shown(&api.message)));
    }
    if let Some(id) = &api.request_id {
        message.push_str(&format!(" (Request-ID {})", shown(id)));
    }
    if api.code == "SIGN_ERROR" {
        // The most frequent error of a first integration, and the one WeChat Pay explains least.
        let diagnosis = diagnosis::sign_error(api.detail.as_ref(), &response.signed_message);
        message.extend(diagnosis.map(|text| format!("; {text}")));
    }
    let outcome = outcome_v3(effect, status, (&api.code, &api.message), verified);
    Cause::new(ErrorKind::Api, message)
        .with_api(api)
        .with_outcome(outcome)
}

fn parse(response: &RawResponse, verified: bool) -> ApiError {
    // Not JSON is not an error here: the response is a failure either way, and its raw body is kept.
    let body = json::parse::<Value>(&response.body).unwrap_or_default();
    let text = |key: &str| {
        body.get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    ApiError {
        status: response.status,
        code: text("code"),
        message: text("message"),
        detail: body
            .get("detail")
            .filter(|detail| !detail.is_null())
            .cloned(),
        headers: response.headers.clone(),
        request_id: request_id(&response.headers).map(str::to_owned),
        body: response.body.clone(),
        verified,
        retry_after: retry_after(&response.headers),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_documented_downloads_may_be_unsigned() {
        for (path, unsigned) in [
            ("/v3/billdownload/file", true),
            ("/v3/merchant-service/images/abc", true),
            ("/v3/global/merchant-service/images/abc", true),
            ("/v3/merchant-service/images/upload", false),
            ("/v3/merchant-service/images/", false),
            ("/v3/merchant-service/images/a/b", false),
            ("/v3/certificates", false),
            ("/v3/billdownload/file/x", false),
        ] {
            assert_eq!(
                is_documented_unsigned(&Method::GET, path),
                unsigned,
                "{path}"
            );
            assert!(!is_documented_unsigned(&Method::POST, path));
        }
    }
}
