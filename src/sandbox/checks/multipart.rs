//! A reader for uploads: the part `meta`, which is signed, and the file.
//!
//! How strict WeChat Pay is with the layout is not known. This accepts what published SDKs send, and says
//! what differs from the documents' sample.

use http::{HeaderMap, header::CONTENT_TYPE};

/// The content of an upload's parts.
#[derive(Debug)]
pub(crate) struct UploadForm<'a> {
    pub(crate) meta: &'a [u8],
    pub(crate) file: &'a [u8],
    /// What WeChat Pay might refuse.
    pub(crate) oddities: Vec<&'static str>,
}

/// How many parts a form can have.
const MAX_PARTS: usize = 20;
/// The longest boundary, by RFC 2046.
const MAX_BOUNDARY: usize = 70;

const NO_BOUNDARY: &str = "has no boundary in its Content-Type";
const BLANK_START: &str = "begins with an empty line";
const META_LATE: &str = "has the part `meta` after its file";
const META_TYPE: &str = "has the part `meta` without the type application/json";
const META_FILENAME: &str = "has the part `meta` with a filename";
const NO_FILENAME: &str = "has its file without a filename";
const MORE_PARTS: &str = "has more parts than `meta` and one file";

/// Reads an upload. The error says what is wrong with the body.
pub(crate) fn parse<'a>(
    headers: &HeaderMap,
    body: &'a [u8],
) -> Result<UploadForm<'a>, &'static str> {
    let mut oddities = Vec::new();
    let mut rest = body;
    if let Some(after) = rest.strip_prefix(b"\r\n") {
        oddities.push(BLANK_START);
        rest = after;
    }
    let boundary = match boundary(headers)? {
        Some(boundary) => boundary.as_bytes(),
        // As the Python package wechatpayv3 sends it.
        None => {
            oddities.push(NO_BOUNDARY);
            first_boundary(rest).ok_or("must begin with its boundary")?
        }
    };
    // The line break before a delimiter belongs to it, not to the part. The first delimiter has none.
    let delimiter = [b"\r\n--", boundary].concat();
    rest = rest
        .strip_prefix(delimiter.get(2..).unwrap_or_default())
        .ok_or("must begin with its boundary")?;
    let mut parts = Vec::new();
    while !rest.starts_with(b"--") {
        if parts.len() == MAX_PARTS {
            return Err("has too many parts");
        }
        parts.push(next_part(&mut rest, &delimiter)?);
    }

    let metas: Vec<_> = parts.iter().filter(|part| part.name == "meta").collect();
    // The signature covers one. Which of two, a client and a server could see differently.
    let [meta] = metas[..] else {
        return Err("must have one part `meta`");
    };
    let mut files = parts.iter().filter(|part| part.name != "meta");
    let file = files.clone().find(|part| part.filename.is_some());
    let file = file
        .or_else(|| files.next())
        .ok_or("must have a part with a file")?;
    if parts.first().is_some_and(|part| part.name != "meta") {
        oddities.push(META_LATE);
    }
    if !meta.is_json() {
        oddities.push(META_TYPE);
    }
    if meta.filename.is_some() {
        oddities.push(META_FILENAME);
    }
    if file.filename.is_none() {
        oddities.push(NO_FILENAME);
    }
    if parts.len() > 2 {
        oddities.push(MORE_PARTS);
    }
    Ok(UploadForm {
        meta: meta.content,
        file: file.content,
        oddities,
    })
}

struct Part<'a> {
    name: &'a str,
    filename: Option<&'a str>,
    content_type: &'a str,
    content: &'a [u8],
}

impl<'a> Part<'a> {
    fn new(head: &'a str, content: &'a [u8]) -> Result<Self, &'static str> {
        let mut part = Part {
            name: "",
            filename: None,
            content_type: "",
            content,
        };
        for line in head.split("\r\n") {
            let Some((name, value)) = line.split_once(':') else {
                return Err("has a part with a malformed head");
            };
            let name = name.trim();
            if name.eq_ignore_ascii_case("content-type") {
                part.content_type = value.trim();
            }
            if !name.eq_ignore_ascii_case("content-disposition") {
                continue;
            }
            for (name, value) in parameters(value) {
                match name.to_ascii_lowercase().as_str() {
                    "name" => part.name = value,
                    "filename" => part.filename = Some(value),
                    // RFC 5987: `UTF-8''%E5%BE%AE.png`.
                    "filename*" if part.filename.is_none() => {
                        part.filename = value.rsplit('\'').next();
                    }
                    _ => {}
                }
            }
        }
        Ok(part)
    }

    fn is_json(&self) -> bool {
        let mime = self.content_type.split(';').next().unwrap_or_default();
        mime.trim().eq_ignore_ascii_case("application/json")
    }
}

/// Returns the boundary of the Content-Type, or `None` if it has none.
fn boundary(headers: &HeaderMap) -> Result<Option<&str>, &'static str> {
    let content_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .ok_or("must have a Content-Type")?;
    let mime = content_type.split(';').next().unwrap_or_default();
    if !mime.trim().eq_ignore_ascii_case("multipart/form-data") {
        return Err("must be multipart/form-data");
    }
    let boundary = parameters(content_type)
        .find(|(name, _)| name.eq_ignore_ascii_case("boundary"))
        .map(|(_, boundary)| boundary);
    match boundary {
        Some(boundary) if boundary.is_empty() || boundary.len() > MAX_BOUNDARY => {
            Err("must have a boundary of 1 to 70 characters")
        }
        boundary => Ok(boundary),
    }
}

/// Returns the boundary in the first line of a body.
fn first_boundary(body: &[u8]) -> Option<&[u8]> {
    let line = body.get(..body.len().min(MAX_BOUNDARY + 4))?;
    let line = line.get(..find(line, b"\r\n")?)?;
    let boundary = line.strip_prefix(b"--")?;
    (!boundary.is_empty()).then_some(boundary)
}

/// Returns the parameters of a header's value, such as `name="meta"`, without their quotes.
fn parameters(value: &str) -> impl Iterator<Item = (&str, &str)> {
    // A semicolon in quotes ends nothing.
    let mut quoted = false;
    let pieces = value.split(move |c| {
        quoted ^= c == '"';
        c == ';' && !quoted
    });
    pieces.filter_map(|piece| {
        let (name, value) = piece.split_once('=')?;
        let value = value.trim();
        let unquoted = value
            .strip_prefix('"')
            .and_then(|value| value.strip_suffix('"'));
        Some((name.trim(), unquoted.unwrap_or(value)))
    })
}

/// Reads the part after a delimiter, and moves `rest` behind the next delimiter.
fn next_part<'a>(rest: &mut &'a [u8], delimiter: &[u8]) -> Result<Part<'a>, &'static str> {
    let part = rest
        .strip_prefix(b"\r\n")
        .ok_or("must end with its boundary and `--`")?;
    let end = find(part, delimiter).ok_or("has a part without an end")?;
    let (part, after) = part.split_at(end);
    *rest = after.get(delimiter.len()..).unwrap_or_default();
    let head = find(part, b"\r\n\r\n").ok_or("has a part without a head")?;
    let content = part.get(head + 4..).unwrap_or_default();
    let head = std::str::from_utf8(part.get(..head).unwrap_or_default())
        .map_err(|_| "has a part whose head is not UTF-8")?;
    Part::new(head, content)
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
        Content-Disposition: form-data; name=\"file\"; filename=\"a;b.png\"\r\n\
        Content-Type: image/png\r\n\r\n1\r\n2\r\n--b--\r\n";
    const META: &str =
        "Content-Disposition: form-data; name=\"meta\"\r\nContent-Type: application/json";

    fn read(content_type: &'static str, body: &str) -> Result<Vec<&'static str>, &'static str> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        let form = parse(&headers, body.as_bytes())?;
        assert_eq!((form.meta, form.file), (&b"{}"[..], &b"1\r\n2"[..]));
        Ok(form.oddities)
    }

    fn changed(from: &str, to: &str) -> String {
        assert!(VALID.contains(from), "{from}");
        VALID.replacen(from, to, 1)
    }

    #[test]
    fn sample_of_the_documents_has_nothing_odd() {
        for content_type in [
            "multipart/form-data; boundary=b",
            "multipart/form-data;boundary=\"b\"",
            "Multipart/Form-Data; charset=utf-8; Boundary=b; x=y",
        ] {
            assert_eq!(read(content_type, VALID), Ok(vec![]), "{content_type}");
        }
        // Names without quotes and in small letters are correct too.
        let plain = changed("name=\"meta\"", "name=meta").replace("Content-", "content-");
        assert_eq!(read("multipart/form-data; boundary=b", &plain), Ok(vec![]));
    }

    #[test]
    fn layouts_of_published_clients_are_read_and_named() {
        const TYPE: &str = "multipart/form-data; boundary=b";
        // wechatpayv3 2.0: no boundary in the header, `meta` without a type.
        let python = changed("\r\nContent-Type: application/json", "");
        assert_eq!(
            read("multipart/form-data", &python),
            Ok(vec![NO_BOUNDARY, META_TYPE])
        );
        // wechatpay-axios-plugin 0.7 without form-data.
        assert_eq!(read(TYPE, &python), Ok(vec![META_TYPE]));
        let (meta, file) = (format!("{META}\r\n\r\n{{}}\r\n--b\r\n"), "\r\n--b--\r\n");
        let late = VALID.replacen(&meta, "", 1);
        let late = late.replacen(file, &format!("\r\n--b\r\n{META}\r\n\r\n{{}}{file}"), 1);
        assert_eq!(read(TYPE, &late), Ok(vec![META_LATE]));
        for (from, to, odd) in [
            ("application/json", "text/plain", META_TYPE),
            (
                "name=\"meta\"",
                "name=\"meta\"; filename=\"m\"",
                META_FILENAME,
            ),
            ("; filename=\"a;b.png\"", "", NO_FILENAME),
            ("name=\"file\"", "name=\"submission_file\"", ""),
            ("--b", "\r\n--b", BLANK_START),
            (
                META,
                &format!("Content-Disposition: form-data; name=x\r\n\r\n1\r\n--b\r\n{META}"),
                META_LATE,
            ),
        ] {
            let odd: Vec<_> = [odd].into_iter().filter(|odd| !odd.is_empty()).collect();
            let found = read(TYPE, &changed(from, to)).unwrap();
            assert!(found.starts_with(&odd), "{to}: {found:?}");
        }
    }

    #[test]
    fn form_without_one_meta_or_without_an_end_is_refused() {
        const TYPE: &str = "multipart/form-data; boundary=b";
        let second = format!("{META}\r\n\r\n[]\r\n--b\r\n{META}");
        for (from, to) in [
            ("--b\r\nContent-Disposition: form-data; name=\"meta\"", ""),
            ("name=\"meta\"", "name=\"data\""),
            ("name=\"file\"", "name=\"meta\""),
            (META, &second),
            ("--b--", "--b"),
            ("Content-Disposition:", "Content-Disposition"),
        ] {
            let body = changed(from, to);
            assert!(read(TYPE, &body).is_err(), "{body}");
        }
        for end in 0..VALID.len() - 4 {
            assert!(read(TYPE, &VALID[..end]).is_err());
            assert!(read("multipart/form-data", &VALID[..end]).is_err());
        }
        for content_type in ["application/json", "multipart/form-data; boundary=", ""] {
            assert!(read(content_type, VALID).is_err(), "{content_type}");
        }
        let crowd = VALID.replacen("--b\r\n", &"--b\r\nA: b\r\n\r\n\r\n".repeat(MAX_PARTS), 1);
        assert!(read(TYPE, &crowd).is_err());
    }
}
