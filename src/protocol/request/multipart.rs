//! `multipart/form-data` (RFC 7578), in the layout of WeChat Pay's upload pages.
//!
//! The form is built here and not by a library, because the signature covers a part of it, and because
//! the file is streamed between a head and a tail of known length.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header::CONTENT_TYPE};
use serde_json::{Map, Value};

use crate::{
    base::{crypto, scalar::scalar},
    error::{Cause, cause::Result, value::shown},
    protocol::options::media::Media,
};

/// A form with a file, before it is signed.
#[derive(Clone)]
pub(crate) struct Form {
    pub(crate) media: Media,
    /// The fields of APIv2. APIv3 uses the media's `meta` instead.
    pub(crate) fields: Option<Map<String, Value>>,
    boundary: String,
}

/// What is sent before and after the file's bytes.
pub(crate) struct Frame {
    pub(crate) head: Bytes,
    pub(crate) tail: Bytes,
}

impl Form {
    /// Uses the boundary of a given Content-Type, or generates one and sets the header.
    pub(crate) fn new(
        media: Media,
        fields: Option<Map<String, Value>>,
        headers: &mut HeaderMap,
    ) -> Result<Self> {
        let boundary = match headers.get(CONTENT_TYPE) {
            // A caller may need a fixed boundary, for example to reproduce a recorded request.
            Some(given) => boundary_of(given)?,
            None => {
                let boundary = crypto::nonce()?;
                let value = format!("multipart/form-data; boundary={boundary}");
                let value = HeaderValue::try_from(value).map_err(|err| {
                    Cause::request("the boundary is not valid in a header").with_source(err)
                })?;
                headers.insert(CONTENT_TYPE, value);
                boundary
            }
        };
        media.warn_of_size();
        Ok(Self {
            media,
            fields,
            boundary,
        })
    }

    /// Returns the layout of APIv3: the part `meta`, then the file as `file`.
    pub(crate) fn with_meta(&self, meta: &str) -> Frame {
        let head = format!(
            "--{}\r\nContent-Disposition: form-data; name=\"meta\"\r\n\
             Content-Type: application/json\r\n\r\n{meta}\r\n",
            self.boundary
        );
        self.frame(head, "file")
    }

    /// Returns the layout of APIv2: the fields, then the file as `media`.
    pub(crate) fn with_fields(&self, fields: &Map<String, Value>) -> Result<Frame> {
        let mut head = String::new();
        // Null means not given, and such a field is not signed either.
        for (name, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
            let value = scalar(value).ok_or_else(|| {
                Cause::request(format!(
                    "the field `{}` is not flat: expected text, a number or a boolean",
                    shown(name)
                ))
            })?;
            head.push_str(&format!(
                "--{}\r\nContent-Disposition: form-data; name=\"{}\"\r\n\r\n{value}\r\n",
                self.boundary,
                quoted(name)
            ));
        }
        Ok(self.frame(head, "media"))
    }

    fn frame(&self, mut head: String, name: &str) -> Frame {
        head.push_str(&format!(
            "--{}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{}\"\r\n\
             Content-Type: {}\r\n\r\n",
            self.boundary,
            quoted(self.media.name()),
            self.media.content_type()
        ));
        Frame {
            head: head.into(),
            tail: format!("\r\n--{}--\r\n", self.boundary).into(),
        }
    }
}

/// Escapes a name for use inside quotes, like browsers do: UTF-8 is kept, and whatever could end the
/// quotes or the line is percent-encoded. Otherwise a file name could add headers or fields.
fn quoted(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '"' | '\\' | '\u{7f}' | '\0'..='\u{1f}' => {
                out.push_str(&format!("%{:02X}", u32::from(c)));
            }
            // RFC 7578 allows UTF-8 in names.
            c => out.push(c),
        }
    }
    out
}

/// Returns the boundary of a given Content-Type.
fn boundary_of(content_type: &HeaderValue) -> Result<String> {
    let wrong = |what: &str| {
        Cause::request(format!(
            "the header Content-Type {what}: leave it out, or give `multipart/form-data; \
             boundary=…` with 1 to 70 letters, digits or `'()+_,-./:=?`"
        ))
    };
    let text = content_type
        .to_str()
        .map_err(|err| wrong("is not ASCII").with_source(err))?;
    let mut parts = text.split(';').map(str::trim);
    let kind = parts.next().unwrap_or_default();
    if !kind.eq_ignore_ascii_case("multipart/form-data") {
        return Err(wrong("of an upload is not multipart/form-data"));
    }
    let boundary = parts
        .filter_map(|part| part.split_once('='))
        .find(|(name, _)| name.eq_ignore_ascii_case("boundary"))
        .map(|(_, value)| value)
        .ok_or_else(|| wrong("has no boundary"))?;
    let bare = boundary
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or(boundary);
    let is_valid = (1..=70).contains(&bare.len())
        && bare
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"'()+_,-./:=?".contains(&b));
    if !is_valid {
        return Err(wrong("has an invalid boundary"));
    }
    Ok(bare.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout_is_the_documented_one() {
        let mut headers = HeaderMap::new();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("Multipart/form-data; charset=x; Boundary=\"b\""),
        );
        let form = Form::new(Media::from_bytes("a\"\r\n微.jpg", "x"), None, &mut headers).unwrap();
        let frame = form.with_meta("{}");
        assert_eq!(
            frame.head,
            "--b\r\nContent-Disposition: form-data; name=\"meta\"\r\nContent-Type: application/json\r\n\
             \r\n{}\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; \
             filename=\"a%22%0D%0A微.jpg\"\r\nContent-Type: image/jpeg\r\n\r\n"
        );
        assert_eq!(frame.tail, "\r\n--b--\r\n");
    }

    #[test]
    fn invalid_content_type_is_an_error() {
        for given in [
            "application/json",
            "multipart/form-data",
            "multipart/form-data; boundary=",
            "multipart/form-data; boundary=a b",
        ] {
            let err = boundary_of(&HeaderValue::from_static(given)).unwrap_err();
            assert!(err.is_request(), "{given}: {err}");
        }
    }
}
