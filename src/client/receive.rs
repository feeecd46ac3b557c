//! From the head of an answer to a response: read, judged, and put into its sink.

use std::{path::PathBuf, sync::Arc};

use http::{HeaderMap, StatusCode};

use super::{
    Response,
    core::{Core, Proof, now},
    intake::{Intake, Kept, Out},
    sink::{Claim, Part},
};
use crate::{
    error::{Cause, Kind, Outcome, SentError, cause},
    protocol::{
        answer::{self, Answer, Coded, Verification},
        coding::Coding,
        path::Version,
        request::Draft,
        v2,
        verify::SERIAL,
    },
    wire::{BodyError, Incoming, IncomingBody, Reports},
};

/// How much of a download is gathered before it is hashed and written.
const BATCH: usize = 256 * 1024;
/// How much is read of a redirect's page, to keep its connection.
const PAGE: usize = 16 * 1024;

/// The head of an answer, its body still to be read.
pub(super) struct Heard {
    pub(super) incoming: Incoming,
    /// What the request's signature covers; empty for APIv2.
    pub(super) signed: Vec<u8>,
}

/// Opens the file beside the sink, if there is one: before the request is sent. Whoever drops the
/// claim, and with it the call, has no file from then on.
pub(super) async fn open(sink: Option<PathBuf>) -> cause::Result<Option<(Claim, Part)>> {
    let Some(sink) = sink else {
        return Ok(None);
    };
    let claim = Claim::new();
    let maker = claim.maker();
    let part = off_thread(move || maker.sink(&sink)).await??;
    Ok(Some((claim, part)))
}

/// Reads the answer and judges it. Only a success ever comes into the sink.
pub(super) async fn receive(
    core: &Arc<Core>,
    draft: &Draft,
    proof: Proof<'_>,
    mut heard: Heard,
    file: Option<(Claim, Part)>,
    reports: &Reports,
) -> Result<Response, SentError> {
    // Held to the end of this, whatever other threads still do for it.
    if let Some((_claim, part)) = file {
        let status = heard.incoming.status;
        return match streamed(draft, &mut heard.incoming).await {
            Ok(Some(verification)) => stream(draft, heard.incoming, verification, part, reports)
                .await
                .map_err(|err| err.map(|cause| cause.with_status(status))),
            Ok(None) => {
                let answer = collect(core, heard).await?;
                let verification = judge(core, draft, proof, &answer).await?;
                settle(
                    draft,
                    answer,
                    verification,
                    Out::File { part, len: 0 },
                    reports,
                )
                .await
            }
            Err(err) => Err(unread(err, status)),
        };
    }
    let answer = collect(core, heard).await?;
    let verification = judge(core, draft, proof, &answer).await?;
    if draft.settings.wishes.are_none() && is_settled(draft, &answer, &verification) {
        return Ok(Response::new(answer, verification));
    }
    let out = Out::Memory {
        bytes: Vec::new(),
        cap: core.max_response,
    };
    settle(draft, answer, verification, out, reports).await
}

/// Reads a redirect's page to its end, or gives its connection up.
pub(super) async fn discard(body: IncomingBody) {
    drop(body.collect(PAGE).await);
}

/// How an answer that need not be held as a whole is vouched for; none for one that must, because
/// its signature covers it, or because it is an error.
async fn streamed(
    draft: &Draft,
    incoming: &mut Incoming,
) -> Result<Option<Verification>, BodyError> {
    if !incoming.status.is_success() {
        return Ok(None);
    }
    let path = draft.api_path();
    match draft.version {
        Version::V3 if draft.settings.unsigned => Ok(Some(Verification::Unsigned)),
        Version::V3 if draft.settings.wishes.named.is_some() => Ok(named(draft)),
        Version::V3 if answer::is_documented_unsigned(&draft.method, path) => {
            Ok(Some(Verification::DocumentedUnsigned))
        }
        Version::V2 if v2::paths::form(path) == Some(v2::paths::Form::Table) => {
            // HTTP says 200 whatever happens: the first bytes tell a table from a failure.
            let Ok(coding) = Coding::of(&incoming.headers) else {
                return Ok(None);
            };
            let start = incoming.body.peek(coding.least()).await?;
            let start = coding.beginning(&start).unwrap_or_default();
            let xml = start.is_empty() || v2::answer::is_xml(&start);
            Ok((!xml).then_some(Verification::DocumentedUnsigned))
        }
        _ => Ok(None),
    }
}

/// Reads an answer to its end.
pub(super) async fn collect(core: &Core, heard: Heard) -> Result<Answer, SentError> {
    let Heard { incoming, signed } = heard;
    let (status, headers) = (incoming.status, incoming.headers);
    match incoming.body.collect(core.max_response).await {
        Ok(came) => Ok(Answer::new(
            (status, headers),
            came,
            core.max_response,
            signed,
        )),
        Err(err) => Err(unread(err, status)),
    }
}

/// Judges an answer; one by a key that is not known gets a second hearing where a download of
/// certificates brought the key.
async fn judge(
    core: &Arc<Core>,
    draft: &Draft,
    proof: Proof<'_>,
    answer: &Answer,
) -> Result<Verification, SentError> {
    let judged = hear(core, draft, proof, answer).await;
    let verification = judged.map_err(|err| answer.explain(err))?;
    let Some(why) = answer.undecoded() else {
        return Ok(verification);
    };
    // A verified response is the answer to the request, and a file that is fetched changes
    // nothing. What APIv2 leaves unsigned says in its body alone whether it is a success.
    let outcome = match draft.version {
        Version::V2 if !verification.is_verified() => Outcome::Unknown,
        Version::V2 | Version::V3 => Outcome::Done,
    };
    Err(why
        .cause()
        .with_status(answer.status)
        .with_unverified(answer.body.clone())
        .with_outcome(outcome))
}

async fn hear(
    core: &Arc<Core>,
    draft: &Draft,
    proof: Proof<'_>,
    answer: &Answer,
) -> Result<Verification, SentError> {
    match verify(draft, proof, answer).await {
        Err(err) if err.kind() == Kind::UnknownKey => {
            let serial = answer
                .headers
                .get(SERIAL)
                .and_then(|serial| serial.to_str().ok());
            core.bring_key(serial)
                .await
                .map_err(|why| err.map(|cause| cause.with_source(why)))?;
            verify(draft, proof, answer).await
        }
        judged => judged,
    }
}

/// How the file that a verified response named is vouched for. That it has its hash is checked on
/// its way into the sink or into memory: [`NamedFile`](crate::protocol::file::NamedFile) is never
/// without one.
fn named(draft: &Draft) -> Option<Verification> {
    let named = draft.settings.wishes.named.as_ref()?;
    Some(Verification::NamedFile {
        serial: named.serial.clone(),
    })
}

async fn verify(
    draft: &Draft,
    proof: Proof<'_>,
    answer: &Answer,
) -> Result<Verification, SentError> {
    if let Some(named) = named(draft).filter(|_| answer.status.is_success()) {
        return Ok(named);
    }
    match proof {
        Proof::Unsigned => answer::judge_unsigned(answer),
        Proof::Signature(trust) => {
            answer::judge(answer, (&draft.method, draft.api_path()), trust, now()).await
        }
        Proof::Digest(key) => v2::answer::judge(answer, draft.api_path(), key),
    }
}

/// Whether the decoded body is what was judged. Of a file that no signature covers, nothing was
/// judged yet but its head: it is decoded again, under the rules of a file.
fn is_settled(draft: &Draft, answer: &Answer, verification: &Verification) -> bool {
    let file =
        draft.version == Version::V3 && !matches!(verification, Verification::Verified { .. });
    !file || answer.coding() == Coding::Plain
}

/// Puts a judged answer where it belongs.
async fn settle(
    draft: &Draft,
    answer: Answer,
    verification: Verification,
    out: Out,
    reports: &Reports,
) -> Result<Response, SentError> {
    let (body, coding) = if is_settled(draft, &answer, &verification) {
        (answer.body.clone(), Coding::Plain)
    } else {
        (answer.came().clone(), answer.coding())
    };
    let mut intake = Intake::new(out, draft.settings.wishes.clone(), coding);
    let len = body.len() as u64;
    let kept = off_thread(move || {
        intake.take(&body)?;
        intake.finish()
    })
    .await
    .and_then(|done| done)
    .map_err(|cause| cause.with_status(answer.status).with_outcome(Outcome::Done))?;
    if let Some(reporter) = reports.to(draft.settings.on_progress.clone()) {
        reporter.tell(len, Some(len)).await;
    }
    Ok(response(answer.status, answer.headers, verification, kept))
}

/// Reads a body straight into its sink, in memory that does not grow with it.
async fn stream(
    draft: &Draft,
    incoming: Incoming,
    verification: Verification,
    part: Part,
    reports: &Reports,
) -> Result<Response, SentError> {
    let (settings, mut body) = (&draft.settings, incoming.body);
    let total = body.declared();
    let mut headers = incoming.headers;
    let coding = Coding::of(&headers).map_err(|why| done(why.cause()))?;
    coding.strip(&mut headers);
    let out = Out::File { part, len: 0 };
    let mut intake = Intake::new(out, settings.wishes.clone(), coding);
    let reporter = reports.to(settings.on_progress.clone());
    let mut batch = Vec::with_capacity(BATCH);
    let mut received = 0;
    loop {
        let chunk = match body.chunk().await {
            Some(Ok(chunk)) => Some(chunk),
            Some(Err(err)) => return Err(Cause::from(err).with_outcome(Outcome::Unknown)),
            None => None,
        };
        if let Some(chunk) = &chunk {
            received += chunk.len() as u64;
            batch.extend_from_slice(chunk);
            if let Some(reporter) = &reporter {
                reporter.tell(received, total).await;
            }
        }
        if batch.len() >= BATCH || chunk.is_none() {
            (intake, batch) = off_thread(move || {
                intake.take(&batch)?;
                batch.clear();
                Ok((intake, batch))
            })
            .await
            .and_then(|done| done)
            .map_err(done)?;
        }
        if chunk.is_none() {
            let kept = off_thread(move || intake.finish())
                .await
                .and_then(|done| done)
                .map_err(done)?;
            return Ok(response(incoming.status, headers, verification, kept));
        }
    }
}

fn response(
    status: StatusCode,
    headers: HeaderMap,
    verification: Verification,
    kept: Kept,
) -> Response {
    let (body, file) = match kept {
        Kept::File(file) => (Default::default(), Some(file)),
        Kept::Memory(body) => (body, None),
    };
    let answer = Answer {
        status,
        headers,
        body,
        coded: Coded::No,
        signed: Vec::new(),
    };
    Response::new(answer, verification).with_file(file)
}

/// The body is missing, and with it what it says of the request.
fn unread(err: BodyError, status: StatusCode) -> SentError {
    Cause::from(err)
        .with_status(status)
        .with_outcome(Outcome::Unknown)
}

/// The request succeeded, and what failed is on this side.
fn done(cause: Cause) -> SentError {
    cause.with_outcome(Outcome::Done)
}

/// Runs what hashes and waits for a disk where it holds up nobody. Given up half way, it comes to
/// its end there, and what it held is cleaned up.
async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> cause::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|err| {
        Cause::new(
            Kind::File,
            "the runtime ended while a file was being written",
        )
        .with_source(err)
    })
}
