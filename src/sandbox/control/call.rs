//! One request to an endpoint, with its fields checked against the endpoint's row.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{
    PREFIX,
    endpoint::{Endpoint, Field, Takes, variable},
};
use crate::sandbox::{
    Sandbox,
    checks::json_body,
    dispatch::{
        pipeline::Arrived,
        refusal::no_merchant,
        request::{decode, parse_query},
        response::ApiResponse,
    },
    state::SandboxState,
};

/// The merchant that is meant.
pub(super) const MCHID: &str = "mchid";

pub(super) struct Call<'a> {
    pub(super) state: &'a Arc<SandboxState>,
    /// A handle for this request, about the merchant that `?mchid=` names.
    pub(super) sandbox: Sandbox,
    pub(super) body: Map<String, Value>,
    pub(super) request: &'a Arrived,
    path: Vec<(&'static str, String)>,
    query: Vec<(String, String)>,
}

impl<'a> Call<'a> {
    /// Reads and checks what the endpoint takes.
    pub(super) fn new(
        state: &'a Arc<SandboxState>,
        endpoint: &Endpoint,
        request: &'a Arrived,
    ) -> Result<Self, ApiResponse> {
        let uri = &request.parts.uri;
        let given = uri.path().strip_prefix(PREFIX).unwrap_or_default();
        let mut path = Vec::new();
        for (own, given) in endpoint.path.split('/').zip(given.split('/')) {
            if let Some(name) = variable(own) {
                path.push((name, decode(given, name, "path")?));
            }
        }
        let query = parse_query(uri.query().unwrap_or_default())?;
        check_query(endpoint, &query)?;
        let mchid = query.iter().find(|(name, _)| name == MCHID);
        Ok(Self {
            state,
            sandbox: Sandbox::of_request(state, mchid.map(|(_, mchid)| &**mchid))?,
            body: body(endpoint, request)?,
            request,
            path,
            query,
        })
    }

    /// Returns the number in the path.
    // Each template has one variable at most, and a row that asks for one has it: a test calls every row.
    pub(super) fn number(&self) -> &str {
        self.path.first().map_or("", |(_, number)| number)
    }

    /// Returns the merchant that is meant, which must be one with keys and not only a sub-merchant.
    pub(super) fn merchant(&self) -> Result<&str, ApiResponse> {
        match self.query(MCHID) {
            Some(mchid) if mchid != self.sandbox.mchid() => Err(no_merchant(mchid).into()),
            _ => Ok(self.sandbox.mchid()),
        }
    }

    /// Returns a value of the query.
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| &**value)
    }

    /// Returns a text of the body, or an empty one.
    // Whether a field is there and of which type was checked.
    pub(super) fn text(&self, name: &str) -> &str {
        self.optional_text(name).unwrap_or_default()
    }

    pub(super) fn optional_text(&self, name: &str) -> Option<&str> {
        self.body.get(name).and_then(Value::as_str)
    }

    pub(super) fn integer(&self, name: &str) -> Option<u64> {
        self.body.get(name).and_then(Value::as_u64)
    }
}

fn check_query(endpoint: &Endpoint, query: &[(String, String)]) -> Result<(), ApiResponse> {
    for (name, value) in query {
        let is_known = name == MCHID || endpoint.query.iter().any(|field| field.name == name);
        if !is_known {
            return Err(unknown("query", name, endpoint.query));
        }
        if value.is_empty() {
            let message = format!("invalid query: ?{name:.64}= has no value");
            return Err(ApiResponse::bad_parameter(&message));
        }
    }
    Ok(())
}

fn body(endpoint: &Endpoint, request: &Arrived) -> Result<Map<String, Value>, ApiResponse> {
    // A request without a body needs no type: `curl -X POST` is enough.
    let body = match request.body.is_empty() {
        true => Map::new(),
        false => json_body::parse(&request.parts.headers, &request.body)?,
    };
    if let Takes::Fields(fields) = endpoint.body {
        check_fields(fields, &body)?;
    }
    Ok(body)
}

/// Checks the fields of an object: which there are, and their types.
fn check_fields(fields: &[Field], body: &Map<String, Value>) -> Result<(), ApiResponse> {
    for (name, value) in body {
        let Some(field) = fields.iter().find(|field| field.name == name) else {
            return Err(unknown("body", name, fields));
        };
        if !field.kind.is_of(value) {
            let message = format!("invalid {name}: expected a JSON {}", field.kind.described());
            return Err(ApiResponse::bad_parameter(&message));
        }
    }
    let is_missing = |field: &&Field| field.is_required && !body.contains_key(field.name);
    match fields.iter().find(is_missing) {
        None => Ok(()),
        Some(field) => Err(ApiResponse::bad_parameter(&format!(
            "{} is missing from the JSON body: {}",
            field.name, field.about
        ))),
    }
}

fn unknown(place: &str, name: &str, fields: &[Field]) -> ApiResponse {
    let known: Vec<_> = fields.iter().map(|field| field.name).collect();
    let known = match known.is_empty() {
        true => "none".to_owned(),
        false => known.join(", "),
    };
    ApiResponse::bad_parameter(&format!(
        "unknown field {name:.64} in the {place}: the endpoint takes {known}"
    ))
}
