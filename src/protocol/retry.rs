//! Whether to send again: a pure decision.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use http::{Method, StatusCode};

use crate::error::{Kind, Outcome, SentError};

/// When a call is sent again, and how often.
///
/// The default: a read (GET) goes out up to three times, after a lost connection, a 502, 503 or
/// 429. A write goes out again only where not a byte of it was sent. A write whose outcome is
/// unknown is never repeated: that is the caller's to decide, with the same order number.
///
/// Every attempt is signed afresh; the call's `timeout` spans them all.
#[derive(Clone, Debug, PartialEq)]
pub struct RetryPolicy {
    pub(crate) attempts: u32,
    pub(crate) base: Duration,
    pub(crate) most: Duration,
    pub(crate) limited_writes: bool,
    pub(crate) budget: u32,
}

/// What a client may spend on repeats, so that a service in trouble is not buried under them.
pub(crate) struct Budget {
    /// In hundredths of an attempt.
    left: AtomicU32,
    earned: u32,
}

impl Budget {
    /// The most that is saved: ten repeats at once.
    const MOST: u32 = 10 * 100;

    pub(crate) fn new(policy: &RetryPolicy) -> Self {
        Self {
            left: AtomicU32::new(Self::MOST),
            earned: policy.budget,
        }
    }

    /// Each call earns a part of a repeat.
    pub(crate) fn earn(&self) {
        self.change(|left| Some(left.saturating_add(self.earned).min(Self::MOST)));
    }

    /// Each repeat costs one; `false` where there is none left.
    pub(crate) fn spend(&self) -> bool {
        self.change(|left| left.checked_sub(100))
    }

    fn change(&self, to: impl Fn(u32) -> Option<u32>) -> bool {
        let order = Ordering::Relaxed;
        self.left.fetch_update(order, order, to).is_ok()
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 3,
            base: Duration::from_millis(200),
            most: Duration::from_secs(5),
            limited_writes: false,
            budget: 20,
        }
    }
}

impl RetryPolicy {
    /// Never sends again; the one exception is a request that met a closed connection before a
    /// byte of it was written, which goes out once more on a new one.
    pub fn none() -> Self {
        Self {
            attempts: 1,
            ..Self::default()
        }
    }

    /// How often a call goes out at most, the first included. At least 1.
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// The pause before the second attempt, doubled before each further one, with jitter, up to
    /// `most`, an hour at the longest. A `Retry-After` from the server is obeyed where it is longer, up to the deadline.
    #[must_use]
    pub fn backoff(mut self, base: Duration, most: Duration) -> Self {
        const LONGEST: Duration = Duration::from_secs(60 * 60);
        self.base = base.min(LONGEST);
        self.most = most.max(base).min(LONGEST);
        self
    }

    /// How many repeats a client earns by a hundred calls, beyond the first ten: 20 unless told.
    /// Past that, errors come back at once.
    #[must_use]
    pub fn budget(mut self, percent: u32) -> Self {
        self.budget = percent.min(100);
        self
    }

    /// Sends a write again after a 429 too, which WeChat Pay documents as "not accepted".
    #[must_use]
    pub fn repeat_rate_limited_writes(mut self) -> Self {
        self.limited_writes = true;
        self
    }

    /// How long to wait before the attempt after `tries`, or `None` to give up. `jitter` is
    /// from 0 to 1.
    pub(crate) fn decide(
        &self,
        method: &Method,
        failure: &SentError,
        retry_after: Option<Duration>,
        tries: u32,
        jitter: f64,
    ) -> Option<Duration> {
        if tries >= self.attempts || !self.is_repeatable(method, failure) {
            return None;
        }
        let doubled = self
            .base
            .saturating_mul(1 << (tries - 1).min(16))
            .min(self.most);
        let pause = doubled.mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0);
        Some(pause.max(retry_after.unwrap_or_default()))
    }

    fn is_repeatable(&self, method: &Method, failure: &SentError) -> bool {
        let read = method == Method::GET;
        match failure.kind() {
            Kind::Connect => true,
            // Of a call's own time nothing is left; this one was for connecting.
            Kind::Timeout => failure.outcome() == Outcome::NotSent,
            Kind::Transport => read || failure.outcome() == Outcome::NotSent,
            Kind::Api => match failure.cause().api().map(|api| api.status()) {
                Some(StatusCode::TOO_MANY_REQUESTS) => read || self.limited_writes,
                Some(StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE) => read,
                _ => false,
            },
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::error::{ApiError, Cause};

    fn api(status: u16) -> SentError {
        Cause::new(Kind::Api, "")
            .with_api(ApiError {
                status: StatusCode::from_u16(status).unwrap(),
                code: String::new(),
                message: String::new(),
                detail: None,
                request_id: None,
                body: Bytes::new(),
                verified: false,
                retry_after: None,
            })
            .with_outcome(Outcome::Unknown)
    }

    fn unsent(kind: Kind) -> SentError {
        Cause::new(kind, "").with_outcome(Outcome::NotSent)
    }

    fn repeats(method: Method, failure: &SentError) -> bool {
        RetryPolicy::default()
            .decide(&method, failure, None, 1, 0.5)
            .is_some()
    }

    #[test]
    fn a_read_is_repeated_after_what_may_pass() {
        for status in [502, 503, 429] {
            assert!(repeats(Method::GET, &api(status)), "{status}");
            assert!(!repeats(Method::POST, &api(status)), "{status}");
        }
        for status in [400, 401, 404, 500, 301] {
            assert!(!repeats(Method::GET, &api(status)), "{status}");
        }
        let cut = Cause::new(Kind::Transport, "").with_outcome(Outcome::Unknown);
        assert!(repeats(Method::GET, &cut));
        assert!(!repeats(Method::POST, &cut));
    }

    #[test]
    fn a_write_is_repeated_only_where_nothing_was_sent() {
        assert!(repeats(Method::POST, &unsent(Kind::Connect)));
        assert!(repeats(Method::POST, &unsent(Kind::Transport)));
        assert!(repeats(Method::POST, &unsent(Kind::Timeout)));
        let limited = RetryPolicy::default().repeat_rate_limited_writes();
        assert!(
            limited
                .decide(&Method::POST, &api(429), None, 1, 0.0)
                .is_some()
        );
        assert!(
            limited
                .decide(&Method::POST, &api(503), None, 1, 0.0)
                .is_none()
        );
    }

    #[test]
    fn the_pause_doubles_up_to_its_most_and_obeys_the_server() {
        let policy = RetryPolicy::default().attempts(10);
        let pause = |tries, after| {
            policy
                .decide(&Method::GET, &api(503), after, tries, 1.0)
                .unwrap()
        };
        assert_eq!(pause(1, None), Duration::from_millis(200));
        assert_eq!(pause(3, None), Duration::from_millis(800));
        assert_eq!(pause(9, None), Duration::from_secs(5));
        assert_eq!(
            pause(1, Some(Duration::from_secs(7))),
            Duration::from_secs(7)
        );
        assert!(
            policy
                .decide(&Method::GET, &api(503), None, 10, 1.0)
                .is_none()
        );
    }

    #[test]
    fn a_budget_runs_out_and_is_earned_again() {
        let budget = Budget::new(&RetryPolicy::default().budget(50));
        for _ in 0..10 {
            assert!(budget.spend());
        }
        assert!(!budget.spend());
        budget.earn();
        assert!(!budget.spend());
        budget.earn();
        assert!(budget.spend());
        assert!(!budget.spend());
    }
}
