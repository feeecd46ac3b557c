//! Uploads of images and videos: `multipart/form-data` of which only the part `meta` is signed.

use serde_json::{Value, json};

use super::{Route, v3};
use crate::{
    base::crypto::digest,
    sandbox::{
        checks::{fields::Fields, multipart},
        request::Ctx,
        response::{ApiResponse, HandlerResult},
    },
};

const MAX_IMAGE: usize = 2 << 20;
const MAX_VIDEO: usize = 5 << 20;
const IMAGE_EXTENSIONS: [&str; 3] = [".jpg", ".bmp", ".png"];
const VIDEO_EXTENSIONS: [&str; 9] = [
    ".avi", ".wmv", ".mpeg", ".mp4", ".mov", ".mkv", ".flv", ".f4v", ".m4v",
];

pub(super) const ROUTES: &[Route] = &[
    v3("POST v3/merchant/media/upload", upload_image).own_rules(),
    v3("POST v3/merchant/media/video_upload", upload_video).own_rules(),
    v3(
        "POST v3/marketing/favor/media/image-upload",
        upload_marketing_image,
    )
    .own_rules(),
];

fn upload_image(ctx: &Ctx<'_>) -> HandlerResult {
    check(ctx, &IMAGE_EXTENSIONS, MAX_IMAGE)?;
    let id = ctx.world().token(64);
    Ok(ApiResponse::ok(&json!({ "media_id": id })))
}

fn upload_video(ctx: &Ctx<'_>) -> HandlerResult {
    check(ctx, &VIDEO_EXTENSIONS, MAX_VIDEO)?;
    let id = ctx.world().token(64);
    Ok(ApiResponse::ok(&json!({ "media_id": id })))
}

fn upload_marketing_image(ctx: &Ctx<'_>) -> HandlerResult {
    check(ctx, &IMAGE_EXTENSIONS, MAX_IMAGE)?;
    let id = ctx.world().token(32);
    let url = format!("https://wxpaylogo.qpic.cn/wxpaylogo/{id}/0");
    Ok(ApiResponse::ok(&json!({ "media_url": url })))
}

/// Checks the name, the hash and the size of the file.
// The hash in the signed `meta` is what protects the file: the signature does not cover it.
fn check(ctx: &Ctx<'_>, extensions: &[&str], max_bytes: usize) -> Result<(), ApiResponse> {
    let Some(upload) = &ctx.upload else {
        let issue = multipart::parse(&ctx.parts.headers, ctx.raw).err();
        let issue = issue.unwrap_or("must be an upload");
        return Err(ApiResponse::param_error("", &Value::Null, issue, "body"));
    };
    // The extension counts, not the content: a test uploads a few bytes, not a real image.
    let fields = Fields::of_body(&upload.meta);
    let name = fields.text("filename", 256)?.to_ascii_lowercase();
    if !extensions.iter().any(|extension| name.ends_with(extension)) {
        let issue = format!("must end with one of {}", extensions.join(" "));
        return Err(fields.error("filename", &issue));
    }
    let sha256 = fields.text("sha256", 64)?;
    if !sha256.eq_ignore_ascii_case(&digest::hex_lower(&digest::sha256(&upload.file))) {
        return Err(fields.error("sha256", "does not match the file"));
    }
    if upload.file.is_empty() || upload.file.len() > max_bytes {
        return Err(ApiResponse::invalid_request(&format!(
            "上传文件大小有误: {} bytes, expected 1 to {max_bytes}",
            upload.file.len()
        )));
    }
    Ok(())
}
