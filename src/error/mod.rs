//! What can go wrong, and what that means for the money.

mod api;
mod outcome;

pub use api::ApiError;
pub use outcome::Outcome;

use std::{borrow::Cow, error::Error as StdError, fmt};

use bytes::Bytes;

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
    kind: Kind,
    outcome: Outcome,
    message: Cow<'static, str>,
    call: Option<Box<str>>,
    source: Option<BoxError>,
    api: Option<Box<ApiError>>,
    unverified: Option<Bytes>,
    status: Option<http::StatusCode>,
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
    pub(crate) fn new(kind: Kind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            kind,
            outcome: Outcome::NotSent,
            message: message.into(),
            call: None,
            source: None,
            api: None,
            unverified: None,
            status: None,
            attempts: 0,
        }))
    }

    pub(crate) fn config(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Config, message)
    }

    pub(crate) fn key(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Key, message)
    }

    pub(crate) fn request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Request, message)
    }

    pub(crate) fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    pub(crate) fn with_outcome(mut self, outcome: Outcome) -> Self {
        self.0.outcome = outcome;
        self
    }

    pub(crate) fn with_api(mut self, api: ApiError) -> Self {
        self.0.api = Some(Box::new(api));
        self
    }

    pub(crate) fn with_unverified(mut self, body: Bytes) -> Self {
        self.0.unverified = Some(body);
        self
    }

    pub(crate) fn with_attempts(mut self, attempts: u32) -> Self {
        self.0.attempts = attempts;
        self
    }

    /// The same error once more, for others who meet the same fault; it has no source.
    pub(crate) fn again(&self) -> Self {
        let mut again = Self::new(self.0.kind, self.0.message.clone());
        again.0.call.clone_from(&self.0.call);
        again.0.api.clone_from(&self.0.api);
        again.0.status = self.0.status;
        again
    }

    pub(crate) fn retry_after(&self) -> Option<std::time::Duration> {
        self.api().and_then(|api| api.retry_after)
    }

    pub(crate) fn with_status(mut self, status: http::StatusCode) -> Self {
        self.0.status = Some(status);
        self
    }

    /// Names the call that failed: its method and its template, never the expanded path.
    pub(crate) fn in_call(mut self, method: &http::Method, template: &str) -> Self {
        if self.0.call.is_none() {
            let mut call = format!("{method} ");
            for c in template.chars().take(256) {
                // A line break would begin another line of a log.
                match c.is_control() {
                    true => call.extend(c.escape_default()),
                    false => call.push(c),
                }
            }
            self.0.call = Some(call.into());
        }
        self
    }

    /// Names the step at which a notification was refused.
    pub(crate) fn in_step(mut self, step: &'static str) -> Self {
        if self.0.call.is_none() {
            self.0.call = Some(format!("notification, {step}").into());
        }
        self
    }

    pub(crate) fn kind(&self) -> Kind {
        self.0.kind
    }

    /// What became of the request: what a payment's caller needs to know before anything else.
    pub fn outcome(&self) -> Outcome {
        self.0.outcome
    }

    /// The error that WeChat Pay answered with, if it was that.
    pub fn api(&self) -> Option<&ApiError> {
        self.0.api.as_deref()
    }

    /// How often the request was attempted; 0 where the call did not get that far.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// The HTTP status of the answer, where one came, verified or not.
    pub fn status(&self) -> Option<http::StatusCode> {
        self.0.status.or_else(|| self.api().map(ApiError::status))
    }

    /// The body of an answer that did not verify. For diagnosis only: anyone may have written it.
    pub fn unverified(&self) -> Option<&[u8]> {
        self.0.unverified.as_deref()
    }

    /// The client's configuration is at fault.
    pub fn is_config(&self) -> bool {
        self.0.kind == Kind::Config
    }

    /// A key or certificate cannot be read or used.
    pub fn is_key(&self) -> bool {
        self.0.kind == Kind::Key
    }

    /// A path, an option or a value of the call is at fault. Nothing was sent.
    pub fn is_request(&self) -> bool {
        self.0.kind == Kind::Request
    }

    /// The signer did not sign. Nothing was sent.
    pub fn is_sign(&self) -> bool {
        self.0.kind == Kind::Sign
    }

    /// No connection could be made: DNS, TCP, proxy or TLS. The last attempt sent nothing;
    /// [`outcome`](Error::outcome) speaks for all of them.
    pub fn is_connect(&self) -> bool {
        self.0.kind == Kind::Connect
    }

    /// The connection broke, or led by redirects to where the call must not go.
    pub fn is_transport(&self) -> bool {
        matches!(self.0.kind, Kind::Transport | Kind::Redirect)
    }

    /// Time ran out, while connecting or over the whole call.
    pub fn is_timeout(&self) -> bool {
        self.0.kind == Kind::Timeout
    }

    /// The answer, or another input, was larger than its cap.
    pub fn is_too_large(&self) -> bool {
        self.0.kind == Kind::TooLarge
    }

    /// A signature is missing, wrong, out of date, a probe, or by a key that is not trusted.
    pub fn is_signature(&self) -> bool {
        matches!(
            self.0.kind,
            Kind::Signature | Kind::UnknownKey | Kind::Probe | Kind::ClockSkew
        )
    }

    /// The signature was WeChat Pay's own probe, sent to see whether it is verified.
    pub fn is_probe(&self) -> bool {
        self.0.kind == Kind::Probe
    }

    /// The timestamp is more than 300 seconds from this machine's clock.
    pub fn is_clock_skew(&self) -> bool {
        self.0.kind == Kind::ClockSkew
    }

    /// WeChat Pay answered with an error: see [`api`](Error::api).
    pub fn is_api(&self) -> bool {
        self.0.kind == Kind::Api
    }

    /// The answer or notification could not be understood.
    pub fn is_decode(&self) -> bool {
        self.0.kind == Kind::Decode
    }

    /// A ciphertext did not open: the wrong key, or altered data.
    pub fn is_decrypt(&self) -> bool {
        self.0.kind == Kind::Decrypt
    }

    /// The notification is for a merchant or an app that is not among those configured.
    pub fn is_owner(&self) -> bool {
        self.0.kind == Kind::Owner
    }

    /// A notification's handler failed, or its replay guard: see
    /// [`source`](StdError::source).
    pub fn is_handler(&self) -> bool {
        self.0.kind == Kind::Handler
    }

    /// A local file could not be read or written.
    pub fn is_file(&self) -> bool {
        self.0.kind == Kind::File
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(call) = &self.0.call {
            write!(f, "{call}: ")?;
        }
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.0;
        let mut out = f.debug_struct("Error");
        out.field("kind", &inner.kind)
            .field("outcome", &inner.outcome)
            .field("message", &inner.message);
        if let Some(call) = &inner.call {
            out.field("call", call);
        }
        if let Some(api) = &inner.api {
            out.field("api", api);
        }
        if let Some(body) = &inner.unverified {
            out.field("unverified", &format_args!("{} bytes", body.len()));
        }
        if let Some(source) = &inner.source {
            out.field("source", source);
        }
        out.finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
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
    fn display_names_the_call_and_leaves_the_cause_to_source() {
        let err = Error::request("no value for {id}")
            .with_source("the cause")
            .in_call(&http::Method::POST, "v3/x/{id}");
        assert_eq!(err.to_string(), "POST v3/x/{id}: no value for {id}");
        assert_eq!(err.source().unwrap().to_string(), "the cause");
        let err = Error::request("no").in_call(&http::Method::GET, "v3/\r\nx");
        assert_eq!(err.to_string(), "GET v3/\\r\\nx: no");
    }
}
