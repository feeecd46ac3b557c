//! What the sandbox checks in a request: headers, signature and nonce here, then the fields of the
//! body, which each flow reads through [`Fields`](fields::Fields).

mod authorization;
pub(super) mod fields;
pub(super) mod json_body;
pub(super) mod merchant;

use http::{
    HeaderMap, StatusCode,
    header::{ACCEPT, HeaderName, USER_AGENT},
    request::Parts,
};
use serde_json::json;

use self::authorization::{Authorization, SignedMessage};
use super::{
    response::ApiResponse,
    state::{SandboxState, clock::real_now},
};

pub(super) const SCHEME: &str = "WECHATPAY2-SHA256-RSA2048";
pub(super) const SERIAL: HeaderName = HeaderName::from_static("wechatpay-serial");

/// Checks the headers, the signature and the nonce of an APIv3 request.
///
/// `body` is what the signature covers: the whole body, or the `meta` part of an upload.
pub(super) fn check_request(
    state: &SandboxState,
    parts: &Parts,
    body: &[u8],
) -> Result<(), ApiResponse> {
    check_required_headers(&parts.headers)?;
    let authorization = Authorization::from_headers(&parts.headers)?;
    authorization.check(state, real_now())?;

    let target = request_target(parts);
    let message = SignedMessage {
        method: parts.method.as_str(),
        target: &target,
        timestamp: authorization.timestamp,
        nonce: authorization.nonce,
        body,
    };
    if !state
        .keys
        .is_signed_by_merchant(&message.to_bytes(), authorization.signature)
    {
        return Err(message.mismatch_error());
    }
    // Only a request with a valid signature uses up its nonce. Otherwise anyone who can reach the
    // port could block a nonce, or fill the memory, without the key.
    if !state.nonces().use_once(authorization.nonce, real_now()) {
        return Err(ApiResponse::sign_error(
            "Http头Authorization中的nonce_str重复: use a new nonce for every request",
        ));
    }
    check_platform_serial(state, &parts.headers)
}

/// Returns the path and query, byte for byte as they arrived.
// These bytes are what the merchant signed. Decoding and encoding them again could change them.
pub(super) fn request_target(parts: &Parts) -> String {
    let target = parts.uri.path_and_query();
    target.map_or_else(|| "/".to_owned(), |target| target.as_str().to_owned())
}

fn check_required_headers(headers: &HeaderMap) -> Result<(), ApiResponse> {
    let has = |name| headers.get(name).is_some_and(|value| !value.is_empty());
    if has(ACCEPT) && has(USER_AGENT) {
        return Ok(());
    }
    Err(ApiResponse::invalid_request("Http头缺少Accept或User-Agent"))
}

/// Checks that a `Wechatpay-Serial` in the request names one of the platform's keys.
fn check_platform_serial(state: &SandboxState, headers: &HeaderMap) -> Result<(), ApiResponse> {
    let Some(serial) = headers.get(SERIAL) else {
        return Ok(());
    };
    let serial = serial.to_str().unwrap_or_default();
    if state.platform_key(serial).is_some() {
        return Ok(());
    }
    Err(ApiResponse::error_with_detail(
        StatusCode::BAD_REQUEST,
        "PARAM_ERROR",
        "平台证书序列号Wechatpay-Serial错误",
        &json!({
            "field": "Wechatpay-Serial",
            "value": serial,
            "issue": "does not name a key of this platform",
            "location": "header",
        }),
    ))
}
