//! The places of a request where sealed fields can be.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::sealed;
use crate::{
    base::{json, percent::decode_form},
    catalog::{Fields, Operation},
    protocol::options::{RequestOptions, documented::Asked, media::Media},
};

/// Where sealed fields can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Json,
    Xml,
    Meta,
    Query,
    /// The option `body`, if it is JSON.
    Body,
    /// A query in the path, or given as a string.
    QueryText,
}

impl Place {
    pub(super) const ALL: [Self; 6] = [
        Self::Json,
        Self::Xml,
        Self::Meta,
        Self::Query,
        Self::Body,
        Self::QueryText,
    ];

    /// Returns the documented fields, if one of them is sealed.
    pub(super) fn documented(self, operation: &Operation) -> Option<Fields> {
        let request = operation.request();
        let field = match self {
            Self::Json => request.get("json"),
            Self::Xml => request.get("xml"),
            Self::Meta => request.at("/body/meta"),
            Self::Query | Self::QueryText => request.get("query"),
            Self::Body => request.get("json").or_else(|| request.get("xml")),
        };
        let fields = field?.fields();
        sealed::any(fields).then_some(fields)
    }

    pub(super) fn body<'a>(
        self,
        asked: Asked<'_>,
        request: &'a RequestOptions,
    ) -> Option<Cow<'a, Value>> {
        match (self, &request.query) {
            (Self::Json, _) => request.json.as_ref().map(Cow::Borrowed),
            (Self::Xml, _) => request.xml.as_ref().map(Cow::Borrowed),
            (Self::Meta, _) => {
                let media = request.media.as_ref()?;
                Some(Cow::Owned(media.meta_value()))
            }
            (Self::Query, Some(Value::String(_))) => None,
            (Self::Query, query) => query.as_ref().map(Cow::Borrowed),
            (Self::Body, _) => {
                let body = json::parse(request.body.as_ref()?).ok()?;
                Some(Cow::Owned(body))
            }
            (Self::QueryText, Some(Value::String(query))) => Some(Cow::Owned(parameters(query))),
            (Self::QueryText, _) => asked.query.map(|query| Cow::Owned(parameters(query))),
        }
    }

    /// Returns why the fields cannot be encrypted here, or `None` if they can.
    pub(super) fn sent_unchanged(self) -> Option<&'static str> {
        match self {
            Self::Body => Some(
                "is in the option `body`, which is sent unchanged: give the fields in the option `json`",
            ),
            Self::QueryText => Some(
                "is in a query that is given as text and sent unchanged: give a map in the option `query`",
            ),
            Self::Json | Self::Xml | Self::Meta | Self::Query => None,
        }
    }

    /// Takes the body out of the request. [`put`](Self::put) puts it back.
    pub(super) fn take(self, request: &mut RequestOptions) -> Option<Value> {
        match self {
            Self::Json => request.json.take(),
            Self::Xml => request.xml.take(),
            Self::Query => request.query.take(),
            Self::Meta => request.media.as_ref().map(Media::meta_value),
            Self::Body | Self::QueryText => None,
        }
    }

    pub(super) fn put(self, request: &mut RequestOptions, body: Value) {
        match self {
            Self::Json => request.json = Some(body),
            Self::Xml => request.xml = Some(body),
            Self::Query => request.query = Some(body),
            Self::Meta => request.media = request.media.take().map(|media| media.meta(body)),
            Self::Body | Self::QueryText => {}
        }
    }
}

/// Returns the parameters of a query that are not empty.
fn parameters(query: &str) -> Value {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let given = pairs.filter(|(_, text)| !text.is_empty());
    let decoded =
        given.map(|(name, text)| (decode_form(name).into_owned(), decode_form(text).into()));
    Value::Object(decoded.collect::<Map<_, _>>())
}
