//! Compares a request with the documents.
//!
//! One pass over what was given. The tables bound its depth: what is not documented is not walked.

mod seen;
mod text;

use std::borrow::Cow;

use http::{HeaderMap, header::CONTENT_TYPE};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use self::{
    seen::Seen,
    text::{is_clear_text, is_listed, is_number, reads_as},
};
use super::{
    finding::{At, Findings, Problem},
    operation,
};
use crate::{
    catalog::{self, Field, Fields, Kind, Operation},
    error::{Cause, cause::Result},
    protocol::{
        options::{
            Options, RequestOptions, Var,
            documented::{Asked, Check, Checks, Circumstances},
            media::Media,
        },
        trust::signature::SERIAL,
        url::path::Version,
    },
};

/// Never findings: they belong to the signature, and the client may set them itself.
const SIGNATURE: [&str; 3] = ["sign", "sign_type", "nonce_str"];

/// Never findings on APIv2: the pages for direct merchants omit them, and a service provider sends them to
/// the same operation.
const SERVICE_PROVIDER: [&str; 3] = ["sub_mch_id", "sub_appid", "sub_openid"];

/// Returns the checks for a client or a call.
pub(crate) fn check(checks: Checks) -> Check {
    Check { checks, run }
}

impl Options {
    /// Sets whether the request is compared with what WeChat Pay documents. Defaults to the client's
    /// [`check_documents`](crate::ClientBuilder::check_documents). Feature `documents`.
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
    // Without a subscriber the check would cost time for every request and have no effect.
    let is_heard = checks == Checks::Deny || tracing::enabled!(tracing::Level::WARN);
    if checks == Checks::Off || !is_heard {
        return Ok(());
    }
    let Some(operation) = operation(asked) else {
        return Ok(());
    };
    let given = Given {
        operation,
        version: asked.version,
        vars: &request.vars,
        json: request.json.as_ref(),
        xml: request.xml.as_ref(),
        query: request.query.as_ref(),
        query_in_path: asked.query,
        has_body: request.body.is_some(),
        media: request.media.as_ref(),
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
    media: Option<&'g Media>,
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
            ("xml", self.xml.filter(|_| self.media.is_none()), Form::Text),
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
                None => self.has_body || self.media.is_some(),
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
                let meta = field.fields().get("meta");
                if let (Some(media), Some(meta), Version::V3) = (self.media, meta, self.version) {
                    checker.meta(media, &meta, &at);
                }
                // A program that makes the form itself sends a prepared request with another client.
                let content = self.headers.get(CONTENT_TYPE);
                let is_form =
                    content.is_some_and(|kind| kind.as_bytes().starts_with(b"multipart/"));
                self.has_body || self.media.is_some() || is_form
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

/// How values are sent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Json,
    /// In a query or in XML, where every value is text.
    Text,
}

struct Checker {
    request: Fields,
    version: Version,
    findings: Findings,
}

impl Checker {
    fn root(&mut self, value: &Value, field: &Field, form: Form, at: &At<'_>) {
        match value {
            Value::Object(map) => self.object(map, field.fields(), form, at),
            // PHP writes an empty map as an empty list.
            Value::Array(items) if items.is_empty() => {
                self.object(&Map::new(), field.fields(), form, at);
            }
            other => self.findings.add(at, Problem::Type(Kind::Object, a(other))),
        }
    }

    fn object(&mut self, map: &Map<String, Value>, fields: Fields, form: Form, at: &At<'_>) {
        let mut seen = Seen::new(fields);
        for (name, value) in map {
            if self.findings.is_full() {
                return;
            }
            // In text, null means that the field is not given.
            if form == Form::Text && value.is_null() {
                continue;
            }
            match seen.find(name) {
                Some(field) => self.value(value, &field, form, &at.name(name)),
                None => self.unknown(name, &mut seen, |name| map.contains_key(name), at),
            }
        }
        self.missing(
            &seen,
            |name| map.get(name).is_some_and(|value| !value.is_null()),
            at,
        );
    }

    fn unknown(
        &mut self,
        name: &str,
        seen: &mut Seen,
        is_given: impl Fn(&str) -> bool,
        at: &At<'_>,
    ) {
        let is_exempt = SIGNATURE.contains(&name)
            || self.version == Version::V2 && SERVICE_PROVIDER.contains(&name);
        if is_exempt {
            return;
        }
        let problem = Problem::unknown(name, seen.fields, is_given, self.request);
        if let Problem::Unknown {
            nearest: Some(name),
            elsewhere: None,
        } = problem
        {
            // The required field is there, under a misspelt name.
            seen.find(name);
        }
        self.findings.add(&at.name(name), problem);
    }

    fn missing(&mut self, seen: &Seen, is_given: impl Fn(&str) -> bool, at: &At<'_>) {
        for field in seen.missing() {
            let is_exempt = SIGNATURE.contains(&field.name());
            if !is_exempt && !catalog::may_be_absent(&field, seen.fields, &is_given) {
                let problem = Problem::missing(&field);
                self.findings.add(&at.name(field.name()), problem);
            }
        }
    }

    fn value(&mut self, value: &Value, field: &Field, form: Form, at: &At<'_>) {
        let Some(item) = field.kind().item() else {
            return self.single(value, field, field.kind(), form, at);
        };
        match value {
            Value::Array(items) => {
                for (index, value) in items.iter().enumerate() {
                    if self.findings.is_full() {
                        return;
                    }
                    self.single(value, field, item, form, &at.index(index));
                }
            }
            // A list in text is a list of fields of the same name, or one text that holds it.
            Value::String(_) | Value::Number(_) if form == Form::Text => {}
            other => self.findings.add(at, Problem::Type(field.kind(), a(other))),
        }
    }

    /// Checks a value that is not a list, or an item of a list.
    fn single(&mut self, value: &Value, field: &Field, kind: Kind, form: Form, at: &At<'_>) {
        let fits = match (kind, value) {
            (Kind::Object, Value::Object(map)) => {
                // Some pages say no more than "object".
                if !field.fields().is_empty() {
                    self.object(map, field.fields(), form, at);
                }
                true
            }
            (Kind::String, Value::String(_))
            | (Kind::Number, Value::Number(_))
            | (Kind::Boolean, Value::Bool(_)) => true,
            (Kind::Integer, Value::Number(number)) => !number.is_f64(),
            // Text has no types: what counts is how the value reads.
            (Kind::String, Value::Number(_)) => form == Form::Text,
            (_, Value::String(text)) => form == Form::Text && reads_as(kind, text),
            (Kind::Boolean, Value::Number(number)) => {
                form == Form::Text && matches!(number.as_u64(), Some(0 | 1))
            }
            _ => false,
        };
        if !fits {
            return self.findings.add(at, Problem::Type(kind, a(value)));
        }
        self.content(value, field, at);
    }

    /// Checks a value of the right type.
    fn content(&mut self, value: &Value, field: &Field, at: &At<'_>) {
        match value {
            Value::String(text) => self.text(text, field, at),
            Value::Number(_) => self.number(field, at),
            _ => {}
        }
    }

    /// Checks that a text is encrypted if it must be, and in the documented list if there is one.
    fn text(&mut self, text: &str, field: &Field, at: &At<'_>) {
        if field.sealed().is_some() && is_clear_text(text) {
            self.findings.add(at, Problem::ClearText);
        }
        let documented = field.values();
        // On APIv2 an empty field counts as absent: the signature leaves it out.
        let is_given = !text.is_empty() || self.version == Version::V3;
        if is_given && !documented.is_empty() && !is_listed(documented, text) {
            self.findings
                .add(at, Problem::value(documented, Some(text)));
        }
    }

    /// Checks that a number may be in the documented list, if there is one.
    fn number(&mut self, field: &Field, at: &At<'_>) {
        let documented = field.values();
        // Which number it is does not matter: numbers in a list are codes, as in `is_listed`.
        if !documented.is_empty() && !documented.iter().any(|value| is_number(value)) {
            self.findings.add(at, Problem::value(documented, None));
        }
    }

    /// Checks a query that is text: `limit=10&offset=0`.
    fn query(&mut self, query: &str, fields: Fields, at: &At<'_>) {
        let mut seen = Seen::new(fields);
        let pairs = || query.split('&').filter(|pair| !pair.is_empty());
        let is_given = |known: &str| pairs().any(|pair| pair.split('=').next() == Some(known));
        for pair in pairs() {
            if self.findings.is_full() {
                return;
            }
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decoded(name);
            // `a[b]` and `a[0]` are within `a`.
            let name = name.split('[').next().unwrap_or_default();
            match seen.find(name) {
                Some(field) if field.kind().item().is_none() && field.kind() != Kind::Object => {
                    self.parameter(&decoded(value), &field, &at.name(name));
                }
                Some(_) => {}
                None => self.unknown(name, &mut seen, is_given, at),
            }
        }
        self.missing(&seen, is_given, at);
    }

    /// Checks a value in a query.
    fn parameter(&mut self, text: &str, field: &Field, at: &At<'_>) {
        if !reads_as(field.kind(), text) {
            let problem = Problem::Type(field.kind(), "text");
            return self.findings.add(at, problem);
        }
        self.text(text, field, at);
    }

    fn headers(&mut self, headers: &HeaderMap, fields: Fields, at: &At<'_>) {
        for field in fields.iter().filter(Field::is_required) {
            // The client sets `Wechatpay-Serial` itself.
            let name = field.name();
            if !name.eq_ignore_ascii_case(SERIAL) && !headers.contains_key(name) {
                self.findings.add(&at.name(name), Problem::missing(&field));
            }
        }
    }

    /// Checks the `meta` of an upload.
    fn meta(&mut self, media: &Media, field: &Field, at: &At<'_>) {
        if let Value::Object(meta) = media.meta_value() {
            self.object(&meta, field.fields(), Form::Json, &at.name(field.name()));
        }
    }
}

fn decoded(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8_lossy()
}

fn a(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() => "a number that is not an integer",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests;
