//! The form of an upload: fields as text, and the file.

use bytes::Bytes;
use http::{HeaderMap, header::CONTENT_TYPE};
use serde_json::{Map, Value};

/// The largest number of parts. A documented upload has five.
const MAX_PARTS: usize = 100;

/// What an upload consists of.
pub(super) struct Form {
    /// The parts without a file name.
    pub(super) fields: Map<String, Value>,
    /// The part with one.
    pub(super) file: Bytes,
}

/// Returns the boundary if this is a form.
pub(super) fn boundary(headers: &HeaderMap) -> Option<&str> {
    let content_type = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let mut parts = content_type.split(';').map(str::trim);
    if !parts.next()?.eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parts.find_map(|part| part.strip_prefix("boundary="))?;
    Some(boundary.trim_matches('"')).filter(|boundary| !boundary.is_empty())
}

/// Reads a form. Returns `None` if it is malformed, has a part twice, or has no file.
pub(super) fn parse(boundary: &str, body: &Bytes) -> Option<Form> {
    let delimiter = format!("\r\n--{boundary}");
    let mut rest = strip(body, delimiter.trim_start().as_bytes())?;
    let mut fields = Map::new();
    let mut file = None;
    for _ in 0..MAX_PARTS {
        if rest.starts_with(b"--") {
            return Some(Form {
                fields,
                file: file?,
            });
        }
        rest = strip(&rest, b"\r\n")?;
        let end = find(&rest, delimiter.as_bytes())?;
        let part = rest.slice(..end);
        rest = rest.slice(end + delimiter.len()..);
        let head_end = find(&part, b"\r\n\r\n")?;
        let head = std::str::from_utf8(&part[..head_end]).ok()?;
        let content = part.slice(head_end + 4..);
        let name = parameter(head, "name")?;
        let is_new = match parameter(head, "filename") {
            Some(_) => file.replace(content).is_none(),
            None => {
                let text = std::str::from_utf8(&content).ok()?;
                fields.insert(name.to_owned(), text.into()).is_none()
            }
        };
        if !is_new {
            return None;
        }
    }
    None
}

/// Returns a parameter of a part's `Content-Disposition`.
fn parameter<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let disposition = head.split("\r\n").find(|line| {
        line.to_ascii_lowercase()
            .starts_with("content-disposition:")
    })?;
    let (_, rest) = disposition.split_once(&format!("; {name}="))?;
    match rest.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"').map(|(value, _)| value),
        None => rest.split(';').next(),
    }
}

fn strip(bytes: &Bytes, prefix: &[u8]) -> Option<Bytes> {
    bytes
        .starts_with(prefix)
        .then(|| bytes.slice(prefix.len()..))
}

fn find(bytes: &[u8], pattern: &[u8]) -> Option<usize> {
    let mut windows = bytes.windows(pattern.len());
    windows.position(|window| window == pattern)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const FORM: &str = "--b\r\nContent-Disposition: form-data; name=\"mch_id\"\r\n\r\n1900000109\r\n\
        --b\r\ncontent-disposition: form-data; name=media; filename=\"a.png\"\r\n\
        Content-Type: image/png\r\n\r\n1\r\n\r\n2\r\n--b--\r\n";

    #[test]
    fn form_has_fields_and_a_file() {
        let form = parse("b", &FORM.into()).unwrap();
        assert_eq!(form.fields["mch_id"], "1900000109");
        assert_eq!(form.fields.len(), 1);
        assert_eq!(&form.file[..], b"1\r\n\r\n2");
        for (from, to) in [
            ("--b--", "--b"),
            ("; filename=\"a.png\"", ""),
            ("name=\"mch_id\"", "name=\"media\"; filename=\"b\""),
            ("\r\n\r\n1900000109", ""),
            ("--b\r\nContent", "--c\r\nContent"),
        ] {
            assert!(
                parse("b", &FORM.replacen(from, to, 1).into()).is_none(),
                "{from}"
            );
        }
        assert!(parse("b", &Bytes::new()).is_none());
    }

    #[test]
    fn boundary_is_that_of_a_form() {
        let boundary_of = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(value));
            boundary(&headers).map(str::to_owned)
        };
        let form = boundary_of("multipart/form-data; charset=utf-8; boundary=\"b\"");
        assert_eq!(form.as_deref(), Some("b"));
        assert_eq!(boundary_of("text/xml; boundary=b"), None);
        assert_eq!(boundary_of("multipart/form-data; boundary="), None);
    }
}
