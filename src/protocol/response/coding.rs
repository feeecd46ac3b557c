//! `Content-Encoding` of a response, and how a body is decoded.
//!
//! This crate does not ask for an encoding, but some gateways and proxies compress anyway, and a
//! program may ask for gzip itself (bills, statements).

use std::io::{self, Read as _};

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use http::{
    HeaderMap,
    header::{CONTENT_ENCODING, CONTENT_LENGTH},
};

use crate::error::{Cause, ErrorKind, value::shown};

/// The first bytes of a gzip stream.
pub(crate) const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The number of decoded bytes that tell a table from an error in XML.
const BEGINNING: usize = 64;

/// A supported encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    Plain,
    Gzip,
}

/// Why a body cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CodingError {
    /// An encoding other than gzip, or several of them.
    Unknown(String),
    /// A truncated or corrupt gzip stream.
    Damaged,
    /// More decoded bytes than this cap.
    TooLarge(usize),
}

impl Coding {
    /// Returns the encoding that the headers name.
    ///
    /// # Errors
    /// Returns an error if that is an unsupported one.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, CodingError> {
        // The header may be repeated, and a value may list several encodings, applied in order.
        let mut names = Vec::new();
        for value in headers.get_all(CONTENT_ENCODING) {
            let value = String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase();
            let given = value.split(',').map(str::trim);
            names.extend(
                given
                    .filter(|name| !matches!(*name, "" | "identity"))
                    .map(str::to_owned),
            );
        }
        match names.as_slice() {
            [] => Ok(Self::Plain),
            [name] if matches!(name.as_str(), "gzip" | "x-gzip") => Ok(Self::Gzip),
            _ => Err(CodingError::Unknown(shown(&names.join(", ")).into_owned())),
        }
    }

    /// Decodes a whole body into at most `cap` bytes.
    ///
    /// A body that does not begin like gzip is returned unchanged: some proxies decode a body and
    /// leave the header.
    ///
    /// # Errors
    /// Returns an error for a corrupt stream, and for one that decodes to more than `cap` bytes.
    pub(crate) fn decode(self, received: &Bytes, cap: usize) -> Result<Bytes, CodingError> {
        if self == Self::Plain || !received.starts_with(&GZIP) {
            return Ok(received.clone());
        }
        let mut body = Vec::new();
        // One byte over the cap is enough to know: a small stream can decode to gigabytes.
        let limit = (cap as u64).saturating_add(1);
        MultiGzDecoder::new(&received[..])
            .take(limit)
            .read_to_end(&mut body)
            .map_err(|err| match err.kind() {
                // `read_to_end` reports a failed allocation like this instead of aborting.
                io::ErrorKind::OutOfMemory => CodingError::TooLarge(cap),
                _ => CodingError::Damaged,
            })?;
        if body.len() > cap {
            return Err(CodingError::TooLarge(cap));
        }
        Ok(body.into())
    }

    /// Returns how many received bytes [`beginning`](Self::beginning) needs. A gzip header may
    /// contain a file name of any length.
    pub(crate) fn least(self) -> usize {
        match self {
            Self::Plain => BEGINNING,
            Self::Gzip => 8 * 1024,
        }
    }

    /// Decodes the first bytes of a body. Returns `None` if `received` holds too few of them.
    pub(crate) fn beginning(self, received: &[u8]) -> Option<Vec<u8>> {
        if self == Self::Plain || !received.starts_with(&GZIP) {
            return Some(received.to_vec());
        }
        let mut start = Vec::new();
        // The input is cut off, so the error at its end is expected.
        let _ = MultiGzDecoder::new(received)
            .take(BEGINNING as u64)
            .read_to_end(&mut start);
        (!start.is_empty()).then_some(start)
    }

    /// Removes the headers that are wrong for a decoded body.
    pub(crate) fn strip(self, headers: &mut HeaderMap) {
        if self == Self::Gzip {
            headers.remove(CONTENT_ENCODING);
            headers.remove(CONTENT_LENGTH);
        }
    }
}

impl CodingError {
    pub(crate) fn cause(&self) -> Cause {
        match self {
            Self::Unknown(name) => Cause::new(
                ErrorKind::Decode,
                format!(
                    "unsupported Content-Encoding `{name}` of the response: request gzip or no \
                     encoding with the header Accept-Encoding"
                ),
            ),
            Self::Damaged => Cause::new(
                ErrorKind::Decode,
                "truncated or corrupt gzip stream: the response's Content-Encoding is `gzip`",
            ),
            Self::TooLarge(cap) => Cause::new(
                ErrorKind::TooLarge,
                format!(
                    "the response's gzip body decodes to more than {cap} bytes: raise max_response, \
                     or give the option `sink`"
                ),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `abc`, made with gzip 1.12: `printf abc | gzip -n | xxd -p`
    const ABC: [u8; 23] = [
        0x1f, 0x8b, 0x08, 0, 0, 0, 0, 0, 0, 0x03, 0x4b, 0x4c, 0x4a, 0x06, 0, 0xc2, 0x41, 0x24,
        0x35, 0x03, 0, 0, 0,
    ];

    fn of(values: &[&str]) -> Result<Coding, CodingError> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(CONTENT_ENCODING, value.parse().unwrap());
        }
        Coding::of(&headers)
    }

    #[test]
    fn gzip_has_two_names_and_other_encodings_are_errors() {
        for plain in [&[][..], &[""], &["identity"], &["Identity, "]] {
            assert_eq!(of(plain), Ok(Coding::Plain));
        }
        for gzip in [
            &["gzip"][..],
            &[" GZip "],
            &["x-gzip"],
            &["identity", "gzip"],
        ] {
            assert_eq!(of(gzip), Ok(Coding::Gzip));
        }
        for (values, name) in [
            (&["br"][..], "br"),
            (&["deflate"], "deflate"),
            (&["gzip, br"], "gzip, br"),
            (&["gzip", "gzip"], "gzip, gzip"),
        ] {
            let err = of(values).unwrap_err();
            assert_eq!(err, CodingError::Unknown(name.into()));
            assert!(err.cause().to_string().contains(&format!("`{name}`")));
        }
    }

    #[test]
    fn body_is_decoded_up_to_the_cap() {
        let received = Bytes::from_static(&ABC);
        assert_eq!(Coding::Gzip.decode(&received, 3).unwrap(), "abc");
        assert_eq!(Coding::Plain.decode(&received, 3).unwrap(), received);
        assert_eq!(
            Coding::Gzip.decode(&received, 2),
            Err(CodingError::TooLarge(2))
        );
        for end in 2..received.len() {
            let cut = received.slice(..end);
            assert_eq!(Coding::Gzip.decode(&cut, 9), Err(CodingError::Damaged));
        }
        for plain in ["", "{}"] {
            assert_eq!(Coding::Gzip.decode(&plain.into(), 9).unwrap(), plain);
        }
    }

    #[test]
    fn beginning_is_decoded_from_a_prefix() {
        assert_eq!(Coding::Gzip.beginning(&ABC[..15]).unwrap(), b"abc");
        assert_eq!(Coding::Gzip.beginning(&ABC[..9]), None);
        assert_eq!(Coding::Gzip.beginning(b"<xml>").unwrap(), b"<xml>");
        assert_eq!(Coding::Plain.beginning(&ABC).unwrap(), ABC);
    }
}
