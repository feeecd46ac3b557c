//! One download of certificates at a time, and not too often.

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
    /// When an answer is signed by a serial that is not known, or no key is trusted yet: once for
    /// all calls that wait, and at most once a minute. The default of a client with an APIv3 key.
    OnDemand,
    /// On demand, and besides when the last download is older than this: a call that finds it so
    /// starts one, and does not wait for it. No task runs in between.
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

/// Between two downloads, at least.
const PAUSE: Duration = Duration::from_secs(60);

/// After a download that failed, while nothing is trusted and no call can be sent.
const PAUSE_WITHOUT_KEYS: Duration = Duration::from_secs(1);

/// The downloads of one client: one at a time, shared by all who wait for it.
pub(super) struct Refresher {
    pub(super) mode: CertificateMode,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
pub(super) struct State {
    /// Closed when the download that is under way ends.
    under_way: Option<watch::Receiver<()>>,
    last: Option<Last>,
}

/// The last download that came to an end.
pub(super) struct Last {
    ended: Instant,
    failure: Option<Cause>,
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
    pub(super) fn turn(&self, state: &mut State) -> Turn {
        match &state.under_way {
            Some(under_way) => Turn::Wait(Ended(under_way.clone())),
            None => {
                let (ended, under_way) = watch::channel(());
                state.under_way = Some(under_way);
                Turn::Lead(Lead {
                    state: Arc::clone(&self.state),
                    _ended: ended,
                })
            }
        }
    }
}

impl State {
    /// The last download, where it is too early for another for the sake of this serial, or of
    /// any key at all.
    pub(super) fn too_soon(&self, serial: Option<&str>) -> Option<&Last> {
        self.last.as_ref().filter(|last| {
            let pause = match (serial, &last.failure) {
                (None, Some(_)) => PAUSE_WITHOUT_KEYS,
                _ => PAUSE,
            };
            last.ended.elapsed() < pause
        })
    }

    /// Whether the last download is younger than this, or too young for another.
    pub(super) fn is_younger_than(&self, age: Duration) -> bool {
        let last = self.last.as_ref().map(|last| last.ended.elapsed());
        last.is_some_and(|last| last < age.max(PAUSE))
    }
}

impl Last {
    /// What those are told who would have asked for it again.
    pub(super) fn repeated(&self) -> Result<()> {
        match &self.failure {
            None => Ok(()),
            Some(failure) => Err(failure.again()),
        }
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
    state: Arc<Mutex<State>>,
    /// Wakes all who wait when it is dropped.
    _ended: watch::Sender<()>,
}

impl Lead {
    pub(super) fn end(self, outcome: &Result<CertificateRefresh, SentError>) {
        lock(&self.state).last = Some(Last {
            ended: Instant::now(),
            failure: outcome.as_ref().err().map(|err| err.cause().again()),
        });
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
