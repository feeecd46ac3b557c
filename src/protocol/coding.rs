//! `Content-Encoding`: what the bytes of a response stand for.

use std::io::{ErrorKind, Read as _};

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use http::{
    HeaderMap,
    header::{CONTENT_ENCODING, CONTENT_LENGTH},
};

use super::path::shown;
use crate::error::{Cause, Kind};

/// What gzip begins with.
pub(crate) const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Enough to tell a table from an error.
const LEAST: usize = 64;

/// The encoding that a response names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    Plain,
    Gzip,
}

/// Why a body stays as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Undecoded {
    /// An encoding other than gzip, or several.
    Unknown(String),
    /// It begins as gzip and is none to its end.
    Damaged,
    /// More than this cap comes out of it.
    TooLarge(usize),
}

impl Coding {
    /// # Errors
    /// Where the response names an encoding that is not decoded here.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Undecoded> {
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
            _ => Err(Undecoded::Unknown(shown(&names.join(", ")).into_owned())),
        }
    }

    /// Decodes a whole body, which may become `cap` bytes long. One that does not begin as gzip
    /// was decoded on its way by something that left the header.
    ///
    /// # Errors
    /// Where it is damaged, or too much comes out.
    pub(crate) fn decode(self, came: &Bytes, cap: usize) -> Result<Bytes, Undecoded> {
        if self == Self::Plain || !came.starts_with(&GZIP) {
            return Ok(came.clone());
        }
        let mut body = Vec::new();
        let limit = (cap as u64).saturating_add(1);
        MultiGzDecoder::new(&came[..])
            .take(limit)
            .read_to_end(&mut body)
            .map_err(|err| match err.kind() {
                ErrorKind::OutOfMemory => Undecoded::TooLarge(cap),
                _ => Undecoded::Damaged,
            })?;
        if body.len() > cap {
            return Err(Undecoded::TooLarge(cap));
        }
        Ok(body.into())
    }

    /// How many bytes of a body tell what it [begins](Self::beginning) with: a gzip may hold its
    /// file's name first.
    pub(crate) fn least(self) -> usize {
        match self {
            Self::Plain => LEAST,
            Self::Gzip => 8 * 1024,
        }
    }

    /// The first bytes of what a body becomes, told from its own first bytes; nothing where those
    /// are too few to tell.
    pub(crate) fn beginning(self, came: &[u8]) -> Option<Vec<u8>> {
        if self == Self::Plain || !came.starts_with(&GZIP) {
            return Some(came.to_vec());
        }
        let mut begun = Vec::new();
        // It ends early, which is no error here.
        let _ = MultiGzDecoder::new(came)
            .take(LEAST as u64)
            .read_to_end(&mut begun);
        (!begun.is_empty()).then_some(begun)
    }

    /// Takes away the headers that are no longer true of a decoded body.
    pub(crate) fn strip(self, headers: &mut HeaderMap) {
        if self == Self::Gzip {
            headers.remove(CONTENT_ENCODING);
            headers.remove(CONTENT_LENGTH);
        }
    }
}

impl Undecoded {
    pub(crate) fn cause(&self) -> Cause {
        match self {
            Self::Unknown(name) => Cause::new(
                Kind::Decode,
                format!(
                    "the response's Content-Encoding is `{name}`, which this library does not \
                     decode: ask for none, or for gzip, with the header Accept-Encoding"
                ),
            ),
            Self::Damaged => Cause::new(
                Kind::Decode,
                "the response's Content-Encoding is `gzip`, and its body is none to its end: cut \
                 short or altered",
            ),
            Self::TooLarge(cap) => Cause::new(
                Kind::TooLarge,
                format!(
                    "the response's Content-Encoding is `gzip`, and more than {cap} bytes come out \
                     of its body: raise max_response, or give a file a `sink`"
                ),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `abc` by gzip 1.12: `printf abc | gzip -n | xxd -p`
    const ABC: [u8; 23] = [
        0x1f, 0x8b, 0x08, 0, 0, 0, 0, 0, 0, 0x03, 0x4b, 0x4c, 0x4a, 0x06, 0, 0xc2, 0x41, 0x24,
        0x35, 0x03, 0, 0, 0,
    ];

    fn of(values: &[&str]) -> Result<Coding, Undecoded> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(CONTENT_ENCODING, value.parse().unwrap());
        }
        Coding::of(&headers)
    }

    #[test]
    fn gzip_is_known_by_both_its_names_and_everything_else_is_named() {
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
            assert_eq!(err, Undecoded::Unknown(name.into()));
            assert!(err.cause().to_string().contains(&format!("`{name}`")));
        }
    }

    #[test]
    fn a_body_is_decoded_up_to_the_cap() {
        let came = Bytes::from_static(&ABC);
        assert_eq!(Coding::Gzip.decode(&came, 3).unwrap(), "abc");
        assert_eq!(Coding::Plain.decode(&came, 3).unwrap(), came);
        assert_eq!(Coding::Gzip.decode(&came, 2), Err(Undecoded::TooLarge(2)));
        for end in 2..came.len() {
            let cut = came.slice(..end);
            assert_eq!(Coding::Gzip.decode(&cut, 9), Err(Undecoded::Damaged));
        }
        for plain in ["", "{}"] {
            assert_eq!(Coding::Gzip.decode(&plain.into(), 9).unwrap(), plain);
        }
    }

    #[test]
    fn a_beginning_is_told_from_a_part() {
        assert_eq!(Coding::Gzip.beginning(&ABC[..15]).unwrap(), b"abc");
        assert_eq!(Coding::Gzip.beginning(&ABC[..9]), None);
        assert_eq!(Coding::Gzip.beginning(b"<xml>").unwrap(), b"<xml>");
        assert_eq!(Coding::Plain.beginning(&ABC).unwrap(), ABC);
    }
}
