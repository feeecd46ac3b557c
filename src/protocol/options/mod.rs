//! The options map that every verb takes.

// Before the others: rustdoc lists methods in this order.
mod setters;

#[cfg(feature = "documents")]
pub(crate) mod documented;
pub(crate) mod encrypt;
mod from_json;
pub(crate) mod media;
mod suggest;

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

pub(crate) use suggest::unknown_key;

use self::media::Media;
use crate::{
    base::json::type_name,
    error::{Cause, cause::Result, value::shown},
};

/// The options of a call: template variables, a body, a query, headers and settings.
///
/// Built from a JSON map, like the PHP SDK's array, from typed setters, or from both. The keys `json`
/// `query` `xml` `body` `headers` `base_uri` `security` `nonceless` `sink` `timeout`
/// `connect_timeout` `allow_redirects` mean what they mean in the PHP SDK; every other key is a
/// template variable. A key that is neither known nor in the template is an error that names the
/// nearest match. A value of `null` counts as not given.
///
/// Options belong to the program. Put what a customer typed into [`var`](Options::var) or into the
/// body, never into a key.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use wechatpay_chain::{Options, json};
///
/// let options = Options::from(json!({
///     "out_order_no": "1234323JKHDFE1243252",
///     "json": { "appid": "wxd678efh567hg6787", "service_id": "500001" },
/// }))
/// .timeout(Duration::from_secs(5));
/// # let _ = options;
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct Options {
    pub(crate) request: RequestOptions,
    pub(crate) send: SendOptions,
    pub(crate) response: ResponseOptions,
    /// The first mistake that a setter found. Setters are infallible, so that they chain; the verb
    /// returns it.
    fault: Option<String>,
}

/// What is asked: everything that decides the bytes of the request.
#[derive(Clone, Default)]
pub(crate) struct RequestOptions {
    pub(crate) vars: Vec<Var>,
    pub(crate) json: Option<Value>,
    pub(crate) query: Option<Value>,
    pub(crate) xml: Option<Value>,
    pub(crate) body: Option<Bytes>,
    pub(crate) media: Option<Media>,
    pub(crate) headers: HeaderMap,
    pub(crate) encrypt: Vec<encrypt::Field>,
    #[cfg(feature = "documents")]
    pub(crate) documented: documented::Documented,
    pub(crate) without_nonce: bool,
    pub(crate) unsigned: bool,
}

/// How it travels.
#[derive(Clone, Default)]
pub(crate) struct SendOptions {
    pub(crate) base_uri: Option<String>,
    pub(crate) mutual_tls: bool,
    pub(crate) timeout: Option<Duration>,
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) allow_redirects: bool,
    /// For the upload and for the download: a call has at most one of the two.
    pub(crate) on_progress: Option<OnProgress>,
}

/// Where the response goes, and what it must be.
#[derive(Clone, Default)]
pub(crate) struct ResponseOptions {
    pub(crate) sink: Option<PathBuf>,
    pub(crate) gunzip: bool,
    pub(crate) sha1: Option<[u8; 20]>,
    pub(crate) sha256: Option<[u8; 32]>,
}

/// A progress callback: the bytes so far and the total, if it is known.
pub(crate) type OnProgress = Arc<dyn Fn(u64, Option<u64>) + Send + Sync>;

/// The maximum size in bytes of a body from a file or reader. It is signed as a whole, so all of it is
/// held in memory.
const MAX_BODY: u64 = 16 * 1024 * 1024;

/// The value of a template variable.
#[derive(Clone)]
pub(crate) struct Var {
    pub(crate) name: String,
    pub(crate) value: Value,
}

/// The headers that the client sets itself, or that belong to the connection. A caller's value would
/// break the signature or the framing of the request.
const RESERVED: [&str; 13] = [
    "authorization",
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "expect",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "upgrade",
];

impl Options {
    pub(crate) fn fail(&mut self, fault: String) {
        self.fault.get_or_insert(fault);
    }

    /// Returns the options, or the mistake that a setter or the map found.
    pub(crate) fn check(mut self) -> Result<Self> {
        match self.fault.take() {
            Some(fault) => Err(Cause::request(fault)),
            None => Ok(self),
        }
    }
}

/// Shows names and sizes, never values.
impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let request = &self.request;
        let names = request.vars.iter().map(|var| &var.name).collect::<Vec<_>>();
        let kind = |value: &Option<Value>| value.as_ref().map(type_name);
        f.debug_struct("Options")
            .field("vars", &names)
            .field("json", &kind(&request.json))
            .field("query", &kind(&request.query))
            .field("xml", &kind(&request.xml))
            .field("body", &request.body.as_ref().map(Bytes::len))
            .field("media", &request.media)
            .field("headers", &request.headers.keys().collect::<Vec<_>>())
            .field("timeout", &self.send.timeout)
            .finish_non_exhaustive()
    }
}

/// Parses a header that the caller set.
fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    let parsed = HeaderName::try_from(name).map_err(|_| {
        format!(
            "option `headers`: invalid name {:?}: expected letters, digits and `-` only",
            shown(name)
        )
    })?;
    if RESERVED.contains(&parsed.as_str()) {
        return Err(format!(
            "option `headers` must not set {name}: the client sets it itself"
        ));
    }
    let value = HeaderValue::try_from(value).map_err(|_| {
        format!(
            "option `headers`: the value of {name} ({} bytes) contains a line break or another \
             control character: remove it",
            value.len()
        )
    })?;
    Ok((parsed, value))
}

/// Describes a JSON value by its type and length. Errors never show the value itself, which may be
/// personal data.
pub(crate) fn measure(value: &Value) -> String {
    match value {
        Value::String(text) => format!("a string of {} bytes", text.len()),
        Value::Array(items) => format!("an array of {} items", items.len()),
        Value::Object(map) => format!("an object of {} keys", map.len()),
        other => type_name(other).to_owned(),
    }
}
