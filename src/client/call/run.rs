//! A whole call: timeout, attempts, retries and redirects.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use http::{Method, StatusCode, header::LOCATION};
use tracing::Instrument as _;

use super::{
    attempt::{self, not_sent},
    span::CallSpan,
    state::CallState,
};
use crate::{
    base::crypto,
    client::{
        Response,
        core::Core,
        response::{self, Proof},
    },
    error::{Cause, Error, ErrorKind, Outcome, Result, SentError},
    protocol::{request::Draft, url::path::Version},
    wire::{self, Incoming, Reports},
};

const MAX_REDIRECTS: u32 = 5;

/// The longest pause between two attempts of a call without a timeout. Otherwise a server's
/// `Retry-After` could keep the call waiting for days.
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// Runs a call to its end.
pub(super) async fn execute(
    core: Arc<Core>,
    mut draft: Draft,
    reports: Reports,
) -> Result<Response> {
    // A redirect changes the draft, but the error and the log name what the caller asked for.
    let method = draft.method.clone();
    let template = draft.template.clone();
    let span = CallSpan::new(&method, &template);
    let run = async {
        // Inside the span, so that a renewal's log says which call started it.
        core.renew_certificates();
        within_timeout(&core, &mut draft, reports).await
    };
    let result = run
        .instrument(span.span())
        .await
        .map_err(|err| err.in_call(&method, &template));
    span.end(&method, &template, &result);
    result
}

async fn within_timeout(core: &Arc<Core>, draft: &mut Draft, reports: Reports) -> Result<Response> {
    let limit = draft.send.timeout;
    let state = CallState::new(reports).map_err(Cause::not_sent)?;
    // One deadline for everything, the download of a key included. A timeout per attempt would let a
    // call with retries take a multiple of what the caller allowed.
    let deadline = match limit {
        Duration::ZERO => None,
        limit => Instant::now().checked_add(limit),
    };
    let proof = check_ready(core, draft, deadline)
        .await
        .map_err(Cause::not_sent)?;
    let attempts = attempts(core, draft, proof, &state, deadline);
    let Some(deadline) = deadline else {
        return attempts.await;
    };
    match state.clock.timeout_at(deadline, attempts).await {
        Ok(result) => result,
        // The attempts are dropped by now, and with them the connection. What had been written by then
        // is final, so the state's outcome is too.
        Err(_) => {
            let cause = Cause::new(
                ErrorKind::Timeout,
                format!("no response within the call's timeout of {limit:?}"),
            );
            let err = Error::from(cause.with_outcome(state.outcome()));
            Err(err.with_attempts(state.attempts()))
        }
    }
}

/// Checks what a call needs besides a signature, and returns what will verify its response.
///
/// A key that is found missing only when the response arrives would turn a finished payment into
/// an error. So whatever verification needs is required before anything is sent.
async fn check_ready<'c>(
    core: &'c Arc<Core>,
    draft: &Draft,
    deadline: Option<Instant>,
) -> Result<Proof<'c>, Cause> {
    if draft.send.mutual_tls && core.identity.is_none() {
        return Err(Cause::config(
            "option `security` presents the merchant's API certificate, and this client has none: \
             set `client_identity` on the client builder; nothing was sent",
        ));
    }
    match draft.version {
        Version::V3 if draft.unsigned => Ok(Proof::Unsigned),
        Version::V3 => {
            core.require_platform_key(deadline).await?;
            Ok(Proof::Signature(core.trust()))
        }
        // Even a raw body, which the caller signed, needs the key: its response is verified with it.
        Version::V2 => Ok(Proof::Digest(core.apiv2_key()?)),
    }
}

/// Makes attempts until one succeeds or the retry policy gives up.
async fn attempts(
    core: &Arc<Core>,
    draft: &mut Draft,
    proof: Proof<'_>,
    state: &CallState,
    deadline: Option<Instant>,
) -> Result<Response> {
    // Every call earns a fraction of a retry, so retries stay a fraction of the calls.
    core.budget.earn();
    loop {
        let number = state.start_attempt();
        let err = match with_redirects(core, draft, proof, state).await {
            Ok(response) => return Ok(response),
            // A retry would fail the same way, and hide why.
            Err(err) if wire::is_runtime_shut_down() => {
                let err = err.map(|cause| wire::runtime_shut_down().with_source(cause));
                return Err(Error::from(state.conclude(err)).with_attempts(number));
            }
            Err(err) => err,
        };
        let pause = core
            .retry
            .decide(&draft.method, &err, err.retry_after(), number, jitter());
        // A pause that outlasts the call would only replace this error by a timeout.
        let is_in_time = |pause: &Duration| match deadline {
            Some(deadline) => Instant::now()
                .checked_add(*pause)
                .is_some_and(|then| then < deadline),
            None => *pause <= MAX_PAUSE,
        };
        match pause.filter(is_in_time).filter(|_| core.budget.spend()) {
            Some(pause) => {
                // Only reads, and writes that were certainly not processed, get here; see `retry.rs`.
                // The outcome is kept all the same: if the next attempt is not sent, this one decides.
                state.end_attempt(err.outcome());
                state.clock.sleep(pause).await;
            }
            None => return Err(Error::from(state.conclude(err)).with_attempts(number)),
        }
    }
}

/// Makes one attempt and follows its redirects.
async fn with_redirects(
    core: &Arc<Core>,
    draft: &mut Draft,
    proof: Proof<'_>,
    state: &CallState,
) -> Result<Response, SentError> {
    // The file is opened first: if it cannot be written, nothing is sent.
    let file = response::open_sink(draft.response.sink.clone())
        .await
        .map_err(not_sent)?;
    for _ in 0..=MAX_REDIRECTS {
        let head = attempt::send(core, draft, state).await?;
        let Some(location) = location(draft, &head.incoming) else {
            return response::receive(core, draft, proof, head, file, &state.reports).await;
        };
        response::discard(head.incoming.body).await;
        // A redirect is not signed, so it proves nothing about what happened to the request.
        state.end_attempt(Outcome::Unknown);
        draft
            .redirect(&location, core.setup())
            .map_err(|cause| cause.with_outcome(Outcome::Unknown))?;
    }
    Err(Cause::new(
        ErrorKind::Redirect,
        format!("more than {MAX_REDIRECTS} redirects in a row"),
    )
    .with_outcome(Outcome::Unknown))
}

/// Returns where a redirect leads, if the call follows redirects. Only a GET does: a repeated write
/// could pay twice.
fn location(draft: &Draft, incoming: &Incoming) -> Option<String> {
    let follows = draft.send.redirects
        && draft.method == Method::GET
        && matches!(
            incoming.status,
            StatusCode::MOVED_PERMANENTLY
                | StatusCode::FOUND
                | StatusCode::SEE_OTHER
                | StatusCode::TEMPORARY_REDIRECT
                | StatusCode::PERMANENT_REDIRECT
        );
    let location = incoming.headers.get(LOCATION).filter(|_| follows)?;
    location.to_str().ok().map(str::to_owned)
}

/// Returns a random number from 0 to 1 that spreads retries. If the system has no random
/// bytes, pauses are spread less: that is better than failing the call.
fn jitter() -> f64 {
    let mut byte = [0];
    match crypto::random(&mut byte) {
        Ok(()) => f64::from(byte[0]) / 255.0,
        Err(_) => 0.5,
    }
}
