//! The typed setters of the options, for what JSON cannot hold and for those who prefer them to a map.

use std::{
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;

use super::{MAX_BODY, Options, Var, header, media::Media};
use crate::base::crypto::digest;

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
    /// to `false`. A body that is not gzip stays unchanged. [`download`](crate::Chain::download) always
    /// decompresses.
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
