//! Downloads a file in two steps: one request returns the file's URL and hash, another one fetches it.

use std::{sync::Arc, time::Instant};

use http::Method;
use serde_json::Value;

use super::{Call, run};
use crate::{
    base::json,
    client::{Chain, Response, chain::remaining, core::Core, response::open_sink},
    error::{Cause, Error, ErrorKind, Outcome, Result, SentError, cause, value::shown},
    protocol::{
        options::Options,
        request::{self, Draft},
        response::file::{FileHash, NamedFile},
    },
    wire::Reports,
};

/// The template of the second request. Logs and errors show it instead of the URL, which contains a
/// token.
const FILE: &str = "{+download_url}";

/// The fields that may hold the URL: `download_url` for bills and receipts, `url` for the flows of
/// coupons.
const URL_FIELDS: [&str; 2] = ["download_url", "url"];

/// Where a file is, and its hash: from the response to the first request.
#[derive(Debug)]
struct FileLocation {
    url: String,
    hash: Option<FileHash>,
}

impl Chain {
    /// The async form of [`download`](Chain::download).
    pub fn download_async(&self, options: impl Into<Options>) -> Call {
        let mut options = options.into();
        if options.request.unsigned {
            options.fail(
                "option `unsigned` is not allowed with download(), whose first request is signed: \
                 fetch a file itself with get()"
                    .into(),
            );
        }
        // How the two requests travel is the same for both, but the response is about the file. It
        // moves to the second request, and so does the progress.
        let mut second = Options::new();
        second.send.base_uri.clone_from(&options.send.base_uri);
        second.send.connect_timeout = options.send.connect_timeout;
        second.send.allow_redirects = options.send.allow_redirects;
        second.send.on_progress = options.send.on_progress.take();
        second.response = std::mem::take(&mut options.response);
        second.response.gunzip = true;
        let sink = second.response.sink.take();
        let sink = sink.map(request::absolute).transpose();
        let first = self.draft(Method::GET, options);
        let core = Arc::clone(self.core_arc());
        Call::reporting(|reports| async move {
            second.response.sink = sink.map_err(Cause::not_sent)?;
            download(core, first.map_err(Cause::not_sent)?, second, reports).await
        })
    }
}

async fn download(
    core: Arc<Core>,
    first: Draft,
    second: Options,
    reports: Reports,
) -> Result<Response> {
    let start = Instant::now();
    let limit = first.send.timeout;
    let template = first.template.clone();
    let in_call = |err: Error| err.in_call(&Method::GET, &template);
    // Creates and removes the partial file once: a sink that cannot be written is an error before
    // anything is sent.
    let sink = open_sink(second.response.sink.clone()).await;
    drop(sink.map_err(|cause| in_call(cause.not_sent()))?);
    let named_by = run::execute(Arc::clone(&core), first, Reports::default()).await?;
    let mut second =
        second_request(&core, &named_by, second).map_err(|err| in_call(Error::from(err)))?;
    second.send.timeout = remaining(limit, start);
    run::execute(core, second, reports).await
}

/// Makes the draft for the file that a response names.
fn second_request(core: &Core, named_by: &Response, options: Options) -> Result<Draft, SentError> {
    // The trust in the file comes from the response that names it, through the hash. An unsigned
    // response is not trusted itself.
    let Some(serial) = named_by.verification().serial() else {
        return Err(Cause::new(
            ErrorKind::Verification,
            "the response that names the file is documented as unsigned, so the file cannot be \
             trusted: fetch a file itself with get()",
        )
        .with_outcome(Outcome::Unknown));
    };
    // The response verified, so whatever is wrong with its content, the first request is done.
    let done = |cause: Cause| cause.with_outcome(Outcome::Done);
    let location = FileLocation::parse(named_by.bytes()).map_err(done)?;
    // The URL goes through the same template and host rule as everything else: a response cannot make
    // the client send a signed request to a stranger.
    let options = options.var("download_url", location.url);
    let draft = Draft::new(Method::GET, FILE, options, core.setup(), core.trust());
    let mut draft = draft.map_err(|err| {
        done(Cause::new(
            ErrorKind::Decode,
            format!("the file that the response names cannot be downloaded: {err}"),
        ))
    })?;
    draft.response.file.named = location.hash.map(|hash| NamedFile {
        serial: serial.to_owned(),
        hash,
    });
    Ok(draft)
}

impl FileLocation {
    /// # Errors
    /// Returns an error if the response names no file, or a hash that cannot be checked.
    fn parse(body: &[u8]) -> cause::Result<Self> {
        let wrong = |what: String| Cause::new(ErrorKind::Decode, what);
        let body: Value = json::parse(body).map_err(|fault| {
            wrong(format!(
                "the response ({} bytes) is not JSON and names no file ({fault}): fetch a file \
                 itself with get()",
                body.len()
            ))
        })?;
        let url = URL_FIELDS
            .iter()
            .find_map(|name| text(&body, name).transpose());
        let Some(url) = url.transpose().map_err(wrong)? else {
            return Err(wrong(no_url(&body)));
        };
        let kind = text(&body, "hash_type").map_err(wrong)?;
        let value = text(&body, "hash_value").map_err(wrong)?;
        let hash = match value {
            Some(value) => Some(FileHash::parse(kind, value)?),
            None if kind.is_some() => {
                return Err(wrong(
                    "the response has a `hash_type` but no `hash_value`".into(),
                ));
            }
            None => None,
        };
        Ok(Self {
            url: url.to_owned(),
            hash,
        })
    }
}

/// Returns the text of a field, or `None` if it is absent, null or empty.
///
/// # Errors
/// Returns an error if the field is not a string. Ignoring such a hash would skip its check.
fn text<'v>(body: &'v Value, name: &str) -> Result<Option<&'v str>, String> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
        Some(_) => Err(format!("`{name}` in the response is not a string")),
    }
}

fn no_url(body: &Value) -> String {
    // A receipt is requested first, and its file is ready some minutes later.
    let state = ["state", "signature_status"]
        .iter()
        .find_map(|name| Some((name, body.get(name)?.as_str()?)));
    match state {
        Some((name, state)) => format!(
            "the response has neither `download_url` nor `url`, and its `{name}` is `{}`: the \
             file may not be ready yet",
            shown(state)
        ),
        None => "the response has neither `download_url` nor `url`: download() is for operations \
                 that name a file; fetch a file itself with get()"
            .into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SHA1: &str = "a9993e364706816aba3e25717850c26c9cd0d89d";

    fn read(body: &Value) -> Result<FileLocation, String> {
        FileLocation::parse(body.to_string().as_bytes()).map_err(|cause| cause.to_string())
    }

    #[test]
    fn url_and_hash_are_read_from_either_field() {
        let sha256 = "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD";
        for (body, url, hash) in [
            (json!({"download_url": "u"}), "u", None),
            (json!({"url": "u", "hash_value": null}), "u", None),
            (
                json!({"download_url": "", "url": "u", "hash_type": "", "hash_value": ""}),
                "u",
                None,
            ),
            (
                json!({"url": "x", "download_url": "u", "hash_value": SHA1}),
                "u",
                Some("SHA-1"),
            ),
            (
                json!({"url": "u", "hash_type": "SHA256", "hash_value": sha256}),
                "u",
                Some("SHA-256"),
            ),
        ] {
            let location = read(&body).unwrap();
            assert_eq!(location.url, url, "{body}");
            assert_eq!(location.hash.map(|hash| hash.name()), hash, "{body}");
        }
    }

    #[test]
    fn response_without_file_or_known_hash_is_an_error() {
        for (body, text) in [
            (json!({"hash_value": SHA1}), "neither `download_url` nor"),
            (json!(["u"]), "neither `download_url` nor `url`"),
            (json!({"state": "GENERATING"}), "`state` is `GENERATING`"),
            (
                json!({"download_url": 1}),
                "`download_url` in the response is not a string",
            ),
            (
                json!({"url": "u", "hash_type": "SM3", "hash_value": "x"}),
                "unsupported `hash_type` `SM3`",
            ),
            (
                json!({"url": "u", "hash_value": "a9"}),
                "expected a SHA1 in hexadecimal",
            ),
            (
                json!({"url": "u", "hash_type": "SHA1", "hash_value": [1]}),
                "`hash_value` in the response is not a string",
            ),
            (
                json!({"url": "u", "hash_type": "SHA1", "hash_value": ""}),
                "but no `hash_value`",
            ),
        ] {
            let err = read(&body).unwrap_err();
            assert!(err.contains(text), "{err}");
        }
        assert!(FileLocation::parse(b"<xml/>").is_err());
    }
}
