//! Checks that a request is about the merchant that signed it.

use http::StatusCode;
use serde_json::Value;

use super::fields::Fields;
use crate::sandbox::response::ApiResponse;

const NOT_THE_SIGNER: &str = "is not the merchant that signed the request";

/// Checks that the body's `appid` is bound to the merchant.
pub(crate) fn check_appid(
    fields: &Fields<'_>,
    mchid: &str,
    bound: &str,
) -> Result<(), ApiResponse> {
    let appid = fields.text("appid", 32)?;
    if appid == bound {
        return Ok(());
    }
    Err(ApiResponse::error(
        StatusCode::BAD_REQUEST,
        "APPID_MCHID_NOT_MATCH",
        &format!("商户号和appid没有绑定关系: {mchid} is bound to {bound}, not to {appid}"),
    ))
}

/// Checks that the body's `mchid` is the merchant that signed.
// Each operation says where its `mchid` is, so this is not part of the checks on every request:
// pay-score has none, and a query has it in the query string.
pub(crate) fn check_mchid(fields: &Fields<'_>, mchid: &str) -> Result<(), ApiResponse> {
    if fields.text("mchid", 32)? == mchid {
        Ok(())
    } else {
        Err(fields.error("mchid", NOT_THE_SIGNER))
    }
}

/// Checks that the query's `mchid`, already read, is the merchant that signed.
pub(crate) fn check_query_mchid(queried: &str, mchid: &str) -> Result<(), ApiResponse> {
    if queried == mchid {
        return Ok(());
    }
    Err(ApiResponse::param_error(
        "mchid",
        &Value::from(queried),
        NOT_THE_SIGNER,
        "query",
    ))
}
