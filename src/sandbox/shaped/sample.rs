//! The file that made-up download URLs lead to.

use std::io::Write as _;

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use serde_json::{Map, Value};

use crate::{
    base::crypto::digest::{self, Sha1},
    protocol::url::host::Origin,
    sandbox::{
        dispatch::request::Ctx,
        state::files::{FileEntry, FileKind},
    },
};

/// A table with one row, as bills are written.
pub(super) const TEXT: &str = "说明\n`沙箱没有这个文件的数据\n";
const CONTENT_TYPE: &str = "text/plain; charset=utf-8";
/// How long a URL works, in seconds.
const LIFETIME: u64 = 300;
const PATH: &str = "/v3/billdownload/file?token=";

/// Returns the hash of the file, as responses have it: also that of a compressed file is over the text.
pub(super) fn sha1() -> String {
    let mut hash = Sha1::new();
    hash.update(TEXT.as_bytes());
    digest::hex_lower(&hash.finish())
}

/// Returns a URL of the file. It works once [`publish`] has seen the response.
pub(super) fn url(origin: &str, token: &str) -> String {
    format!("{origin}{PATH}{token}")
}

/// Makes the URLs in a response work.
// Each time that the response is sent: an earlier file may be gone.
pub(super) fn publish(ctx: &Ctx<'_>, response: &Map<String, Value>) {
    let mut tokens = Vec::new();
    find_tokens(response.values(), &mut tokens);
    if tokens.is_empty() {
        return;
    }
    let bytes = match ctx.optional_query("tar_type") {
        Some("GZIP") => compressed(),
        _ => Bytes::from_static(TEXT.as_bytes()),
    };
    let mut world = ctx.world();
    for token in tokens {
        let file = FileEntry {
            bytes: bytes.clone(),
            kind: FileKind::Bill,
            content_type: CONTENT_TYPE,
            expires_at: ctx.now.saturating_add(LIFETIME),
            mchid: ctx.merchant.mchid.clone(),
        };
        world.files.insert(token.to_owned(), file, ctx.now);
    }
}

fn find_tokens<'a>(values: impl Iterator<Item = &'a Value>, found: &mut Vec<&'a str>) {
    for value in values {
        match value {
            Value::String(text) => found.extend(token(text)),
            Value::Array(items) => find_tokens(items.iter(), found),
            Value::Object(inner) => {
                for value in inner.values() {
                    find_tokens(std::iter::once(value), found);
                }
            }
            _ => {}
        }
    }
}

// Of any host: the response may be that of an earlier request, which reached the sandbox as another one.
fn token(text: &str) -> Option<&str> {
    let (_, path) = Origin::split(text).ok()?;
    path.strip_prefix(PATH)
}

fn compressed() -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    // Writing to memory does not fail.
    let written = encoder.write_all(TEXT.as_bytes());
    written
        .and_then(|()| encoder.finish())
        .unwrap_or_default()
        .into()
}
