//! A strict parser for the two parts of an upload.
//!
//! It takes the layout of the documents' sample and nothing else. A general parser would accept
//! bodies of which it is not known whether WeChat Pay accepts them.

use http::{HeaderMap, header::CONTENT_TYPE};

/// The content of an upload's parts.
pub(crate) struct UploadForm<'a> {
    pub(crate) meta: &'a [u8],
    pub(crate) file: &'a [u8],
    /// The file's name in the head of its part.
    pub(crate) filename: &'a str,
}

/// Parses `meta`, then `file`. The error says what is wrong with the body.
pub(crate) fn parse<'a>(
    headers: &HeaderMap,
    body: &'a [u8],
) -> Result<UploadForm<'a>, &'static str> {
    let delimiter = format!("\r\n--{}", boundary(headers)?);
    // The line break before a delimiter belongs to it, not to the part. The first delimiter has none.
    let first = delimiter.trim_start().as_bytes();
    let mut rest = body
        .strip_prefix(first)
        .ok_or("must begin with its boundary")?;
    let meta = next_part(&mut rest, delimiter.as_bytes())?;
    let file = next_part(&mut rest, delimiter.as_bytes())?;
    if !rest.starts_with(b"--") {
        return Err("must end after the file with its boundary and `--`");
    }
    if !meta.is_named("meta") || meta.head.contains("filename=") {
        return Err("must begin with the part `meta`, without a filename");
    }
    if !meta.head.contains("Content-Type: application/json") {
        return Err("must have the part `meta` as application/json");
    }
    let filename = file.filename().filter(|_| file.is_named("file"));
    Ok(UploadForm {
        meta: meta.content,
        file: file.content,
        filename: filename.ok_or("must have the part `file` with a filename")?,
    })
}

struct Part<'a> {
    head: &'a str,
    content: &'a [u8],
}

impl<'a> Part<'a> {
    fn is_named(&self, name: &str) -> bool {
        self.head
            .contains(&format!("Content-Disposition: form-data; name=\"{name}\""))
    }

    fn filename(&self) -> Option<&'a str> {
        let (_, rest) = self.head.split_once("; filename=\"")?;
        rest.split_once('"').map(|(name, _)| name)
    }
}

fn boundary(headers: &HeaderMap) -> Result<&str, &'static str> {
    let content_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .ok_or("must have a Content-Type")?;
    content_type
        .strip_prefix("multipart/form-data")
        .and_then(|rest| rest.split_once("boundary="))
        .map(|(_, boundary)| boundary.trim_matches('"'))
        // `;` begins another parameter, which this parser does not know.
        .filter(|boundary| !boundary.is_empty() && !boundary.contains(';'))
        .ok_or("must be multipart/form-data with a boundary")
}

/// Parses the part after a delimiter, and moves `rest` behind the next delimiter.
fn next_part<'a>(rest: &mut &'a [u8], delimiter: &[u8]) -> Result<Part<'a>, &'static str> {
    let part = rest.strip_prefix(b"\r\n").ok_or("has too few parts")?;
    let end = find(part, delimiter).ok_or("has a part without an end")?;
    let (part, after) = part.split_at(end);
    *rest = after.get(delimiter.len()..).unwrap_or_default();
    let head = find(part, b"\r\n\r\n").ok_or("has a part without a head")?;
    Ok(Part {
        head: std::str::from_utf8(part.get(..head).unwrap_or_default())
            .map_err(|_| "has a part whose head is not UTF-8")?,
        content: part.get(head + 4..).unwrap_or_default(),
    })
}

fn find(bytes: &[u8], pattern: &[u8]) -> Option<usize> {
    bytes
        .windows(pattern.len())
        .position(|window| window == pattern)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const VALID: &str = "--b\r\nContent-Disposition: form-data; name=\"meta\"\r\n\
        Content-Type: application/json\r\n\r\n{}\r\n--b\r\n\
        Content-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\n\
        Content-Type: image/png\r\n\r\n1\r\n2\r\n--b--\r\n";

    fn parse_text(body: &str) -> Result<(String, String), &'static str> {
        let mut headers = HeaderMap::new();
        let value = HeaderValue::from_static("multipart/form-data; boundary=b");
        headers.insert(CONTENT_TYPE, value);
        let form = parse(&headers, body.as_bytes())?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok((text(form.meta), text(form.file)))
    }

    #[test]
    fn parse_accepts_exactly_meta_and_file() {
        assert_eq!(parse_text(VALID), Ok(("{}".into(), "1\r\n2".into())));
        for (from, to) in [
            ("--b\r\nContent-Disposition: form-data; name=\"meta\"", ""),
            ("application/json", "text/plain"),
            ("name=\"meta\"", "name=\"data\""),
            ("; filename=\"a.png\"", ""),
            ("--b--", "--b"),
            ("name=\"meta\"", "name=\"meta\"; filename=\"m\""),
        ] {
            let body = VALID.replacen(from, to, 1);
            assert!(parse_text(&body).is_err(), "{body}");
        }
        for end in 0..VALID.len() - 4 {
            assert!(parse_text(&VALID[..end]).is_err());
        }
    }
}
