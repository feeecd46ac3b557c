use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, Method};

use super::upload::Upload;
use crate::protocol::host::Origin;

/// A request that lacks only its sending.
pub(crate) struct Sealed {
    pub(crate) method: Method,
    pub(crate) origin: Origin,
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    /// What is signed, and what is sent unless there is an upload.
    pub(crate) body: Bytes,
    pub(crate) upload: Option<Upload>,
    /// The message that the signature covers; empty for APIv2.
    pub(crate) message: Vec<u8>,
}

/// A signed request that was not sent: from [`Chain::prepare`](crate::Chain::prepare).
///
/// For a browser to open, for another HTTP client to send, or for a test to look at. Its signature
/// is good for five minutes.
pub struct PreparedRequest {
    sealed: Sealed,
    url: String,
}

impl PreparedRequest {
    pub(super) fn new(sealed: Sealed) -> Self {
        Self {
            url: format!("{}{}", sealed.origin, sealed.target),
            sealed,
        }
    }

    /// The method.
    pub fn method(&self) -> &Method {
        &self.sealed.method
    }

    /// The whole URL, byte for byte as it would be sent.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The headers, but for `Host` and `Content-Length`, which whoever sends it sets.
    pub fn headers(&self) -> &HeaderMap {
        &self.sealed.headers
    }

    /// The body; for a file that would be streamed, the part that is signed: its `meta`, or the
    /// fields before it on APIv2.
    pub fn body(&self) -> &[u8] {
        &self.sealed.body
    }
}

/// Shows neither the query, nor the headers, nor the body.
impl fmt::Debug for PreparedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PreparedRequest")
            .field("method", &self.sealed.method)
            .field("origin", &self.sealed.origin)
            .field("headers", &self.sealed.headers.keys().collect::<Vec<_>>())
            .field("body", &format_args!("{} bytes", self.sealed.body.len()))
            .finish_non_exhaustive()
    }
}
