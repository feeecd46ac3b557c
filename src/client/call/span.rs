//! What a call logs through `tracing`: the template, but never the expanded path, the query, headers
//! or bodies, which may hold personal data.

use std::time::Instant;

use http::Method;
use tracing::{Span, field::Empty};

use crate::{
    catalog::is_documented_segment,
    client::Response,
    error::{Error, Outcome, Result, cause::shown_template, value::shown},
    protocol::url::path::push_segment,
};

/// The span of one call, and the event at its end.
pub(super) struct CallSpan {
    span: Span,
    /// `None` if the span is disabled, so that a call without a subscriber reads no clock.
    start: Option<Instant>,
}

impl CallSpan {
    pub(super) fn new(method: &Method, template: &str) -> Self {
        // A template may be an absolute URL with a password in it.
        let template = &*shown_template(template);
        // The names follow OpenTelemetry's conventions for HTTP clients where those have one.
        let span = tracing::debug_span!(
            "wechatpay.call",
            http.request.method = %method,
            url.template = template,
            http.response.status_code = Empty,
            wechatpay.outcome = Empty,
            wechatpay.code = Empty,
            wechatpay.request_id = Empty,
            wechatpay.serial = Empty,
            wechatpay.attempts = Empty,
            duration_ms = Empty,
        );
        let start = (!span.is_disabled()).then(Instant::now);
        Self { span, start }
    }

    pub(super) fn span(&self) -> Span {
        self.span.clone()
    }

    pub(super) fn end(&self, method: &Method, template: &str, result: &Result<Response>) {
        let template = &*shown_template(template);
        let span = &self.span;
        if let Some(start) = self.start {
            span.record("duration_ms", start.elapsed().as_secs_f64() * 1e3);
        }
        match result {
            Ok(response) => {
                span.record("http.response.status_code", response.status().as_u16());
                span.record("wechatpay.outcome", "Success");
                if let Some(id) = response.request_id() {
                    span.record("wechatpay.request_id", &*shown(id));
                }
                if let Some(serial) = response.verification().serial() {
                    span.record("wechatpay.serial", serial);
                }
                span.in_scope(|| tracing::debug!("response received"));
            }
            Err(err) => {
                span.record("wechatpay.outcome", tracing::field::debug(err.outcome()));
                span.record("wechatpay.attempts", err.attempts());
                if let Some(status) = err.status() {
                    span.record("http.response.status_code", status.as_u16());
                }
                if let Some(api) = err.api() {
                    // A proxy may have written these: `shown` keeps them short and on one line.
                    span.record("wechatpay.code", &*shown(api.code()));
                    if let Some(id) = api.request_id() {
                        span.record("wechatpay.request_id", &*shown(id));
                    }
                }
                span.in_scope(|| log_failure(method, template, err));
            }
        }
    }
}

/// Logs a failed call. A subscriber that is set to WARN does not see the span, so the event repeats
/// what identifies the call.
///
/// A rejection is not an incident: "no such order" is how a query says so. Everything else means that
/// something failed on this side or on the way.
fn log_failure(method: &Method, template: &str, err: &Error) {
    macro_rules! event {
        ($level:ident) => {
            tracing::$level!(
                http.request.method = %method,
                url.template = template,
                kind = ?err.kind(),
                outcome = ?err.outcome(),
                "call failed"
            )
        };
    }
    match err.outcome() {
        Outcome::Rejected => event!(debug),
        Outcome::NotSent | Outcome::Done | Outcome::Unknown => event!(warn),
    }
}

/// Warns about a capital letter in a segment that the documents write in kebab case. `chain` and the
/// index keep their argument unchanged, while the PHP SDK's properties rewrite it, so a path ported
/// from PHP may be wrong.
pub(in crate::client) fn warn_about_camel_case(template: &str) {
    // The lookup costs more than the rest of making a draft.
    if !tracing::enabled!(tracing::Level::WARN) {
        return;
    }
    let literal = |segment: &&str| {
        segment.bytes().any(|byte| byte.is_ascii_uppercase()) && !segment.contains(['{', '?', '#'])
    };
    for segment in template.split('/').filter(literal) {
        let mut kebab = String::new();
        if push_segment(&mut kebab, segment).is_ok() && is_documented_segment(&kebab) {
            tracing::warn!(
                segment,
                documented = kebab,
                "the documents spell this segment differently; chain(…) sends it unchanged"
            );
        }
    }
}
