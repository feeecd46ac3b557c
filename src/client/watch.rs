//! What a call tells through `tracing`: the template and never the expanded path, neither query,
//! headers nor bodies.

use std::time::Instant;

use http::Method;
use tracing::{Span, field::Empty};

use super::Response;
use crate::{
    catalog::is_documented_segment,
    error::{Result, cause::without_user_info},
    protocol::path::{push_segment, shown},
};

/// The span of one call, with its end.
pub(super) struct Watch {
    span: Span,
    begin: Option<Instant>,
}

impl Watch {
    pub(super) fn new(method: &Method, template: &str) -> Self {
        let template = &*without_user_info(template);
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
        let begin = (!span.is_disabled()).then(Instant::now);
        Self { span, begin }
    }

    pub(super) fn span(&self) -> Span {
        self.span.clone()
    }

    pub(super) fn end(&self, method: &Method, template: &str, result: &Result<Response>) {
        let template = &*without_user_info(template);
        let span = &self.span;
        if let Some(begin) = self.begin {
            span.record("duration_ms", begin.elapsed().as_secs_f64() * 1e3);
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
                span.in_scope(|| tracing::debug!("answered"));
            }
            Err(err) => {
                span.record("wechatpay.outcome", tracing::field::debug(err.outcome()));
                span.record("wechatpay.attempts", err.attempts());
                if let Some(status) = err.status() {
                    span.record("http.response.status_code", status.as_u16());
                }
                if let Some(api) = err.api() {
                    // Not always WeChat Pay's own words: kept short, and to one line.
                    span.record("wechatpay.code", &*shown(api.code()));
                    if let Some(id) = api.request_id() {
                        span.record("wechatpay.request_id", &*shown(id));
                    }
                }
                // Its span is not there for who listens to warnings alone.
                span.in_scope(|| {
                    tracing::warn!(
                        http.request.method = %method,
                        url.template = template,
                        kind = ?err.kind(),
                        outcome = ?err.outcome(),
                        "failed"
                    );
                });
            }
        }
    }
}

/// Warns of a capital where the documents have the kebab form: `chain` and the index keep what
/// they are given, while the PHP SDK's properties rewrite it.
pub(super) fn warn_of_camel_case(template: &str) {
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
                "the documents write this segment otherwise; chain(…) keeps it as it is"
            );
        }
    }
}
