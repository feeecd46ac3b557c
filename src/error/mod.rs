//! The library's one error type: what went wrong, and what happened to the money.

mod api;
pub(crate) mod cause;
mod kind;
mod outcome;
mod refused;
pub(crate) mod value;

pub use api::ApiError;
pub use cause::{Cause, SentError};
pub use kind::ErrorKind;
pub use outcome::Outcome;
pub use refused::RefusedNotification;

use std::{error::Error as StdError, fmt};

use cause::Parts;

/// A `Result` whose error is this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

pub(crate) type BoxError = Box<dyn StdError + Send + Sync>;

/// The error of every operation in this crate.
///
/// An error has an answer to three questions:
///
/// - [`outcome`](Error::outcome): what happened to the money? Ask this first after a failed write.
/// - [`kind`](Error::kind), or an `is_…` method: what went wrong?
/// - [`api`](Error::api): what did WeChat Pay say?
///
/// `Display` shows one line without the underlying causes; walk [`source`](StdError::source) for
/// those. The type is one pointer in size.
///
/// # Examples
///
/// ```
/// use wechatpay_chain::{ErrorKind, Outcome, PrivateKey};
///
/// let err = PrivateKey::from_pem("not a key").unwrap_err();
/// assert!(err.is_key());
/// assert_eq!(err.kind(), ErrorKind::Key);
/// assert_eq!(err.outcome(), Outcome::NotSent);
/// println!("{err}");
/// ```
// Boxed: a `Result` is passed through many frames, and most of them succeed.
pub struct Error(Box<Inner>);

struct Inner {
    cause: Parts,
    outcome: Outcome,
    attempts: u32,
}

impl Error {
    /// The only way to build an error: [`cause`] explains why an outcome is required.
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

    /// Adds the method and template of the call. Never the expanded path, which may hold
    /// personal data.
    pub(crate) fn in_call(self, method: &http::Method, template: &str) -> Self {
        let (outcome, attempts) = (self.0.outcome, self.0.attempts);
        let cause = Cause(Box::new(self.0.cause)).in_call(method, template);
        Self::of(cause, outcome).with_attempts(attempts)
    }

    /// Returns what happened to the request, and so to the money.
    pub fn outcome(&self) -> Outcome {
        self.0.outcome
    }

    /// Returns what went wrong, as a class for `match`, metrics and logs.
    pub fn kind(&self) -> ErrorKind {
        self.0.cause.kind
    }

    /// Returns the error that WeChat Pay responded with, if it responded with one.
    pub fn api(&self) -> Option<&ApiError> {
        self.0.cause.api.as_deref()
    }

    /// Returns the number of attempts that were made, or 0 if the call failed before the first one.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// Returns the HTTP status of the response, verified or not, if a response arrived.
    pub fn status(&self) -> Option<http::StatusCode> {
        self.0
            .cause
            .status
            .or_else(|| self.api().map(ApiError::status))
    }

    /// Returns the body of a response that could not be verified.
    ///
    /// Use it for diagnosis only: anyone on the network may have written it.
    pub fn unverified_body(&self) -> Option<&[u8]> {
        self.0.cause.unverified.as_deref()
    }

    /// Returns the content of a notification that WeChat Pay signed but that was refused, because
    /// it belongs to another merchant or could not be parsed.
    ///
    /// Keep the content, then stop the retries with [`Ack::dismiss`](crate::Ack::dismiss). Returns
    /// `None` if the signature did not verify.
    pub fn refused_notification(&self) -> Option<&RefusedNotification> {
        self.0.cause.refused.as_deref()
    }

    /// Returns `true` if the client's configuration is wrong.
    pub fn is_config(&self) -> bool {
        self.kind() == ErrorKind::Config
    }

    /// Returns `true` if a key or certificate cannot be read or used.
    pub fn is_key(&self) -> bool {
        self.kind() == ErrorKind::Key
    }

    /// Returns `true` if the path, an option or a value of the call is wrong and nothing was sent.
    ///
    /// The same mistake found by a later attempt, after an earlier one was sent, is
    /// [`is_transport`](Error::is_transport) instead.
    pub fn is_request(&self) -> bool {
        self.kind() == ErrorKind::Request && self.outcome() == Outcome::NotSent
    }

    /// Returns `true` if the [`Signer`](crate::Signer) failed to sign.
    ///
    /// The last attempt sent nothing; [`outcome`](Error::outcome) covers all attempts.
    pub fn is_signing(&self) -> bool {
        self.kind() == ErrorKind::Signing
    }

    /// Returns `true` if no connection could be established: DNS, TCP, proxy or TLS failed.
    ///
    /// The last attempt sent nothing; [`outcome`](Error::outcome) covers all attempts.
    pub fn is_connect(&self) -> bool {
        self.kind() == ErrorKind::Connect
    }

    /// Returns `true` if the connection broke, a redirect led somewhere the call must not go, or
    /// the call could not continue after something was sent.
    pub fn is_transport(&self) -> bool {
        match self.kind() {
            ErrorKind::Transport | ErrorKind::Redirect => true,
            ErrorKind::Request => self.outcome() != Outcome::NotSent,
            _ => false,
        }
    }

    /// Returns `true` if a timeout expired, either while connecting or over the whole call.
    pub fn is_timeout(&self) -> bool {
        self.kind() == ErrorKind::Timeout
    }

    /// Returns `true` if a response, or another input, exceeded its size limit.
    pub fn is_too_large(&self) -> bool {
        self.kind() == ErrorKind::TooLarge
    }

    /// Returns `true` if a response or notification could not be verified: its signature is
    /// missing, wrong, expired, a probe, or made by a key that is not trusted.
    pub fn is_verification(&self) -> bool {
        matches!(
            self.kind(),
            ErrorKind::Verification
                | ErrorKind::UnknownKey
                | ErrorKind::Probe
                | ErrorKind::ClockSkew
        )
    }

    /// Returns `true` if the signature was a probe, which WeChat Pay sends to check that signatures
    /// are verified.
    pub fn is_probe(&self) -> bool {
        self.kind() == ErrorKind::Probe
    }

    /// Returns `true` if the timestamp differs from this machine's clock by more than 300 seconds.
    pub fn is_clock_skew(&self) -> bool {
        self.kind() == ErrorKind::ClockSkew
    }

    /// Returns `true` if WeChat Pay responded with an error; [`api`](Error::api) returns it.
    pub fn is_api(&self) -> bool {
        self.kind() == ErrorKind::Api
    }

    /// Returns `true` if a response or notification could not be parsed.
    pub fn is_decode(&self) -> bool {
        self.kind() == ErrorKind::Decode
    }

    /// Returns `true` if a ciphertext could not be decrypted: the key is wrong, or the data was
    /// altered.
    pub fn is_decrypt(&self) -> bool {
        self.kind() == ErrorKind::Decrypt
    }

    /// Returns `true` if a notification is for a merchant or app that is not configured.
    pub fn is_wrong_merchant(&self) -> bool {
        self.kind() == ErrorKind::WrongMerchant
    }

    /// Returns `true` if a notification's handler or replay guard failed;
    /// [`source`](StdError::source) returns its error.
    pub fn is_handler(&self) -> bool {
        self.kind() == ErrorKind::Handler
    }

    /// Returns `true` if a local file could not be read or written.
    pub fn is_file(&self) -> bool {
        self.kind() == ErrorKind::File
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
    fn error_is_one_word() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
        fn is<T: Send + Sync + 'static>() {}
        is::<Error>();
    }

    #[test]
    fn request_errors_require_that_nothing_was_sent() {
        let fault = || Cause::request("there is no runtime to send on");
        for outcome in [Outcome::Rejected, Outcome::Done, Outcome::Unknown] {
            let err = Error::from(fault().with_outcome(outcome));
            assert!(err.is_transport() && !err.is_request(), "{err:?}");
        }
        let err = fault().not_sent();
        assert!(err.is_request() && !err.is_transport(), "{err:?}");
    }

    #[test]
    fn template_is_shown_without_its_query() {
        for (template, shown) in [
            (
                "v3/realname/verify?encrypted_name=secret",
                "v3/realname/verify?…",
            ),
            ("v3/x{?a,b}", "v3/x{?a,b}"),
            ("v3/x{?a}?b=secret", "v3/x{?a}?…"),
            ("v3/x/{id}", "v3/x/{id}"),
            (
                "https://api.mch.weixin.qq.com/v3/x?a=1",
                "https://api.mch.weixin.qq.com/v3/x?…",
            ),
        ] {
            assert_eq!(cause::shown_template(template), shown);
        }
    }

    #[test]
    fn display_names_the_call_and_omits_the_source() {
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
