//! What went wrong, without what that means for the money.
//!
//! A wrong outcome is the worst thing this library could report, so no outcome is ever assumed. A
//! [`Cause`] has none. It becomes an [`Error`] in two ways only: through
//! [`not_sent`](Cause::not_sent), in code that runs before a request is sent, and through
//! [`with_outcome`](Cause::with_outcome), which returns a [`SentError`]. Code that runs after a byte
//! may have left returns `SentError`, and `?` converts neither a `Cause` nor an `Error` into one.

use std::{borrow::Cow, fmt, time::Duration};

use bytes::Bytes;
use http::StatusCode;

use super::{ApiError, BoxError, Error, ErrorKind, Outcome, RefusedNotification};

/// The result of code that does not know whether a request was sent.
pub(crate) type Result<T, E = Cause> = std::result::Result<T, E>;

/// What went wrong, without an outcome.
///
/// This type is public only so that these examples can name it. `?` does not convert a cause into an
/// error, neither before a request is sent nor after:
///
/// ```compile_fail,E0277
/// use wechatpay_chain::__private::{Cause, SentError};
///
/// fn judge(parsed: Result<(), Cause>) -> Result<(), SentError> {
///     parsed?; // no outcome is given
///     Ok(())
/// }
/// ```
///
/// ```compile_fail,E0277
/// use wechatpay_chain::{Error, __private::Cause};
///
/// fn verb(parsed: Result<(), Cause>) -> Result<(), Error> {
///     parsed?;
///     Ok(())
/// }
/// ```
///
/// Nor does it convert an error that was built for "nothing was sent" into one after sending:
///
/// ```compile_fail,E0277
/// use wechatpay_chain::{Error, PrivateKey, __private::SentError};
///
/// fn judge(pem: &str) -> Result<PrivateKey, SentError> {
///     Ok(PrivateKey::from_pem(pem)?)
/// }
/// ```
///
/// With an outcome, it compiles:
///
/// ```
/// use wechatpay_chain::{Error, Outcome, __private::{Cause, SentError}};
///
/// fn judge(parsed: Result<(), Cause>) -> Result<(), SentError> {
///     parsed.map_err(|cause| cause.with_outcome(Outcome::Unknown))
/// }
///
/// fn verb(parsed: Result<(), Cause>) -> Result<(), Error> {
///     judge(parsed)?;
///     Ok(())
/// }
/// ```
pub struct Cause(pub(super) Box<Parts>);

pub(super) struct Parts {
    pub(super) kind: ErrorKind,
    pub(super) message: Cow<'static, str>,
    pub(super) call: Option<Box<str>>,
    pub(super) source: Option<BoxError>,
    pub(super) api: Option<Box<ApiError>>,
    pub(super) unverified: Option<Bytes>,
    pub(super) status: Option<StatusCode>,
    pub(super) refused: Option<Box<RefusedNotification>>,
}

impl Cause {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Parts {
            kind,
            message: message.into(),
            call: None,
            source: None,
            api: None,
            unverified: None,
            status: None,
            refused: None,
        }))
    }

    pub(crate) fn config(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Config, message)
    }

    pub(crate) fn key(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Key, message)
    }

    pub(crate) fn request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Request, message)
    }

    /// Returns the error of an operation that sent nothing.
    pub(crate) fn not_sent(self) -> Error {
        Error::of(self, Outcome::NotSent)
    }

    /// Returns the error of a call whose request may have been sent.
    pub fn with_outcome(self, outcome: Outcome) -> SentError {
        SentError {
            cause: self,
            outcome,
        }
    }

    pub(crate) fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.0.source = Some(source.into());
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

    pub(crate) fn with_refused(mut self, refused: RefusedNotification) -> Self {
        self.0.refused = Some(Box::new(refused));
        self
    }

    pub(crate) fn with_status(mut self, status: StatusCode) -> Self {
        self.0.status = Some(status);
        self
    }

    /// Appends to the message.
    pub(crate) fn and(mut self, more: impl fmt::Display) -> Self {
        let message = format!("{}; {more}", self.0.message);
        self.0.message = message.into();
        self
    }

    /// Adds the method and template of the call. Never the expanded path, which may hold personal
    /// data.
    pub(crate) fn in_call(mut self, method: &http::Method, template: &str) -> Self {
        if self.0.call.is_none() {
            let mut call = format!("{method} ");
            for c in shown_template(template).chars().take(256) {
                // A line break would start a new line in a log, and with it a forged entry.
                match c.is_control() {
                    true => call.extend(c.escape_default()),
                    false => call.push(c),
                }
            }
            self.0.call = Some(call.into());
        }
        self
    }

    /// Adds the step at which a notification was refused.
    pub(crate) fn in_step(mut self, step: &'static str) -> Self {
        if self.0.call.is_none() {
            self.0.call = Some(format!("notification, {step}").into());
        }
        self
    }

    /// Copies the cause for another caller, without its source, which cannot be cloned.
    // One failed download is the error of all calls that waited for it.
    pub(crate) fn again(&self) -> Self {
        let mut again = Self::new(self.0.kind, self.0.message.clone());
        again.0.call.clone_from(&self.0.call);
        again.0.api.clone_from(&self.0.api);
        again.0.status = self.0.status;
        again
    }

    pub(crate) fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    pub(crate) fn api(&self) -> Option<&ApiError> {
        self.0.api.as_deref()
    }
}

/// Returns a URL, or what was given for one, without the user and password it may hold.
///
/// Everything before the last `@` is removed. Splitting at the end of the host is not enough: a
/// password that is not percent-encoded may contain `/`, `?` and `#`.
pub(crate) fn without_user_info(url: &str) -> Cow<'_, str> {
    let begin = url.find("//").map_or(0, |at| at + 2);
    let at = url.rfind('@').map(|at| (at, 1));
    // The `@` may have been percent-encoded together with the password before it.
    let encoded = url.rfind("%40").map(|at| (at, 3));
    let Some((at, len)) = at.max(encoded).filter(|(at, _)| *at >= begin) else {
        return Cow::Borrowed(url);
    };
    // Without a colon there is no password: `v3/users/@me`.
    if begin == 0 && !url[..at].contains(':') {
        return Cow::Borrowed(url);
    }
    Cow::Owned(format!("{}…@{}", &url[..begin], &url[at + len..]))
}

/// Returns a template for errors and logs: without a user and password, and without a query that is written
/// into it, which has values and not only names. `{?names}` stays.
pub(crate) fn shown_template(template: &str) -> Cow<'_, str> {
    let template = without_user_info(template);
    let is_query = |at: &usize| !template[..*at].ends_with('{');
    let query = template.match_indices('?').map(|(at, _)| at).find(is_query);
    match query {
        Some(at) => Cow::Owned(format!("{}?…", &template[..at])),
        None => template,
    }
}

/// The predicates of [`Error`], for tests of functions that return a cause.
#[cfg(test)]
impl Cause {
    pub(crate) fn is_request(&self) -> bool {
        self.kind() == ErrorKind::Request
    }

    pub(crate) fn is_verification(&self) -> bool {
        self.again().not_sent().is_verification()
    }

    pub(crate) fn is_decode(&self) -> bool {
        self.kind() == ErrorKind::Decode
    }

    pub(crate) fn is_key(&self) -> bool {
        self.kind() == ErrorKind::Key
    }

    pub(crate) fn is_decrypt(&self) -> bool {
        self.kind() == ErrorKind::Decrypt
    }

    pub(crate) fn is_too_large(&self) -> bool {
        self.kind() == ErrorKind::TooLarge
    }
}

/// Wraps a cause as the source of another one, or of an `io::Error`.
impl From<Cause> for BoxError {
    fn from(cause: Cause) -> Self {
        Box::new(AsSource(cause))
    }
}

#[derive(Debug)]
struct AsSource(Cause);

impl fmt::Display for AsSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for AsSource {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.0.source()
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.describe(&mut f.debug_struct("Cause"))
    }
}

impl Parts {
    pub(super) fn describe(&self, out: &mut fmt::DebugStruct<'_, '_>) -> fmt::Result {
        out.field("kind", &self.kind)
            .field("message", &self.message);
        if let Some(call) = &self.call {
            out.field("call", call);
        }
        if let Some(api) = &self.api {
            out.field("api", api);
        }
        if let Some(body) = &self.unverified {
            out.field("unverified", &format_args!("{} bytes", body.len()));
        }
        if let Some(refused) = &self.refused {
            out.field("refused", refused);
        }
        if let Some(source) = &self.source {
            out.field("source", source);
        }
        out.finish()
    }

    pub(super) fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl fmt::Display for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(call) = &self.call {
            write!(f, "{call}: ")?;
        }
        f.write_str(&self.message)
    }
}

/// The error of a call whose request may have been sent: a cause with an outcome.
#[derive(Debug)]
pub struct SentError {
    cause: Cause,
    outcome: Outcome,
}

impl SentError {
    pub(crate) fn cause(&self) -> &Cause {
        &self.cause
    }

    /// Drops the outcome, for a cause that explains another call's error.
    pub(crate) fn into_cause(self) -> Cause {
        self.cause
    }

    pub(crate) fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Replaces the outcome, for a call of several attempts.
    pub(crate) fn amended(self, outcome: Outcome) -> Self {
        Self { outcome, ..self }
    }

    /// Changes the cause and keeps the outcome.
    pub(crate) fn map(self, change: impl FnOnce(Cause) -> Cause) -> Self {
        Self {
            cause: change(self.cause),
            ..self
        }
    }

    pub(crate) fn kind(&self) -> ErrorKind {
        self.cause.kind()
    }

    pub(crate) fn retry_after(&self) -> Option<Duration> {
        self.cause.api().and_then(|api| api.retry_after)
    }
}

impl fmt::Display for SentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

impl From<SentError> for Error {
    fn from(err: SentError) -> Self {
        Self::of(err.cause, err.outcome)
    }
}
