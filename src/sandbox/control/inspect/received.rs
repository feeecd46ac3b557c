//! What a request has, read without checks.

use serde_json::{Map, Value};

use super::brief::is_v3;
use crate::{
    catalog::Operation,
    protocol::options::Var,
    sandbox::{
        RecordedRequest,
        checks::multipart,
        dispatch::{
            pipeline,
            request::{parse_query, path_variables},
        },
        state::path_pattern::operation_of,
        v2,
    },
};

/// The largest body that is parsed.
// The largest that any operation takes.
const MAX_BODY: usize = 2 << 20;

pub(super) struct Received<'a> {
    pub(super) operation: Option<&'static Operation>,
    pub(super) vars: Vec<Var>,
    pub(super) query: Map<String, Value>,
    pub(super) query_text: Option<&'a str>,
    pub(super) json: Option<Value>,
    /// The fields of APIv2.
    pub(super) xml: Option<Value>,
    /// The JSON of an upload.
    pub(super) meta: Option<Value>,
}

impl<'a> Received<'a> {
    pub(super) fn new(request: &'a RecordedRequest) -> Self {
        let operation = operation_of(request.method(), request.path());
        let query_text = request.target().split_once('?').map(|(_, query)| query);
        let query = query_text.and_then(|query| parse_query(query).ok());
        let query = query.unwrap_or_default().into_iter();
        let mut received = Self {
            operation,
            vars: operation
                .map(|operation| vars(operation, request.path()))
                .unwrap_or_default(),
            query: query.map(|(name, value)| (name, value.into())).collect(),
            query_text,
            json: None,
            xml: None,
            meta: None,
        };
        let body = request.body();
        if !is_v3(request) {
            let read = v2::read(request.method(), query_text, request.headers(), body);
            received.xml = read.ok().map(|(fields, _)| fields.into());
        } else if let Ok(form) = multipart::parse(request.headers(), body) {
            received.meta = parse(form.meta);
        } else {
            received.json = parse(body);
        }
        received
    }
}

fn vars(operation: &'static Operation, path: &str) -> Vec<Var> {
    let path = pipeline::documented_path(path);
    let variables = path_variables(operation.template(), path)
        .unwrap_or_default()
        .into_iter();
    let var = |(name, value): (&str, String)| Var {
        name: name.to_owned(),
        value: value.into(),
    };
    variables.map(var).collect()
}

fn parse(json: &[u8]) -> Option<Value> {
    let json = json.get(..MAX_BODY).is_none().then_some(json)?;
    serde_json::from_slice(json).ok()
}
