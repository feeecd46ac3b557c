//! Coupons of WeChat Pay: the same stocks and coupons as those of APIv3.

use super::reply::{Reply, asked, wrong};
use crate::sandbox::{
    flows::marketing::favor::{self, NewCoupon},
    v2::{V2Ctx, V2Result},
};

/// Sends a coupon to one user.
pub(super) fn send(ctx: &V2Ctx<'_>) -> V2Result {
    let (mchid, stock_id) = (&ctx.merchant.mchid, ctx.text("coupon_stock_id")?);
    favor::find(&ctx.world(), mchid, mchid, stock_id)?;
    let appid = ctx.bound_app("appid")?;
    // The only number that is allowed.
    if ctx.text("openid_count")? != "1" {
        return Err(wrong("openid_count"));
    }
    let openid = ctx.short_text("openid", 64)?;
    let new = NewCoupon {
        creator: mchid,
        sender: mchid,
        stock_id,
        appid,
        openid,
        out_request_no: ctx.text("partner_trade_no")?,
        request: asked(ctx),
    };
    let coupon_id = favor::send(&mut ctx.world(), new, ctx.now)?;
    Ok(Reply::default()
        .echo(ctx, &["device_info"])
        .put("coupon_stock_id", stock_id)
        .put("resp_count", 1)
        .put("success_count", 1)
        .put("failed_count", 0)
        .put("openid", openid)
        .put("ret_code", "SUCCESS")
        .put("coupon_id", coupon_id)
        .put("ret_msg", "")
        .done())
}

/// Returns a stock.
pub(super) fn query_stock(ctx: &V2Ctx<'_>) -> V2Result {
    let (mchid, stock_id) = (&ctx.merchant.mchid, ctx.text("coupon_stock_id")?);
    let world = ctx.world();
    let stock = favor::find(&world, mchid, mchid, stock_id)?;
    let mut reply = Reply::default();
    reply.echo(ctx, &["device_info"]);
    for (name, value) in stock.v2_fields() {
        reply.put(name, value);
    }
    Ok(reply.done())
}

/// Returns a coupon.
pub(super) fn query(ctx: &V2Ctx<'_>) -> V2Result {
    let (mchid, stock_id) = (&ctx.merchant.mchid, ctx.text("stock_id")?);
    let world = ctx.world();
    let stock = favor::find(&world, mchid, mchid, stock_id)?;
    let ids = (ctx.text("openid")?, ctx.text("coupon_id")?);
    let mut reply = Reply::default();
    reply.echo(ctx, &["device_info"]);
    for (name, value) in favor::v2_coupon_fields(&world, stock, ids, ctx.now)? {
        reply.put(name, value);
    }
    Ok(reply.done())
}
