//! Uploads of images and videos: `multipart/form-data` of which only the part `meta` is signed.

mod multipart;

use std::sync::Arc;

use axum::{Router, body::Body, extract::FromRequest, routing::post};
use bytes::Bytes;
use http::Request;
use serde_json::{Map, Value, json};

use crate::{
    base::crypto::digest,
    sandbox::{
        checks::{self, fields::Fields},
        request::body_bytes,
        response::{ApiResponse, HandlerResult},
        state::SandboxState,
    },
};

const MAX_IMAGE: usize = 2 << 20;
const MAX_VIDEO: usize = 5 << 20;
const IMAGE_EXTENSIONS: [&str; 3] = [".jpg", ".bmp", ".png"];
const VIDEO_EXTENSIONS: [&str; 9] = [
    ".avi", ".wmv", ".mpeg", ".mp4", ".mov", ".mkv", ".flv", ".f4v", ".m4v",
];

pub(super) fn routes() -> Router<Arc<SandboxState>> {
    Router::new()
        .route("/v3/merchant/media/upload", post(upload_image))
        .route("/v3/merchant/media/video_upload", post(upload_video))
        .route(
            "/v3/marketing/favor/media/image-upload",
            post(upload_marketing_image),
        )
}

async fn upload_image(upload: Upload) -> HandlerResult {
    upload.check(&IMAGE_EXTENSIONS, MAX_IMAGE)?;
    let id = upload.state.random_token(64)?;
    Ok(ApiResponse::ok(&json!({ "media_id": id })))
}

async fn upload_video(upload: Upload) -> HandlerResult {
    upload.check(&VIDEO_EXTENSIONS, MAX_VIDEO)?;
    let id = upload.state.random_token(64)?;
    Ok(ApiResponse::ok(&json!({ "media_id": id })))
}

async fn upload_marketing_image(upload: Upload) -> HandlerResult {
    upload.check(&IMAGE_EXTENSIONS, MAX_IMAGE)?;
    let id = upload.state.random_token(32)?;
    let url = format!("https://wxpaylogo.qpic.cn/wxpaylogo/{id}/0");
    Ok(ApiResponse::ok(&json!({ "media_url": url })))
}

/// A verified upload.
// Not an `ApiRequest`, because the body has to be taken apart before its signature can be checked.
struct Upload {
    state: Arc<SandboxState>,
    meta: Map<String, Value>,
    file: Bytes,
}

impl FromRequest<Arc<SandboxState>> for Upload {
    type Rejection = ApiResponse;

    async fn from_request(
        request: Request<Body>,
        state: &Arc<SandboxState>,
    ) -> Result<Self, ApiResponse> {
        let (parts, body) = request.into_parts();
        let body = body_bytes(body).await?;
        let form = multipart::parse(&parts.headers, &body)
            .map_err(|issue| ApiResponse::param_error("", &Value::Null, issue, "body"))?;
        checks::check_request(state, &parts, form.meta)?;
        let Ok(Value::Object(meta)) = serde_json::from_slice(form.meta) else {
            return Err(ApiResponse::param_error(
                "meta",
                &Value::Null,
                "must be a JSON object",
                "body",
            ));
        };
        Ok(Self {
            state: Arc::clone(state),
            meta,
            // A view into the body, not a copy.
            file: body.slice_ref(form.file),
        })
    }
}

impl Upload {
    /// Checks the name, the hash and the size of the file.
    // The hash in the signed `meta` is what protects the file: the signature does not cover it.
    fn check(&self, extensions: &[&str], max_bytes: usize) -> Result<(), ApiResponse> {
        // The extension counts, not the content: a test uploads a few bytes, not a real image.
        let fields = Fields::of_body(&self.meta);
        let name = fields.text("filename", 256)?.to_ascii_lowercase();
        if !extensions.iter().any(|extension| name.ends_with(extension)) {
            let issue = format!("must end with one of {}", extensions.join(" "));
            return Err(fields.error("filename", &issue));
        }
        let sha256 = fields.text("sha256", 64)?;
        if !sha256.eq_ignore_ascii_case(&digest::hex_lower(&digest::sha256(&self.file))) {
            return Err(fields.error("sha256", "does not match the file"));
        }
        if self.file.is_empty() || self.file.len() > max_bytes {
            return Err(ApiResponse::invalid_request(&format!(
                "上传文件大小有误: {} bytes, expected 1 to {max_bytes}",
                self.file.len()
            )));
        }
        Ok(())
    }
}
