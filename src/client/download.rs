//! The two steps of a bill as one call: the API says where the file is and what it hashes to, then
//! the file is fetched and seen to be that.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use http::Method;
use serde_json::Value;

use super::{Call, Chain, Response, core::Core, exchange, receive};
use crate::{
    base::json,
    error::{Cause, Error, Kind, Outcome, Result, SentError, cause},
    protocol::{
        file::{FileHash, NamedFile},
        options::Options,
        path::shown,
        request::{self, Draft},
    },
    wire::Reports,
};

/// The second step's path. The URL itself, with its token, is in no error and no log.
const FILE: &str = "{+download_url}";

/// Under which names the first step's response may give the URL: bills and receipts, and the flows
/// of coupons.
const URLS: [&str; 2] = ["download_url", "url"];

/// What the first step's response names.
#[derive(Debug)]
struct Place {
    url: String,
    hash: Option<FileHash>,
}

impl Chain {
    /// The future of [`download`](Chain::download).
    pub fn download_async(&self, options: impl Into<Options>) -> Call {
        let mut options = options.into();
        if options.unsigned {
            options.fail(
                "unsigned() is for a file itself, fetched by get(): download() begins with a \
                 signed request, whose verified response names the file"
                    .into(),
            );
        }
        let mut second = Options::new();
        // What is about the file is not about the answer that names it.
        let sink = options.sink.take().map(request::absolute).transpose();
        second.on_progress = options.on_progress.take();
        second.sha1 = options.sha1.take();
        second.sha256 = options.sha256.take();
        second.connect_timeout = options.connect_timeout;
        second.allow_redirects = options.allow_redirects;
        second.base_uri.clone_from(&options.base_uri);
        second.gunzip = true;
        options.gunzip = false;
        let first = self.draft(Method::GET, options);
        let core = Arc::clone(self.core_arc());
        Call::of(|reports| async move {
            second.sink = sink.map_err(Cause::not_sent)?;
            both(core, first.map_err(Cause::not_sent)?, second, reports).await
        })
    }
}

async fn both(
    core: Arc<Core>,
    first: Draft,
    second: Options,
    reports: Reports,
) -> Result<Response> {
    let began = Instant::now();
    let limit = first.settings.timeout;
    let template = first.template.clone();
    let in_call = |err: Error| err.in_call(&Method::GET, &template);
    // A sink that cannot be is told before anything is sent.
    let sink = receive::open(second.sink.clone()).await;
    drop(sink.map_err(|fault| in_call(fault.not_sent()))?);
    let named_by = exchange::execute(Arc::clone(&core), first, Reports::default()).await?;
    let mut second =
        second_step(&core, &named_by, second).map_err(|err| in_call(Error::from(err)))?;
    if !limit.is_zero() {
        // Nothing left is not the same as no limit.
        let left = limit.saturating_sub(began.elapsed());
        second.settings.timeout = left.max(Duration::from_millis(1));
    }
    exchange::execute(core, second, reports).await
}

/// The request for the file that a response names.
fn second_step(core: &Core, named_by: &Response, options: Options) -> Result<Draft, SentError> {
    let Some(serial) = named_by.verification().serial() else {
        return Err(Cause::new(
            Kind::Signature,
            "the response that should name a file is documented as unsigned, so what it names \
             cannot be trusted: fetch a file itself with get()",
        )
        .with_outcome(Outcome::Unknown));
    };
    // The response verified: whatever is wrong with it, the request for it is done.
    let done = |cause: Cause| cause.with_outcome(Outcome::Done);
    let place = Place::read(named_by.bytes()).map_err(done)?;
    let options = options.var("download_url", place.url);
    let draft = Draft::new(Method::GET, FILE, options, core.setup(), core.trust());
    let mut draft = draft.map_err(|err| {
        done(Cause::new(
            Kind::Decode,
            format!("the response names a file that is not fetched: {err}"),
        ))
    })?;
    draft.settings.wishes.named = place.hash.map(|hash| NamedFile {
        serial: serial.to_owned(),
        hash,
    });
    Ok(draft)
}

impl Place {
    /// # Errors
    /// Where the response names no file, or a hash that cannot be checked.
    fn read(body: &[u8]) -> cause::Result<Self> {
        let wrong = |what: String| Cause::new(Kind::Decode, what);
        let body: Value = json::parse(body).map_err(|fault| {
            wrong(format!(
                "the response ({} bytes) is not JSON, so it names no file ({fault}): fetch a file \
                 itself with get()",
                body.len()
            ))
        })?;
        let url = URLS.iter().find_map(|name| text(&body, name).transpose());
        let Some(url) = url.transpose().map_err(wrong)? else {
            return Err(wrong(no_url(&body)));
        };
        let kind = text(&body, "hash_type").map_err(wrong)?;
        let value = text(&body, "hash_value").map_err(wrong)?;
        let hash = match value {
            Some(value) => Some(FileHash::parse(kind, value)?),
            None if kind.is_some() => {
                return Err(wrong(
                    "the response gives the `hash_type` of a file and no `hash_value`".into(),
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

/// The text of a field; nothing where it is absent, null or empty.
///
/// # Errors
/// Where it is something else, which is not the same as absent.
fn text<'v>(body: &'v Value, name: &str) -> Result<Option<&'v str>, String> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
        Some(_) => Err(format!("the response's `{name}` is not a text")),
    }
}

fn no_url(body: &Value) -> String {
    // A receipt is applied for, and its file is there some minutes later.
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

    fn read(body: &Value) -> Result<Place, String> {
        Place::read(body.to_string().as_bytes()).map_err(|cause| cause.to_string())
    }

    #[test]
    fn a_file_is_named_by_either_field_and_either_hash() {
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
            let place = read(&body).unwrap();
            assert_eq!(place.url, url, "{body}");
            assert_eq!(place.hash.map(|hash| hash.name()), hash, "{body}");
        }
    }

    #[test]
    fn what_names_no_file_or_no_hash_that_can_be_checked_says_so() {
        for (body, text) in [
            (json!({"hash_value": SHA1}), "neither `download_url` nor"),
            (json!(["u"]), "neither `download_url` nor `url`"),
            (json!({"state": "GENERATING"}), "`state` is `GENERATING`"),
            (json!({"download_url": 1}), "`download_url` is not a text"),
            (
                json!({"url": "u", "hash_type": "SM3", "hash_value": "x"}),
                "of the type `SM3`",
            ),
            (json!({"url": "u", "hash_value": "a9"}), "is not a SHA1"),
            (
                json!({"url": "u", "hash_type": "SHA1", "hash_value": [1]}),
                "`hash_value` is not a text",
            ),
            (
                json!({"url": "u", "hash_type": "SHA1", "hash_value": ""}),
                "and no `hash_value`",
            ),
        ] {
            let err = read(&body).unwrap_err();
            assert!(err.contains(text), "{err}");
        }
        assert!(Place::read(b"<xml/>").is_err());
    }
}
