//! Uploads: `multipart/form-data` whose `meta` alone is signed.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::FromRequest,
    routing::post,
};
use bytes::Bytes;
use http::{HeaderMap, Request, header::CONTENT_TYPE};
use serde_json::{Map, Value, json};

use super::{
    answer::{Answer, Answered},
    check,
    fields::Fields,
    world::World,
};
use crate::base::crypto::digest;

const IMAGE: usize = 2 << 20;
const VIDEO: usize = 5 << 20;
const IMAGES: [&str; 3] = [".jpg", ".bmp", ".png"];
const VIDEOS: [&str; 9] = [
    ".avi", ".wmv", ".mpeg", ".mp4", ".mov", ".mkv", ".flv", ".f4v", ".m4v",
];

pub(super) fn routes() -> Router<Arc<World>> {
    Router::new()
        .route("/v3/merchant/media/upload", post(image))
        .route("/v3/merchant/media/video_upload", post(video))
        .route("/v3/marketing/favor/media/image-upload", post(image_url))
}

async fn image(upload: Upload) -> Answered {
    upload.check(&IMAGES, IMAGE)?;
    let id = upload.world.draw_token(64)?;
    Ok(Answer::ok(&json!({ "media_id": id })))
}

async fn video(upload: Upload) -> Answered {
    upload.check(&VIDEOS, VIDEO)?;
    let id = upload.world.draw_token(64)?;
    Ok(Answer::ok(&json!({ "media_id": id })))
}

async fn image_url(upload: Upload) -> Answered {
    upload.check(&IMAGES, IMAGE)?;
    let id = upload.world.draw_token(32)?;
    let url = format!("https://wxpaylogo.qpic.cn/wxpaylogo/{id}/0");
    Ok(Answer::ok(&json!({ "media_url": url })))
}

/// An upload whose `meta` is signed.
struct Upload {
    world: Arc<World>,
    meta: Map<String, Value>,
    file: Bytes,
}

impl FromRequest<Arc<World>> for Upload {
    type Rejection = Answer;

    async fn from_request(request: Request<Body>, world: &Arc<World>) -> Result<Self, Answer> {
        let (parts, body) = request.into_parts();
        // The server read it already, and capped it.
        let body = to_bytes(body, usize::MAX)
            .await
            .map_err(|_| Answer::invalid_request("请求体读取失败"))?;
        let form = parse(&parts.headers, &body)
            .map_err(|issue| Answer::param_error("", &Value::Null, issue, "body"))?;
        check::request(world, &parts, form.meta)?;
        let Ok(Value::Object(meta)) = serde_json::from_slice(form.meta) else {
            let issue = "must be a JSON object";
            return Err(Answer::param_error("meta", &Value::Null, issue, "body"));
        };
        Ok(Self {
            world: Arc::clone(world),
            meta,
            file: body.slice_ref(form.file),
        })
    }
}

impl Upload {
    fn check(&self, endings: &[&str], most: usize) -> Result<(), Answer> {
        let fields = Fields::body(&self.meta);
        let name = fields.text("filename", 256)?.to_ascii_lowercase();
        if !endings.iter().any(|ending| name.ends_with(ending)) {
            let issue = format!("must end in one of {}", endings.join(" "));
            return Err(fields.error("filename", &issue));
        }
        let sha256 = fields.text("sha256", 64)?;
        if !sha256.eq_ignore_ascii_case(&digest::hex_lower(&digest::sha256(&self.file))) {
            return Err(fields.error("sha256", "is not the file's"));
        }
        if self.file.is_empty() || self.file.len() > most {
            return Err(Answer::invalid_request(&format!(
                "上传文件大小有误: {} bytes, of 1 to {most}",
                self.file.len()
            )));
        }
        Ok(())
    }
}

struct Form<'a> {
    meta: &'a [u8],
    file: &'a [u8],
}

struct Part<'a> {
    head: &'a str,
    content: &'a [u8],
}

/// The two parts, in their order.
fn parse<'a>(headers: &HeaderMap, body: &'a [u8]) -> Result<Form<'a>, &'static str> {
    let content_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .ok_or("has no Content-Type")?;
    let boundary = content_type
        .strip_prefix("multipart/form-data")
        .and_then(|rest| rest.split_once("boundary="))
        .map(|(_, boundary)| boundary.trim_matches('"'))
        .filter(|boundary| !boundary.is_empty() && !boundary.contains(';'))
        .ok_or("must be multipart/form-data with a boundary")?;
    let delimiter = format!("\r\n--{boundary}");
    let first = delimiter.trim_start().as_bytes();
    let mut rest = body
        .strip_prefix(first)
        .ok_or("must begin with its boundary")?;
    let mut next = || -> Result<Part<'a>, &'static str> {
        let inside = rest.strip_prefix(b"\r\n").ok_or("has too few parts")?;
        let end = find(inside, delimiter.as_bytes()).ok_or("has a part that does not end")?;
        let (part, after) = inside.split_at(end);
        rest = after.get(delimiter.len()..).unwrap_or_default();
        let head = find(part, b"\r\n\r\n").ok_or("has a part without a head")?;
        Ok(Part {
            head: std::str::from_utf8(part.get(..head).unwrap_or_default())
                .map_err(|_| "has a head that is not UTF-8")?,
            content: part.get(head + 4..).unwrap_or_default(),
        })
    };
    let (meta, file) = (next()?, next()?);
    if !rest.starts_with(b"--") {
        return Err("must end after the file, with its boundary and `--`");
    }
    if !meta.is("meta") || meta.head.contains("filename=") {
        return Err("must begin with the part `meta`, which has no filename");
    }
    if !meta.head.contains("Content-Type: application/json") {
        return Err("must have `meta` as application/json");
    }
    if !file.is("file") || !file.head.contains("; filename=\"") {
        return Err("must have the part `file`, with its filename");
    }
    Ok(Form {
        meta: meta.content,
        file: file.content,
    })
}

impl Part<'_> {
    fn is(&self, name: &str) -> bool {
        self.head
            .contains(&format!("Content-Disposition: form-data; name=\"{name}\""))
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn parsed(body: &str) -> Result<(String, String), &'static str> {
        let mut headers = HeaderMap::new();
        let value = HeaderValue::from_static("multipart/form-data; boundary=b");
        headers.insert(CONTENT_TYPE, value);
        let form = parse(&headers, body.as_bytes())?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok((text(form.meta), text(form.file)))
    }

    const GOOD: &str = "--b\r\nContent-Disposition: form-data; name=\"meta\"\r\n\
        Content-Type: application/json\r\n\r\n{}\r\n--b\r\n\
        Content-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\n\
        Content-Type: image/png\r\n\r\n1\r\n2\r\n--b--\r\n";

    #[test]
    fn the_two_parts_are_found_and_nothing_else_is_taken() {
        assert_eq!(parsed(GOOD), Ok(("{}".into(), "1\r\n2".into())));
        for (from, to) in [
            ("--b\r\nContent-Disposition: form-data; name=\"meta\"", ""),
            ("application/json", "text/plain"),
            ("name=\"meta\"", "name=\"data\""),
            ("; filename=\"a.png\"", ""),
            ("--b--", "--b"),
            ("name=\"meta\"", "name=\"meta\"; filename=\"m\""),
        ] {
            let body = GOOD.replacen(from, to, 1);
            assert!(parsed(&body).is_err(), "{body}");
        }
        for end in 0..GOOD.len() - 4 {
            assert!(parsed(&GOOD[..end]).is_err());
        }
    }
}
