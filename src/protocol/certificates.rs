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
    base::crypto::{Certificate, aead},
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
    if is_public_key_mode(answer) {
        return Ok(Downloaded::None);
    }
    if !answer.status.is_success() {
        return Err(answer::failure(answer, Effect::Read, false));
    }
    open_all(answer, apiv3_key, store, now).map_err(|cause| cause.with_outcome(Outcome::Unknown))
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
    let body: Body = serde_json::from_slice(&answer.body)
        .map_err(|_| undecoded("are not the JSON that is documented"))?;
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
    Ok(Downloaded::Some(
        all.into_iter()
            .filter(|certificate| certificate.not_after() >= time)
            .collect(),
    ))
}

/// A merchant without certificates gets a 404, elsewhere a 500.
fn is_public_key_mode(answer: &Answer) -> bool {
    let code = || {
        serde_json::from_slice::<serde_json::Value>(&answer.body)
            .ok()
            .and_then(|body| body.get("code")?.as_str().map(str::to_owned))
    };
    match answer.status {
        StatusCode::NOT_FOUND => code().as_deref() == Some("RESOURCE_NOT_EXISTS"),
        StatusCode::INTERNAL_SERVER_ERROR => code().is_some(),
        _ => false,
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
    let judged = verify_over(answer.came(), &signed, brought, store, now);
    match (judged, answer.decoded()) {
        (Err(err), Some(decoded)) if err.kind() == Kind::Signature => {
            verify_over(decoded, &signed, brought, store, now)
        }
        (judged, _) => judged,
    }
    .map_err(unverified)
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
            let alone = vec![PlatformKey::of_certificate(own.clone())];
            TrustStore::new(alone, None, time)
                .and_then(|alone| signed.verify_by(&alone, body, now, Purpose::Answer))
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
