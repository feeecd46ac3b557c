//! The one map that a verb takes.

mod encrypt;
mod from_json;
mod suggest;

use std::{
    fmt,
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;
use serde_json::Value;

pub(crate) use encrypt::encrypt;
pub(crate) use suggest::unknown_key;

use super::{media::Media, path::shown};
use crate::{
    base::crypto::digest,
    error::{Cause, cause::Result},
};

/// What a call takes besides its path: template variables, a body, a query, headers and settings.
///
/// Made from a JSON map, as the PHP SDK's array, or by typed setters, or both. The keys `json`
/// `query` `xml` `body` `headers` `base_uri` `security` `nonceless` `sink` `timeout`
/// `connect_timeout` `allow_redirects` mean what they mean in the PHP SDK; every other key fills a
/// template variable. A key that is neither known nor in the template is an error that names the
/// nearest one. `null` is as good as not given.
///
/// Options are the program's own. What a customer typed goes into [`var`](Options::var) or into
/// the body, never in as a key.
///
/// ```
/// use std::time::Duration;
///
/// use serde_json::json;
/// use wechatpay_chain::Options;
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
    pub(crate) vars: Vec<Var>,
    pub(crate) json: Option<Value>,
    pub(crate) query: Option<Value>,
    pub(crate) xml: Option<Value>,
    pub(crate) body: Option<Bytes>,
    pub(crate) media: Option<Media>,
    pub(crate) on_progress: Option<OnProgress>,
    pub(crate) headers: HeaderMap,
    pub(crate) base_uri: Option<String>,
    pub(crate) mutual_tls: bool,
    pub(crate) without_nonce: bool,
    pub(crate) sink: Option<PathBuf>,
    pub(crate) gunzip: bool,
    pub(crate) sha1: Option<[u8; 20]>,
    pub(crate) sha256: Option<[u8; 32]>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) allow_redirects: bool,
    pub(crate) unsigned: bool,
    pub(crate) encrypt: Vec<encrypt::Field>,
    /// The first thing that was wrong: reported at the verb.
    pub(crate) fault: Option<String>,
}

/// Told of bytes that have gone or come, and of how many there are, where that is known.
pub(crate) type OnProgress = Arc<dyn Fn(u64, Option<u64>) + Send + Sync>;

/// The most that is read of a body from a file or another reader, which is signed as a whole.
const MAX_BODY: u64 = 16 * 1024 * 1024;

/// A value for a template variable.
#[derive(Clone)]
pub(crate) struct Var {
    pub(crate) name: String,
    pub(crate) value: Value,
}

/// The headers that belong to the protocol or to the connection.
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
    /// No options.
    pub fn new() -> Self {
        Self::default()
    }

    /// Fills the template variable `name`, and nothing else: it reaches a variable that is named
    /// like an option, and is the place for a value that comes from outside.
    pub fn var(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        let name = name.into();
        self.vars.retain(|var| var.name != name);
        self.vars.push(Var {
            name,
            value: value.into(),
        });
        self
    }

    /// The JSON body; its keys keep their order. Option `json`.
    pub fn json(mut self, body: impl Serialize) -> Self {
        self.json = self.value("json", body);
        self
    }

    /// The query: a map, encoded as the PHP SDK encodes it, or a string. Option `query`.
    pub fn query(mut self, query: impl Serialize) -> Self {
        self.query = self.value("query", query);
        self
    }

    /// The fields of an APIv2 request. Option `xml`.
    pub fn xml(mut self, fields: impl Serialize) -> Self {
        self.xml = self.value("xml", fields);
        self
    }

    /// The body as it stands, which is also what is signed. Option `body`.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// The body out of a reader, which is read to its end here and now: a body is signed as a
    /// whole, so it is held in memory, and one of more than 16 MiB is refused at the verb. What is
    /// larger is uploaded by [`media`](Options::media), which is streamed.
    pub fn body_reader(mut self, reader: impl Read) -> Self {
        let mut bytes = Vec::new();
        match reader.take(MAX_BODY + 1).read_to_end(&mut bytes) {
            Ok(_) if bytes.len() as u64 > MAX_BODY => self.fail(format!(
                "option `body` is longer than {MAX_BODY} bytes: it is signed as a whole; upload \
                 a large file by media(…)"
            )),
            Ok(_) => self.body = Some(bytes.into()),
            Err(err) => self.fail(format!("option `body` cannot be read: {err}")),
        }
        self
    }

    /// The body out of a file: as [`body_reader`](Options::body_reader).
    pub fn body_file(mut self, path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        match std::fs::File::open(path) {
            Ok(file) => self.body_reader(file),
            Err(err) => {
                self.fail(format!("option `body`: the file {}: {err}", path.display()));
                self
            }
        }
    }

    /// Uploads a file, as `multipart/form-data`: with its `meta` on APIv3; on APIv2 with the
    /// fields of the option `xml`, to which `media_hash` and the sign are added. A Content-Type
    /// given by [`header`](Options::header) brings its own boundary.
    pub fn media(mut self, media: Media) -> Self {
        self.media = Some(media);
        self
    }

    /// Is told how the upload of a [`media`](Options::media) or the download into a
    /// [`sink`](Options::sink) goes: the bytes of the file so far, and how many there are, where
    /// that is known. An attempt that is made again begins at 0 again.
    ///
    /// It is called where the call is awaited: on the thread of a blocking verb, or in the task
    /// that polls an async one. A slow callback holds up this call and no other. A blocking verb
    /// called inside it is an error.
    ///
    /// ```
    /// use wechatpay_chain::{Media, Options};
    ///
    /// let options = Options::new()
    ///     .media(Media::from_bytes("a.png", "…"))
    ///     .on_progress(|bytes, total| println!("{bytes} of {total:?}"));
    /// # let _ = options;
    /// ```
    pub fn on_progress(mut self, told: impl Fn(u64, Option<u64>) + Send + Sync + 'static) -> Self {
        self.on_progress = Some(Arc::new(told));
        self
    }

    /// Adds a header; it wins over one that the client would set. `Authorization`, `Host`,
    /// `Content-Length` and the connection's own headers are refused. Option `headers`.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        match header(name, value) {
            Ok((name, value)) => {
                self.headers.append(name, value);
            }
            Err(fault) => self.fail(fault),
        }
        self
    }

    /// Another base URI for this call, with or without a path; the host rule holds.
    /// Option `base_uri`.
    pub fn base_uri(mut self, uri: impl Into<String>) -> Self {
        self.base_uri = Some(uri.into());
        self
    }

    /// Presents the merchant's API certificate to the server. Option `security`.
    pub fn mutual_tls(mut self) -> Self {
        self.mutual_tls = true;
        self
    }

    /// Adds no `nonce_str` to an APIv2 request. Option `nonceless`.
    pub fn without_nonce(mut self) -> Self {
        self.without_nonce = true;
        self
    }

    /// Writes the body of a successful answer to this file instead of memory. Option `sink`.
    ///
    /// The path is resolved at the verb, and a directory is refused there. What comes is written
    /// beside it (`.wechatpay-….part`, readable by its owner alone) and put in its place when it is
    /// whole, so that a file of that name is replaced all at once or not at all; a call that fails
    /// or is dropped removes what it wrote. An error answer never comes into the file.
    ///
    /// The documented unsigned downloads, and the files that [`download`](crate::Chain::download)
    /// fetches, are streamed, in memory that does not grow with them; mind the [`timeout`](Options::timeout), which is over the whole call. An answer whose signature
    /// covers it is held in memory, up to the client's `max_response`, until it has verified.
    ///
    /// [`Response::file`](crate::Response::file) tells what was written.
    pub fn sink(mut self, path: impl Into<PathBuf>) -> Self {
        self.sink = Some(path.into());
        self
    }

    /// Unpacks the body where it is gzip, as bills are that were asked for with `tar_type`; what is
    /// not gzip stays as it is. In memory, what comes out counts against the client's
    /// `max_response`; into a [`sink`](Options::sink) it may be of any size.
    pub fn gunzip(mut self) -> Self {
        self.gunzip = true;
        self
    }

    /// The SHA-1 that the body must have, in hexadecimal: a bill's `hash_value`. WeChat Pay takes
    /// it over the unpacked file, so a gzip is unpacked for it, whether or not it is kept so.
    /// Where it is another, the call is an error, and no file is left.
    pub fn expect_sha1(mut self, hash_value: impl AsRef<str>) -> Self {
        match digest::from_hex(hash_value.as_ref()) {
            Some(sha1) => self.sha1 = Some(sha1),
            None => self.fail(format!(
                "expect_sha1 is given {} bytes: a SHA-1 is 40 hexadecimal digits",
                hash_value.as_ref().len()
            )),
        }
        self
    }

    /// The SHA-256 that the body must have, in hexadecimal: as [`expect_sha1`](Options::expect_sha1),
    /// and besides it where both are given.
    ///
    /// ```
    /// # let receipt = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    /// let options = wechatpay_chain::Options::new().expect_sha256(receipt);
    /// # let _ = options;
    /// ```
    pub fn expect_sha256(mut self, hash_value: impl AsRef<str>) -> Self {
        match digest::from_hex(hash_value.as_ref()) {
            Some(sha256) => self.sha256 = Some(sha256),
            None => self.fail(format!(
                "expect_sha256 is given {} bytes: a SHA-256 is 64 hexadecimal digits",
                hash_value.as_ref().len()
            )),
        }
        self
    }

    /// How long the whole call may take, retries included; zero is no limit. Option `timeout`,
    /// in seconds.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// How long connecting may take; zero is no limit. Option `connect_timeout`, in seconds.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = Some(timeout);
        self
    }

    /// Follows redirects, on GET and inside the host rule only, signed afresh.
    /// Option `allow_redirects`.
    pub fn allow_redirects(mut self, allow: bool) -> Self {
        self.allow_redirects = allow;
        self
    }

    /// Sends a GET without a signature and takes the answer without one: for invoice files on
    /// `pay.wechatpay.cn`.
    pub fn unsigned(mut self) -> Self {
        self.unsigned = true;
        self
    }

    pub(crate) fn fail(&mut self, fault: String) {
        self.fault.get_or_insert(fault);
    }

    fn value(&mut self, option: &str, value: impl Serialize) -> Option<Value> {
        match serde_json::to_value(value) {
            Ok(value) => Some(value),
            Err(err) => {
                self.fail(format!("option `{option}` is no JSON value: {err}"));
                None
            }
        }
    }
}

/// Shows names and sizes, never values.
impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.vars.iter().map(|var| &var.name).collect::<Vec<_>>();
        let kind = |value: &Option<Value>| value.as_ref().map(type_of);
        f.debug_struct("Options")
            .field("vars", &names)
            .field("json", &kind(&self.json))
            .field("query", &kind(&self.query))
            .field("xml", &kind(&self.xml))
            .field("body", &self.body.as_ref().map(Bytes::len))
            .field("media", &self.media)
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// Checks a header that the caller gives.
fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    let parsed = HeaderName::try_from(name).map_err(|_| {
        format!(
            "option `headers`: {:?} is no header name: letters, digits and `-` only",
            shown(name)
        )
    })?;
    if RESERVED.contains(&parsed.as_str()) {
        return Err(format!(
            "option `headers` may not set {name}: the client sets it itself"
        ));
    }
    let value = HeaderValue::try_from(value).map_err(|_| {
        format!(
            "option `headers`: the value of {name} ({} bytes) holds a line break or another \
             control character: remove it",
            value.len()
        )
    })?;
    Ok((parsed, value))
}

/// The name of a JSON value's type, for errors.
pub(crate) fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// A JSON value's type, and its length where it has one: what an error may tell of it.
pub(crate) fn measure(value: &Value) -> String {
    match value {
        Value::String(text) => format!("a string of {} bytes", text.len()),
        Value::Array(items) => format!("an array of {} items", items.len()),
        Value::Object(map) => format!("an object of {} keys", map.len()),
        other => type_of(other).to_owned(),
    }
}

/// The options as one error at the verb, where a setter or the map found a fault.
pub(crate) fn sound(mut options: Options) -> Result<Options> {
    match options.fault.take() {
        Some(fault) => Err(Cause::request(fault)),
        None => Ok(options),
    }
}
