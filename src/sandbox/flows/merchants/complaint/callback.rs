//! The URL at which a merchant is told about complaints.

use serde_json::json;

use crate::{
    protocol::url::host::Origin,
    sandbox::{
        dispatch::{
            refusal::Refusal,
            request::Ctx,
            response::{ApiResponse, HandlerResult},
        },
        state::world::World,
    },
};

/// Registers a URL. The same one again changes nothing.
pub(super) fn create(ctx: &Ctx<'_>) -> HandlerResult {
    let url = read_url(ctx)?;
    set(ctx, url, |known| match known {
        Some(known) if known != url => Err(Refusal::invalid_request("投诉通知回调地址已存在")),
        _ => Ok(()),
    })
}

pub(super) fn update(ctx: &Ctx<'_>) -> HandlerResult {
    let url = read_url(ctx)?;
    set(ctx, url, |known| known.map(drop).ok_or_else(no_url))
}

pub(super) fn query(ctx: &Ctx<'_>) -> HandlerResult {
    let mut world = ctx.world();
    let known = url_of(&mut world, &ctx.merchant.mchid);
    let url = known.as_deref().ok_or_else(no_url)?;
    Ok(body(ctx, url))
}

pub(super) fn delete(ctx: &Ctx<'_>) -> HandlerResult {
    let mut world = ctx.world();
    let known = url_of(&mut world, &ctx.merchant.mchid).take();
    known.ok_or_else(no_url)?;
    Ok(ApiResponse::no_content())
}

fn set(
    ctx: &Ctx<'_>,
    url: &str,
    check: impl FnOnce(Option<&str>) -> Result<(), Refusal>,
) -> HandlerResult {
    let mut world = ctx.world();
    let known = url_of(&mut world, &ctx.merchant.mchid);
    check(known.as_deref())?;
    *known = Some(url.to_owned());
    Ok(body(ctx, url))
}

fn url_of<'a>(world: &'a mut World, mchid: &str) -> &'a mut Option<String> {
    &mut world.store(mchid).complaint.notify_url
}

fn body(ctx: &Ctx<'_>, url: &str) -> ApiResponse {
    ApiResponse::ok(&json!({ "mchid": ctx.merchant.mchid, "url": url }))
}

/// Reads the URL: HTTPS, as documented, or of this machine, where a test receives it.
fn read_url<'a>(ctx: &'a Ctx<'_>) -> Result<&'a str, ApiResponse> {
    let fields = ctx.fields();
    let url = fields.text("url", 255)?;
    match Origin::split(url) {
        Ok((origin, _)) if origin.https || origin.is_loopback() => Ok(url),
        _ => Err(fields.error("url", "must begin with https://")),
    }
}

/// 400 as documented for the query.
fn no_url() -> Refusal {
    Refusal::new(
        400,
        "RESOURCE_NOT_EXISTS",
        "RESOURCE_NOT_EXISTS",
        "查询的通知回调不存在",
    )
}
