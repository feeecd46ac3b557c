//! A journal: what a sandbox needs to have the same orders and money after it was killed.
//!
//! Inputs are kept, not states: requests that changed something, with their time, and what became of the
//! notifications. The handlers are deterministic: the same inputs at the same times make the same state.

mod bytes;
mod entry;
mod replay;

pub(super) use self::replay::resume;

use std::{
    cell::Cell,
    fmt, io,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    thread,
};

use http::StatusCode;

use self::entry::Entry;
use super::{
    control,
    dispatch::{
        pipeline::{self, Arrived},
        response::ApiResponse,
    },
    faults::Fault,
    outbox::{Attempt, Ending, Job, Way},
    state::{SandboxState, clock::real_now},
};

/// Where a sandbox with a journal writes: see
/// [`SandboxBuilder::journal`](crate::sandbox::SandboxBuilder::journal).
///
/// A function `Fn(&[u8]) -> io::Result<()>` is one, too.
pub trait Journal: Send + Sync + 'static {
    /// Appends an entry: bytes that mean something to the sandbox alone. When this returns, the entry must be
    /// safe from a kill. The sandbox calls it for one entry at a time, and blocks until it returns.
    ///
    /// # Errors
    /// Returns an error if the entry may not be kept. From then on, the sandbox answers every request with
    /// 500 `SYSTEM_ERROR`: it has changed what the journal does not have.
    fn append(&self, entry: &[u8]) -> io::Result<()>;
}

impl<F> Journal for F
where
    F: Fn(&[u8]) -> io::Result<()> + Send + Sync + 'static,
{
    fn append(&self, entry: &[u8]) -> io::Result<()> {
        self(entry)
    }
}

/// The entries of earlier.
pub(super) type Past = Box<dyn Iterator<Item = io::Result<Vec<u8>>> + Send>;

type PastAndJournal = (Past, Box<dyn Journal>);

/// What a builder was given. The first sandbox that starts takes it.
#[derive(Clone)]
pub(super) struct Given(Arc<Mutex<Option<PastAndJournal>>>);

impl Given {
    pub(super) fn new(past: Past, journal: Box<dyn Journal>) -> Self {
        Self(Arc::new(Mutex::new(Some((past, journal)))))
    }

    pub(super) fn take(&self) -> Option<PastAndJournal> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal").finish_non_exhaustive()
    }
}

/// The inputs of a sandbox with a journal: one after another, each at one time, and recorded before its
/// result leaves.
pub(super) struct Inputs {
    journal: Box<dyn Journal>,
    /// The latest time of an input. The system's clock may be set back, but the journal's never is.
    latest: Mutex<u64>,
    /// Why the journal does not have all that happened.
    broken: OnceLock<String>,
}

thread_local! {
    /// Whether this thread carries out an input, and whether that has changed something.
    static CURRENT: Cell<Option<bool>> = const { Cell::new(None) };
}

impl Inputs {
    /// Notes that the world, or what else a request depends on, is about to change.
    pub(super) fn note_change(&self) {
        if CURRENT.get().is_some() {
            CURRENT.set(Some(true));
        } else {
            self.break_off(
                "a method of the handle changed the sandbox, which its journal does not have: with a journal, use \
                 the endpoints below /_sandbox/v1/"
                    .to_owned(),
            );
        }
    }

    /// Returns whether this thread may change something.
    pub(super) fn is_input(&self) -> bool {
        CURRENT.get().is_some()
    }

    /// Returns whether the sandbox cannot go on.
    pub(super) fn is_broken(&self) -> bool {
        self.broken.get().is_some()
    }

    /// Carries out a request: uses up its fault, and makes the response. See [`pipeline::carry_out`].
    pub(super) fn request(
        &self,
        state: &Arc<SandboxState>,
        request: &Arrived,
    ) -> (Option<Fault>, Option<ApiResponse>) {
        let refuse = |reason: &str| {
            let message = format!("the sandbox cannot go on: {reason}");
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            let response = match control::is_for(&request.parts) {
                true => ApiResponse::system_error(&message),
                false => pipeline::error(state, request, status, "SYSTEM_ERROR", &message),
            };
            (None, Some(response))
        };
        let carried_out = self.carry_out(state, |time| {
            // Who takes a fault or a scripted answer leaves one less, and a chance draws a number.
            let is_counted = !state.faults().is_empty() || !state.scripts().is_empty();
            let (fault, response) = pipeline::carry_out(state, request);
            let status = response.as_ref().map(ApiResponse::status);
            // Nobody checks again who may use the endpoints.
            let is_refused = matches!(
                status,
                Some(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
            );
            if is_counted || pipeline::changes_sandbox(&request.parts) && !is_refused {
                self.note_change();
            }
            let entry = move || Entry::request(time, request, status);
            ((fault, response), entry)
        });
        carried_out.unwrap_or_else(|| refuse(self.reason()))
    }

    /// Takes the notifications that are due on their way, and returns them with the time.
    pub(super) fn send(&self, state: &SandboxState) -> Vec<Job> {
        let jobs = self.carry_out(state, |time| {
            let now = state.clock.now();
            let jobs = state.world_quietly().outbox.start(now);
            if !jobs.is_empty() {
                self.note_change();
            }
            (jobs, move || Entry::send(time))
        });
        jobs.unwrap_or_default()
    }

    pub(super) fn attempt(&self, state: &SandboxState, way: &Way, attempt: Attempt) {
        self.carry_out(state, |time| {
            self.note_change();
            let entry = Entry::attempt(time, way, &attempt);
            state.world_quietly().outbox.record(way, attempt);
            ((), move || entry)
        });
    }

    pub(super) fn end(&self, state: &SandboxState, way: &Way, ending: Ending) {
        let ended = self.carry_out(state, |time| {
            self.note_change();
            let entry = Entry::end(time, way, &ending);
            state.world_quietly().outbox.end(way, ending);
            ((), move || entry)
        });
        if ended.is_none() {
            // Otherwise `settle` would wait for ever.
            state.world_quietly().outbox.end(way, Ending::Refused);
        }
    }

    /// Fires the timers that are due. That is no input: they would fire before the next one in any case.
    pub(super) fn run_due(&self, state: &SandboxState) {
        if self.is_input() {
            state.fire_due();
        } else {
            self.carry_out(state, |time| ((), move || Entry::send(time)));
        }
    }

    fn append(&self, entry: &Entry) -> io::Result<()> {
        self.journal.append(entry.as_bytes())
    }

    fn reason(&self) -> &str {
        self.broken
            .get()
            .map_or("the journal is broken", |reason| reason)
    }

    fn break_off(&self, reason: String) {
        if self.broken.set(reason).is_ok() {
            tracing::error!("the sandbox cannot go on: {}", self.reason());
        }
    }

    /// Carries out an act, and records it if it changed something. Returns `None` if the journal is broken.
    fn carry_out<T, E: FnOnce() -> Entry>(
        &self,
        state: &SandboxState,
        act: impl FnOnce(u64) -> (T, E),
    ) -> Option<T> {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_broken() {
            return None;
        }
        *latest = real_now().max(*latest);
        let time = *latest;
        let _current = Current::begin(self, state, time);
        state.fire_due();
        let (result, entry) = act(time);
        // What it set for this moment happens now, and not at whatever moment somebody looks.
        settle(state);
        if CURRENT.get() == Some(true) {
            if let Err(err) = self.append(&entry()) {
                self.break_off(format!("the journal cannot be written: {err}"));
            }
        }
        (!self.is_broken()).then_some(result)
    }
}

/// Fires the timers for this moment, and makes parcels of what was queued.
fn settle(state: &SandboxState) {
    state.fire_due();
    let now = state.clock.now();
    let mut world = state.world_quietly();
    if !world.outbox.has_all_admitted() {
        world.outbox.admit(now);
    }
}

/// An input on this thread, with the clock held.
struct Current<'a> {
    inputs: &'a Inputs,
    state: &'a SandboxState,
}

impl<'a> Current<'a> {
    fn begin(inputs: &'a Inputs, state: &'a SandboxState, time: u64) -> Self {
        CURRENT.set(Some(false));
        state.clock.hold(time);
        Self { inputs, state }
    }
}

impl Drop for Current<'_> {
    fn drop(&mut self) {
        CURRENT.set(None);
        self.state.clock.let_go();
        if thread::panicking() {
            self.inputs
                .break_off("a request panicked halfway".to_owned());
        }
    }
}
