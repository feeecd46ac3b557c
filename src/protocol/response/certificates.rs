//! The response of `GET /v3/certificates`: the platform certificates, each encrypted with the APIv3
//! key.
//!
//! It may be signed with a certificate that it contains, which is what makes a first download
//! possible. This is not circular: a certificate is accepted because it decrypts with the APIv3 key (AES-GCM
//! authenticates it), and only then may it verify the signature.

use std::time::{Duration, UNIX_EPOCH};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::StatusCode;
use serde::Deserialize;

use super::{outcome::Effect, raw::RawResponse, v3};
use crate::{
    base::{
        crypto::{Certificate, aead},
        json,
    },
    error::{Cause, ErrorKind, Outcome, SentError, cause::Result},
    protocol::trust::{
        key::{PlatformKey, Purpose},
        signature::SignatureHeaders,
        store::TrustStore,
    },
};

/// The largest accepted number of certificates, far more than WeChat Pay has in force at a time.
const MAX_CERTIFICATES: usize = 64;

/// The content of the response.
pub(crate) enum Downloaded {
    /// No certificates: this merchant uses WeChat Pay's public key.
    None,
    /// Verified certificates that have not expired.
    Some(Vec<Certificate>),
}

#[derive(Deserialize)]
struct Body {
    data: Vec<EncryptedCertificate>,
}

#[derive(Deserialize)]
struct EncryptedCertificate {
    serial_no: String,
    encrypt_certificate: Ciphertext,
}

#[derive(Deserialize)]
struct Ciphertext {
    nonce: String,
    #[serde(default)]
    associated_data: String,
    ciphertext: String,
}

/// Decrypts, verifies and checks the certificates in a response. It is signed with one of them, or
/// with a platform key that is already trusted.
pub(crate) fn read(
    response: &RawResponse,
    apiv3_key: &[u8; 32],
    store: &TrustStore,
    now: u64,
) -> Result<Downloaded, SentError> {
    if response.status.is_success() {
        return open_all(response, apiv3_key, store, now)
            .map_err(|cause| cause.with_outcome(Outcome::Unknown));
    }
    let verified = verify_refusal(response, store, now).map_err(|cause| {
        cause
            .with_status(response.status)
            .with_outcome(Outcome::Unknown)
    })?;
    if says_no_certificates(response) {
        return Ok(Downloaded::None);
    }
    Err(v3::failure(response, Effect::Read, verified))
}

fn open_all(
    response: &RawResponse,
    apiv3_key: &[u8; 32],
    store: &TrustStore,
    now: u64,
) -> Result<Downloaded> {
    let undecoded = |what: &str| {
        Cause::new(
            ErrorKind::Decode,
            format!("the response with the platform certificates {what}"),
        )
        .with_unverified(response.body.clone())
    };
    let body: Body =
        json::parse(&response.body).map_err(|_| undecoded("is not the documented JSON"))?;
    // Each entry costs a decryption and a parse before the signature can be checked.
    if body.data.len() > MAX_CERTIFICATES {
        return Err(undecoded(&format!(
            "has {} certificates, more than the limit of {MAX_CERTIFICATES}",
            body.data.len()
        )));
    }
    let certificates = body
        .data
        .iter()
        .map(|entry| open(entry, apiv3_key))
        .collect::<Result<Vec<_>>>()?;
    verify(response, &certificates, store, now)?;
    // An empty list counts only when it is signed: it makes the client stop asking for certificates.
    if certificates.is_empty() {
        return Ok(Downloaded::None);
    }
    let time = UNIX_EPOCH + Duration::from_secs(now);
    let mut current = certificates;
    // An expired certificate that is still listed must not fail the whole download.
    current.retain(|certificate| certificate.not_after() >= time);
    if current.is_empty() {
        return Err(Cause::new(
            ErrorKind::Decode,
            "every downloaded platform certificate has expired by this machine's clock: check the \
             clock against NTP",
        ));
    }
    Ok(Downloaded::Some(current))
}

/// Returns whether a refusal says that this merchant has no certificates.
///
/// Only this status and code do. A 403 and a 500 have also been observed for such merchants, but for
/// others as well, so they must not turn off certificates.
fn says_no_certificates(response: &RawResponse) -> bool {
    #[derive(Deserialize)]
    struct Refusal {
        code: String,
    }
    response.status == StatusCode::NOT_FOUND
        && json::parse::<Refusal>(&response.body)
            .is_ok_and(|refusal| refusal.code == "RESOURCE_NOT_EXISTS")
}

/// Returns whether a refusal is verified.
///
/// A signature by a trusted key must be valid. A signature by an unknown key counts as no signature:
/// a merchant without certificates gets the refusal signed with a public key that may not be
/// configured yet, and nothing becomes trusted because of a refusal.
fn verify_refusal(response: &RawResponse, store: &TrustStore, now: u64) -> Result<bool> {
    let unverified = |err: Cause| err.with_unverified(response.body.clone());
    let Some(signed) = SignatureHeaders::read(&response.headers).map_err(unverified)? else {
        return Ok(false);
    };
    match verify_either(response, &signed, &[], store, now) {
        Ok(()) => Ok(true),
        Err(err) if err.kind() == ErrorKind::UnknownKey => Ok(false),
        Err(err) => Err(unverified(err)),
    }
}

fn open(entry: &EncryptedCertificate, apiv3_key: &[u8; 32]) -> Result<Certificate> {
    let encrypted = &entry.encrypt_certificate;
    let ciphertext = STANDARD.decode(&encrypted.ciphertext).map_err(|err| {
        Cause::new(
            ErrorKind::Decode,
            "invalid ciphertext of a platform certificate: expected base64",
        )
        .with_source(err)
    })?;
    let pem = aead::open(
        apiv3_key,
        encrypted.nonce.as_bytes(),
        encrypted.associated_data.as_bytes(),
        &ciphertext,
    )
    .map_err(|err| {
        Cause::new(
            ErrorKind::Decrypt,
            "cannot decrypt the platform certificates: the `apiv3_key` is not the one set in the \
             merchant platform",
        )
        .with_source(err)
    })?;
    let pem = std::str::from_utf8(&pem).map_err(|_| {
        Cause::new(
            ErrorKind::Decode,
            "a decrypted platform certificate is not PEM",
        )
    })?;
    let certificate = Certificate::parse_pem(pem)?;
    // A certificate filed under another serial would verify responses that name that serial.
    if certificate.serial() != entry.serial_no {
        return Err(Cause::new(
            ErrorKind::Decode,
            format!(
                "the platform certificate {} is listed under a different serial",
                certificate.serial()
            ),
        ));
    }
    Ok(certificate)
}

fn verify(
    response: &RawResponse,
    downloaded: &[Certificate],
    store: &TrustStore,
    now: u64,
) -> Result<()> {
    let unverified = |err: Cause| err.with_unverified(response.body.clone());
    let signed = SignatureHeaders::read(&response.headers)
        .map_err(unverified)?
        .ok_or_else(|| {
            unverified(Cause::new(
                ErrorKind::Verification,
                "the response with the platform certificates has no signature",
            ))
        })?;
    verify_either(response, &signed, downloaded, store, now).map_err(unverified)
}

/// Verifies the body as received and, if that does not match, as decoded.
fn verify_either(
    response: &RawResponse,
    signed: &SignatureHeaders<'_>,
    downloaded: &[Certificate],
    store: &TrustStore,
    now: u64,
) -> Result<()> {
    let result = verify_over(response.received_body(), signed, downloaded, store, now);
    match (result, response.decoded_body()) {
        (Err(err), Some(decoded)) if err.kind() == ErrorKind::Verification => {
            verify_over(decoded, signed, downloaded, store, now)
        }
        (result, _) => result,
    }
}

fn verify_over(
    body: &[u8],
    signed: &SignatureHeaders<'_>,
    downloaded: &[Certificate],
    store: &TrustStore,
    now: u64,
) -> Result<()> {
    let time = UNIX_EPOCH + Duration::from_secs(now);
    let signer = downloaded
        .iter()
        .find(|certificate| certificate.serial() == signed.serial());
    match signer {
        Some(signer) if time < signer.not_before() || signer.not_after() < time => Err(Cause::new(
            ErrorKind::Verification,
            format!(
                "the platform certificate {} that signed the response is not in force",
                signer.serial()
            ),
        )),
        Some(signer) => {
            // Under the client's guard: the merchant's own certificate must not vouch for this
            // response, even if it decrypts.
            let alone = store.of_one(PlatformKey::of_certificate(signer.clone()), time)?;
            signed.verify_by(&alone, body, now, Purpose::Response)
        }
        // A client that already uses the public key gets the list signed with that key.
        None => signed.verify_by(store, body, now, Purpose::Response),
    }
}
