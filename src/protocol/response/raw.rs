//! A response that has been read but not judged.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use super::coding::{Coding, CodingError};
use crate::error::{ErrorKind, SentError};

/// A response with its whole body, before anything is known about its origin.
pub(crate) struct RawResponse {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// The body, decoded if its `Content-Encoding` is supported.
    pub(crate) body: Bytes,
    pub(crate) decoding: Decoding,
    /// The bytes that the request's signature covers, to explain a `SIGN_ERROR`; empty for APIv2.
    pub(crate) signed_message: Vec<u8>,
}

/// How a body was decoded.
#[derive(Debug, Default)]
pub(crate) enum Decoding {
    /// Not at all, because it is not encoded.
    #[default]
    None,
    /// From gzip. These are the bytes as received.
    Gzip(Bytes),
    /// Not at all, because that failed.
    Failed(CodingError),
}

impl RawResponse {
    /// Decodes a received body into at most `cap` bytes.
    ///
    /// An error in the encoding is kept, not returned: whether the response is genuine, and what it
    /// says about the request, is still to be found out.
    pub(crate) fn new(
        (status, mut headers): (StatusCode, HeaderMap),
        received: Bytes,
        cap: usize,
        signed_message: Vec<u8>,
    ) -> Self {
        let decoded = Coding::of(&headers).and_then(|coding| match coding {
            Coding::Plain => Ok((received.clone(), Decoding::None)),
            Coding::Gzip => {
                let body = coding.decode(&received, cap)?;
                coding.strip(&mut headers);
                Ok((body, Decoding::Gzip(received.clone())))
            }
        });
        let (body, decoding) = decoded.unwrap_or_else(|err| (received, Decoding::Failed(err)));
        Self {
            status,
            headers,
            body,
            decoding,
            signed_message,
        }
    }

    /// Returns the body as received.
    pub(crate) fn received_body(&self) -> &Bytes {
        match &self.decoding {
            Decoding::Gzip(received) => received,
            Decoding::None | Decoding::Failed(_) => &self.body,
        }
    }

    /// Returns the encoding of the [received body](Self::received_body).
    pub(crate) fn coding(&self) -> Coding {
        match &self.decoding {
            Decoding::Gzip(_) => Coding::Gzip,
            Decoding::None | Decoding::Failed(_) => Coding::Plain,
        }
    }

    /// Returns the decoded body if it differs from the received one.
    ///
    /// The documents do not say which of the two the signature covers, and it depends on who
    /// encoded the body: WeChat Pay before it signed, or a proxy afterwards. So a signature that
    /// does not match the received bytes is tried on these.
    pub(crate) fn decoded_body(&self) -> Option<&Bytes> {
        matches!(self.decoding, Decoding::Gzip(_)).then_some(&self.body)
    }

    /// Returns why the body could not be decoded.
    pub(crate) fn coding_error(&self) -> Option<&CodingError> {
        match &self.decoding {
            Decoding::Failed(err) => Some(err),
            Decoding::None | Decoding::Gzip(_) => None,
        }
    }

    /// Adds the encoding to the error of a response that could not be decoded: it is the likely
    /// reason why the signature did not match or the body was not understood.
    pub(crate) fn explain(&self, err: SentError) -> SentError {
        let Some(reason) = self.coding_error() else {
            return err;
        };
        match err.kind() {
            ErrorKind::Verification | ErrorKind::Decode => err.map(|cause| {
                reason
                    .cause()
                    .with_status(self.status)
                    .with_unverified(self.body.clone())
                    .with_source(cause)
            }),
            ErrorKind::Api => err.map(|cause| cause.and(reason.cause())),
            _ => err,
        }
    }
}

/// Returns the value of `Retry-After` in seconds.
///
/// Its other form, a date, is ignored: the wait would depend on how far two clocks differ.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(http::header::RETRY_AFTER)?.to_str().ok()?;
    seconds.trim().parse().ok().map(Duration::from_secs)
}

/// Returns the response's `Request-ID`.
pub(crate) fn request_id(headers: &HeaderMap) -> Option<&str> {
    headers.get("request-id")?.to_str().ok()
}
