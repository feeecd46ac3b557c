//! The answer of `GET /v3/certificates`, and certificates in a folder.

use std::{
    fs,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::StatusCode;
use serde::Deserialize;

use super::{
    answer::{self, Answer},
    refusal::Effect,
    trust::{PlatformKey, Purpose, TrustStore},
    verify::Signed,
};
use crate::{
    base::{
        crypto::{Certificate, aead},
        json,
    },
    error::{Cause, Kind, Outcome, SentError, cause::Result},
};

/// Far more than WeChat Pay has in force at a time.
const MOST: usize = 64;

/// What the answer brought.
pub(crate) enum Downloaded {
    /// WeChat Pay has no certificates for this merchant, who has its public key.
    None,
    /// Certificates that verified and are not over.
    Some(Vec<Certificate>),
}

#[derive(Deserialize)]
struct Body {
    data: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    serial_no: String,
    encrypt_certificate: Sealed,
}

#[derive(Deserialize)]
struct Sealed {
    nonce: String,
    #[serde(default)]
    associated_data: String,
    ciphertext: String,
}

/// Opens, verifies and checks the certificates of an answer. It is signed by one of those that it
/// brings, or by one that is trusted already.
pub(crate) fn read(
    answer: &Answer,
    apiv3_key: &[u8; 32],
    store: &TrustStore,
    now: u64,
) -> Result<Downloaded, SentError> {
    if answer.status.is_success() {
        return open_all(answer, apiv3_key, store, now)
            .map_err(|cause| cause.with_outcome(Outcome::Unknown));
    }
    let verified = verify_refusal(answer, store, now).map_err(|cause| {
        cause
            .with_status(answer.status)
            .with_outcome(Outcome::Unknown)
    })?;
    if says_none(answer) {
        return Ok(Downloaded::None);
    }
    Err(answer::failure(answer, Effect::Read, verified))
}

fn open_all(
    answer: &Answer,
    apiv3_key: &[u8; 32],
    store: &TrustStore,
    now: u64,
) -> Result<Downloaded> {
    let undecoded = |what: &str| {
        Cause::new(Kind::Decode, format!("the platform certificates {what}"))
            .with_unverified(answer.body.clone())
    };
    let body: Body =
        json::parse(&answer.body).map_err(|_| undecoded("are not the JSON that is documented"))?;
    if body.data.len() > MOST {
        return Err(undecoded("are too many to be true"));
    }
    let all = body
        .data
        .iter()
        .map(|entry| open(entry, apiv3_key))
        .collect::<Result<Vec<_>>>()?;
    verify(answer, &all, store, now)?;
    if all.is_empty() {
        return Ok(Downloaded::None);
    }
    let time = UNIX_EPOCH + Duration::from_secs(now);
    let mut current = all;
    current.retain(|certificate| certificate.not_after() >= time);
    if current.is_empty() {
        return Err(Cause::new(
            Kind::Decode,
            "every platform certificate that came has expired by this machine's clock: check that \
             against NTP",
        ));
    }
    Ok(Downloaded::Some(current))
}

/// Whether a refusal says that this merchant has no certificates. No other does: a 403 or a 500 was
/// seen for such merchants too, and for others.
fn says_none(answer: &Answer) -> bool {
    #[derive(Deserialize)]
    struct Refusal {
        code: String,
    }
    answer.status == StatusCode::NOT_FOUND
        && json::parse::<Refusal>(&answer.body)
            .is_ok_and(|refusal| refusal.code == "RESOURCE_NOT_EXISTS")
}

/// Whether a refusal verified. A signature that a trusted key can check has to hold. One by a key
/// that is not trusted counts as none: a merchant who has no certificates is told so under a public
/// key that may not be configured yet, and nothing is trusted on a refusal's word.
fn verify_refusal(answer: &Answer, store: &TrustStore, now: u64) -> Result<bool> {
    let unverified = |err: Cause| err.with_unverified(answer.body.clone());
    let Some(signed) = Signed::read(&answer.headers).map_err(unverified)? else {
        return Ok(false);
    };
    match verify_either(answer, &signed, &[], store, now) {
        Ok(()) => Ok(true),
        Err(err) if err.kind() == Kind::UnknownKey => Ok(false),
        Err(err) => Err(unverified(err)),
    }
}

fn open(entry: &Entry, apiv3_key: &[u8; 32]) -> Result<Certificate> {
    let sealed = &entry.encrypt_certificate;
    let ciphertext = STANDARD.decode(&sealed.ciphertext).map_err(|err| {
        Cause::new(
            Kind::Decode,
            "a platform certificate's ciphertext is not base64",
        )
        .with_source(err)
    })?;
    let pem = aead::open(
        apiv3_key,
        sealed.nonce.as_bytes(),
        sealed.associated_data.as_bytes(),
        &ciphertext,
    )
    .map_err(|err| {
        Cause::new(
            Kind::Decrypt,
            "the platform certificates do not open: the `apiv3_key` is not the one set in the \
             merchant platform",
        )
        .with_source(err)
    })?;
    let pem = std::str::from_utf8(&pem)
        .map_err(|_| Cause::new(Kind::Decode, "a platform certificate is no PEM"))?;
    let certificate = Certificate::parse_pem(pem)?;
    if certificate.serial() != entry.serial_no {
        return Err(Cause::new(
            Kind::Decode,
            format!(
                "the platform certificate {} came under another serial",
                certificate.serial()
            ),
        ));
    }
    Ok(certificate)
}

fn verify(answer: &Answer, brought: &[Certificate], store: &TrustStore, now: u64) -> Result<()> {
    let unverified = |err: Cause| err.with_unverified(answer.body.clone());
    let signed = Signed::read(&answer.headers)
        .map_err(unverified)?
        .ok_or_else(|| {
            unverified(Cause::new(
                Kind::Signature,
                "the answer with the platform certificates carries no signature",
            ))
        })?;
    verify_either(answer, &signed, brought, store, now).map_err(unverified)
}

/// Verifies the bytes as they came or, where they do not fit, as they were decoded.
fn verify_either(
    answer: &Answer,
    signed: &Signed<'_>,
    brought: &[Certificate],
    store: &TrustStore,
    now: u64,
) -> Result<()> {
    let judged = verify_over(answer.came(), signed, brought, store, now);
    match (judged, answer.decoded()) {
        (Err(err), Some(decoded)) if err.kind() == Kind::Signature => {
            verify_over(decoded, signed, brought, store, now)
        }
        (judged, _) => judged,
    }
}

fn verify_over(
    body: &[u8],
    signed: &Signed<'_>,
    brought: &[Certificate],
    store: &TrustStore,
    now: u64,
) -> Result<()> {
    let time = UNIX_EPOCH + Duration::from_secs(now);
    let signer = brought
        .iter()
        .find(|certificate| certificate.serial() == signed.serial());
    match signer {
        Some(own) if time < own.not_before() || own.not_after() < time => Err(Cause::new(
            Kind::Signature,
            format!("the platform certificate {} is not in force", own.serial()),
        )),
        Some(own) => {
            // Nor may the merchant's own vouch for anything: it is under the same guard.
            let alone = store.of_one(PlatformKey::of_certificate(own.clone()), time)?;
            signed.verify_by(&alone, body, now, Purpose::Answer)
        }
        None => signed.verify_by(store, body, now, Purpose::Answer),
    }
}

/// The certificates of a folder's `.pem` files that are not over.
pub(crate) fn load(folder: &Path) -> Result<Vec<Certificate>> {
    let failed = |err: std::io::Error| {
        Cause::new(Kind::File, format!("{} cannot be read", folder.display())).with_source(err)
    };
    let mut paths = fs::read_dir(folder)
        .and_then(|entries| {
            entries
                .map(|entry| Ok(entry?.path()))
                .collect::<Result<Vec<_>, _>>()
        })
        .map_err(failed)?;
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "pem"));
    paths.sort();
    let now = SystemTime::now();
    let mut all = Vec::new();
    for path in paths {
        let certificate = Certificate::parse_pem_file(&path)?;
        if certificate.not_after() >= now {
            all.push(certificate);
        }
    }
    Ok(all)
}
