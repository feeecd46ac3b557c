//! Decides when platform certificates are downloaded: one download at a time, at most one a minute
//! after a success, and soon again after a failure.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::watch;

use crate::error::{Cause, SentError, cause::Result};

/// When a client downloads platform certificates.
///
/// ```
/// use std::time::Duration;
/// use wechatpay_chain::{CertificateMode, Client};
///
/// let daily = CertificateMode::Background(Duration::from_secs(24 * 60 * 60));
/// let builder = Client::builder().certificate_mode(daily);
/// # let _ = builder;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CertificateMode {
    /// Never. Only the keys given to the builder, and those added later, are trusted.
    Fixed,
    /// When no key is trusted yet, or when a response or notification is signed by an unknown serial.
    ///
    /// One download serves all calls that wait for it. The next one starts at the earliest a minute
    /// after a success. After a failure it starts sooner: after one second, doubled with each further
    /// failure up to eight seconds. The default for a client with an APIv3 key.
    OnDemand,
    /// On demand, and also when the last successful download is older than this.
    ///
    /// A call that notices this starts a download and does not wait for it. No task runs in between. A
    /// failed renewal does not prevent a call that needs a key from starting its own download.
    Background(Duration),
}

/// The result of a download of platform certificates.
///
/// ```no_run
/// # fn main() -> wechatpay_chain::Result<()> {
/// # let client = wechatpay_chain::Client::builder().build()?;
/// let refresh = client.refresh_certificates()?;
/// if refresh.is_public_key_mode() {
///     println!("WeChat Pay has no certificates for this merchant");
/// }
/// for serial in refresh.added() {
///     println!("new: {serial}");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateRefresh {
    pub(super) added: Vec<String>,
    pub(super) public_key_mode: bool,
}

impl CertificateRefresh {
    /// Returns the serials of the certificates that are new.
    pub fn added(&self) -> &[String] {
        &self.added
    }

    /// Returns `true` if WeChat Pay has no certificates for this merchant. Newer merchants have a WeChat
    /// Pay public key only; set it with
    /// [`ClientBuilder::platform_key`](crate::ClientBuilder::platform_key).
    pub fn is_public_key_mode(&self) -> bool {
        self.public_key_mode
    }
}

/// The pause after a success, whatever it brought: another download a moment later would bring the
/// same.
const PAUSE: Duration = Duration::from_secs(60);

/// The pause after a first failure. It is short, since a failure proves nothing about the keys and
/// must not lock a client out.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The maximum pause after several failures, each of which doubles it.
const MAX_PAUSE: Duration = Duration::from_secs(8);

/// The downloads of one client.
pub(in crate::client) struct Refresher {
    pub(super) mode: CertificateMode,
    state: Arc<Mutex<State>>,
}

/// Why a download is started.
///
/// Failures are counted per reason, so that a failed renewal, for which no call waits, does not delay
/// a call that needs a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// A call or notification needs a key.
    Demand,
    /// The certificates are old: [`CertificateMode::Background`].
    Renewal,
    /// The program asked. It may ask as often as it likes.
    Program,
}

#[derive(Default)]
pub(super) struct State {
    /// Closed when the current download ends.
    current: Option<watch::Receiver<()>>,
    /// The last success.
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
    pub(in crate::client) fn new(mode: CertificateMode) -> Self {
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

    /// Takes the lead of a new download, or joins the current one.
    pub(super) fn turn(&self, state: &mut State, reason: Reason) -> Turn {
        match &state.current {
            Some(current) => Turn::Wait(Ended(current.clone())),
            None => {
                let (ended, current) = watch::channel(());
                state.current = Some(current);
                Turn::Lead(Lead {
                    reason,
                    state: Arc::clone(&self.state),
                    _ended: ended,
                })
            }
        }
    }
}

impl State {
    /// Returns the result of the last download, if it is too early for another one on demand.
    pub(super) fn pausing(&self, now: Instant) -> Option<Result<()>> {
        // A failure goes first: it is newer than the success, since a success resets it.
        if let Some(failures) = self.demand.as_ref().filter(|failed| failed.pausing(now)) {
            return Some(Err(failures.last.again()));
        }
        self.is_fresh(PAUSE, now).then_some(Ok(()))
    }

    /// Returns `true` if the last success is old enough for a renewal and no failure is too recent.
    pub(super) fn is_renewal_due(&self, age: Duration, now: Instant) -> bool {
        let mut failures = self.demand.iter().chain(&self.renewal);
        // Never more often than on demand, even if the program asks for an age of zero.
        !self.is_fresh(age.max(PAUSE), now) && !failures.any(|failed| failed.pausing(now))
    }

    /// Returns `true` if WeChat Pay said that this merchant has no certificates.
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
        reason: Reason,
        outcome: &Result<CertificateRefresh, SentError>,
        now: Instant,
    ) {
        let failures = match reason {
            Reason::Demand => &mut self.demand,
            Reason::Renewal => &mut self.renewal,
            Reason::Program => &mut None,
        };
        match outcome {
            Ok(refreshed) => {
                *self = Self {
                    current: self.current.take(),
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
                    Some(earlier) => (earlier.pause * 2).min(MAX_PAUSE),
                    None => FIRST_PAUSE,
                };
                // The server may ask for a longer pause, but not for a longer one than after a success.
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

/// Waits for the end of a download that someone else leads.
pub(super) struct Ended(watch::Receiver<()>);

impl Ended {
    pub(super) async fn wait(mut self) {
        while self.0.changed().await.is_ok() {}
    }
}

/// The right to download. Dropping it early, with the task that held it, lets the next one start.
pub(super) struct Lead {
    reason: Reason,
    state: Arc<Mutex<State>>,
    /// Wakes everyone who waits when it is dropped.
    _ended: watch::Sender<()>,
}

impl Lead {
    pub(super) fn end(self, outcome: &Result<CertificateRefresh, SentError>) {
        lock(&self.state).ended(self.reason, outcome, Instant::now());
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        lock(&self.state).current = None;
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{ErrorKind, Outcome};

    const AGE: Duration = Duration::from_secs(3600);

    fn failed() -> Result<CertificateRefresh, SentError> {
        let cause = Cause::new(ErrorKind::Connect, "no connection");
        Err(cause.with_outcome(Outcome::NotSent))
    }

    fn nothing() -> Result<CertificateRefresh, SentError> {
        Ok(CertificateRefresh {
            added: Vec::new(),
            public_key_mode: true,
        })
    }

    /// Returns how long the state delays a download on demand.
    fn pause(state: &State, now: Instant) -> Duration {
        let seconds = (0..=100).map(Duration::from_secs);
        let mut free = seconds.filter(|after| state.pausing(now + *after).is_none());
        free.next().expect("it ends")
    }

    #[test]
    fn failure_is_retried_within_seconds_and_success_after_a_minute() {
        let mut state = State::default();
        let now = Instant::now();
        assert!(state.pausing(now).is_none());
        for seconds in [1, 2, 4, 8, 8, 8] {
            state.ended(Reason::Demand, &failed(), now);
            assert!(matches!(state.pausing(now), Some(Err(_))));
            assert_eq!(pause(&state, now), Duration::from_secs(seconds));
        }
        state.ended(Reason::Demand, &nothing(), now);
        assert!(matches!(state.pausing(now), Some(Ok(()))));
        assert_eq!(pause(&state, now), PAUSE);
        assert!(state.is_public_key_mode());
        // A success resets the count of failures.
        let later = now + PAUSE;
        state.ended(Reason::Demand, &failed(), later);
        assert_eq!(pause(&state, later), FIRST_PAUSE);
    }

    #[test]
    fn failed_renewal_delays_renewals_only() {
        let mut state = State::default();
        let now = Instant::now();
        assert!(state.is_renewal_due(AGE, now));
        state.ended(Reason::Renewal, &failed(), now);
        assert!(!state.is_renewal_due(AGE, now));
        assert!(state.is_renewal_due(AGE, now + FIRST_PAUSE));
        assert!(state.pausing(now).is_none());
        // A failed download that the program asked for delays nothing.
        state.ended(Reason::Program, &failed(), now);
        assert!(state.pausing(now).is_none());
        state.ended(Reason::Renewal, &nothing(), now);
        assert!(!state.is_renewal_due(AGE, now + AGE / 2));
        assert!(state.is_renewal_due(AGE, now + AGE));
        assert!(!state.is_renewal_due(Duration::ZERO, now));
        assert!(state.is_renewal_due(Duration::ZERO, now + PAUSE));
    }
}
