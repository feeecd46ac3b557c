//! One endpoint: where it is, what it takes and what it does.

use http::Method;
use serde_json::Value;

use super::call::Call;
use crate::sandbox::dispatch::response::{EVENT_STREAM, HandlerResult};

/// A row of the table of endpoints.
pub(super) struct Endpoint {
    pub(super) method: Method,
    /// A template below the prefix: `orders/{out_trade_no}/pay`.
    pub(super) path: &'static str,
    /// What it does, in one sentence.
    pub(super) about: &'static str,
    pub(super) query: &'static [Field],
    pub(super) body: Takes,
    /// The fields of its answer that are always there.
    pub(super) answer: &'static [Field],
    /// Its content type.
    pub(super) answer_type: &'static str,
    /// Whether it needs no token, and a page in a browser may call it.
    pub(super) is_open: bool,
    pub(super) handler: fn(&Call<'_>) -> HandlerResult,
}

/// What the body of a request has.
pub(super) enum Takes {
    Fields(&'static [Field]),
    /// Any object, which the endpoint checks itself.
    Object(&'static str),
}

/// A field of a request or an answer, or a value of a query.
#[derive(Clone, Copy)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) is_required: bool,
    pub(super) about: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    /// Not negative.
    Integer,
    /// Of either sign.
    Signed,
    Number,
    Boolean,
    Object,
    List,
}

pub(super) const fn get(
    path: &'static str,
    about: &'static str,
    handler: fn(&Call<'_>) -> HandlerResult,
) -> Endpoint {
    Endpoint::new(Method::GET, path, about, handler)
}

pub(super) const fn post(
    path: &'static str,
    about: &'static str,
    handler: fn(&Call<'_>) -> HandlerResult,
) -> Endpoint {
    Endpoint::new(Method::POST, path, about, handler)
}

pub(super) const fn delete(
    path: &'static str,
    about: &'static str,
    handler: fn(&Call<'_>) -> HandlerResult,
) -> Endpoint {
    Endpoint::new(Method::DELETE, path, about, handler)
}

impl Endpoint {
    const fn new(
        method: Method,
        path: &'static str,
        about: &'static str,
        handler: fn(&Call<'_>) -> HandlerResult,
    ) -> Self {
        Self {
            method,
            path,
            about,
            query: &[],
            body: Takes::Fields(&[]),
            answer: &[],
            answer_type: "application/json",
            is_open: false,
            handler,
        }
    }

    pub(super) const fn query(mut self, query: &'static [Field]) -> Self {
        self.query = query;
        self
    }

    pub(super) const fn takes(mut self, fields: &'static [Field]) -> Self {
        self.body = Takes::Fields(fields);
        self
    }

    pub(super) const fn takes_object(mut self, about: &'static str) -> Self {
        self.body = Takes::Object(about);
        self
    }

    pub(super) const fn answers(mut self, answer: &'static [Field]) -> Self {
        self.answer = answer;
        self
    }

    pub(super) const fn streams(mut self) -> Self {
        self.answer_type = EVENT_STREAM;
        self
    }

    pub(super) const fn open(mut self) -> Self {
        self.is_open = true;
        self
    }

    /// Returns whether a path is one of its template.
    pub(super) fn is_at(&self, path: &str) -> bool {
        let count = |path: &str| path.split('/').count();
        let is_segment = |(own, given): (&str, &str)| match variable(own) {
            Some(_) => !given.is_empty(),
            None => own == given,
        };
        count(self.path) == count(path) && self.path.split('/').zip(path.split('/')).all(is_segment)
    }
}

/// Returns the name of a variable, if this segment of a template is one.
pub(super) fn variable(segment: &str) -> Option<&str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

/// A field that must be there.
pub(super) const fn needs(name: &'static str, kind: Kind, about: &'static str) -> Field {
    Field {
        name,
        kind,
        is_required: true,
        about,
    }
}

/// A field that may be left out.
pub(super) const fn may(name: &'static str, kind: Kind, about: &'static str) -> Field {
    Field {
        is_required: false,
        ..needs(name, kind, about)
    }
}

impl Kind {
    /// Returns whether a value in JSON is of this kind.
    pub(super) fn is_of(self, value: &Value) -> bool {
        match self {
            Self::Text => value.is_string(),
            Self::Integer => value.is_u64(),
            Self::Signed => value.is_i64(),
            Self::Number => value.is_number(),
            Self::Boolean => value.is_boolean(),
            Self::Object => value.is_object(),
            Self::List => value.is_array(),
        }
    }

    /// Returns the type for an error.
    pub(super) fn described(self) -> &'static str {
        match self {
            Self::Integer => "integer that is not negative",
            other => other.name(),
        }
    }

    /// Returns the type as JSON Schema names it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Text => "string",
            Self::Integer | Self::Signed => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Object => "object",
            Self::List => "array",
        }
    }
}
