//! From the head of a response to a [`Response`]: reads the body, verifies it, stores it.
//!
//! A response takes one of two ways. Most are collected in memory, verified, and then stored. A file
//! that no signature covers is streamed into its sink instead, since nothing would be gained by
//! holding it: what vouches for it is its path, or its hash, which is computed on the way.

use std::{path::PathBuf, sync::Arc};

use http::{HeaderMap, StatusCode};

use super::{
    Response,
    body::{BodyWriter, Storage, Written},
    file::{FileClaim, PartialFile},
};
use crate::{
    client::core::{Core, now},
    error::{Cause, ErrorKind, Outcome, SentError, cause},
    protocol::{
        request::Draft,
        response::{
            self,
            coding::Coding,
            raw::{Decoding, RawResponse},
            verification::Verification,
        },
        trust::{Trust, signature::SERIAL},
        url::path::Version,
        v2,
    },
    wire::{BodyError, Incoming, IncomingBody, Reports},
};

/// How many bytes of a download are gathered before they are hashed and written. Each batch costs a
/// hop to the blocking pool, so small ones would be slow.
const BATCH: usize = 256 * 1024;
/// How many bytes of a redirect's body are read so that its connection can be reused. Past that, a new
/// connection is cheaper.
const MAX_DISCARDED: usize = 16 * 1024;

/// The head of a response whose body has not been read yet.
pub(in crate::client) struct ResponseHead {
    pub(in crate::client) incoming: Incoming,
    /// The message that the request's signature covers. Empty on APIv2.
    pub(in crate::client) signed: Vec<u8>,
}

/// What verifies a response. It is chosen before the request is sent, from what the caller asked, so
/// that neither a missing key nor the peer can change it afterwards.
#[derive(Clone, Copy)]
pub(in crate::client) enum Proof<'c> {
    /// Nothing: a file that is fetched with [`Options::unsigned`](crate::Options::unsigned).
    Unsigned,
    /// APIv3: the signature of a platform key.
    Signature(&'c Trust),
    /// APIv2: a digest with this key.
    Digest(&'c str),
}

/// Creates the partial file next to the sink, if there is a sink. Dropping the claim guarantees that
/// no file appears afterwards.
pub(in crate::client) async fn open_sink(
    sink: Option<PathBuf>,
) -> cause::Result<Option<(FileClaim, PartialFile)>> {
    let Some(sink) = sink else {
        return Ok(None);
    };
    let claim = FileClaim::new();
    let creator = claim.creator();
    let partial = on_blocking_pool(move || creator.create_sink(&sink)).await??;
    Ok(Some((claim, partial)))
}

/// Reads a response, verifies it and stores its body. Only a success reaches the sink.
pub(in crate::client) async fn receive(
    core: &Arc<Core>,
    draft: &Draft,
    proof: Proof<'_>,
    mut head: ResponseHead,
    file: Option<(FileClaim, PartialFile)>,
    reports: &Reports,
) -> Result<Response, SentError> {
    // The claim lives until this returns. If the call is dropped, so is the claim, whatever the
    // blocking pool is still doing with the partial file.
    if let Some((_claim, partial)) = file {
        let status = head.incoming.status;
        let storage = Storage::File { partial, len: 0 };
        return match streamable(draft, &mut head.incoming).await {
            Ok(Some(verification)) => stream(draft, head.incoming, verification, storage, reports)
                .await
                .map_err(|err| err.map(|cause| cause.with_status(status))),
            Ok(None) => {
                let raw = collect(core, head).await?;
                let verification = verify(core, draft, proof, &raw).await?;
                store(draft, raw, verification, storage, reports).await
            }
            Err(err) => Err(unread(err, status)),
        };
    }
    let raw = collect(core, head).await?;
    let verification = verify(core, draft, proof, &raw).await?;
    if draft.response.file.is_default() && is_decoded(draft, &raw, &verification) {
        return Ok(Response::new(raw, verification));
    }
    let storage = Storage::Memory {
        bytes: Vec::new(),
        cap: core.max_response,
    };
    store(draft, raw, verification, storage, reports).await
}

/// Reads the body of a redirect to its end, so that the connection can be reused, or closes the
/// connection if the body is long.
pub(in crate::client) async fn discard(body: IncomingBody) {
    drop(body.collect(MAX_DISCARDED).await);
}

/// Returns how a response that may be streamed is vouched for, or `None` if it must be collected:
/// because a signature covers all of it, or because it is an error.
async fn streamable(
    draft: &Draft,
    incoming: &mut Incoming,
) -> Result<Option<Verification>, BodyError> {
    // An error is small, and its body explains it: it must not end up in the caller's file.
    if !incoming.status.is_success() {
        return Ok(None);
    }
    let path = draft.api_path();
    match draft.version {
        Version::V3 if draft.unsigned => Ok(Some(Verification::Unsigned)),
        Version::V3 if draft.response.file.named.is_some() => Ok(named_file(draft)),
        Version::V3 if response::v3::is_documented_unsigned(&draft.method, path) => {
            Ok(Some(Verification::DocumentedUnsigned))
        }
        Version::V2 if v2::paths::response_kind(path) == Some(v2::paths::ResponseKind::Table) => {
            // APIv2 responds with 200 even to failures. A failure is XML, a bill is a table of text, and
            // the first bytes show which of the two this is.
            // An unknown encoding is reported by `collect`, like every other decoding error.
            let Ok(coding) = Coding::of(&incoming.headers) else {
                return Ok(None);
            };
            let start = incoming.body.peek(coding.least()).await?;
            let start = coding.beginning(&start).unwrap_or_default();
            let xml = start.is_empty() || response::v2::is_xml(&start);
            Ok((!xml).then_some(Verification::DocumentedUnsigned))
        }
        _ => Ok(None),
    }
}

/// Reads a response to its end.
pub(in crate::client) async fn collect(
    core: &Core,
    head: ResponseHead,
) -> Result<RawResponse, SentError> {
    let ResponseHead { incoming, signed } = head;
    let (status, headers) = (incoming.status, incoming.headers);
    match incoming.body.collect(core.max_response).await {
        Ok(body) => Ok(RawResponse::new(
            (status, headers),
            body,
            core.max_response,
            signed,
        )),
        Err(err) => Err(unread(err, status)),
    }
}

/// Verifies a response, and checks that its body could be decoded.
async fn verify(
    core: &Arc<Core>,
    draft: &Draft,
    proof: Proof<'_>,
    raw: &RawResponse,
) -> Result<Verification, SentError> {
    let verified = verify_with_download(core, draft, proof, raw).await;
    let verification = verified.map_err(|err| raw.explain(err))?;
    let Some(why) = raw.coding_error() else {
        return Ok(verification);
    };
    // A verified response says that the request succeeded, and fetching a file changes nothing. But
    // an unsigned APIv2 response says only in its body whether it is a success, and that cannot be
    // read.
    let outcome = match draft.version {
        Version::V2 if !verification.is_verified() => Outcome::Unknown,
        Version::V2 | Version::V3 => Outcome::Done,
    };
    Err(why
        .cause()
        .with_status(raw.status)
        .with_unverified(raw.body.clone())
        .with_outcome(outcome))
}

/// Verifies a response. If its key is not known, downloads the platform certificates and tries once
/// more: keys rotate, and the first response by a new key arrives before the client knows the key.
async fn verify_with_download(
    core: &Arc<Core>,
    draft: &Draft,
    proof: Proof<'_>,
    raw: &RawResponse,
) -> Result<Verification, SentError> {
    match verify_once(draft, proof, raw).await {
        Err(err) if err.kind() == ErrorKind::UnknownKey => {
            let serial = raw
                .headers
                .get(SERIAL)
                .and_then(|serial| serial.to_str().ok());
            core.fetch_key(serial)
                .await
                .map_err(|why| err.map(|cause| cause.with_source(why)))?;
            verify_once(draft, proof, raw).await
        }
        verified => verified,
    }
}

/// Returns how a file that a verified response named is vouched for.
///
/// Its hash is checked while it is stored. There always is one: the type
/// [`NamedFile`](crate::protocol::response::file::NamedFile) requires it.
fn named_file(draft: &Draft) -> Option<Verification> {
    let named = draft.response.file.named.as_ref()?;
    Some(Verification::NamedFile {
        serial: named.serial.clone(),
    })
}

async fn verify_once(
    draft: &Draft,
    proof: Proof<'_>,
    raw: &RawResponse,
) -> Result<Verification, SentError> {
    if let Some(named) = named_file(draft).filter(|_| raw.status.is_success()) {
        return Ok(named);
    }
    match proof {
        Proof::Unsigned => response::v3::judge_unsigned(raw),
        Proof::Signature(trust) => {
            response::v3::judge(raw, (&draft.method, draft.api_path()), trust, now()).await
        }
        Proof::Digest(key) => response::v2::judge(raw, draft.api_path(), key),
    }
}

/// Returns `true` if the decoded body is final.
///
/// Of a file that no signature covers, only the head has been judged so far. A server may label such
/// a file `Content-Encoding: gzip` although the file itself is the gzip, so it is decoded again by
/// the rules for files, which look at its hash.
fn is_decoded(draft: &Draft, raw: &RawResponse, verification: &Verification) -> bool {
    let file =
        draft.version == Version::V3 && !matches!(verification, Verification::Verified { .. });
    !file || raw.coding() == Coding::Plain
}

/// Stores the body of a verified response.
async fn store(
    draft: &Draft,
    raw: RawResponse,
    verification: Verification,
    storage: Storage,
    reports: &Reports,
) -> Result<Response, SentError> {
    let (body, coding) = if is_decoded(draft, &raw, &verification) {
        (raw.body.clone(), Coding::Plain)
    } else {
        (raw.received_body().clone(), raw.coding())
    };
    let mut writer = BodyWriter::new(storage, draft.response.file.clone(), coding);
    let len = body.len() as u64;
    let written = on_blocking_pool(move || {
        writer.write(&body)?;
        writer.finish()
    })
    .await
    .and_then(|done| done)
    .map_err(|cause| cause.with_status(raw.status).with_outcome(Outcome::Done))?;
    if let Some(reporter) = reports.to(draft.send.on_progress.clone()) {
        reporter.tell(len, Some(len)).await;
    }
    Ok(response(raw.status, raw.headers, verification, written))
}

/// Streams a body into its storage. Memory does not grow with its size.
async fn stream(
    draft: &Draft,
    incoming: Incoming,
    verification: Verification,
    storage: Storage,
    reports: &Reports,
) -> Result<Response, SentError> {
    let mut body = incoming.body;
    let total = body.declared();
    let mut headers = incoming.headers;
    let coding = Coding::of(&headers).map_err(|why| done(why.cause()))?;
    coding.strip(&mut headers);
    let mut writer = BodyWriter::new(storage, draft.response.file.clone(), coding);
    let reporter = reports.to(draft.send.on_progress.clone());
    let mut batch = Vec::with_capacity(BATCH);
    let mut received = 0;
    loop {
        let chunk = match body.chunk().await {
            Some(Ok(chunk)) => Some(chunk),
            // A download changes nothing, but the call does not know that it is one.
            Some(Err(err)) => return Err(Cause::from(err).with_outcome(Outcome::Unknown)),
            None => None,
        };
        if let Some(chunk) = &chunk {
            // Counted as received, not as decompressed: that is what the total refers to.
            received += chunk.len() as u64;
            batch.extend_from_slice(chunk);
            if let Some(reporter) = &reporter {
                reporter.tell(received, total).await;
            }
        }
        if batch.len() >= BATCH || chunk.is_none() {
            (writer, batch) = on_blocking_pool(move || {
                writer.write(&batch)?;
                batch.clear();
                Ok((writer, batch))
            })
            .await
            .and_then(|done| done)
            .map_err(done)?;
        }
        if chunk.is_none() {
            let written = on_blocking_pool(move || writer.finish())
                .await
                .and_then(|done| done)
                .map_err(done)?;
            return Ok(response(incoming.status, headers, verification, written));
        }
    }
}

fn response(
    status: StatusCode,
    headers: HeaderMap,
    verification: Verification,
    written: Written,
) -> Response {
    let (body, file) = match written {
        Written::File(file) => (Default::default(), Some(file)),
        Written::Memory(body) => (body, None),
    };
    let raw = RawResponse {
        status,
        headers,
        body,
        decoding: Decoding::None,
        signed_message: Vec::new(),
    };
    Response::new(raw, verification).with_file(file)
}

/// The error of a body that could not be read. What it said about the request is lost with it.
fn unread(err: BodyError, status: StatusCode) -> SentError {
    Cause::from(err)
        .with_status(status)
        .with_outcome(Outcome::Unknown)
}

/// The error of a request that succeeded, when something failed on this side afterwards.
fn done(cause: Cause) -> SentError {
    cause.with_outcome(Outcome::Done)
}

/// Runs blocking work on tokio's blocking pool. If the call is dropped meanwhile, the work still runs
/// to its end there, and what it holds is cleaned up.
async fn on_blocking_pool<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> cause::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|err| {
        Cause::new(
            ErrorKind::File,
            "the tokio runtime shut down while a file was being written",
        )
        .with_source(err)
    })
}
