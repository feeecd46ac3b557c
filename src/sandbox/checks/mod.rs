//! What the sandbox checks in a request: headers, signature and nonce here, then the fields of the
//! body, which each flow reads through [`Fields`](fields::Fields).

pub(super) mod authorization;
pub(super) mod documented;
pub(super) mod fields;
pub(super) mod json_body;
pub(super) mod merchant;
pub(super) mod multipart;
pub(super) mod titles;

use std::sync::Arc;

use http::{
    HeaderMap, StatusCode,
    header::{ACCEPT, HeaderName, USER_AGENT},
    request::Parts,
};

use self::authorization::{Authorization, SignedMessage};
use crate::sandbox::{
    dispatch::response::ApiResponse,
    state::{SandboxState, merchant::Merchant},
};

pub(super) use self::authorization::{claimed_id, claimed_merchant};

pub(super) const SCHEME: &str = "WECHATPAY2-SHA256-RSA2048";
/// Of the paths below `/brand/`.
pub(super) const BRAND_SCHEME: &str = "WECHATPAY-BRAND-SHA256-RSA2048";
/// The refusal of a nonce that the signer used before.
pub(super) const USED_NONCE: &str =
    "Http头Authorization中的nonce_str重复: use a new nonce for every request";
pub(super) const SERIAL: HeaderName = HeaderName::from_static("wechatpay-serial");

/// Checks the Authorization header, the signature and the nonce of an APIv3 request. Returns the merchant
/// that signed.
///
/// `body` is what the signature covers: the whole body, or the `meta` part of an upload. A brand signs the
/// paths of brands, and a merchant all others.
pub(super) fn check_signature(
    state: &SandboxState,
    parts: &Parts,
    is_brand_path: bool,
    body: &[u8],
) -> Result<Arc<Merchant>, ApiResponse> {
    let authorization = Authorization::from_headers(&parts.headers)?;
    let merchant = authorization.check(state, is_brand_path, state.clock.real())?;
    let (_, key) = authorization.key(&merchant);
    let target = request_target(parts);
    let message = SignedMessage {
        method: parts.method.as_str(),
        target: &target,
        timestamp: authorization.timestamp,
        nonce: authorization.nonce,
        body,
    };
    if !key.has_signed(&message.to_bytes(), authorization.signature) {
        return Err(message.mismatch_error());
    }
    // Only a request with a valid signature uses up its nonce. Otherwise anyone who can reach the
    // port could block a nonce, or fill the memory, without the key.
    let nonce = authorization.nonce_of_signer();
    if !state.nonces().use_once(&nonce, state.clock.real()) {
        return Err(ApiResponse::sign_error(USED_NONCE));
    }
    Ok(merchant)
}

/// Checks the other headers of an APIv3 request.
// Not `Wechatpay-Serial`: WeChat Pay minds an unknown one only where it has to decrypt with its key.
pub(super) fn check_headers(headers: &HeaderMap) -> Result<(), ApiResponse> {
    let has = |name| headers.get(name).is_some_and(|value| !value.is_empty());
    if !has(ACCEPT) || !has(USER_AGENT) {
        return Err(ApiResponse::invalid_request("Http头缺少Accept或User-Agent"));
    }
    Ok(())
}

/// 400 for sealed fields without a `Wechatpay-Serial`, as merchants reported it.
pub(super) fn no_platform_serial() -> ApiResponse {
    let message = "HTTP header缺少微信支付平台证书序列号(Wechatpay-Serial)";
    ApiResponse::error(StatusCode::BAD_REQUEST, "PARAM_ERROR", message)
}

/// 400 for a sealed field that cannot be decrypted, as merchants reported it. It does not say which one.
pub(super) fn not_sealed() -> ApiResponse {
    let message = "请确认待处理的消息是否为加密后的密文";
    ApiResponse::error(StatusCode::BAD_REQUEST, "PARAM_ERROR", message)
}

/// 400 for sealed fields without the `Wechatpay-Serial` of a platform key that the merchant has. It has no `detail` on the wire.
pub(super) fn wrong_platform_serial() -> ApiResponse {
    ApiResponse::error(
        StatusCode::BAD_REQUEST,
        "PARAM_ERROR",
        "平台证书序列号Wechatpay-Serial错误",
    )
}

/// Returns the path and query, byte for byte as they arrived.
// These bytes are what the merchant signed. Decoding and encoding them again could change them.
pub(super) fn request_target(parts: &Parts) -> String {
    let target = parts.uri.path_and_query();
    target.map_or_else(|| "/".to_owned(), |target| target.as_str().to_owned())
}
