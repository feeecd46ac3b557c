//! A page that the sandbox serves to browsers: files that the program gives it.

use std::fmt;

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode,
    header::{
        CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY,
        X_CONTENT_TYPE_OPTIONS,
    },
    request::Parts,
};

use crate::{
    base::crypto::digest::{hex_lower, sha256},
    error::{Cause, cause::Result, value::shown},
    sandbox::dispatch::{
        pipeline::{Listener, not_allowed},
        response::ApiResponse,
    },
};

const START: &str = "/";
const FOLDER: &str = "/_sandbox/page/";

/// The headers of each file. The page shows what clients and receivers sent: should a part of that ever
/// become markup, it still runs no script and sends nothing away.
const HEADERS: [(HeaderName, &str); 6] = [
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    // The next version of the program has other files under the same names.
    (CACHE_CONTROL, "no-cache"),
];

/// A file of the page that the sandbox serves: see [`SandboxBuilder::page`].
///
/// [`SandboxBuilder::page`]: crate::sandbox::SandboxBuilder::page
#[derive(Clone, Copy)]
pub struct PageFile {
    path: &'static str,
    content_type: &'static str,
    bytes: &'static [u8],
}

impl PageFile {
    /// Returns a file that is served at this path, with this content type.
    ///
    /// The path is `/`, or begins with `/_sandbox/page/`: others belong to WeChat Pay.
    pub const fn new(path: &'static str, content_type: &'static str, bytes: &'static [u8]) -> Self {
        Self {
            path,
            content_type,
            bytes,
        }
    }
}

/// Shows the length in place of the bytes.
impl fmt::Debug for PageFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageFile")
            .field("path", &self.path)
            .field("content_type", &self.content_type)
            .field("len", &self.bytes.len())
            .finish()
    }
}

/// The files of the page. Without any, their paths are like others.
#[derive(Clone, Copy, Default)]
pub(in crate::sandbox) struct Page(&'static [PageFile]);

impl Page {
    /// Returns the page of these files.
    ///
    /// # Errors
    /// Returns an error if a path is not one of a page or has two files, or if a content type cannot be sent
    /// in a header.
    pub(in crate::sandbox) fn new(files: &'static [PageFile]) -> Result<Self> {
        for (i, file) in files.iter().enumerate() {
            let problem = if !is_path_of_page(file.path) {
                "expected / or a path below /_sandbox/page/"
            } else if files.iter().take(i).any(|known| known.path == file.path) {
                "two files have this path"
            } else if HeaderValue::from_str(file.content_type).is_err() {
                "its content type cannot be sent in a header"
            } else {
                continue;
            };
            let path = shown(file.path);
            return Err(Cause::config(format!(
                "invalid file `{path}` of the page: {problem}"
            )));
        }
        Ok(Self(files))
    }

    /// Returns the response to a request for the page, which needs neither its body nor a signature, or `None`
    /// if the request is for something else.
    // A host that the sandbox poses as has no page: a program that asks there means WeChat Pay.
    pub(super) fn answer(self, parts: &Parts, listener: &Listener) -> Option<Response<Bytes>> {
        let path = parts.uri.path();
        if self.0.is_empty() || listener.host.is_some() || !is_path_of_page(path) {
            return None;
        }
        let file = self.0.iter().find(|file| file.path == path);
        let response = match file {
            None => ApiResponse::error(
                StatusCode::NOT_FOUND,
                "RESOURCE_NOT_EXISTS",
                "the sandbox's page has no such file",
            )
            .into_response(),
            Some(_) if parts.method != Method::GET && parts.method != Method::HEAD => {
                not_allowed(&parts.method, "GET, HEAD").into_response()
            }
            Some(file) => file.response(&parts.headers),
        };
        Some(response)
    }
}

impl PageFile {
    fn response(&self, asked: &HeaderMap) -> Response<Bytes> {
        let tag = format!("\"{}\"", hex_lower(&sha256(self.bytes)));
        let is_known = asked
            .get_all(IF_NONE_MATCH)
            .iter()
            .any(|known| known.as_bytes() == tag.as_bytes());
        let mut response = match is_known {
            true => Response::new(Bytes::new()),
            // The body of a response to HEAD gives its length, and is not sent.
            false => Response::new(Bytes::from_static(self.bytes)),
        };
        if is_known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        }
        let headers = response.headers_mut();
        for (name, value) in HEADERS {
            headers.insert(name, HeaderValue::from_static(value));
        }
        for (name, value) in [(CONTENT_TYPE, self.content_type), (ETAG, &tag)] {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        }
        response
    }
}

fn is_path_of_page(path: &str) -> bool {
    path == START || path.starts_with(FOLDER)
}

#[cfg(test)]
mod tests {
    use super::*;

    const INDEX: PageFile = PageFile::new("/", "text/html", b"<p>tea</p>");

    #[test]
    fn page_takes_its_own_paths_once() {
        const SCRIPT: PageFile = PageFile::new("/_sandbox/page/a.js", "text/javascript", b"");
        assert!(Page::new(&[INDEX, SCRIPT]).is_ok());
        for (files, expected) in [
            (
                const { &[PageFile::new("/v3/pay/a.js", "text/javascript", b"")] as &[_] },
                "invalid file `/v3/pay/a.js` of the page: expected / or a path below",
            ),
            (
                const { &[PageFile::new("/_sandbox/v1/config", "text/html", b"")] },
                "expected / or a path below",
            ),
            (&[INDEX, SCRIPT, INDEX], "`/` of the page: two files"),
            (
                const { &[PageFile::new("/", "text/html\r\nset-cookie: a", b"")] },
                "its content type",
            ),
        ] {
            let err = Page::new(files).err().unwrap().to_string();
            assert!(err.contains(expected), "{err}");
        }
    }

    #[test]
    fn debug_of_a_file_has_its_length() {
        let shown = format!("{INDEX:?}");
        assert!(shown.contains("len: 10"), "{shown}");
    }
}
