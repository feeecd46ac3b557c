//! Compares a request with the documents.
//!
//! One pass over what was given. The tables bound its depth: what is not documented is not walked.

mod checker;
mod seen;
mod text;

use http::{HeaderMap, header::CONTENT_TYPE};
use serde_json::Value;

use self::checker::{Checker, Form};
use super::{
    finding::{At, Findings, Problem},
    operation,
};
use crate::{
    catalog::{self, Field, Fields, Operation},
    error::{Cause, cause::Result},
    protocol::{
        options::{
            Options, RequestOptions, Var,
            documented::{Asked, Check, Checks, Circumstances},
            media::Media,
        },
        url::path::Version,
    },
};

/// Returns the checks for a client or a call.
pub(crate) fn check(checks: Checks) -> Check {
    Check { checks, run }
}

impl Options {
    /// Sets whether the request is compared with what WeChat Pay documents. Defaults to the client's
    /// [`check_documents`](crate::ClientBuilder::check_documents). Feature `documents`.
    ///
    /// ```
    /// use wechatpay_chain::{Checks, Options, json};
    ///
    /// // For a field that is newer than this library.
    /// let options = Options::from(json!({ "json": { "new_field": 1 } })).check_documents(Checks::Off);
    /// # let _ = options;
    /// ```
    pub fn check_documents(mut self, checks: Checks) -> Self {
        self.request.documented.check = Some(check(checks));
        self
    }
}

/// Checks a request.
///
/// # Errors
/// Returns an error that names the findings, if they are denied.
fn run(
    checks: Checks,
    asked: Asked<'_>,
    circumstances: Circumstances,
    request: &RequestOptions,
) -> Result<()> {
    // If nobody hears a warning, the check would cost time for every request and have no effect.
    let is_heard = checks == Checks::Deny || tracing::enabled!(tracing::Level::WARN);
    if checks == Checks::Off || !is_heard {
        return Ok(());
    }
    let Some(operation) = operation(asked) else {
        return Ok(());
    };
    let meta = request.media.as_ref().map(Media::meta_value);
    let given = Given {
        operation,
        version: asked.version,
        vars: &request.vars,
        json: request.json.as_ref(),
        xml: request.xml.as_ref(),
        query: request.query.as_ref(),
        query_in_path: asked.query,
        has_body: request.body.is_some(),
        meta: meta.as_ref(),
        headers: &request.headers,
        without_nonce: request.without_nonce,
        circumstances,
    };
    let findings = given.check();
    if findings.is_empty() {
        return Ok(());
    }
    if checks == Checks::Deny {
        return Err(Cause::request(format!(
            "the request differs from WeChat Pay's documents of {}: {findings} (Checks::Warn sends it \
             anyway)",
            catalog::date(),
        )));
    }
    for finding in findings.iter() {
        tracing::warn!(%operation, %finding, "the request differs from WeChat Pay's documents");
    }
    Ok(())
}

/// What arrived with a request of an operation.
#[cfg(feature = "sandbox")]
pub(crate) struct Received<'g> {
    pub(crate) operation: &'static Operation,
    pub(crate) version: Version,
    pub(crate) vars: &'g [Var],
    pub(crate) json: Option<&'g Value>,
    pub(crate) xml: Option<&'g Value>,
    pub(crate) meta: Option<&'g Value>,
    pub(crate) query: Option<&'g str>,
    pub(crate) has_body: bool,
    pub(crate) headers: &'g HeaderMap,
}

/// Compares a request that arrived with the documents.
#[cfg(feature = "sandbox")]
pub(crate) fn findings(received: &Received<'_>) -> Findings {
    let given = Given {
        operation: received.operation,
        version: received.version,
        vars: received.vars,
        json: received.json,
        xml: received.xml,
        query: None,
        query_in_path: received.query,
        has_body: received.has_body,
        meta: received.meta,
        headers: received.headers,
        // What the sender's client decides, and the sandbox checks elsewhere.
        without_nonce: true,
        circumstances: Circumstances {
            mutual_tls: true,
            is_default_base: false,
        },
    };
    given.check()
}

/// What was given for a request.
struct Given<'g> {
    operation: &'static Operation,
    version: Version,
    vars: &'g [Var],
    json: Option<&'g Value>,
    xml: Option<&'g Value>,
    query: Option<&'g Value>,
    /// The query that is part of the path.
    query_in_path: Option<&'g str>,
    has_body: bool,
    /// The JSON of an upload.
    meta: Option<&'g Value>,
    headers: &'g HeaderMap,
    without_nonce: bool,
    circumstances: Circumstances,
}

impl Given<'_> {
    fn check(&self) -> Findings {
        let request = self.operation.request();
        let mut checker = Checker {
            request,
            version: self.version,
            findings: Findings::default(),
        };
        let is_documented = |part: &str| request.get(part).is_some();
        for field in request {
            self.check_part(&field, &mut checker);
        }
        // Parts that no page mentions.
        for (part, value, form) in [
            ("json", self.json, Form::Json),
            ("query", self.query, Form::Text),
            ("xml", self.xml.filter(|_| self.meta.is_none()), Form::Text),
        ] {
            if let Some(Value::Object(map)) = value.filter(|_| !is_documented(part)) {
                checker.object(map, Fields::NONE, form, &At::root(part));
            }
        }
        if let Some(query) = self.query_in_path.filter(|_| !is_documented("query")) {
            checker.query(query, Fields::NONE, &At::root("query"));
        }
        checker.findings
    }

    fn check_part(&self, field: &Field, checker: &mut Checker) {
        let name = field.name();
        let at = At::root(name);
        let is_given = match name {
            "json" => match self.json {
                Some(json) => {
                    checker.root(json, field, Form::Json, &at);
                    true
                }
                None => self.has_body || self.meta.is_some(),
            },
            "xml" => match self.xml {
                Some(xml) => {
                    checker.root(xml, field, Form::Text, &at);
                    true
                }
                None => self.has_body,
            },
            "query" => match (self.query, self.query_in_path) {
                (Some(Value::String(query)), _) => {
                    checker.query(query, field.fields(), &at);
                    true
                }
                (Some(query), _) => {
                    checker.root(query, field, Form::Text, &at);
                    true
                }
                (None, Some(query)) => {
                    checker.query(query, field.fields(), &at);
                    true
                }
                (None, None) => false,
            },
            "body" => {
                let documented = field.fields().get("meta");
                if let (Some(Value::Object(meta)), Some(field), Version::V3) =
                    (self.meta, documented, self.version)
                {
                    checker.object(meta, field.fields(), Form::Json, &at.name(field.name()));
                }
                // A program that makes the form itself sends a prepared request with another client.
                let content = self.headers.get(CONTENT_TYPE);
                let is_form =
                    content.is_some_and(|kind| kind.as_bytes().starts_with(b"multipart/"));
                self.has_body || self.meta.is_some() || is_form
            }
            "headers" => {
                checker.headers(self.headers, field.fields(), &at);
                true
            }
            "security" => self.circumstances.mutual_tls,
            "nonceless" => self.without_nonce,
            "base_uri" => !self.circumstances.is_default_base,
            // A variable of the path. A missing one is an error anyway.
            _ => {
                if let Some(var) = self.vars.iter().find(|var| var.name == name) {
                    checker.content(&var.value, field, &at);
                }
                true
            }
        };
        if field.is_required() && !is_given {
            checker.findings.add(&at, Problem::missing(field));
        }
    }
}

#[cfg(test)]
mod tests;
