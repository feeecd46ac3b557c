//! What can go wrong, and what that means for the money.

mod api;
pub(crate) mod cause;
mod outcome;
mod refused;

pub use api::ApiError;
pub use cause::{Cause, SentError};
pub use outcome::Outcome;
pub use refused::RefusedNotification;

use std::{error::Error as StdError, fmt};

use cause::Parts;

/// A `Result` whose error is this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

pub(crate) type BoxError = Box<dyn StdError + Send + Sync>;

/// Why a call, a key or a notification was refused.
///
/// One word in size and opaque: ask it with the `is_…` methods, [`outcome`](Error::outcome) and
/// [`api`](Error::api). `Display` says its own level only; the causes follow through
/// [`source`](StdError::source).
///
/// ```
/// use wechatpay_chain::PrivateKey;
///
/// let err = PrivateKey::from_pem("not a key").unwrap_err();
/// assert!(err.is_key());
/// println!("{err}");
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    cause: Parts,
    outcome: Outcome,
    attempts: u32,
}

/// What failed. The public face of each is an `is_…` method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The client's configuration.
    Config,
    /// A key or certificate that cannot be read or used.
    Key,
    /// A path, an option or a value of the call.
    Request,
    /// A signer that did not sign.
    Sign,
    /// No connection could be made.
    Connect,
    /// A connection that broke.
    Transport,
    /// A redirect that cannot be followed: repeating the call would only meet it again.
    Redirect,
    /// Time ran out.
    Timeout,
    /// More came than is allowed.
    TooLarge,
    /// A signature that is missing, wrong, or by an unknown key.
    Signature,
    /// A signature by a key that is not trusted, or not known yet.
    UnknownKey,
    /// WeChat Pay's own test of whether signatures are verified.
    Probe,
    /// A timestamp too far from this machine's clock.
    ClockSkew,
    /// An error that the API answered with.
    Api,
    /// An answer or a notification that cannot be understood.
    Decode,
    /// A ciphertext that does not open.
    Decrypt,
    /// A notification that is another merchant's.
    Owner,
    /// A notification's handler, or its replay guard.
    Handler,
    /// A local file that cannot be read or written.
    File,
}

impl Error {
    /// The one way to an error: see [`cause`].
    fn of(cause: Cause, outcome: Outcome) -> Self {
        Self(Box::new(Inner {
            cause: *cause.0,
            outcome,
            attempts: 0,
        }))
    }

    pub(crate) fn with_attempts(mut self, attempts: u32) -> Self {
        self.0.attempts = attempts;
        self
    }

    /// Names the call that failed: its method and its template, never the expanded path.
    pub(crate) fn in_call(self, method: &http::Method, template: &str) -> Self {
        let (outcome, attempts) = (self.0.outcome, self.0.attempts);
        let cause = Cause(Box::new(self.0.cause)).in_call(method, template);
        Self::of(cause, outcome).with_attempts(attempts)
    }

    pub(crate) fn kind(&self) -> Kind {
        self.0.cause.kind
    }

    /// What became of the request: what a payment's caller needs to know before anything else.
    pub fn outcome(&self) -> Outcome {
        self.0.outcome
    }

    /// The error that WeChat Pay answered with, if it was that.
    pub fn api(&self) -> Option<&ApiError> {
        self.0.cause.api.as_deref()
    }

    /// How often the request was attempted; 0 where the call did not get that far.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// The HTTP status of the answer, where one came, verified or not.
    pub fn status(&self) -> Option<http::StatusCode> {
        self.0
            .cause
            .status
            .or_else(|| self.api().map(ApiError::status))
    }

    /// The body of an answer that did not verify. For diagnosis only: anyone may have written it.
    pub fn unverified(&self) -> Option<&[u8]> {
        self.0.cause.unverified.as_deref()
    }

    /// The content of a notification that is WeChat Pay's but belongs to another merchant or could
    /// not be read, to keep before it is answered with [`Ack::dismiss`](crate::Ack::dismiss).
    /// `None` where the notification is not known to be WeChat Pay's.
    pub fn refused_notification(&self) -> Option<&RefusedNotification> {
        self.0.cause.refused.as_deref()
    }

    /// The client's configuration is at fault.
    pub fn is_config(&self) -> bool {
        self.kind() == Kind::Config
    }

    /// A key or certificate cannot be read or used.
    pub fn is_key(&self) -> bool {
        self.kind() == Kind::Key
    }

    /// A path, an option or a value of the call is at fault, and nothing was sent.
    ///
    /// Once an attempt was sent, the same fault of a later one is [`is_transport`](Error::is_transport).
    pub fn is_request(&self) -> bool {
        self.kind() == Kind::Request && self.outcome() == Outcome::NotSent
    }

    /// The signer did not sign. The last attempt sent nothing; [`outcome`](Error::outcome) speaks for
    /// all of them.
    pub fn is_sign(&self) -> bool {
        self.kind() == Kind::Sign
    }

    /// No connection could be made: DNS, TCP, proxy or TLS. The last attempt sent nothing;
    /// [`outcome`](Error::outcome) speaks for all of them.
    pub fn is_connect(&self) -> bool {
        self.kind() == Kind::Connect
    }

    /// The connection broke, or led by redirects to where the call must not go, or the call could
    /// not go on after it had been sent.
    pub fn is_transport(&self) -> bool {
        match self.kind() {
            Kind::Transport | Kind::Redirect => true,
            Kind::Request => self.outcome() != Outcome::NotSent,
            _ => false,
        }
    }

    /// Time ran out, while connecting or over the whole call.
    pub fn is_timeout(&self) -> bool {
        self.kind() == Kind::Timeout
    }

    /// The answer, or another input, was larger than its cap.
    pub fn is_too_large(&self) -> bool {
        self.kind() == Kind::TooLarge
    }

    /// A signature is missing, wrong, out of date, a probe, or by a key that is not trusted.
    pub fn is_signature(&self) -> bool {
        matches!(
            self.kind(),
            Kind::Signature | Kind::UnknownKey | Kind::Probe | Kind::ClockSkew
        )
    }

    /// The signature was WeChat Pay's own probe, sent to see whether it is verified.
    pub fn is_probe(&self) -> bool {
        self.kind() == Kind::Probe
    }

    /// The timestamp is more than 300 seconds from this machine's clock.
    pub fn is_clock_skew(&self) -> bool {
        self.kind() == Kind::ClockSkew
    }

    /// WeChat Pay answered with an error: see [`api`](Error::api).
    pub fn is_api(&self) -> bool {
        self.kind() == Kind::Api
    }

    /// The answer or notification could not be understood.
    pub fn is_decode(&self) -> bool {
        self.kind() == Kind::Decode
    }

    /// A ciphertext did not open: the wrong key, or altered data.
    pub fn is_decrypt(&self) -> bool {
        self.kind() == Kind::Decrypt
    }

    /// The notification is for a merchant or an app that is not among those configured.
    pub fn is_owner(&self) -> bool {
        self.kind() == Kind::Owner
    }

    /// A notification's handler failed, or its replay guard: see
    /// [`source`](StdError::source).
    pub fn is_handler(&self) -> bool {
        self.kind() == Kind::Handler
    }

    /// A local file could not be read or written.
    pub fn is_file(&self) -> bool {
        self.kind() == Kind::File
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.cause.fmt(f)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Error");
        out.field("outcome", &self.0.outcome);
        self.0.cause.describe(&mut out)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.cause.source()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_word() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
        fn is<T: Send + Sync + 'static>() {}
        is::<Error>();
    }

    #[test]
    fn a_fault_of_the_request_is_one_only_while_nothing_was_sent() {
        let fault = || Cause::request("there is no runtime to send on");
        for outcome in [Outcome::Rejected, Outcome::Done, Outcome::Unknown] {
            let err = Error::from(fault().with_outcome(outcome));
            assert!(err.is_transport() && !err.is_request(), "{err:?}");
        }
        let err = fault().not_sent();
        assert!(err.is_request() && !err.is_transport(), "{err:?}");
    }

    #[test]
    fn display_names_the_call_and_leaves_the_cause_to_source() {
        let err = Cause::request("no value for {id}")
            .with_source("the cause")
            .in_call(&http::Method::POST, "v3/x/{id}")
            .not_sent();
        assert_eq!(err.to_string(), "POST v3/x/{id}: no value for {id}");
        assert_eq!(err.source().unwrap().to_string(), "the cause");
        let err = Cause::request("no").in_call(&http::Method::GET, "v3/\r\nx");
        assert_eq!(err.to_string(), "GET v3/\\r\\nx: no");
    }
}
