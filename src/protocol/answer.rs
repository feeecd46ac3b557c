//! What an APIv3 answer means: which are signed, over what, and what an error says.

use std::{io::Read as _, time::Duration};

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use http::{HeaderMap, Method, StatusCode};
use serde_json::Value;

use super::{
    coding::{Coding, Undecoded},
    diagnosis,
    path::{Version, shown},
    refusal::{Effect, outcome_v3},
    trust::{Purpose, Trust},
    verify::Signed,
};
use crate::{
    base::{crypto::digest, json},
    error::{ApiError, Cause, Kind, Outcome, SentError, cause::Result},
};

/// How an answer's origin was made sure of.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verification {
    /// The signature verified; the key is named by this certificate serial or public key ID
    /// (APIv2: the digest's name).
    ///
    /// An answer's signature does not name the request: that the two belong together is TLS's
    /// word, and an answer that was sent before would be taken while it is younger than 300
    /// seconds. (A notification can be told from its like by its ID: see
    /// [`ReplayGuard`](crate::ReplayGuard).)
    #[non_exhaustive]
    Verified {
        /// The certificate serial or public key ID.
        serial: String,
    },
    /// A file whose URL and hash a verified response named: fetched by
    /// [`download`](crate::Chain::download), and seen to have that hash. It carries no signature
    /// of its own and needs none.
    #[non_exhaustive]
    NamedFile {
        /// The certificate serial or public key ID that the naming response verified with.
        serial: String,
    },
    /// WeChat Pay documents this answer as unsigned: a file download, or an APIv2 answer without
    /// a sign.
    DocumentedUnsigned,
    /// Nothing vouches for it: fetched by [`Options::unsigned`](crate::Options::unsigned).
    Unsigned,
}

impl Verification {
    /// Whether a signature vouches for the answer: over its own bytes, or over the hash by which
    /// a verified response [named](Self::NamedFile) it.
    pub fn is_verified(&self) -> bool {
        self.serial().is_some()
    }

    /// The certificate serial or public key ID of the key whose signature vouches for the answer
    /// (APIv2: the digest's name); `None` where nothing does.
    pub fn serial(&self) -> Option<&str> {
        match self {
            Self::Verified { serial } | Self::NamedFile { serial } => Some(serial),
            Self::DocumentedUnsigned | Self::Unsigned => None,
        }
    }
}

/// A whole answer.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// What it says: decoded, where it names an encoding that can be.
    pub(crate) body: Bytes,
    pub(crate) coded: Coded,
    /// What the request's signature covers; empty for APIv2.
    pub(crate) signed: Vec<u8>,
}

/// What `Content-Encoding` did to a body.
#[derive(Debug, Default)]
pub(crate) enum Coded {
    /// Nothing: it is as it came.
    #[default]
    No,
    /// It was named gzip, and came as these bytes.
    Gzip(Bytes),
    /// It is as it came, and not what it should be.
    Still(Undecoded),
}

impl Answer {
    /// An answer off the wire, its body decoded into at most `cap` bytes.
    pub(crate) fn new(
        (status, mut headers): (StatusCode, HeaderMap),
        came: Bytes,
        cap: usize,
        signed: Vec<u8>,
    ) -> Self {
        let decoded = Coding::of(&headers).and_then(|coding| match coding {
            Coding::Plain => Ok((came.clone(), Coded::No)),
            Coding::Gzip => {
                let body = coding.decode(&came, cap)?;
                coding.strip(&mut headers);
                Ok((body, Coded::Gzip(came.clone())))
            }
        });
        let (body, coded) = decoded.unwrap_or_else(|why| (came, Coded::Still(why)));
        Self {
            status,
            headers,
            body,
            coded,
            signed,
        }
    }

    /// The body as it came.
    pub(crate) fn came(&self) -> &Bytes {
        match &self.coded {
            Coded::Gzip(came) => came,
            Coded::No | Coded::Still(_) => &self.body,
        }
    }

    /// The encoding of what [came](Self::came).
    pub(crate) fn coding(&self) -> Coding {
        match &self.coded {
            Coded::Gzip(_) => Coding::Gzip,
            Coded::No | Coded::Still(_) => Coding::Plain,
        }
    }

    /// The decoded body, where that is not the body as it came. What a signature does not fit as
    /// it came may fit once it is decoded.
    pub(crate) fn decoded(&self) -> Option<&Bytes> {
        matches!(self.coded, Coded::Gzip(_)).then_some(&self.body)
    }

    pub(crate) fn undecoded(&self) -> Option<&Undecoded> {
        match &self.coded {
            Coded::Still(why) => Some(why),
            Coded::No | Coded::Gzip(_) => None,
        }
    }

    /// The error of an answer that could not be decoded, which is why it was not understood.
    pub(crate) fn explain(&self, err: SentError) -> SentError {
        let Some(why) = self.undecoded() else {
            return err;
        };
        match err.kind() {
            Kind::Signature | Kind::Decode => err.map(|cause| {
                why.cause()
                    .with_status(self.status)
                    .with_unverified(self.body.clone())
                    .with_source(cause)
            }),
            Kind::Api => err.map(|cause| cause.and(why.cause())),
            _ => err,
        }
    }
}

/// `true` for the paths whose successes come without a signature. `path` is without the base
/// URI's own prefix and without the query.
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

/// Statements are signed over a hash of the file instead of the file.
const STATEMENTS: [&str; 2] = ["/v3/global/statements", "/v3/statements"];
const STATEMENT_SHA1: &str = "wechatpay-statement-sha1";

/// Judges a whole APIv3 answer: its origin where it is a success, the error otherwise.
pub(crate) async fn judge(
    answer: &Answer,
    (method, path): (&Method, &str),
    trust: &Trust,
    now: u64,
) -> Result<Verification, SentError> {
    let verified = match verify(answer, (method, path), trust, now).await {
        Ok(verified) => verified,
        Err(err) => {
            return Err(err
                .with_unverified(answer.body.clone())
                .with_status(answer.status)
                .with_outcome(Outcome::Unknown));
        }
    };
    if answer.status.is_success() {
        return Ok(verified);
    }
    let effect = Effect::of(Version::V3, method, path);
    Err(failure(answer, effect, verified.is_verified()))
}

/// Judges the answer to a request that was sent without a signature: whatever it says, nothing
/// vouches for it.
pub(crate) fn judge_unsigned(answer: &Answer) -> Result<Verification, SentError> {
    if answer.status.is_success() {
        return Ok(Verification::Unsigned);
    }
    Err(failure(answer, Effect::Read, false))
}

async fn verify(
    answer: &Answer,
    (method, path): (&Method, &str),
    trust: &Trust,
    now: u64,
) -> Result<Verification> {
    let success = answer.status.is_success();
    if success && is_documented_unsigned(method, path) {
        return Ok(Verification::DocumentedUnsigned);
    }
    let Some(signed) = Signed::read(&answer.headers)? else {
        if success {
            return Err(Cause::new(
                Kind::Signature,
                format!(
                    "the answer ({}, {} bytes) carries no signature: it did not come from WeChat \
                     Pay, or something on the way dropped its headers",
                    answer.status.as_u16(),
                    answer.body.len()
                ),
            ));
        }
        return Ok(Verification::Unsigned);
    };
    match statement_digest(answer, path)? {
        Some(stand_in) => {
            signed
                .verify(trust, stand_in.as_bytes(), now, Purpose::Answer)
                .await?;
        }
        None => {
            let verify = |body| signed.verify(trust, body, now, Purpose::Answer);
            let judged = verify(answer.came()).await;
            match (judged, answer.decoded()) {
                (Err(err), Some(decoded)) if err.kind() == Kind::Signature => {
                    verify(decoded).await.map_err(|err| {
                        err.and("nor do its bytes before they were decoded from gzip")
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

/// What a statement's signature covers instead of the body, once the body is seen to match it.
fn statement_digest(answer: &Answer, path: &str) -> Result<Option<String>> {
    if !answer.status.is_success() || !STATEMENTS.contains(&path) {
        return Ok(None);
    }
    let Some(header) = answer.headers.get(STATEMENT_SHA1) else {
        return Ok(None);
    };
    let sha1 = header.to_str().unwrap_or_default();
    let due = digest::from_hex::<20>(sha1);
    let fits = |body: &Bytes| {
        let mut hash = digest::Sha1::new();
        hash.update(body);
        due == Some(hash.finish()) || (due.is_some() && due == unpacked_sha1(body))
    };
    if !fits(answer.came()) && !answer.decoded().is_some_and(fits) {
        return Err(Cause::new(
            Kind::Signature,
            "the statement does not match its Wechatpay-Statement-Sha1: cut short or altered",
        ));
    }
    Ok(Some(format!("{{\"sha1\":\"{sha1}\"}}")))
}

/// The SHA-1 of what is packed in a gzip. A statement asked for with `Accept-Encoding: gzip` comes
/// packed, and its hash is that of the file.
fn unpacked_sha1(body: &[u8]) -> Option<[u8; 20]> {
    /// What a gzip may unpack to at most: what is more only keeps this machine busy.
    const MOST: u64 = 256 << 20;

    if !body.starts_with(&[0x1f, 0x8b]) {
        return None;
    }
    let mut unpacked = MultiGzDecoder::new(body).take(MOST + 1);
    let mut hash = digest::Sha1::new();
    let mut chunk = vec![0; 64 * 1024];
    loop {
        match unpacked.read(&mut chunk).ok()? {
            0 if unpacked.limit() == 0 => return None,
            0 => return Some(hash.finish()),
            read => hash.update(chunk.get(..read)?),
        }
    }
}

/// The error that an answer other than 2xx is.
pub(crate) fn failure(answer: &Answer, effect: Effect, verified: bool) -> SentError {
    let api = parse(answer, verified);
    let status = answer.status;
    let mut message = status.as_u16().to_string();
    if status.is_redirection() {
        message.push_str(
            ": a redirect, which is followed only on GET, inside the host rule, and when \
             `allow_redirects` says so",
        );
    } else if api.code.is_empty() {
        message.push_str(&format!(
            ": not a response of the API ({} bytes): something on the way wrote it",
            answer.body.len()
        ));
    } else {
        message.push_str(&format!(" {}: {}", shown(&api.code), shown(&api.message)));
    }
    if let Some(id) = &api.request_id {
        message.push_str(&format!(" (Request-ID {})", shown(id)));
    }
    if api.code == "SIGN_ERROR" {
        let told = diagnosis::sign_error(api.detail.as_ref(), &answer.signed);
        message.extend(told.map(|told| format!("; {told}")));
    }
    let outcome = outcome_v3(effect, status, (&api.code, &api.message), verified);
    Cause::new(Kind::Api, message)
        .with_api(api)
        .with_outcome(outcome)
}

fn parse(answer: &Answer, verified: bool) -> ApiError {
    let body = json::parse::<Value>(&answer.body).unwrap_or_default();
    let text = |key: &str| {
        body.get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    ApiError {
        status: answer.status,
        code: text("code"),
        message: text("message"),
        detail: body
            .get("detail")
            .filter(|detail| !detail.is_null())
            .cloned(),
        request_id: request_id(&answer.headers).map(str::to_owned),
        body: answer.body.clone(),
        verified,
        retry_after: retry_after(&answer.headers),
    }
}

/// `Retry-After` in seconds. Its other form, a date, is not taken: it would hang on two clocks.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(http::header::RETRY_AFTER)?.to_str().ok()?;
    seconds.trim().parse().ok().map(Duration::from_secs)
}

/// The `Request-ID` of an answer.
pub(crate) fn request_id(headers: &HeaderMap) -> Option<&str> {
    headers.get("request-id")?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unsigned_downloads_are_those_documented() {
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
