//! Uploads of images and videos: `multipart/form-data` of which only the part `meta` is signed.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::sandbox::flows::{Route, v3};
use crate::sandbox::{
    checks::{fields::Fields, multipart},
    dispatch::{
        request::Ctx,
        response::{ApiResponse, HandlerResult},
    },
    shaped,
    state::files::{FileEntry, FileKind},
};

const MAX_IMAGE: usize = 2 << 20;
const MAX_VIDEO: usize = 5 << 20;

/// What an operation takes.
struct Rules {
    /// The documented extensions.
    extensions: &'static [&'static str],
    /// Those that published clients send besides.
    others: &'static [&'static str],
    /// The documented limit, in bytes.
    max: usize,
}

const IMAGE: Rules = Rules {
    extensions: &[".jpg", ".bmp", ".png"],
    others: &[".jpeg"],
    max: MAX_IMAGE,
};
const VIDEO: Rules = Rules {
    extensions: &[
        ".avi", ".wmv", ".mpeg", ".mp4", ".mov", ".mkv", ".flv", ".f4v", ".m4v",
    ],
    others: &[".rmvb"],
    max: MAX_VIDEO,
};

pub(crate) const ROUTES: &[Route] = &[
    v3("POST v3/merchant/media/upload", upload_image).own_rules(),
    v3("POST v3/merchant/media/video_upload", upload_video).own_rules(),
    v3("POST v3/marketing/favor/media/image-upload", publish_image).own_rules(),
    v3(
        "POST v3/marketing/partner/product-coupon/media/upload-image",
        publish_image,
    )
    .own_rules(),
    v3(
        "POST v3/merchant-service/images/upload",
        upload_complaint_image,
    )
    .own_rules(),
    v3(
        "GET v3/merchant-service/images/{media_id}",
        download_complaint_image,
    ),
];

fn upload_image(ctx: &Ctx<'_>) -> HandlerResult {
    check(ctx, &IMAGE)?;
    let id = ctx.world().token(64);
    Ok(ApiResponse::ok(&json!({ "media_id": id })))
}

fn upload_video(ctx: &Ctx<'_>) -> HandlerResult {
    check(ctx, &VIDEO)?;
    let id = ctx.world().token(64);
    Ok(ApiResponse::ok(&json!({ "media_id": id })))
}

/// Takes an image that customers see.
fn publish_image(ctx: &Ctx<'_>) -> HandlerResult {
    check(ctx, &IMAGE)?;
    let id = ctx.world().token(32);
    let url = format!("https://wxpaylogo.qpic.cn/wxpaylogo/{id}/0");
    Ok(ApiResponse::ok(&json!({ "media_url": url })))
}

/// Takes an image for the reply to a complaint, which can be downloaded again.
fn upload_complaint_image(ctx: &Ctx<'_>) -> HandlerResult {
    let (name, file) = check(ctx, &IMAGE)?;
    let mut world = ctx.world();
    let id = world.token(64);
    // A larger one is not worth its memory.
    if file.len() <= MAX_IMAGE {
        let entry = FileEntry {
            bytes: file,
            kind: FileKind::Image,
            content_type: content_type(&name),
            expires_at: u64::MAX,
            mchid: ctx.merchant.mchid.clone(),
        };
        world.files.insert(id.clone(), entry, ctx.now);
    }
    Ok(ApiResponse::ok(&json!({ "media_id": id })))
}

/// Returns an image of a complaint that the merchant sees: one that it uploaded, or its service provider or
/// sub-merchant, or one of a customer.
fn download_complaint_image(ctx: &Ctx<'_>) -> HandlerResult {
    let world = ctx.world();
    let signer = &ctx.merchant.mchid;
    let is_seen = |file: &&FileEntry| {
        let other = &file.mchid;
        other == signer || world.may_act_for(signer, other) || world.may_act_for(other, signer)
    };
    let file = world
        .files
        .get(FileKind::Image, ctx.path("media_id"))
        .filter(is_seen);
    if let Some(file) = file {
        return Ok(ApiResponse::file(file.bytes.clone(), file.content_type));
    }
    drop(world);
    shaped::answer(ctx)
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("png") => "image/png",
        Some("bmp") => "image/bmp",
        _ => "image/jpeg",
    }
}

/// Checks the name and the hash of the file, and returns both the name and the file.
// The hash in the signed `meta` is what protects the file: the signature does not cover it.
fn check(ctx: &Ctx<'_>, rules: &Rules) -> Result<(String, Bytes), ApiResponse> {
    let Some(upload) = &ctx.upload else {
        let issue = multipart::parse(&ctx.parts.headers, ctx.raw).err();
        let issue = issue.unwrap_or("must be an upload");
        return Err(ApiResponse::param_error("", &Value::Null, issue, "body"));
    };
    let warn = |issue: &str| tracing::warn!(operation = %ctx.op, "the upload {issue}: WeChat Pay may refuse it");
    // The extension counts, not the content: a test uploads a few bytes, not a real image.
    let fields = Fields::of_body(&upload.meta);
    let name = fields.text("filename", 256)?.to_ascii_lowercase();
    let is_one = |extensions: &[&str]| extensions.iter().any(|known| name.ends_with(known));
    if is_one(rules.others) {
        warn("has an extension that is not documented");
    } else if !is_one(rules.extensions) {
        let issue = format!("must end with one of {}", rules.extensions.join(" "));
        return Err(fields.error("filename", &issue));
    }
    let sha256 = fields.text("sha256", 64)?;
    if !upload.is_hashed_as(sha256) {
        return Err(fields.error("sha256", "does not match the file"));
    }
    if upload.file.is_empty() {
        return Err(ApiResponse::invalid_request("上传文件大小有误: 0 bytes"));
    }
    // Some pages allow more than others for the same operation.
    if upload.file.len() > rules.max {
        warn("is larger than the documents allow");
    }
    Ok((name, upload.file.clone()))
}
