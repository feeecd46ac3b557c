//! The list of platform certificates, each encrypted under the merchant's APIv3 key.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::{Engine, engine::general_purpose::STANDARD};
use http::StatusCode;
use serde_json::{Value, json};

use super::certificates;
use crate::{
    base::crypto::{Certificate, aead},
    sandbox::{
        dispatch::{
            request::Ctx,
            response::{ApiResponse, HandlerResult},
        },
        flows::{Route, v3},
        state::random::Rng,
        time::format_rfc3339,
    },
};

const ALGORITHM: &str = "AEAD_AES_256_GCM";
const ASSOCIATED_DATA: &str = "certificate";

pub(crate) const ROUTES: &[Route] = &[
    v3("GET v3/certificates", list),
    v3("GET v3/global/certificates", list),
];

fn list(ctx: &Ctx<'_>) -> HandlerResult {
    let lists_rsa = match ctx.optional_query("algorithm_type") {
        None | Some("RSA" | "ALL") => true,
        Some("SM2") => false,
        Some(other) => {
            let issue = "must be RSA, SM2 or ALL";
            return Err(ApiResponse::param_error(
                "algorithm_type",
                &other.into(),
                issue,
                "query",
            ));
        }
    };
    let effective = certificates(ctx.state, ctx.merchant).filter(|_| lists_rsa);
    let mut rng = ctx.state.rng().fork();
    let listed = effective
        .map(|made| entry(&made.certificate, &ctx.merchant.apiv3, &mut rng))
        .collect::<Option<Vec<_>>>()
        .ok_or_else(|| ApiResponse::system_error("cannot encrypt the certificates"))?;
    if listed.is_empty() {
        // As seen on the wire, of March 2026.
        return Err(ApiResponse::error(
            StatusCode::NOT_FOUND,
            "RESOURCE_NOT_EXISTS",
            "无可用的平台证书，请在商户平台-API安全申请使用微信支付公钥。\
             可查看指引https://pay.weixin.qq.com/doc/v3/merchant/4012153196",
        ));
    }
    Ok(ApiResponse::ok(&json!({ "data": listed })).signed_like_certificates())
}

/// Returns the entry of a certificate, or `None` if it cannot be encrypted.
fn entry(certificate: &Certificate, apiv3_key: &str, rng: &mut Rng) -> Option<Value> {
    let key = apiv3_key.as_bytes().try_into().ok()?;
    let nonce = rng.token(12);
    let pem = certificate.to_pem();
    let sealed = aead::seal(
        key,
        nonce.as_bytes(),
        ASSOCIATED_DATA.as_bytes(),
        pem.as_bytes(),
    );
    Some(json!({
        "serial_no": certificate.serial(),
        "effective_time": rfc3339(certificate.not_before())?,
        "expire_time": rfc3339(certificate.not_after())?,
        "encrypt_certificate": {
            "algorithm": ALGORITHM,
            "nonce": nonce,
            "associated_data": ASSOCIATED_DATA,
            "ciphertext": STANDARD.encode(sealed.ok()?),
        },
    }))
}

fn rfc3339(time: SystemTime) -> Option<String> {
    let since = time.duration_since(UNIX_EPOCH).ok()?;
    Some(format_rfc3339(since.as_secs()))
}
