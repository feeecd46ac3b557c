//! The operations of authorizations, of merchants and of service providers.

use super::{
    Authorization,
    rules::{self, CloseReason, NewAuthorization},
};
use crate::sandbox::{
    checks::{fields::Fields, merchant::check_appid},
    dispatch::{
        request::Ctx,
        response::{ApiResponse, HandlerResult},
    },
    flows::{Route, payouts::payout::not_found, v3},
};

pub(crate) const ROUTES: &[Route] = &[
    v3(
        "POST v3/fund-app/mch-transfer/user-confirm-authorization",
        create,
    ),
    v3(
        "GET v3/fund-app/mch-transfer/user-confirm-authorization/out-authorization-no/{out_authorization_no}",
        query,
    ),
    v3(
        "POST v3/fund-app/mch-transfer/user-confirm-authorization/out-authorization-no/{out_authorization_no}/close",
        close,
    ),
    v3(
        "POST v3/fund-app/mch-transfer/partner/user-confirm-authorizations",
        create,
    ),
    v3(
        "GET v3/fund-app/mch-transfer/partner/user-confirm-authorizations/{out_authorization_no}",
        query,
    ),
    v3(
        "POST v3/fund-app/mch-transfer/partner/user-confirm-authorizations/{out_authorization_no}/close",
        close,
    ),
];

fn create(ctx: &Ctx<'_>) -> HandlerResult {
    let fields = ctx.fields();
    check_appid(&fields, ctx.merchant)?;
    let url = match fields.has("authorization_notify_url") {
        true => "authorization_notify_url",
        false => "notify_url",
    };
    let new = NewAuthorization {
        request: fields.as_map().clone(),
        ..read(ctx, &fields, &fields, url)?
    };
    let created = rules::create(&mut ctx.world(), new, ctx.now)?;
    Ok(ApiResponse::ok(&created.creation_body()))
}

fn query(ctx: &Ctx<'_>) -> HandlerResult {
    let number = ctx.path("out_authorization_no");
    let mut world = ctx.world();
    let authorizations = &world
        .store(&ctx.merchant.mchid)
        .authorization
        .authorizations;
    let known = authorizations.get(number).ok_or_else(not_found)?;
    // Service providers are not asked.
    let asked = match ctx.op.template().contains("/partner/") {
        true => true,
        // Clients write a boolean in a query either way.
        false => matches!(
            ctx.optional_query("is_display_authorization"),
            Some("true" | "1")
        ),
    };
    Ok(ApiResponse::ok(&known.body(asked)))
}

fn close(ctx: &Ctx<'_>) -> HandlerResult {
    let number = ctx.path("out_authorization_no");
    let mut world = ctx.world();
    let reason = CloseReason::Merchant;
    let closed = rules::close(&mut world, &ctx.merchant.mchid, number, reason, ctx.now)?;
    Ok(ApiResponse::ok(&closed.body(true)))
}

/// Reads what is asked for: from the body of a request, and from what is in it about the authorization alone.
pub(super) fn read(
    ctx: &Ctx<'_>,
    body: &Fields<'_>,
    info: &Fields<'_>,
    url: &str,
) -> Result<NewAuthorization, ApiResponse> {
    let number = info.text("out_authorization_no", 32)?;
    if !number.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(info.error("out_authorization_no", "must be letters and digits"));
    }
    let perception = body.optional_text("user_recv_perception", 128)?;
    Ok(NewAuthorization {
        mchid: ctx.merchant.mchid.clone(),
        out_authorization_no: number.to_owned(),
        appid: body.text("appid", 32)?.to_owned(),
        openid: body.text("openid", 64)?.to_owned(),
        scene: body.text("transfer_scene_id", 36)?.to_owned(),
        display_name: info.text("user_display_name", 128)?.to_owned(),
        perception: perception.map(str::to_owned),
        notify_url: info.text(url, 256)?.to_owned(),
        request: info.as_map().clone(),
    })
}

/// Reads the authorization that a transfer asks for beside itself, if it does.
pub(crate) fn asked_for(
    ctx: &Ctx<'_>,
    fields: &Fields<'_>,
) -> Result<Option<NewAuthorization>, ApiResponse> {
    let info = fields.optional_object("authorization_info")?;
    info.map(|info| read(ctx, fields, &info, "authorization_notify_url"))
        .transpose()
}

/// Returns the authorization that a transfer names, by either number.
pub(crate) fn named(ctx: &Ctx<'_>, fields: &Fields<'_>) -> Result<Authorization, ApiResponse> {
    let id = fields.optional_text("authorization_id", 64)?;
    let number = fields.optional_text("out_authorization_no", 32)?;
    let mut world = ctx.world();
    let authorizations = &world
        .store(&ctx.merchant.mchid)
        .authorization
        .authorizations;
    let known = match (id, number) {
        (Some(id), _) => authorizations.find(|known| known.has_id(id)),
        (None, Some(number)) => authorizations.get(number),
        (None, None) => {
            return Err(fields.error("authorization_id", "or out_authorization_no is required"));
        }
    };
    known.cloned().ok_or_else(|| not_found().into())
}
