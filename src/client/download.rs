//! The two steps of a bill as one call: the API says where the file is and what it hashes to, then
//! the file is fetched and seen to be that.

use std::{sync::Arc, time::Duration};

use http::Method;
use serde::Deserialize;
use tokio::time::Instant;

use super::{Call, Chain, Response, core::Core, exchange, receive};
use crate::{
    base::crypto::digest,
    error::{Cause, Error, Kind, Outcome, Result, SentError},
    protocol::{
        options::Options,
        path::shown,
        request::{self, Draft},
    },
};

/// The second step's path. The URL itself, with its token, is in no error and no log.
const FILE: &str = "{+download_url}";

/// What the first step answers.
#[derive(Deserialize)]
struct Place {
    download_url: Option<String>,
    hash_type: Option<String>,
    hash_value: Option<String>,
}

impl Chain {
    /// The future of [`download`](Chain::download).
    pub fn download_async(&self, options: impl Into<Options>) -> Call {
        let mut options = options.into();
        let mut second = Options::new();
        // What is about the file is not about the answer that names it.
        let sink = options.sink.take().map(request::absolute).transpose();
        second.on_progress = options.on_progress.take();
        second.sha1 = options.sha1.take();
        second.connect_timeout = options.connect_timeout;
        second.allow_redirects = options.allow_redirects;
        second.gunzip = true;
        options.gunzip = false;
        let first = self.draft(Method::GET, options);
        let core = Arc::clone(self.core_arc());
        Call::of(async move {
            second.sink = sink.map_err(Cause::not_sent)?;
            both(core, first.map_err(Cause::not_sent)?, second).await
        })
    }
}

async fn both(core: Arc<Core>, first: Draft, second: Options) -> Result<Response> {
    let began = Instant::now();
    let limit = first.settings.timeout;
    let template = first.template.clone();
    let in_call = |err: Error| err.in_call(&Method::GET, &template);
    // A sink that cannot be is told before anything is sent.
    let sink = receive::open(second.sink.clone()).await;
    drop(sink.map_err(|fault| in_call(fault.not_sent()))?);
    let answer = exchange::execute(Arc::clone(&core), first).await?;
    let place: Place = answer.json().map_err(in_call)?;
    let (url, sha1) = place.checked().map_err(|err| in_call(err.into()))?;
    let mut second = second.var("download_url", url);
    second.sha1 = second.sha1.or(sha1);
    let mut second = Draft::new(Method::GET, FILE, second, core.setup(), core.trust())
        .map_err(|fault| in_call(fault.with_outcome(Outcome::Done).into()))?;
    if !limit.is_zero() {
        // Nothing left is not the same as no limit.
        let left = limit.saturating_sub(began.elapsed());
        second.settings.timeout = left.max(Duration::from_millis(1));
    }
    exchange::execute(core, second).await
}

impl Place {
    /// The URL, and the hash that the file must have.
    fn checked(self) -> Result<(String, Option<[u8; 20]>), SentError> {
        let wrong = |what: String| Cause::new(Kind::Decode, what).with_outcome(Outcome::Done);
        let url = self.download_url.filter(|url| !url.is_empty());
        let url = url.ok_or_else(|| {
            wrong(
                "the answer has no `download_url`: download() is for operations that answer with \
                 one; fetch a file itself with get()"
                    .into(),
            )
        })?;
        let Some(hash) = self.hash_value else {
            return Ok((url, None));
        };
        let kind = self.hash_type.unwrap_or_else(|| "SHA1".into());
        if !kind.eq_ignore_ascii_case("SHA1") {
            return Err(wrong(format!(
                "the file's hash is of the type `{}`, which cannot be checked: fetch the file by \
                 two calls, and check it yourself",
                shown(&kind)
            )));
        }
        match digest::from_hex(&hash) {
            Some(sha1) => Ok((url, Some(sha1))),
            None => Err(wrong(format!(
                "the file's `hash_value` ({} bytes) is no SHA-1 in hexadecimal",
                hash.len()
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_must_name_a_file_and_a_hash_that_can_be_checked() {
        let checked = |json| {
            let place: Place = serde_json::from_value(json).unwrap();
            place.checked().map_err(|err| err.cause().to_string())
        };
        use serde_json::json;
        let sha1 = "a9993e364706816aba3e25717850c26c9cd0d89d";
        let (url, hash) = checked(json!({
            "download_url": "u", "hash_type": "SHA1", "hash_value": sha1.to_uppercase()
        }))
        .unwrap();
        assert_eq!((url.as_str(), hash.unwrap()[0]), ("u", 0xa9));
        assert_eq!(checked(json!({"download_url": "u"})).unwrap().1, None);
        for (json, text) in [
            (json!({"hash_value": sha1}), "no `download_url`"),
            (
                json!({"download_url": "u", "hash_type": "SM3", "hash_value": "x"}),
                "of the type `SM3`",
            ),
            (
                json!({"download_url": "u", "hash_value": "a9"}),
                "is no SHA-1",
            ),
        ] {
            let err = checked(json).unwrap_err();
            assert!(err.contains(text), "{err}");
        }
    }
}
