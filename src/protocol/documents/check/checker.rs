//! Compares values with documented fields.

use http::HeaderMap;
use serde_json::{Map, Value};

use super::{
    seen::Seen,
    text::{is_clear_text, is_listed, is_number, reads_as},
};
use crate::{
    base::percent::decode_form,
    catalog::{self, Field, Fields, Kind},
    protocol::{
        documents::finding::{At, Findings, Problem},
        trust::signature::SERIAL,
        url::path::Version,
    },
};

/// Never findings: they belong to the signature, and the client may set them itself.
const SIGNATURE: [&str; 3] = ["sign", "sign_type", "nonce_str"];

/// Never findings on APIv2: the pages for direct merchants omit them, and a service provider sends them to
/// the same operation.
const SERVICE_PROVIDER: [&str; 3] = ["sub_mch_id", "sub_appid", "sub_openid"];

/// How values are sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    /// In a query or in XML, where every value is text.
    Text,
}

/// Checks values and keeps the findings.
pub(super) struct Checker {
    pub(super) request: Fields,
    pub(super) version: Version,
    pub(super) findings: Findings,
}

impl Checker {
    pub(super) fn root(&mut self, value: &Value, field: &Field, form: Form, at: &At<'_>) {
        match value {
            Value::Object(map) => self.object(map, field.fields(), form, at),
            // PHP writes an empty map as an empty list.
            Value::Array(items) if items.is_empty() => {
                self.object(&Map::new(), field.fields(), form, at);
            }
            other => self.findings.add(at, Problem::Type(Kind::Object, a(other))),
        }
    }

    pub(super) fn object(
        &mut self,
        map: &Map<String, Value>,
        fields: Fields,
        form: Form,
        at: &At<'_>,
    ) {
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
    pub(super) fn content(&mut self, value: &Value, field: &Field, at: &At<'_>) {
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
    pub(super) fn query(&mut self, query: &str, fields: Fields, at: &At<'_>) {
        let mut seen = Seen::new(fields);
        let pairs = || query.split('&').filter(|pair| !pair.is_empty());
        let is_given = |known: &str| pairs().any(|pair| pair.split('=').next() == Some(known));
        for pair in pairs() {
            if self.findings.is_full() {
                return;
            }
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode_form(name);
            // `a[b]` and `a[0]` are within `a`.
            let name = name.split('[').next().unwrap_or_default();
            match seen.find(name) {
                Some(field) if field.kind().item().is_none() && field.kind() != Kind::Object => {
                    self.parameter(&decode_form(value), &field, &at.name(name));
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

    pub(super) fn headers(&mut self, headers: &HeaderMap, fields: Fields, at: &At<'_>) {
        for field in fields.iter().filter(Field::is_required) {
            // The client sets `Wechatpay-Serial` itself.
            let name = field.name();
            if !name.eq_ignore_ascii_case(SERIAL) && !headers.contains_key(name) {
                self.findings.add(&at.name(name), Problem::missing(&field));
            }
        }
    }
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
