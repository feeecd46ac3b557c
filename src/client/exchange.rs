//! A call from its draft to its answer: sign, send, verify, and once more where that is safe.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use http::{Method, StatusCode, header::LOCATION};
use tracing::Instrument as _;

use super::{
    Response,
    core::{Core, Proof},
    prepared::Sealed,
    receive::{self, Heard},
    watch::Watch,
};
use crate::{
    base::crypto,
    error::{Cause, Error, Kind, Outcome, Result, SentError},
    protocol::{answer::Answer, request::Draft},
    wire::{self, Clock, Incoming, Outgoing, Progress, Reports, Target},
};

/// How often a redirect is followed.
const MOST_REDIRECTS: u32 = 5;

/// The longest pause in a call without a timeout, which a server's `Retry-After` would otherwise
/// draw out for ever.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

pub(super) async fn execute(
    core: Arc<Core>,
    mut draft: Draft,
    reports: Reports,
) -> Result<Response> {
    let method = draft.method.clone();
    let template = draft.template.clone();
    let watch = Watch::new(&method, &template);
    let run = async {
        core.renew();
        within_time(&core, &mut draft, reports).await
    };
    let result = run
        .instrument(watch.span())
        .await
        .map_err(|err| err.in_call(&method, &template));
    watch.end(&method, &template, &result);
    result
}

async fn within_time(core: &Arc<Core>, draft: &mut Draft, reports: Reports) -> Result<Response> {
    let limit = draft.settings.timeout;
    let trace = Trace::new(reports).map_err(Cause::not_sent)?;
    let deadline = match limit {
        Duration::ZERO => None,
        limit => Instant::now().checked_add(limit),
    };
    let ready = core.make_ready(draft, deadline).await;
    let proof = ready.map_err(Cause::not_sent)?;
    let attempts = attempts(core, draft, proof, &trace, deadline);
    let Some(deadline) = deadline else {
        return attempts.await;
    };
    match trace.clock.timeout_at(deadline, attempts).await {
        Ok(done) => done,
        Err(_) => {
            let cause = Cause::new(
                Kind::Timeout,
                format!("no answer within the call's timeout of {limit:?}"),
            );
            let err = Error::from(cause.with_outcome(trace.outcome()));
            Err(err.with_attempts(trace.tries()))
        }
    }
}

/// How far a call came, for the moment when its time runs out or an attempt fails unsent.
pub(super) struct Trace {
    steps: Mutex<Steps>,
    reports: Reports,
    pub(super) clock: Clock,
}

struct Steps {
    /// Of the attempt under way.
    progress: Option<Progress>,
    /// What became of the attempts before it.
    before: Outcome,
    tries: u32,
}

impl Default for Steps {
    fn default() -> Self {
        Self {
            progress: None,
            before: Outcome::NotSent,
            tries: 0,
        }
    }
}

impl Trace {
    /// # Errors
    /// Where there are no timers to be had.
    pub(super) fn new(reports: Reports) -> Result<Self, Cause> {
        Ok(Self {
            steps: Mutex::default(),
            reports,
            clock: Clock::get()?,
        })
    }

    /// Counts one more attempt.
    fn attempt(&self) -> u32 {
        let mut steps = self.steps();
        steps.tries += 1;
        steps.tries
    }

    fn tries(&self) -> u32 {
        self.steps().tries
    }

    /// Begins to write.
    fn begin(&self) -> Progress {
        let progress = Progress::default();
        self.steps().progress = Some(progress.clone());
        progress
    }

    /// Ends an attempt that another follows.
    fn end(&self, outcome: Outcome) {
        let mut steps = self.steps();
        steps.progress = None;
        if outcome != Outcome::NotSent {
            steps.before = outcome;
        }
    }

    fn outcome(&self) -> Outcome {
        let (progress, before) = {
            let mut steps = self.steps();
            (steps.progress.take(), steps.before)
        };
        match progress {
            Some(progress) if progress.written() => Outcome::Unknown,
            _ => before,
        }
    }

    /// The last attempt's error: where that was not sent, one before it may have been.
    fn settle(&self, err: SentError) -> SentError {
        match err.outcome() {
            Outcome::NotSent => err.amended(self.steps().before),
            _ => err,
        }
    }

    fn steps(&self) -> MutexGuard<'_, Steps> {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Attempts, until one succeeds or the policy gives up.
async fn attempts(
    core: &Arc<Core>,
    draft: &mut Draft,
    proof: Proof<'_>,
    trace: &Trace,
    deadline: Option<Instant>,
) -> Result<Response> {
    core.budget.earn();
    loop {
        let tries = trace.attempt();
        let err = match redirects(core, draft, proof, trace).await {
            Ok(response) => return Ok(response),
            // Nothing can be sent there any more.
            Err(err) if wire::is_gone() => {
                let err = err.map(|cause| wire::ended().with_source(cause));
                return Err(Error::from(trace.settle(err)).with_attempts(tries));
            }
            Err(err) => err,
        };
        let pause = core
            .retry
            .decide(&draft.method, &err, err.retry_after(), tries, jitter());
        // A pause that outlasts the call would only hide what went wrong.
        let in_time = |pause: &Duration| match deadline {
            Some(deadline) => Instant::now()
                .checked_add(*pause)
                .is_some_and(|then| then < deadline),
            None => *pause <= LONGEST_PAUSE,
        };
        match pause.filter(in_time).filter(|_| core.budget.spend()) {
            Some(pause) => {
                trace.end(err.outcome());
                trace.clock.sleep(pause).await;
            }
            None => return Err(Error::from(trace.settle(err)).with_attempts(tries)),
        }
    }
}

/// One attempt, and those that its redirects ask for.
async fn redirects(
    core: &Arc<Core>,
    draft: &mut Draft,
    proof: Proof<'_>,
    trace: &Trace,
) -> Result<Response, SentError> {
    let file = receive::open(draft.settings.sink.clone())
        .await
        .map_err(unsent)?;
    for _ in 0..=MOST_REDIRECTS {
        let heard = send(core, draft, trace).await?;
        match location(draft, &heard.incoming) {
            Some(location) => {
                receive::discard(heard.incoming.body).await;
                trace.end(Outcome::Unknown);
                draft
                    .redirect(&location, core.setup())
                    .map_err(|cause| cause.with_outcome(Outcome::Unknown))?;
            }
            None => return receive::receive(core, draft, proof, heard, file, &trace.reports).await,
        }
    }
    Err(Cause::new(
        Kind::Redirect,
        format!("more than {MOST_REDIRECTS} redirects in a row"),
    )
    .with_outcome(Outcome::Unknown))
}

fn location(draft: &Draft, answer: &Incoming) -> Option<String> {
    let follows = draft.settings.redirects
        && draft.method == Method::GET
        && matches!(
            answer.status,
            StatusCode::MOVED_PERMANENTLY
                | StatusCode::FOUND
                | StatusCode::SEE_OTHER
                | StatusCode::TEMPORARY_REDIRECT
                | StatusCode::PERMANENT_REDIRECT
        );
    let location = answer.headers.get(LOCATION).filter(|_| follows)?;
    location.to_str().ok().map(str::to_owned)
}

/// One attempt, its answer read and not judged.
pub(super) async fn once(core: &Core, draft: &Draft, trace: &Trace) -> Result<Answer, SentError> {
    receive::collect(core, send(core, draft, trace).await?).await
}

/// Signs, sends and waits for the head of the answer. A request of which no byte was written on a
/// connection that had served before is signed anew and sent once more, on a new one; one that
/// cannot reach its host goes to the other of the client's two hosts, once.
async fn send(core: &Core, draft: &Draft, trace: &Trace) -> Result<Heard, SentError> {
    let mut fresh = false;
    let mut hosts = core.failover.hosts(draft);
    loop {
        let moved = hosts.current().map(|base| draft.at(base));
        let draft = moved.as_ref().unwrap_or(draft);
        let mut sealed = core.seal(draft).await.map_err(unsent)?;
        let signed = std::mem::take(&mut sealed.message);
        let mut outgoing = outgoing(sealed, draft, &trace.reports)
            .await
            .map_err(unsent)?;
        outgoing.identity = core.identity(draft);
        outgoing.fresh_connection = fresh;
        outgoing.progress = trace.begin();
        match core.transport.send(outgoing).await {
            Ok(incoming) => {
                hosts.reached();
                return Ok(Heard { incoming, signed });
            }
            // The hosts are not to blame.
            Err(failure) if wire::is_gone() => return Err(failure.into()),
            Err(failure) if failure.is_unreachable() && hosts.turn() => fresh = false,
            Err(failure) if failure.is_stale_connection() && !fresh => fresh = true,
            Err(failure) => return Err(failure.into()),
        }
    }
}

async fn outgoing(sealed: Sealed, draft: &Draft, reports: &Reports) -> Result<Outgoing, Cause> {
    let target = Target {
        https: sealed.origin.https,
        host: sealed.origin.host,
        port: sealed.origin.port,
        path_and_query: sealed.target,
    };
    let mut outgoing = Outgoing::new(sealed.method, target);
    outgoing.headers = sealed.headers;
    outgoing.body = match sealed.upload {
        Some(upload) => {
            let reporter = reports.to(draft.settings.on_progress.clone());
            upload.into_body(reporter).await?
        }
        None => sealed.body.into(),
    };
    outgoing.connect_timeout =
        Some(draft.settings.connect_timeout).filter(|limit| !limit.is_zero());
    Ok(outgoing)
}

/// A cause of one attempt before its request was written. [`Trace::settle`] knows of the attempts
/// before it.
fn unsent(cause: Cause) -> SentError {
    cause.with_outcome(Outcome::NotSent)
}

/// From 0 to 1; without chance the pauses are merely less spread.
fn jitter() -> f64 {
    let mut byte = [0];
    match crypto::random(&mut byte) {
        Ok(()) => f64::from(byte[0]) / 255.0,
        Err(_) => 0.5,
    }
}
