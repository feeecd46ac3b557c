//! One download of certificates at a time, and not too often; after a failure soon again.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::watch;

use crate::error::{Cause, SentError, cause::Result};

/// Whether a client fetches platform certificates by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CertificateMode {
    /// Never: the keys that the builder and the program give are all.
    Fixed,
    /// When a response or a notification is signed by a serial that is not known, or no key is
    /// trusted yet: once for all that wait, and again a minute after a success at the earliest. A
    /// download that failed is repeated sooner: after a second, which doubles with each further
    /// failure up to eight seconds. The default of a client with an APIv3 key.
    OnDemand,
    /// On demand, and also when the last successful download is older than this: a call that finds
    /// it so starts one, and does not wait for it. No task runs in between. A renewal that fails
    /// does not keep a call that needs a key from starting a download of its own.
    Background(Duration),
}

/// What a download of certificates brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateRefresh {
    pub(super) added: Vec<String>,
    pub(super) public_key_mode: bool,
}

impl CertificateRefresh {
    /// The serials of the certificates that were not known before.
    pub fn added(&self) -> &[String] {
        &self.added
    }

    /// Whether WeChat Pay has no certificates for this merchant: a new one has its public key
    /// only, which is given by [`ClientBuilder::platform_key`](crate::ClientBuilder::platform_key).
    pub fn is_public_key_mode(&self) -> bool {
        self.public_key_mode
    }
}

/// After a success, whatever it brought: what it lacks, another a moment later would lack too.
const PAUSE: Duration = Duration::from_secs(60);

/// After the first failure. A failure proves nothing, so it must not keep a client waiting.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// After failures in a row, each of which doubles the pause.
const MOST_PAUSE: Duration = Duration::from_secs(8);

/// The downloads of one client: one at a time, shared by all who wait for it.
pub(super) struct Refresher {
    pub(super) mode: CertificateMode,
    state: Arc<Mutex<State>>,
}

/// Why a download is started. Failures are counted for each reason on its own, so that a failed
/// renewal, for which no call waits, does not delay a call that needs a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Occasion {
    /// A call or a notification that needs a key.
    Demand,
    /// [`CertificateMode::Background`].
    Renewal,
    /// The program itself, which may ask as often as it likes.
    Program,
}

#[derive(Default)]
pub(super) struct State {
    /// Closed when the download that is under way ends.
    under_way: Option<watch::Receiver<()>>,
    /// The last success, as long as no failure hides it: see [`State::pausing`].
    success: Option<Success>,
    demand: Option<Failures>,
    renewal: Option<Failures>,
}

struct Success {
    ended: Instant,
    public_key_mode: bool,
}

/// Failures in a row.
struct Failures {
    ended: Instant,
    pause: Duration,
    last: Cause,
}

impl Refresher {
    pub(super) fn new(mode: CertificateMode) -> Self {
        Self {
            mode,
            state: Arc::default(),
        }
    }

    pub(super) fn is_on(&self) -> bool {
        self.mode != CertificateMode::Fixed
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Takes the lead of a download, or joins the one that is under way.
    pub(super) fn turn(&self, state: &mut State, occasion: Occasion) -> Turn {
        match &state.under_way {
            Some(under_way) => Turn::Wait(Ended(under_way.clone())),
            None => {
                let (ended, under_way) = watch::channel(());
                state.under_way = Some(under_way);
                Turn::Lead(Lead {
                    occasion,
                    state: Arc::clone(&self.state),
                    _ended: ended,
                })
            }
        }
    }
}

impl State {
    /// What the last download came to, where it is too early for another on demand.
    pub(super) fn pausing(&self, now: Instant) -> Option<Result<()>> {
        if let Some(failures) = self.demand.as_ref().filter(|failed| failed.pausing(now)) {
            return Some(Err(failures.last.again()));
        }
        self.is_fresh(PAUSE, now).then_some(Ok(()))
    }

    /// Whether the last success is old enough for a renewal, and no failure too recent.
    pub(super) fn is_renewal_due(&self, age: Duration, now: Instant) -> bool {
        let mut failures = self.demand.iter().chain(&self.renewal);
        !self.is_fresh(age.max(PAUSE), now) && !failures.any(|failed| failed.pausing(now))
    }

    /// Whether WeChat Pay said that this merchant has no certificates.
    pub(super) fn is_public_key_mode(&self) -> bool {
        let success = self.success.as_ref();
        success.is_some_and(|success| success.public_key_mode)
    }

    fn is_fresh(&self, age: Duration, now: Instant) -> bool {
        let success = self.success.as_ref();
        success.is_some_and(|success| now.saturating_duration_since(success.ended) < age)
    }

    fn ended(
        &mut self,
        occasion: Occasion,
        outcome: &Result<CertificateRefresh, SentError>,
        now: Instant,
    ) {
        let failures = match occasion {
            Occasion::Demand => &mut self.demand,
            Occasion::Renewal => &mut self.renewal,
            Occasion::Program => &mut None,
        };
        match outcome {
            Ok(refreshed) => {
                *self = Self {
                    under_way: self.under_way.take(),
                    success: Some(Success {
                        ended: now,
                        public_key_mode: refreshed.public_key_mode,
                    }),
                    demand: None,
                    renewal: None,
                };
            }
            Err(err) => {
                let pause = match failures {
                    Some(earlier) => (earlier.pause * 2).min(MOST_PAUSE),
                    None => FIRST_PAUSE,
                };
                let asked = err.retry_after().unwrap_or_default().min(PAUSE);
                *failures = Some(Failures {
                    ended: now,
                    pause: pause.max(asked),
                    last: err.cause().again(),
                });
            }
        }
    }
}

impl Failures {
    fn pausing(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.ended) < self.pause
    }
}

pub(super) enum Turn {
    Wait(Ended),
    Lead(Lead),
}

/// The end of another's download.
pub(super) struct Ended(watch::Receiver<()>);

impl Ended {
    pub(super) async fn wait(mut self) {
        while self.0.changed().await.is_ok() {}
    }
}

/// The right to download. Dropped before its end, it leaves the next one free.
pub(super) struct Lead {
    occasion: Occasion,
    state: Arc<Mutex<State>>,
    /// Wakes all who wait when it is dropped.
    _ended: watch::Sender<()>,
}

impl Lead {
    pub(super) fn end(self, outcome: &Result<CertificateRefresh, SentError>) {
        lock(&self.state).ended(self.occasion, outcome, Instant::now());
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        lock(&self.state).under_way = None;
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Kind, Outcome};

    const AGE: Duration = Duration::from_secs(3600);

    fn failed() -> Result<CertificateRefresh, SentError> {
        let cause = Cause::new(Kind::Connect, "no connection");
        Err(cause.with_outcome(Outcome::NotSent))
    }

    fn nothing() -> Result<CertificateRefresh, SentError> {
        Ok(CertificateRefresh {
            added: Vec::new(),
            public_key_mode: true,
        })
    }

    /// For how long the state holds up a download on demand.
    fn pause(state: &State, now: Instant) -> Duration {
        let seconds = (0..=100).map(Duration::from_secs);
        let mut free = seconds.filter(|after| state.pausing(now + *after).is_none());
        free.next().expect("it ends")
    }

    #[test]
    fn failures_are_repeated_soon_and_a_success_after_a_minute() {
        let mut state = State::default();
        let now = Instant::now();
        assert!(state.pausing(now).is_none());
        for seconds in [1, 2, 4, 8, 8, 8] {
            state.ended(Occasion::Demand, &failed(), now);
            assert!(matches!(state.pausing(now), Some(Err(_))));
            assert_eq!(pause(&state, now), Duration::from_secs(seconds));
        }
        state.ended(Occasion::Demand, &nothing(), now);
        assert!(matches!(state.pausing(now), Some(Ok(()))));
        assert_eq!(pause(&state, now), PAUSE);
        assert!(state.is_public_key_mode());
        // The failures before the success are forgotten.
        let later = now + PAUSE;
        state.ended(Occasion::Demand, &failed(), later);
        assert_eq!(pause(&state, later), FIRST_PAUSE);
    }

    #[test]
    fn a_failed_renewal_holds_up_renewals_alone() {
        let mut state = State::default();
        let now = Instant::now();
        assert!(state.is_renewal_due(AGE, now));
        state.ended(Occasion::Renewal, &failed(), now);
        assert!(!state.is_renewal_due(AGE, now));
        assert!(state.is_renewal_due(AGE, now + FIRST_PAUSE));
        assert!(state.pausing(now).is_none());
        // A failed download that the program asked for delays no other.
        state.ended(Occasion::Program, &failed(), now);
        assert!(state.pausing(now).is_none());
        state.ended(Occasion::Renewal, &nothing(), now);
        assert!(!state.is_renewal_due(AGE, now + AGE / 2));
        assert!(state.is_renewal_due(AGE, now + AGE));
        assert!(!state.is_renewal_due(Duration::ZERO, now));
        assert!(state.is_renewal_due(Duration::ZERO, now + PAUSE));
    }
}
