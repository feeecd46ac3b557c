//! The options map that every verb takes, and its typed setters.

mod encrypt;
mod from_json;
pub(crate) mod media;
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

use self::media::Media;
use crate::{
    base::{crypto::digest, json::type_name},
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
    /// Creates empty options.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the template variable `name`, and nothing else.
    ///
    /// It reaches a variable that has the name of an option, and it is the right place for a value
    /// from outside the program.
    pub fn var(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        let name = name.into();
        self.request.vars.retain(|var| var.name != name);
        self.request.vars.push(Var {
            name,
            value: value.into(),
        });
        self
    }

    /// Sets the JSON body. Keys keep their order. Option `json`.
    pub fn json(mut self, body: impl Serialize) -> Self {
        self.request.json = self.value("json", body);
        self
    }

    /// Sets the query: a map, encoded as the PHP SDK encodes it, or a string. Option `query`.
    pub fn query(mut self, query: impl Serialize) -> Self {
        self.request.query = self.value("query", query);
        self
    }

    /// Sets the fields of an APIv2 request. Option `xml`.
    pub fn xml(mut self, fields: impl Serialize) -> Self {
        self.request.xml = self.value("xml", fields);
        self
    }

    /// Sets the body to these bytes, which are signed and sent unchanged. Option `body`.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.request.body = Some(body.into());
        self
    }

    /// Reads the body from a reader, to its end, before this returns.
    ///
    /// A body is signed as a whole, so it is held in memory, and more than 16 MiB is an error at the
    /// verb. Upload larger files with [`media`](Options::media), which streams them.
    pub fn body_reader(mut self, reader: impl Read) -> Self {
        let mut bytes = Vec::new();
        match reader.take(MAX_BODY + 1).read_to_end(&mut bytes) {
            Ok(_) if bytes.len() as u64 > MAX_BODY => self.fail(format!(
                "option `body` is longer than {MAX_BODY} bytes, the maximum of a body that is \
                 signed as a whole: upload a large file with media(…)"
            )),
            Ok(_) => self.request.body = Some(bytes.into()),
            Err(err) => self.fail(format!("option `body` cannot be read: {err}")),
        }
        self
    }

    /// Reads the body from a file, as [`body_reader`](Options::body_reader) does.
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

    /// Uploads a file as `multipart/form-data`.
    ///
    /// APIv3 sends it with its `meta`. APIv2 sends it with the fields of the option `xml`, to which
    /// `media_hash` and the signature are added. A Content-Type set by [`header`](Options::header)
    /// replaces the boundary.
    pub fn media(mut self, media: Media) -> Self {
        self.request.media = Some(media);
        self
    }

    /// Sets a callback for the progress of the upload of a [`media`](Options::media) or the download
    /// into a [`sink`](Options::sink): the bytes so far, and the total if it is known.
    ///
    /// A repeated attempt starts at 0 again. The callback runs where the call is awaited: on the
    /// thread of a blocking verb, or in the task that polls an async one. A slow callback delays
    /// this call only. A blocking verb inside it returns an error.
    ///
    /// # Examples
    ///
    /// ```
    /// use wechatpay_chain::{Media, Options};
    ///
    /// let options = Options::new()
    ///     .media(Media::from_bytes("a.png", "…"))
    ///     .on_progress(|bytes, total| println!("{bytes} of {total:?}"));
    /// # let _ = options;
    /// ```
    pub fn on_progress(
        mut self,
        callback: impl Fn(u64, Option<u64>) + Send + Sync + 'static,
    ) -> Self {
        self.send.on_progress = Some(Arc::new(callback));
        self
    }

    /// Adds a header, which replaces one that the client would set. Option `headers`.
    ///
    /// `Authorization`, `Host`, `Content-Length` and the headers of the connection are errors at the
    /// verb.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        match header(name, value) {
            Ok((name, value)) => {
                self.request.headers.append(name, value);
            }
            Err(fault) => self.fail(fault),
        }
        self
    }

    /// Sets the base URI of this call, with or without a path. Option `base_uri`.
    ///
    /// The host must be one that signed requests may go to; see
    /// [`ClientBuilder::trust_host`](crate::ClientBuilder::trust_host).
    pub fn base_uri(mut self, uri: impl Into<String>) -> Self {
        self.send.base_uri = Some(uri.into());
        self
    }

    /// Sets whether the merchant's API certificate is presented in TLS. Defaults to `false`. Option
    /// `security`.
    ///
    /// Requires [`ClientBuilder::client_identity`](crate::ClientBuilder::client_identity).
    pub fn mutual_tls(mut self, enabled: bool) -> Self {
        self.send.mutual_tls = enabled;
        self
    }

    /// Sets whether an APIv2 request goes without a `nonce_str`. Defaults to `false`. Option
    /// `nonceless`.
    pub fn without_nonce(mut self, enabled: bool) -> Self {
        self.request.without_nonce = enabled;
        self
    }

    /// Writes the body of a successful response to this file instead of memory. Option `sink`.
    ///
    /// The path is resolved at the verb; a directory is an error there. The data is written next to
    /// it (`.wechatpay-….part`, readable by its owner only) and renamed when it is complete, so an
    /// existing file is replaced as a whole or not at all. A call that fails or is dropped removes
    /// what it wrote. The body of an error response never reaches the file.
    ///
    /// Documented unsigned downloads, and the files that [`download`](crate::Chain::download)
    /// fetches, are streamed: memory does not grow with their size. Mind the
    /// [`timeout`](Options::timeout), which covers the whole call. A signed response is held in
    /// memory, up to the client's `max_response`, until it is verified.
    ///
    /// [`Response::file`](crate::Response::file) returns what was written.
    pub fn sink(mut self, path: impl Into<PathBuf>) -> Self {
        self.response.sink = Some(path.into());
        self
    }

    /// Sets whether a gzip body is decompressed, such as a bill requested with `tar_type`. Defaults
    /// to `false`. A body that is not gzip stays unchanged.
    ///
    /// In memory, the decompressed size counts against the client's `max_response`; in a
    /// [`sink`](Options::sink) it may be any size.
    pub fn gunzip(mut self, enabled: bool) -> Self {
        self.response.gunzip = enabled;
        self
    }

    /// Sets the SHA-1 that the body must have, in hexadecimal: the `hash_value` of a bill.
    ///
    /// WeChat Pay computes it over the decompressed file, so gzip is decompressed for the check even
    /// if it is stored compressed. If the hash differs, the call returns an error and keeps no file.
    pub fn expect_sha1(mut self, hash_value: impl AsRef<str>) -> Self {
        match digest::from_hex(hash_value.as_ref()) {
            Some(sha1) => self.response.sha1 = Some(sha1),
            None => self.fail(format!(
                "invalid hash for expect_sha1 ({} bytes): expected 40 hexadecimal digits",
                hash_value.as_ref().len()
            )),
        }
        self
    }

    /// Sets the SHA-256 that the body must have, in hexadecimal, like
    /// [`expect_sha1`](Options::expect_sha1). If both are set, both must match.
    ///
    /// # Examples
    ///
    /// ```
    /// # let receipt = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    /// let options = wechatpay_chain::Options::new().expect_sha256(receipt);
    /// # let _ = options;
    /// ```
    pub fn expect_sha256(mut self, hash_value: impl AsRef<str>) -> Self {
        match digest::from_hex(hash_value.as_ref()) {
            Some(sha256) => self.response.sha256 = Some(sha256),
            None => self.fail(format!(
                "invalid hash for expect_sha256 ({} bytes): expected 64 hexadecimal digits",
                hash_value.as_ref().len()
            )),
        }
        self
    }

    /// Sets the timeout of the whole call, retries included. Zero means no timeout. Defaults to the
    /// client's. Option `timeout`, in seconds.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.send.timeout = Some(timeout);
        self
    }

    /// Sets the timeout for establishing a connection. Zero means no timeout. Defaults to the
    /// client's. Option `connect_timeout`, in seconds.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.send.connect_timeout = Some(timeout);
        self
    }

    /// Sets whether a GET follows redirects, to hosts that signed requests may go to. Each is signed
    /// again. Defaults to `false`. Option `allow_redirects`.
    pub fn allow_redirects(mut self, enabled: bool) -> Self {
        self.send.allow_redirects = enabled;
        self
    }

    /// Sets whether a GET is sent without a signature and its response accepted without one: for
    /// invoice files on `pay.wechatpay.cn`. Defaults to `false`.
    pub fn unsigned(mut self, enabled: bool) -> Self {
        self.request.unsigned = enabled;
        self
    }

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

    fn value(&mut self, option: &str, value: impl Serialize) -> Option<Value> {
        match serde_json::to_value(value) {
            Ok(value) => Some(value),
            Err(err) => {
                self.fail(format!("option `{option}` is not a JSON value: {err}"));
                None
            }
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
