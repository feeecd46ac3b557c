//! The body and the query, before they are signed.

use bytes::Bytes;
use http::Method;
use serde_json::{Map, Value};

use crate::{
    error::{Cause, cause::Result},
    protocol::{
        multipart::Form,
        options::{Options, measure},
        path::Version,
        query,
    },
};

/// The body, before it is signed.
#[derive(Clone)]
pub(crate) enum Payload {
    /// The bytes that are signed and sent.
    Bytes(Bytes),
    /// The fields of an APIv2 body, which carries its signature inside.
    Fields(Map<String, Value>),
    /// The query of an APIv2 GET, a map or a string, which carries its signature inside.
    Query(Value),
    /// A file, of which not all is signed.
    Form(Box<Form>),
}

pub(super) fn add_query(target: &mut String, query: &Value) -> Result<()> {
    let at = target.len();
    target.push('?');
    query::encode(query, target)?;
    if target.len() == at + 1 {
        target.truncate(at);
    }
    Ok(())
}

pub(super) fn payload(
    method: &Method,
    target: &mut String,
    options: &mut Options,
    version: Version,
) -> Result<Payload> {
    if let Some(body) = options.body.take() {
        return Ok(Payload::Bytes(body));
    }
    if let Some(media) = options.media.take() {
        let fields = match version {
            Version::V2 => Some(fields(options.xml.take())?),
            Version::V3 => None,
        };
        let form = Form::new(media, fields, &mut options.headers)?;
        return Ok(Payload::Form(Box::new(form)));
    }
    if version == Version::V2 {
        return if method == Method::GET {
            Ok(Payload::Query(take_query(target, options)))
        } else {
            Ok(Payload::Fields(fields(options.xml.take())?))
        };
    }
    match options.json.take() {
        None => Ok(Payload::Bytes(Bytes::new())),
        Some(json) => serde_json::to_vec(&json)
            .map(|bytes| Payload::Bytes(bytes.into()))
            .map_err(|err| Cause::request("option `json` does not serialize").with_source(err)),
    }
}

/// The query of an APIv2 GET, from the options or from the path: it is put back when it is signed.
fn take_query(target: &mut String, options: &mut Options) -> Value {
    if let Some(query) = options.query.take() {
        return query;
    }
    match target.find('?') {
        Some(at) => {
            let query = target[at + 1..].to_owned();
            target.truncate(at);
            Value::String(query)
        }
        None => Value::Object(Map::new()),
    }
}

fn fields(xml: Option<Value>) -> Result<Map<String, Value>> {
    match xml {
        None => Ok(Map::new()),
        Some(Value::Object(fields)) => Ok(fields),
        // PHP's empty array is both a list and a map.
        Some(Value::Array(items)) if items.is_empty() => Ok(Map::new()),
        Some(other) => Err(Cause::request(format!(
            "option `xml` is {}: APIv2 takes an object of fields",
            measure(&other)
        ))),
    }
}
