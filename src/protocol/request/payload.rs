//! The payload: the body and the query before they are signed.

use bytes::Bytes;
use http::Method;
use serde_json::{Map, Value};

use crate::{
    error::{Cause, cause::Result},
    protocol::{
        options::{RequestOptions, measure},
        request::multipart::Form,
        url::{path::Version, query},
    },
};

/// The body of a request before it is signed.
///
/// APIv2 puts its signature inside the body or the query, so those are kept as fields: each attempt
/// signs them again, with a new nonce.
#[derive(Clone)]
pub(crate) enum Payload {
    /// The bytes, signed and sent unchanged.
    Bytes(Bytes),
    /// The fields of an APIv2 body, which carries its signature inside.
    Fields(Map<String, Value>),
    /// The query of an APIv2 GET, a map or a string, which carries its signature inside.
    Query(Value),
    /// An upload, of which only a part is signed: the `meta` or the fields, not the file itself.
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
    request: &mut RequestOptions,
    version: Version,
) -> Result<Payload> {
    if let Some(body) = request.body.take() {
        return Ok(Payload::Bytes(body));
    }
    if let Some(media) = request.media.take() {
        let fields = match version {
            Version::V2 => Some(fields(request.xml.take())?),
            Version::V3 => None,
        };
        let form = Form::new(media, fields, &mut request.headers)?;
        return Ok(Payload::Form(Box::new(form)));
    }
    if version == Version::V2 {
        return if method == Method::GET {
            Ok(Payload::Query(take_query(target, request)))
        } else {
            Ok(Payload::Fields(fields(request.xml.take())?))
        };
    }
    match request.json.take() {
        None => Ok(Payload::Bytes(Bytes::new())),
        Some(json) => serde_json::to_vec(&json)
            .map(|bytes| Payload::Bytes(bytes.into()))
            .map_err(|err| Cause::request("option `json` does not serialize").with_source(err)),
    }
}

/// Takes the query of an APIv2 GET from the options or the path. Signing appends it again.
fn take_query(target: &mut String, request: &mut RequestOptions) -> Value {
    if let Some(query) = request.query.take() {
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
        // PHP writes an empty map as an empty list.
        Some(Value::Array(items)) if items.is_empty() => Ok(Map::new()),
        Some(other) => Err(Cause::request(format!(
            "option `xml` is {}: expected an object of fields",
            measure(&other)
        ))),
    }
}
