//! Whether a failed attempt is repeated. The decision is a pure function of the failure, without a
//! clock or I/O.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use http::{Method, StatusCode};

use crate::error::{ErrorKind, Outcome, SentError};

/// When a failed attempt is repeated, and how often.
///
/// By default a read (GET) is attempted up to three times: it is repeated after a lost connection
/// and after a 502, 503 or 429. A write is repeated only if no byte of it was sent. A write whose
/// outcome is [`Unknown`](crate::Outcome::Unknown) is never repeated: that is for the caller to
/// decide, with the same order number.
///
/// Every attempt is signed again, and the call's `timeout` covers all of them.
///
/// ```
/// use std::time::Duration;
/// use wechatpay_chain::{Client, RetryPolicy};
///
/// # fn main() -> wechatpay_chain::Result<()> {
/// let policy = RetryPolicy::default()
///     .attempts(5)
///     .backoff(Duration::from_millis(100), Duration::from_secs(2));
/// let client = Client::builder().retry(policy).build()?;
/// # let _ = client;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    pub(crate) attempts: u32,
    pub(crate) base: Duration,
    pub(crate) max: Duration,
    pub(crate) limited_writes: bool,
    pub(crate) budget: u32,
}

/// How many repeats a client may still make.
///
/// Without a budget, every client repeats everything while WeChat Pay is in trouble, which triples
/// the load at the worst time.
pub(crate) struct Budget {
    /// In hundredths of a repeat.
    left: AtomicU32,
    /// What a call adds, in hundredths of a repeat.
    earned: u32,
}

impl Budget {
    /// The largest balance: ten repeats.
    const MAX: u32 = 10 * 100;

    pub(crate) fn new(policy: &RetryPolicy) -> Self {
        Self {
            left: AtomicU32::new(Self::MAX),
            earned: policy.budget,
        }
    }

    /// Adds a call's share of a repeat.
    pub(crate) fn earn(&self) {
        self.change(|left| Some(left.saturating_add(self.earned).min(Self::MAX)));
    }

    /// Takes one repeat. Returns `false` if none is left.
    pub(crate) fn spend(&self) -> bool {
        self.change(|left| left.checked_sub(100))
    }

    /// Applies a change atomically. Calls of many threads share the budget, and an approximate order is
    /// good enough.
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
            max: Duration::from_secs(5),
            limited_writes: false,
            budget: 20,
        }
    }
}

impl RetryPolicy {
    /// Returns a policy that repeats nothing.
    ///
    /// One repeat remains, because it is invisible to WeChat Pay: if a pooled connection turns out
    /// to be closed before a byte of the request was written, the request is sent on a new one.
    pub fn none() -> Self {
        Self {
            attempts: 1,
            ..Self::default()
        }
    }

    /// Sets the maximum number of attempts of a call, including the first. Defaults to 3; values below 1
    /// count as 1.
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// Sets the pause before the second attempt (`base`), which doubles before each further attempt up
    /// to `max`. Defaults to 200 milliseconds and 5 seconds; both are limited to one hour.
    ///
    /// The actual pause is a random value between half of this and all of it, so that clients that
    /// failed together do not return together. A longer `Retry-After` of the server replaces it, and
    /// the call's `timeout` ends it.
    #[must_use]
    pub fn backoff(mut self, base: Duration, max: Duration) -> Self {
        const LONGEST: Duration = Duration::from_secs(60 * 60);
        self.base = base.min(LONGEST);
        self.max = max.max(base).min(LONGEST);
        self
    }

    /// Sets how many repeats a client may make per 100 calls, in addition to a reserve of ten. Defaults
    /// to 20; values above 100 count as 100. Once the budget is used up, errors are returned without
    /// a repeat.
    #[must_use]
    pub fn budget(mut self, percent: u32) -> Self {
        self.budget = percent.min(100);
        self
    }

    /// Sets whether writes are repeated after a 429, too. WeChat Pay documents this status as "not
    /// accepted", but the refusal is not signed. Defaults to `false`.
    #[must_use]
    pub fn repeat_rate_limited_writes(mut self, enabled: bool) -> Self {
        self.limited_writes = enabled;
        self
    }

    /// Returns the pause before the next attempt after `tries` attempts, or `None` to give up.
    /// `jitter` is between 0 and 1.
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
            // Limited, because a shift by 32 or more would panic.
            .saturating_mul(1 << (tries - 1).min(16))
            .min(self.max);
        let pause = doubled.mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0);
        Some(pause.max(retry_after.unwrap_or_default()))
    }

    fn is_repeatable(&self, method: &Method, failure: &SentError) -> bool {
        let read = method == Method::GET;
        match failure.kind() {
            // A connection that was never made cannot have carried the request.
            ErrorKind::Connect => true,
            // The call's own timeout leaves no time for a repeat. A timeout before anything was sent
            // is the one for connecting.
            ErrorKind::Timeout => failure.outcome() == Outcome::NotSent,
            ErrorKind::Transport => read || failure.outcome() == Outcome::NotSent,
            ErrorKind::Api => match failure.cause().api().map(|api| api.status()) {
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
        Cause::new(ErrorKind::Api, "")
            .with_api(ApiError {
                headers: http::HeaderMap::new(),
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

    fn unsent(kind: ErrorKind) -> SentError {
        Cause::new(kind, "").with_outcome(Outcome::NotSent)
    }

    fn repeats(method: Method, failure: &SentError) -> bool {
        RetryPolicy::default()
            .decide(&method, failure, None, 1, 0.5)
            .is_some()
    }

    #[test]
    fn read_is_repeated_after_temporary_failures() {
        for status in [502, 503, 429] {
            assert!(repeats(Method::GET, &api(status)), "{status}");
            assert!(!repeats(Method::POST, &api(status)), "{status}");
        }
        for status in [400, 401, 404, 500, 301] {
            assert!(!repeats(Method::GET, &api(status)), "{status}");
        }
        let cut = Cause::new(ErrorKind::Transport, "").with_outcome(Outcome::Unknown);
        assert!(repeats(Method::GET, &cut));
        assert!(!repeats(Method::POST, &cut));
    }

    #[test]
    fn write_is_repeated_only_if_nothing_was_sent() {
        assert!(repeats(Method::POST, &unsent(ErrorKind::Connect)));
        assert!(repeats(Method::POST, &unsent(ErrorKind::Transport)));
        assert!(repeats(Method::POST, &unsent(ErrorKind::Timeout)));
        let limited = RetryPolicy::default().repeat_rate_limited_writes(true);
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
    fn pause_doubles_up_to_max_and_follows_retry_after() {
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
    fn budget_runs_out_and_is_earned_again() {
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
