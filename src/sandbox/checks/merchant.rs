//! Checks that a request is about the merchant that signed it, or about one that it may act for.

use http::StatusCode;
use serde_json::Value;

use super::fields::Fields;
use crate::sandbox::{
    dispatch::{request::Ctx, response::ApiResponse},
    state::merchant::Merchant,
};

const NOT_THE_SIGNER: &str = "is not the merchant that signed the request";

/// Whose order a request is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Acting {
    /// The merchant that receives the money. Its store has the order.
    pub(crate) mchid: String,
    /// The service provider that signed, if it acts for a sub-merchant.
    pub(crate) sp_mchid: Option<String>,
}

impl Acting {
    /// Returns the merchant that signed: the service provider, if there is one.
    pub(crate) fn signer(&self) -> &str {
        self.sp_mchid.as_ref().unwrap_or(&self.mchid)
    }

    /// Returns the signer on its own, whatever sub-merchant it named.
    pub(crate) fn signer_alone(self) -> Self {
        Self {
            mchid: self.sp_mchid.unwrap_or(self.mchid),
            sp_mchid: None,
        }
    }
}

/// Returns whom the signer acts for, by `mchid`, `sp_mchid` and `sub_mchid` of the body. An absent `mchid`
/// or `sp_mchid` means the signer.
pub(crate) fn acting_for(ctx: &Ctx<'_>, fields: &Fields<'_>) -> Result<Acting, ApiResponse> {
    let is_signer = |name: &str| match fields.optional_text(name, 32)? {
        Some(mchid) if mchid != ctx.merchant.mchid => Err(fields.error(name, NOT_THE_SIGNER)),
        _ => Ok(()),
    };
    is_signer("mchid")?;
    is_signer("sp_mchid")?;
    acting(ctx, fields.optional_text("sub_mchid", 32)?)
}

/// Like [`acting_for`], by the values of the query.
pub(crate) fn acting_for_query(ctx: &Ctx<'_>) -> Result<Acting, ApiResponse> {
    for name in ["mchid", "sp_mchid"] {
        if let Some(mchid) = ctx.optional_query(name) {
            check_query_mchid_named(name, mchid, &ctx.merchant.mchid)?;
        }
    }
    acting(ctx, ctx.optional_query("sub_mchid"))
}

/// Returns whom the signer acts for on a path that either is of service providers, who name a sub-merchant, or
/// of merchants, who act for themselves whatever sub-merchant they name.
pub(crate) fn acting_on_path(ctx: &Ctx<'_>, fields: &Fields<'_>) -> Result<Acting, ApiResponse> {
    if !ctx.is_partner() {
        return acting_for(ctx, fields).map(Acting::signer_alone);
    }
    fields.text("sub_mchid", 32)?;
    acting_for(ctx, fields)
}

/// Like [`acting_on_path`], by the values of the query.
pub(crate) fn acting_on_path_by_query(ctx: &Ctx<'_>) -> Result<Acting, ApiResponse> {
    if !ctx.is_partner() {
        return acting_for_query(ctx).map(Acting::signer_alone);
    }
    ctx.query("sub_mchid")?;
    acting_for_query(ctx)
}

/// Returns that the signer acts for this sub-merchant.
pub(crate) fn acting_for_sub(ctx: &Ctx<'_>, sub_mchid: &str) -> Result<Acting, ApiResponse> {
    acting(ctx, Some(sub_mchid))
}

/// Returns whom this merchant acts for if it names a sub-merchant, or none.
fn acting(ctx: &Ctx<'_>, sub_mchid: Option<&str>) -> Result<Acting, ApiResponse> {
    let signer = &ctx.merchant.mchid;
    let Some(sub_mchid) = sub_mchid.filter(|sub_mchid| !sub_mchid.is_empty()) else {
        return Ok(Acting {
            mchid: signer.clone(),
            sp_mchid: None,
        });
    };
    if !ctx.world().may_act_for(signer, sub_mchid) {
        return Err(ApiResponse::error(
            StatusCode::FORBIDDEN,
            "NO_AUTH",
            "特约子商户商户号未授权服务商的产品权限",
        ));
    }
    Ok(Acting {
        mchid: sub_mchid.to_owned(),
        sp_mchid: Some(signer.clone()),
    })
}

/// Checks that the body's `appid` is bound to the merchant.
pub(crate) fn check_appid(fields: &Fields<'_>, merchant: &Merchant) -> Result<(), ApiResponse> {
    check_bound(fields.text("appid", 32)?, merchant)
}

/// Checks that an app is bound to the merchant.
pub(crate) fn check_bound(appid: &str, merchant: &Merchant) -> Result<(), ApiResponse> {
    if merchant.appids.iter().any(|bound| bound == appid) {
        return Ok(());
    }
    let (mchid, bound) = (&merchant.mchid, merchant.appids.join(" and "));
    Err(ApiResponse::error(
        StatusCode::BAD_REQUEST,
        "APPID_MCHID_NOT_MATCH",
        &format!("商户号和appid没有绑定关系: {mchid} is bound to {bound}, not to {appid}"),
    ))
}

/// Checks that the query's `mchid`, already read, is the merchant that signed.
fn check_query_mchid_named(name: &str, queried: &str, mchid: &str) -> Result<(), ApiResponse> {
    if queried == mchid {
        return Ok(());
    }
    Err(ApiResponse::param_error(
        name,
        &Value::from(queried),
        NOT_THE_SIGNER,
        "query",
    ))
}
